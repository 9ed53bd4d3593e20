//! The report as text: by rule, failures first, each with the command that repairs it.

use super::{NodeReport, NodeResultReport};
use crate::decide::Effect;
use crate::report::style::{BOLD, DIM, style_of};
use crate::rule::VerdictKind;
use std::fmt::Write;

/// The report as text. `all` also shows what passes, what is not applicable, and failures that an operator need not act on.
/// `place` says of which host the commands are, if that is not the reader's own.
#[must_use]
pub fn text(report: &NodeReport, all: bool, place: Option<&str>) -> String {
    let system = if report.system.is_empty() { String::new() } else { format!("{}, ", report.system) };
    let head = format!("{system}read at {}", report.taken);
    let mut text = format!("{BOLD}node {}{BOLD:#}  {DIM}{head}{DIM:#}\n", report.node);
    if let Some(place) = place.filter(|_| report.results.iter().any(|result| result.fix.is_some())) {
        let _ = writeln!(text, "{place}");
    }
    for rule in report.by_rule() {
        let shown: Vec<&NodeResultReport> = rule
            .into_iter()
            .filter(|result| all || result.needs_attention() || result.verdict == VerdictKind::Unknown)
            .collect();
        if let Some(first) = shown.first() {
            let _ = writeln!(text, "\n{BOLD}{}{BOLD:#}: {}", first.rule, first.why);
        }
        for result in shown {
            line(&mut text, result);
        }
    }
    let _ = write!(text, "\n{}", summary(report));
    text.push_str(if all { "\n" } else { " (--all shows all)\n" });
    if report.lacks_rights() {
        text.push_str("Some of it is unknown because podreeve may not read it: run it as root, which changes nothing on the host.\n");
    }
    text
}

/// The totals in one line.
#[must_use]
pub fn summary(report: &NodeReport) -> String {
    let summary = &report.summary;
    format!(
        "{} failed ({} denied, {} warned, {} for audit, {} exempt), {} passed, {} not applicable, {} unknown",
        summary.fail,
        summary.denied,
        summary.warned,
        summary.audited,
        summary.exempt,
        summary.pass,
        summary.not_applicable,
        summary.unknown
    )
}

fn line(text: &mut String, result: &NodeResultReport) {
    let NodeResultReport { subject, found, severity, .. } = result;
    let source = result.source.as_ref().map(|source| format!(" {DIM}({source}){DIM:#}")).unwrap_or_default();
    let Some(effect) = result.effect else {
        let word = match result.verdict {
            VerdictKind::NotApplicable => "not applicable",
            other => other.as_str(),
        };
        let _ = writeln!(text, "  {DIM}{word}{DIM:#}  {subject}: {found}{source}");
        return;
    };
    let colour = style_of(effect);
    let word = if effect == Effect::Deny { "fail" } else { effect.as_str() };
    let wanted = result.wanted.as_deref().unwrap_or_default();
    let note = result.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let _ = writeln!(
        text,
        "  {colour}{word}{colour:#} {severity}  {subject}: found {found}{source}, wanted {wanted}{note}"
    );
    match (&result.exemption, &result.fix) {
        (Some(exemption), _) => {
            let until = exemption.until.map(|until| format!(", until {until}")).unwrap_or_default();
            let _ = writeln!(text, "    exempt: {}{until}", exemption.reason);
        }
        (None, Some(fix)) => {
            let _ = writeln!(text, "    fix: {fix}");
        }
        (None, None) => {}
    }
}
