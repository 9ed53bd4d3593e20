//! Where the members and elements of a collection begin.

use crate::manifest::layout::Part;
use crate::manifest::lines::{before, line_start, skip_comments};

/// The dash of each element. Empty if one is not found.
pub fn dashes(text: &str, list: &Part, items: &[Part]) -> Vec<usize> {
    let mut at = list.span.start;
    let mut dashes = Vec::with_capacity(items.len());
    for item in items {
        let dash = skip_comments(text, at);
        if text.as_bytes().get(dash) != Some(&b'-') {
            return Vec::new();
        }
        dashes.push(dash);
        at = item.span.end.max(dash + 1);
    }
    dashes
}

/// The white space before each member or element, if each has a line of its own.
pub fn lines(text: &str, begins: impl Iterator<Item = usize>) -> Option<&str> {
    let mut first = None;
    for begin in begins {
        let indent = before(text, begin);
        if !indent.trim().is_empty() || line_start(text, begin) == 0 {
            return None;
        }
        first = first.or(Some(indent));
    }
    first
}
