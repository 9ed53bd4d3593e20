//! `podreeve rules --owasp`: how podreeve answers each item of the OWASP list.

use super::default_action::default_action;
use crate::policy::Action;
use crate::rule::Rule;
use crate::rules::owasp::{ITEMS, Item, Where};
use serde::Serialize;
use std::fmt::Write;

/// How podreeve answers an item with the built-in policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// A rule denies or repairs what violates it.
    Enforced,
    /// Rules report what violates it, and let it in.
    Reported,
    /// No request shows it, and a command reports it.
    Command,
    /// Rules that cite it exist, and the built-in policy does not switch them on.
    Off,
}

const ALL: [(Status, &str, &str); 4] = [
    (Status::Enforced, "enforced", "a rule denies or repairs it in the built-in policy `owasp`"),
    (Status::Reported, "reported", "the built-in policy only warns or audits"),
    (Status::Command, "command", "no request shows it, and the named command reports it"),
    (Status::Off, "off", "there is a rule, which a policy of your own must switch on"),
];

impl Status {
    #[must_use]
    pub fn word(self) -> &'static str {
        ALL.iter().find(|(status, ..)| *status == self).map_or("", |(_, word, _)| word)
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    pub item: u8,
    pub title: &'static str,
    pub status: Status,
    /// The rules that cite it, and what the built-in policy does with each.
    pub rules: Vec<Cited>,
    /// What podreeve does for it apart from rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// Places of the list where no rule judges it.
    pub open: Vec<&'static str>,
    /// What no rule sees of it.
    pub limit: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cited {
    pub rule: &'static str,
    pub action: Action,
    /// `pod`, `exec`, `image`, `file` or `node`.
    pub place: &'static str,
    /// The commands that judge by it.
    pub commands: &'static [&'static str],
}

#[derive(Debug, Serialize)]
pub struct Operation {
    pub what: &'static str,
    pub command: &'static str,
}

#[must_use]
pub fn rows() -> Vec<Row> {
    ITEMS.iter().map(row).collect()
}

fn row(item: &Item) -> Row {
    let rules: Vec<(&Rule, Action)> = item.rules().map(|rule| (rule, default_action(rule))).collect();
    // What no rule of a place judges stays open there.
    let judged = |at: Where| at == Where::Ops || rules.iter().any(|(rule, _)| is_judged(rule, at));
    let open = item.at.iter().filter(|at| !judged(**at));
    let cited = |&(rule, action): &(&Rule, Action)| {
        let (place, commands) = rule.runs();
        Cited { rule: rule.id, action, place: place.as_str(), commands }
    };
    Row {
        item: item.number,
        title: item.title,
        status: status(&rules),
        rules: rules.iter().map(cited).collect(),
        operation: item.operation().map(|(what, command)| Operation { what, command }),
        open: open.map(|at| at.as_str()).collect(),
        limit: item.limit(),
    }
}

fn status(rules: &[(&Rule, Action)]) -> Status {
    // What is in an image shows in a request only where podreeve may read registries.
    let of = |requests: bool| rules.iter().filter(move |(rule, _)| rule.pod().is_some() == requests);
    match of(true).map(|(_, action)| *action).max() {
        Some(Action::Deny | Action::Patch) => Status::Enforced,
        Some(Action::Warn | Action::Audit) => Status::Reported,
        Some(Action::Off) | None if of(false).any(|(_, action)| *action != Action::Off) => Status::Command,
        Some(Action::Off) | None => Status::Off,
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

/// What answers: the action of a rule of requests, and the command of any other rule.
fn answers(row: &Row) -> String {
    let rule = |cited: &Cited| match (cited.place, cited.commands) {
        ("pod" | "exec", _) | (_, []) => format!("{} ({})", cited.rule, cited.action),
        (_, [command, ..]) => format!("{} ({command})", cited.rule),
    };
    let mut answers: Vec<String> = row.rules.iter().map(rule).collect();
    answers.extend(row.operation.iter().map(|operation| format!("{} ({})", operation.what, operation.command)));
    answers.join(", ")
}

#[must_use]
pub fn table(rows: &[Row]) -> String {
    let mut text = format!("{:>4}  {:9}  ANSWERED BY\n", "ITEM", "STATUS");
    for row in rows {
        let _ = write!(text, "{:4}  {:9}  {}\n{:17}{}", row.item, row.status.word(), row.title, "", answers(row));
        if !row.open.is_empty() {
            let _ = write!(text, "; no rule judges it at: {}", row.open.join(", "));
        }
        text.push('\n');
    }
    text.push('\n');
    for (status, word, meaning) in ALL {
        let count = rows.iter().filter(|row| row.status == status).count();
        let _ = writeln!(text, "{count:4}  {word:9}  {meaning}");
    }
    text + "\n`podreeve owasp` fills the list in for your manifests, your cluster, your images and your nodes.\n"
}
