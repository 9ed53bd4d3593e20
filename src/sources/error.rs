//! The errors of policies, for the person who wrote them.

use crate::manifest::{ManifestError, Position};
use std::fmt;

/// One error and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    pub file: String,
    /// `None` for an error of the whole file.
    pub at: Option<Position>,
    /// The dotted key. Empty where there is none.
    pub key: String,
    pub message: String,
}

impl SourceError {
    pub(super) fn at(file: &str, at: Position, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: Some(at), key: key.into(), message: message.into() }
    }

    pub(super) fn whole(file: &str, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: None, key: String::new(), message: message.into() }
    }

    pub(super) fn unreadable(file: &str, error: ManifestError) -> Self {
        Self::at(file, error.at, "", error.message)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(Position { line, column }) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// All errors of the policies, one in a line. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceErrors(pub Vec<SourceError>);

impl fmt::Display for SourceErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SourceErrors {}
