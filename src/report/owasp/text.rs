//! The list as text: what fails and what is unknown first.

use super::{ItemReport, ItemVerdict, OwaspReport};
use crate::report::style::{BOLD, DIM, plural};
use anstyle::{AnsiColor, Style};
use std::cmp::Reverse;
use std::fmt::Write;

/// The most subjects of an item.
const MOST: usize = 5;

#[must_use]
pub fn text(report: &OwaspReport) -> String {
    let mut text = String::new();
    let mut items: Vec<&ItemReport> = report.items.iter().collect();
    items.sort_by_key(|item| Reverse(item.verdict));
    for item in items {
        one(&mut text, item);
    }
    let judged = report.judged;
    let _ = writeln!(
        text,
        "\n{BOLD}93 items{BOLD:#}: {}.",
        ItemVerdict::ALL.map(|verdict| format!("{} {}", report.summary.of(verdict), verdict.as_str())).join(", ")
    );
    let _ = writeln!(
        text,
        "Judged: {}, {}, {}, {}.",
        plural(judged.workloads, "workload"),
        plural(judged.dockerfiles, "Dockerfile"),
        plural(judged.images, "image"),
        plural(judged.nodes, "node")
    );
    text.push_str("`-o html=FILE` writes a page for an auditor, with all subjects.\n");
    text
}

fn one(text: &mut String, item: &ItemReport) {
    let style = style(item.verdict);
    let _ = writeln!(
        text,
        "{:3}  {style}{:14}{style:#}  {}: {} pass, {} fail, {} unknown, {} exempt",
        item.item,
        item.verdict.as_str(),
        item.title,
        item.passes,
        item.failures,
        item.unknowns,
        item.exemptions
    );
    for finding in item.findings.iter().take(MOST) {
        let what = if finding.rule.is_empty() { "" } else { &*finding.rule };
        let values = if finding.found.is_empty() { String::new() } else { format!(": found {}", finding.found) };
        let place = if finding.place.is_empty() { String::new() } else { format!(" at {}", finding.place) };
        let note = finding.note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
        let _ = writeln!(text, "       {} {what}{place}{values}{note}", finding.subject);
    }
    if item.findings.len() > MOST {
        let _ = writeln!(text, "       {DIM}and {} more{DIM:#}", item.findings.len() - MOST);
    }
    for missing in &item.not_judged {
        let _ = writeln!(text, "       {DIM}not judged: {missing}{DIM:#}");
    }
}

fn style(verdict: ItemVerdict) -> Style {
    match verdict {
        ItemVerdict::Fail => AnsiColor::Red.on_default().bold(),
        ItemVerdict::Unknown => AnsiColor::Yellow.on_default(),
        ItemVerdict::Exempt => AnsiColor::Cyan.on_default(),
        ItemVerdict::Pass => AnsiColor::Green.on_default(),
        ItemVerdict::NotApplicable => DIM,
    }
}
