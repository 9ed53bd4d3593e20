//! Why a document is not edited.

/// An operation that cannot be made surely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsure {
    /// The index of the operation.
    pub operation: usize,
    /// The byte of the text that it is about.
    pub at: usize,
    pub reason: String,
}

impl Unsure {
    pub(super) fn new(operation: usize, at: usize, reason: impl Into<String>) -> Self {
        Self { operation, at, reason: reason.into() }
    }

    /// A form of YAML that is rare.
    pub(super) fn form(operation: usize, at: usize) -> Self {
        Self::new(operation, at, "podreeve does not edit YAML of this form")
    }
}
