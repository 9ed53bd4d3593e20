//! The report as a page: one file that needs no other.

use super::{NodeReport, NodeResultReport};
use crate::decide::Effect;
use crate::report::format::rule_url;
use crate::rule::VerdictKind;
use crate::rules;
use askama::Template;

#[derive(Template)]
#[template(path = "node-report.html")]
struct Page<'p> {
    verdict: &'static str,
    style: &'static str,
    report: &'p NodeReport,
    tiles: [(&'static str, usize); 5],
    rules: Vec<Rule<'p>>,
    version: &'static str,
}

struct Rule<'p> {
    id: &'static str,
    title: &'static str,
    why: &'static str,
    url: String,
    open: bool,
    failed: usize,
    rows: Vec<Row<'p>>,
}

struct Row<'p> {
    result: &'p NodeResultReport,
    word: String,
    style: &'static str,
    details: String,
}

/// The page, with all results: those that pass are the evidence.
#[must_use]
pub fn html(report: &NodeReport) -> String {
    let summary = &report.summary;
    let (verdict, style) = match (summary.denied, summary.warned) {
        (0, 0) => ("this node follows the policies, as far as it is known", "good"),
        (0, _) => ("this node follows the policies, with warnings", "warning"),
        _ => ("this node violates the policies", "denied"),
    };
    let page = Page {
        verdict,
        style,
        report,
        tiles: [
            ("failed", summary.fail),
            ("exempt", summary.exempt),
            ("passed", summary.pass),
            ("unknown", summary.unknown),
            ("not applicable", summary.not_applicable),
        ],
        rules: report.by_rule().into_iter().filter_map(rule).collect(),
        version: env!("CARGO_PKG_VERSION"),
    };
    // Rendering to a string cannot fail.
    page.render().unwrap_or_default()
}

fn rule(results: Vec<&NodeResultReport>) -> Option<Rule<'_>> {
    let first = results.first()?;
    let failed = results.iter().filter(|result| result.needs_attention()).count();
    Some(Rule {
        id: first.rule,
        title: rules::find(first.rule).map_or("", |rule| rule.title),
        why: first.why,
        url: rule_url(first.rule),
        open: failed > 0,
        failed,
        rows: results.into_iter().map(row).collect(),
    })
}

fn row(result: &NodeResultReport) -> Row<'_> {
    let (word, style) = match (result.verdict, result.effect) {
        (VerdictKind::Fail, Some(Effect::Deny)) => (format!("fail, {}", result.severity), "denied"),
        (VerdictKind::Fail, Some(Effect::Warn)) => (format!("warn, {}", result.severity), "warning"),
        (VerdictKind::Fail, effect) => (effect.map_or("fail", Effect::as_str).to_owned(), "other"),
        (VerdictKind::Pass, _) => ("pass".to_owned(), "good"),
        (VerdictKind::Unknown, _) => ("unknown".to_owned(), "warning"),
        (VerdictKind::NotApplicable, _) => ("not applicable".to_owned(), "other"),
    };
    let exempt = result.exemption.as_ref().map(|exemption| {
        let until = exemption.until.map(|until| format!(", until {until}")).unwrap_or_default();
        format!("exempt: {}{until}", exemption.reason)
    });
    Row { result, word, style, details: exempt.or_else(|| result.note.clone()).unwrap_or_default() }
}
