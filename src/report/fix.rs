//! `check --fix`: the edit of each object, made in the text of its file.

mod document;
pub(super) mod hidden;
mod types;
mod unified;

pub use document::{ObjectEdits, edits};
pub use hidden::Hidden;
pub use types::{FixReport, LeftReport, Replacement, TextFix, replacements};
pub use unified::unified;
