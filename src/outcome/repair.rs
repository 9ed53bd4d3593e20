//! The repair of a request: the merged edit, and what it leaves.

use super::Violation;
use crate::repair::{Diff, Offer, Sign};
use json_patch::PatchOperation;

/// The edits for all violations of an object, merged into one. The result was judged by the same policies.
#[derive(Debug, Clone, Default)]
pub struct Repair {
    pub diff: Diff,
    /// JSON pointer to the part of the object that the diff shows.
    pub at: String,
    /// The violations that have edits, in the order in which [`Diff::by`] counts them.
    pub offers: Vec<Offer>,
    /// The edit as a JSON Patch of the object that was sent. Only reports have it.
    pub operations: Vec<PatchOperation>,
    /// The violations of the repaired object.
    pub left: Vec<Violation>,
    /// For a debug container: the `securityContext` that passes, as the JSON that `kubectl debug --custom` reads.
    pub custom: Option<String>,
}

impl Repair {
    /// How many lines the edit removes or adds.
    #[must_use]
    pub fn changed_lines(&self) -> usize {
        self.diff.lines.iter().filter(|line| line.sign != Sign::Above).count()
    }

    /// Whether there is anything to edit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.diff.lines.is_empty()
    }
}
