//! The last line of the text.

use crate::report::format::Ending;
use crate::report::style::plural;
use crate::text::clean;
use std::fmt::Write;

/// The verdicts in one line: `3 objects: 1 denied, 2 admitted; 1 file with an error`.
#[must_use]
pub fn line(ending: &Ending<'_>) -> String {
    let summary = ending.summary;
    let mut text = plural(summary.objects, "object");
    if summary.objects > 0 {
        let _ = write!(
            text,
            ": {} denied, {} repaired, {} with warnings, {} admitted",
            summary.denied, summary.patched, summary.warned, summary.allowed
        );
    }
    if summary.baseline > 0 {
        let _ = write!(text, "; {} in the baseline", plural(summary.baseline, "known violation"));
    }
    if summary.passed_over > 0 {
        let _ = write!(text, "; {} passed over", summary.passed_over);
    }
    if summary.errors > 0 {
        let _ = write!(text, "; {} could not be read, see the errors", summary.errors);
    }
    if let Some(settings) = ending.settings {
        let _ = write!(text, "; settings of {}", clean(settings, 4096));
    }
    text
}
