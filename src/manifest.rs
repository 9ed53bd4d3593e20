//! Manifests: YAML or JSON text as people keep it in files, with the line of every field.
//!
//! Scalars mean what they mean to kubectl (`sigs.k8s.io/yaml`, which is YAML 1.1: `yes` is true and
//! `0644` is octal). Read them otherwise, and `check` passes a pod that the cluster sees differently.
//! The YAML parser is used in this module and nowhere else.

mod build;
mod node;
mod object;
mod scalar;

pub use node::{Content, Member, Node, Position};
pub use object::Object;

use std::fmt;

/// A larger file is not a manifest, and reading it would take memory without end.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// One document of a file.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its place in the file, from 0; empty documents count.
    pub index: usize,
    pub root: Node,
}

/// Why a text could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManifestError {
    pub at: Position,
    pub message: String,
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.at.line, self.at.column, self.message)
    }
}

impl std::error::Error for ManifestError {}

impl ManifestError {
    pub(crate) fn new(at: Position, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// Reads every document of a file; empty ones are left out.
///
/// # Errors
/// The first thing that cannot be read: encoding, syntax, a duplicate key, or a text that is too
/// large, too deep or too often aliased.
pub fn parse(bytes: &[u8]) -> Result<Vec<Document>, ManifestError> {
    let text = decode(bytes)?;
    let Some(parts) = json_parts(text) else {
        return build::documents(text, Position::START);
    };
    let mut documents = Vec::new();
    let mut start = Position::START;
    for part in parts {
        for mut document in build::documents(part, start)? {
            document.index = documents.len();
            documents.push(document);
        }
        start = start.after(part);
    }
    Ok(documents)
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

/// JSON values one after another, as `jq` prints them, are documents without `---`; each part has
/// the white space before its value. None when the text is not JSON, and then it is read as YAML.
fn json_parts(text: &str) -> Option<Vec<&str>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    let (mut parts, mut start) = (Vec::new(), 0);
    while let Some(value) = stream.next() {
        value.ok()?;
        let end = stream.byte_offset();
        parts.push(text.get(start..end)?);
        start = end;
    }
    Some(parts)
}

/// A value as YAML in block style.
#[must_use]
pub fn to_yaml<T: serde::Serialize>(value: &T) -> String {
    // Writing to a string cannot fail.
    serde_saphyr::to_string(value).unwrap_or_default()
}
