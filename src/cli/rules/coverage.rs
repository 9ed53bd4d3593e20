//! `podreeve rules --owasp`: how far podreeve covers each item of the OWASP list.

use super::default_action::default_action;
use crate::policy::Action;
use crate::rule::Rule;
use crate::rules::owasp::{ITEMS, Item, Where};
use serde::Serialize;
use std::fmt::Write;

/// How far the built-in policy covers an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    /// A rule that cites it denies or repairs.
    Enforced,
    /// Rules that cite it warn or audit.
    Reported,
    /// Rules that cite it exist, and the built-in policy does not switch them on.
    Off,
    /// No pod shows it, and podreeve judges nothing else yet.
    Elsewhere,
    /// Admission could cover it, and no rule does yet.
    NotYet,
}

const ALL: [(Status, &str, &str); 5] = [
    (Status::Enforced, "enforced", "a rule denies or repairs it in the built-in policy `owasp`"),
    (Status::Reported, "reported", "the built-in policy only warns or audits"),
    (Status::Off, "off", "there is a rule, which a policy of your own must switch on"),
    (Status::Elsewhere, "elsewhere", "no pod shows it; check it at the named place, because podreeve does not yet"),
    (Status::NotYet, "not yet", "admission could cover it, and no rule does"),
];

#[derive(Debug, Serialize)]
pub struct Row {
    item: u8,
    title: &'static str,
    status: Status,
    /// The rules that cite it, and what the built-in policy does with each.
    rules: Vec<Cited>,
    /// Where else it must be covered: `image`, `node` and so on.
    open: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Cited {
    rule: &'static str,
    action: Action,
}

pub fn rows() -> Vec<Row> {
    ITEMS.iter().map(row).collect()
}

fn row(item: &Item) -> Row {
    let rules: Vec<(&Rule, Action)> = item.rules().map(|rule| (rule, default_action(rule))).collect();
    // What no rule of a place answers stays open there.
    let judged = |at: Where| rules.iter().any(|(rule, _)| is_judged(rule, at));
    let open = item.at.iter().filter(|at| !judged(**at));
    Row {
        item: item.number,
        title: item.title,
        status: status(item, rules.iter().map(|(_, action)| *action).max()),
        rules: rules.iter().map(|&(rule, action)| Cited { rule: rule.id, action }).collect(),
        open: open.map(|at| at.as_str()).collect(),
    }
}

fn status(item: &Item, strictest: Option<Action>) -> Status {
    match strictest {
        Some(Action::Deny | Action::Patch) => Status::Enforced,
        Some(Action::Warn | Action::Audit) => Status::Reported,
        Some(Action::Off) => Status::Off,
        None if item.at.iter().any(|at| is_admission(*at)) => Status::NotYet,
        None => Status::Elsewhere,
    }
}

/// Whether a rule sees what is at this place.
const fn is_judged(rule: &Rule, at: Where) -> bool {
    match at {
        Where::Pod | Where::Exec | Where::Cluster => rule.pod().is_some(),
        Where::File => rule.file().is_some(),
        Where::Image => rule.judges_images(),
        Where::Node => rule.node().is_some(),
        Where::Ops => false,
    }
}

const fn is_admission(at: Where) -> bool {
    matches!(at, Where::Pod | Where::Exec | Where::Cluster)
}

pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:>4}  {:9}  COVERED BY\n", "ITEM", "STATUS");
    for row in rows {
        let word = ALL.iter().find(|(status, ..)| *status == row.status).map_or("", |(_, word, _)| word);
        let rules: Vec<String> = row.rules.iter().map(|cited| format!("{} ({})", cited.rule, cited.action)).collect();
        let _ = write!(text, "{:4}  {word:9}  {}\n{:17}{}", row.item, row.title, "", rules.join(", "));
        if !row.open.is_empty() {
            let word = if row.rules.is_empty() { "at" } else { "; also at" };
            let _ = write!(text, "{word}: {}", row.open.join(", "));
        }
        text.push('\n');
    }
    text.push('\n');
    for (status, word, meaning) in ALL {
        let count = rows.iter().filter(|row| row.status == status).count();
        let _ = writeln!(text, "{count:4}  {word:9}  {meaning}");
    }
    text
}
