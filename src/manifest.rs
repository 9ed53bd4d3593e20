//! Manifests: YAML or JSON text as people keep it in files, with the line of every field.
//!
//! Scalars mean what they mean to kubectl (`sigs.k8s.io/yaml`, which is YAML 1.1: `yes` is true and
//! `0644` is octal). Read them otherwise, and `check` passes a pod that the cluster sees differently.
//! The YAML parser is used in this module and nowhere else.

mod build;
mod node;
mod object;
mod scalar;
mod split;

pub use node::{Content, Member, Node, Position};
pub use object::Object;

use build::Budget;
use std::fmt;

/// A larger file is not a manifest, and reading it would take memory without end.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// One document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its place in the file, from 0; empty documents count.
    pub index: usize,
    pub root: Node,
    /// `{{` stands in its text, as in templates.
    pub has_braces: bool,
}

/// Why a text could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    pub at: Position,
    pub message: String,
    /// The document is no YAML, and `{{` stands in it: it may be a template.
    pub is_template: bool,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.at.line, self.at.column, self.message)
    }
}

impl std::error::Error for ManifestError {}

impl ManifestError {
    pub(crate) fn new(at: Position, message: impl Into<String>) -> Self {
        Self { at, message: message.into(), is_template: false }
    }
}

/// What a file holds: its documents, and what is wrong with those that are not among them.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Without empty ones.
    pub documents: Vec<Document>,
    pub errors: Vec<ManifestError>,
}

/// Reads every document of a file. One that cannot be read hides none of the others.
#[must_use]
pub fn read(bytes: &[u8]) -> Reading {
    let mut reading = Reading::default();
    let text = match decode(bytes) {
        Ok(text) => text,
        Err(error) => {
            reading.errors.push(error);
            return reading;
        }
    };
    let (mut index, mut budget) = (0, Budget::default());
    for chunk in split::chunks(text) {
        let (before, has_braces) = (index, chunk.text.contains("{{"));
        for (part, start) in split::parts(&chunk) {
            let found = reading.documents.len();
            let read = build::documents(part, start, &mut budget, &mut reading.documents);
            for document in reading.documents.iter_mut().skip(found) {
                document.index += index;
                document.has_braces = has_braces;
            }
            match read {
                Ok(count) => index += count,
                Err(error) => {
                    index += 1;
                    reading.errors.push(ManifestError { is_template: error.is_template && has_braces, ..error });
                }
            }
        }
        index = index.max(before + usize::from(chunk.counts));
    }
    reading
}

/// Reads every document of a file; empty ones are left out.
///
/// # Errors
/// The first thing that cannot be read: encoding, syntax, a duplicate key, or a text that is too
/// large, too deep or too often aliased.
pub fn parse(bytes: &[u8]) -> Result<Vec<Document>, ManifestError> {
    let Reading { documents, errors } = read(bytes);
    errors.into_iter().next().map_or(Ok(documents), Err)
}

fn decode(bytes: &[u8]) -> Result<&str, ManifestError> {
    let refuse = |message: &str| Err(ManifestError::new(Position::START, message));
    if bytes.len() > MAX_BYTES {
        return refuse(&format!("the file is larger than {} MiB; split it", MAX_BYTES / 1024 / 1024));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return refuse("the file is UTF-16 (as PowerShell's `>` writes it); save it as UTF-8");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text)),
        Err(error) => {
            let good = bytes.get(..error.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok());
            let at = Position::START.after(good.unwrap_or_default());
            Err(ManifestError::new(at, "the file is not UTF-8 from here on; save it as UTF-8"))
        }
    }
}

/// A value as YAML in block style.
#[must_use]
pub fn to_yaml<T: serde::Serialize>(value: &T) -> String {
    // Writing to a string cannot fail.
    serde_saphyr::to_string(value).unwrap_or_default()
}
