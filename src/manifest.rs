//! Manifests: YAML or JSON text from files, with the line of every field.
//!
//! A scalar has the same meaning as for kubectl (`sigs.k8s.io/yaml`, which is YAML 1.1: `yes` is true and
//! `0644` is octal). With another meaning, `check` would judge a pod that differs from the one in the cluster.
//! Only this module uses the YAML parser.

mod build;
mod edit;
mod layout;
mod lines;
mod members;
mod node;
mod object;
mod scalar;
mod split;
mod syntax_error;

pub use edit::{Editor, TextEdit, Unsure, apply};
pub use layout::{Layout, Part, Shape};
pub use node::{Content, Member, Node, Position};
pub use object::Object;

use build::Budget;
use std::fmt;
use std::ops::Range;

/// The largest file that is read. A larger one is no manifest, and would need too much memory.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// One document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its index in the file, from 0. Empty documents count.
    pub index: usize,
    pub root: Node,
    /// Whether its text contains `{{`, as templates do.
    pub has_braces: bool,
    /// The part of the text that it was read from, without a byte order mark of the file, and its number there.
    part: Range<usize>,
    number: usize,
}

/// Why a text could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    pub at: Position,
    pub message: String,
    /// Whether the document may be a template: it is no valid YAML, and it contains `{{`.
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

/// The documents of a file, and the errors of those that cannot be read.
#[derive(Debug, Clone, Default)]
pub struct Reading {
    /// Without empty ones.
    pub documents: Vec<Document>,
    pub errors: Vec<ManifestError>,
}

/// Reads every document of a file, also those after a document that cannot be read.
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
            let offset = part.as_ptr().addr() - text.as_ptr().addr();
            for document in reading.documents.iter_mut().skip(found) {
                document.index += index;
                document.part = offset..offset + part.len();
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

/// Reads every document of a file. Empty ones are left out.
///
/// # Errors
/// The first error: of encoding or syntax, a duplicate key, or a text that is too
/// large, too deep or has too many aliases.
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
