//! Errors of policies and exemptions.

use std::fmt;

/// An error of a policy or an exemption, and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// JSON pointer into the document, empty for the document itself.
    pub pointer: String,
    /// The key as users write it: `spec.rules.host-ports.params.allow`.
    pub key: String,
    pub message: String,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.key, self.message) }
    }
}

impl std::error::Error for PolicyError {}

/// All errors of a policy or an exemption. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors(pub Vec<PolicyError>);

impl From<PolicyError> for PolicyErrors {
    fn from(error: PolicyError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if number == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}

impl PolicyError {
    /// An error at the key that these segments lead to.
    #[must_use]
    pub fn at(segments: &[&str], message: impl Into<String>) -> Self {
        Self::at_pointer(pointer(segments), message.into())
    }

    /// An error at a JSON pointer.
    #[must_use]
    pub fn at_pointer(pointer: String, message: String) -> Self {
        Self { key: crate::text::dotted(&pointer), pointer, message }
    }

    /// The same error, of a value that is at `place`.
    #[must_use]
    pub fn below(self, place: &[&str]) -> Self {
        Self::at_pointer(pointer(place) + &self.pointer, self.message)
    }
}

/// The JSON pointer to the key that these segments lead to.
#[must_use]
pub(super) fn pointer(segments: &[&str]) -> String {
    segments.iter().fold(String::new(), |path, segment| path + "/" + &crate::patch::escape(segment))
}
