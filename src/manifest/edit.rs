//! Edits the text of a document so that it means something else, and leaves everything else of the text as it is: comments,
//! order, indentation, quotes, line ends.
//!
//! What cannot be edited surely is left. [`Editor::makes`] reads the result again: no other value has changed.

mod block;
mod changes;
mod flow;
mod places;
mod render;
mod style;
#[cfg(test)]
mod tests;
mod text_edit;
mod unsure;
mod writer;

use super::build::{self, Budget};
use super::layout::Layout;
use super::{Document, Position, decode};
use changes::Changes;
use json_patch::PatchOperation;
use serde_json::Value;
use std::ops::Range;
use style::Style;
pub use text_edit::{TextEdit, apply};
pub use unsure::Unsure;
use writer::Writer;

/// Edits one document of a file.
#[derive(Debug)]
pub struct Editor<'t> {
    text: &'t str,
    document: &'t Document,
    layout: Layout,
    style: Style,
}

impl<'t> Editor<'t> {
    /// `bytes` is the file that the document was read from.
    #[must_use]
    pub fn new(bytes: &'t [u8], document: &'t Document) -> Option<Self> {
        let text = decode(bytes).ok()?;
        let layout = Layout::of(text, document.part.clone(), document.number)?;
        let style = Style::of(text, &layout.root);
        Some(Self { text, document, layout, style })
    }

    /// The edits that make these operations, whose pointers all lead into the document as it is now: an element keeps its index
    /// although another one is removed. They are in the order of the text.
    ///
    /// # Errors
    /// Which operation cannot be made surely, and why.
    pub fn edits(&self, operations: &[PatchOperation]) -> Result<Vec<TextEdit>, Unsure> {
        let changes = Changes::of(operations)?;
        let mut writer = Writer::new(self.text, &self.layout, &self.style);
        writer.document(&self.document.root, &changes)?;
        writer.finish()
    }

    /// Whether the edits make the operations, one after another, and nothing else.
    #[must_use]
    pub fn makes(&self, edits: &[TextEdit], operations: &[PatchOperation]) -> bool {
        let Document { part, number, root, .. } = self.document;
        let inner: Vec<TextEdit> = edits
            .iter()
            .filter_map(|edit| {
                let Range { start, end } = edit.range;
                Some(TextEdit {
                    range: start.checked_sub(part.start)?..end.checked_sub(part.start)?,
                    text: edit.text.clone(),
                })
            })
            .collect();
        let Some(before) = self.text.get(part.clone()) else { return false };
        let after = apply(before, &inner);
        let read = |text: &str| {
            let mut found = Vec::new();
            build::documents(text, Position::START, &mut Budget::default(), &mut found).ok()?;
            Some(found)
        };
        let (Some(old), Some(new)) = (read(before), read(&after)) else { return false };
        let mut expected: Vec<Value> = old.iter().map(|document| document.root.to_value()).collect();
        let place = old.iter().position(|document| document.number == *number);
        let Some(mine) = place.and_then(|place| expected.get_mut(place)) else { return false };
        *mine = root.to_value();
        inner.len() == edits.len()
            && json_patch::patch(mine, operations).is_ok()
            && new.iter().map(|document| document.root.to_value()).eq(expected)
    }

    /// The position of a byte of the text in the file.
    #[must_use]
    pub fn position(&self, at: usize) -> Position {
        Position::START.after(self.text.get(..at).unwrap_or_default())
    }
}
