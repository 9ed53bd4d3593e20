//! An error in a file: of the file as a whole, or at a position.

use super::style::plural;
use crate::dockerfile::SyntaxError;
use crate::manifest::ManifestError;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// Something that could not be read.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileError {
    pub file: String,
    /// From 1; null for the file as a whole.
    pub line: Option<usize>,
    pub column: Option<usize>,
    pub message: String,
}

impl FileError {
    /// An error of the file as a whole.
    #[must_use]
    pub fn whole(file: &str, message: &str) -> Self {
        Self { file: file.to_owned(), line: None, column: None, message: message.to_owned() }
    }

    /// What is wrong in a Dockerfile.
    #[must_use]
    pub fn in_dockerfile(file: &str, error: &SyntaxError) -> Self {
        let SyntaxError { at, message } = error;
        Self { file: file.to_owned(), line: Some(at.line), column: Some(at.column), message: message.clone() }
    }

    /// The same where the file has further errors, which may come from the first one.
    #[must_use]
    pub fn and_more(mut self, count: usize) -> Self {
        if count > 0 {
            self.message += &format!("; and {} in other lines", plural(count, "error"));
        }
        self
    }

    /// An error at a position in the file.
    #[must_use]
    pub fn at(file: &str, error: &ManifestError) -> Self {
        Self {
            file: file.to_owned(),
            line: Some(error.at.line),
            column: Some(error.at.column),
            message: error.message.clone(),
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.line, self.column) {
            (Some(line), Some(column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.message),
            _ => write!(f, "{}: {}", self.file, self.message),
        }
    }
}
