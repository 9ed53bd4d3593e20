//! What was not judged, as text: a line for each that may be a mistake, and a count of the rest.

use super::style::BOLD;
use crate::report::{CheckReport, KindCount};
use crate::text::clean;
use std::fmt::Write;

pub fn render(text: &mut String, report: &CheckReport) {
    if report.passed_over.is_empty() && report.without_pod.is_empty() {
        return;
    }
    let lead = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{lead}{BOLD}Passed over{BOLD:#}");
    for passed in &report.passed_over {
        let line = passed.line.map(|line| format!(":{line}")).unwrap_or_default();
        let name = passed.name.as_deref().filter(|name| !name.is_empty());
        let name = name.map(|name| format!("{}: ", clean(name, 253))).unwrap_or_default();
        let _ = writeln!(text, "  {}{line}  {name}{}", clean(&passed.file, 4096), clean(&passed.reason, 1000));
    }
    let kinds: Vec<String> = report
        .without_pod
        .iter()
        .map(|KindCount { api_version, kind, count }| {
            format!("{count} {} {}", clean(api_version, 253), clean(kind, 253))
        })
        .collect();
    if !kinds.is_empty() {
        let _ = writeln!(text, "  without a pod: {}", kinds.join(", "));
    }
}
