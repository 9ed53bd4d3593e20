//! What was not judged, as text: a line for each that may be a mistake, and with `--all` a count of the rest.

use crate::report::KindCount;
use crate::report::format::Ending;
use crate::report::style::BOLD;
use crate::text::clean;
use std::fmt::Write;

pub fn render(text: &mut String, ending: &Ending<'_>, all: bool) {
    let kinds = if all || ending.summary.objects == 0 { ending.without_pod } else { &[] };
    if ending.passed_over.is_empty() && kinds.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{BOLD}Passed over{BOLD:#}");
    for passed in ending.passed_over {
        let line = passed.line.map(|line| format!(":{line}")).unwrap_or_default();
        let name = passed.name.as_deref().filter(|name| !name.is_empty());
        let name = name.map(|name| format!("{}: ", clean(name, 253))).unwrap_or_default();
        let _ = writeln!(text, "  {}{line}  {name}{}", clean(&passed.file, 4096), clean(&passed.reason, 1000));
    }
    let kinds: Vec<String> = kinds
        .iter()
        .map(|KindCount { api_version, kind, count }| {
            format!("{count} {} {}", clean(api_version, 253), clean(kind, 253))
        })
        .collect();
    if !kinds.is_empty() {
        let _ = writeln!(text, "  without a pod: {}", kinds.join(", "));
    }
}
