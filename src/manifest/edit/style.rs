//! How the author of a document indents and ends lines.

use crate::manifest::layout::{Part, Shape};
use crate::manifest::lines::{column, same_line};

/// The habits of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    pub newline: &'static str,
    /// How much deeper the keys of a map are than the key that holds it.
    pub step: usize,
    /// How much deeper the dashes of a list are than the key that holds it.
    pub list_step: usize,
    /// JSON without spaces.
    pub compact: bool,
}

impl Style {
    pub fn of(text: &str, root: &Part) -> Self {
        let newline =
            if text.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
        let (mut step, mut list_step) = (None, None);
        look(text, root, &mut step, &mut list_step);
        let step = step.unwrap_or(2);
        Self { newline, step, list_step: list_step.unwrap_or(0), compact: is_compact(text, root) }
    }
}

/// The steps of the first map and the first list that show one.
fn look(text: &str, part: &Part, step: &mut Option<usize>, list_step: &mut Option<usize>) {
    match &part.shape {
        Shape::Map { entries, .. } => {
            for entry in entries {
                let (value, key) = (&entry.value, column(text, entry.key.begin));
                if step.is_some() && list_step.is_some() {
                    return;
                }
                let seen = match &value.shape {
                    Shape::Map { entries, .. } => entries.first().map(|first| (first.key.begin, &mut *step)),
                    Shape::List { flow: false, .. } => Some((value.span.start, &mut *list_step)),
                    Shape::List { items, .. } => items.first().map(|first| (first.begin, &mut *step)),
                    _ => None,
                };
                if let Some((begin, step)) = seen
                    && step.is_none()
                    && !same_line(text, entry.key.begin, begin)
                {
                    *step = column(text, begin).checked_sub(key);
                }
                look(text, value, step, list_step);
            }
        }
        Shape::List { items, .. } => items.iter().for_each(|item| look(text, item, step, list_step)),
        Shape::Scalar(_) | Shape::Alias => {}
    }
}

/// Whether no space follows the first colon, nor the first comma.
fn is_compact(text: &str, root: &Part) -> bool {
    let Shape::Map { flow: true, entries } = &root.shape else { return false };
    let spaced = |from: usize, to: usize| text.get(from..to).is_some_and(|between| between.contains([' ', '\n']));
    entries.first().is_some_and(|first| !spaced(first.key.span.end, first.value.begin))
        && entries.windows(2).all(|pair| match pair {
            [first, second] => !spaced(first.value.span.end, second.key.begin),
            _ => true,
        })
}
