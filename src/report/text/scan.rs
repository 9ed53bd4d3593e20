//! The report of `scan`, as text.

use crate::outcome::Verdict;
use crate::report::style::{BOLD, FOUND_MAX, holder, plural, style_of};
use crate::report::{OwnerReport, ScanSummary, ScanViolation};
use crate::text::clean;
use anstyle::AnsiColor;
use std::fmt::Write;

/// An owner and its findings.
#[must_use]
pub fn owner(owner: &OwnerReport) -> String {
    let mut text = String::new();
    let (style, verdict) = match owner.verdict {
        Verdict::Deny => (AnsiColor::Red.on_default().bold(), "would be denied"),
        Verdict::Patch => (AnsiColor::Cyan.on_default().bold(), "would be repaired"),
        Verdict::Warn => (AnsiColor::Yellow.on_default().bold(), "would be admitted with warnings"),
        Verdict::Allow => (AnsiColor::Green.on_default().bold(), "would be admitted"),
    };
    let (kind, namespace, name) = (clean(&owner.kind, 63), clean(&owner.namespace, 63), clean(&owner.name, 253));
    let _ = writeln!(text, "{BOLD}{kind} {namespace}/{name}{BOLD:#}: {style}{verdict}{style:#}");
    for problem in &owner.problems {
        let _ = writeln!(text, "  it could not be judged: {problem}");
    }
    for violation in &owner.violations {
        line(&mut text, owner, violation);
    }
    text
}

/// One violation in one line: `explain` has the details.
fn line(text: &mut String, owner: &OwnerReport, violation: &ScanViolation) {
    let style = style_of(violation.effect);
    let whose = holder(violation.container.as_deref(), violation.container_kind);
    // The owner's own template does not have this violation.
    let only = if violation.object_kind == owner.kind { "" } else { " (in its pods)" };
    let ScanViolation { effect, rule, severity, field, .. } = violation;
    let (found, wanted) = (clean(&violation.found, FOUND_MAX), clean(&violation.wanted, FOUND_MAX));
    let _ = writeln!(
        text,
        "  {style}{effect:6}{style:#} {BOLD}{rule}{BOLD:#} ({severity}), {whose}{only}: {field}: found {found}, wanted {wanted}",
    );
}

/// The last line of the report.
#[must_use]
pub fn summary(summary: ScanSummary) -> String {
    let ScanSummary { namespaces, objects, owners, denied, patched, warned, allowed, errors } = summary;
    let mut text = format!("{} in {}", plural(objects, "object"), plural(namespaces, "namespace"));
    if owners > 0 {
        let owners = plural(owners, "owner");
        let _ = write!(
            text,
            "; of {owners} {denied} would be denied, {patched} repaired, {warned} warned of, {allowed} admitted"
        );
    }
    if errors > 0 {
        let _ = write!(text, "; {} could not be read", plural(errors, "kind"));
    }
    text + "\n"
}
