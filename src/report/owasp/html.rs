//! The list as one page for an auditor: it needs no other file, and prints as it is.

use super::{ItemFinding, ItemReport, ItemVerdict, OwaspReport};
use crate::report::format::rule_url;
use askama::Template;

/// The most subjects of one item. A page with all of 100,000 would not open; JSON has them.
const MOST: usize = 500;

#[derive(Template)]
#[template(path = "owasp-report.html")]
struct Page<'p> {
    report: &'p OwaspReport,
    tiles: Vec<Tile>,
    items: Vec<Item<'p>>,
    policies: String,
}

struct Tile {
    name: &'static str,
    count: usize,
    style: &'static str,
}

struct Item<'p> {
    report: &'p ItemReport,
    verdict: &'static str,
    style: &'static str,
    rules: Vec<(&'static str, String)>,
    rows: Vec<Row<'p>>,
    more: usize,
}

struct Row<'p> {
    finding: &'p ItemFinding,
    verdict: &'static str,
    style: &'static str,
}

#[must_use]
pub fn html(report: &OwaspReport) -> String {
    let tile = |verdict: ItemVerdict| Tile {
        name: verdict.as_str(),
        count: report.summary.of(verdict),
        style: if report.summary.of(verdict) > 0 { style(verdict) } else { "" },
    };
    let page = Page {
        report,
        tiles: ItemVerdict::ALL.map(tile).into(),
        items: report.items.iter().map(item).collect(),
        policies: report.policies.join(", "),
    };
    // Rendering to a string cannot fail.
    page.render().unwrap_or_default()
}

fn item(report: &ItemReport) -> Item<'_> {
    Item {
        report,
        verdict: report.verdict.as_str(),
        style: style(report.verdict),
        rules: report.rules.iter().map(|rule| (*rule, rule_url(rule))).collect(),
        rows: report.findings.iter().take(MOST).map(row).collect(),
        more: report.findings.len().saturating_sub(MOST),
    }
}

fn row(finding: &ItemFinding) -> Row<'_> {
    Row { finding, verdict: finding.verdict.as_str(), style: style(finding.verdict) }
}

const fn style(verdict: ItemVerdict) -> &'static str {
    match verdict {
        ItemVerdict::Fail => "denied",
        ItemVerdict::Unknown => "warning",
        ItemVerdict::Exempt | ItemVerdict::NotApplicable => "other",
        ItemVerdict::Pass => "good",
    }
}
