//! A change of a text.

use std::ops::Range;

/// A range of a text, and what stands there from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextEdit {
    /// In bytes, without a byte order mark of the file.
    pub range: Range<usize>,
    pub text: String,
}

/// The text with these edits, which are in its order.
#[must_use]
pub fn apply(text: &str, edits: &[TextEdit]) -> String {
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.range.start).unwrap_or_default());
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
