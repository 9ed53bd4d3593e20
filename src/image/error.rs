//! Why an image, or a part of it, cannot be read.

use super::Digest;
use crate::text::clean;

/// An error says what is wrong, and where. The caller adds which image it is.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The source cannot be read.
    #[error("{what} cannot be read: {error}")]
    Read { what: String, error: std::io::Error },
    /// The content is not what its digest promises.
    #[error("{what} has the digest {found} in place of {wanted}: the content was changed or is damaged")]
    WrongDigest { what: String, wanted: Digest, found: Digest },
    /// The content is longer or shorter than its descriptor says.
    #[error("{what} has {found} bytes in place of {wanted}: the content was changed or is damaged")]
    WrongSize { what: String, wanted: u64, found: u64 },
    /// More than is read of one image.
    #[error("{what} is over the limit of {limit}")]
    TooLarge { what: String, limit: String },
    /// The format is violated.
    #[error("{what}: {why}")]
    Malformed { what: String, why: String },
    /// The format is right, and podreeve cannot read it.
    #[error("{what}: {why}")]
    Unsupported { what: String, why: String },
    /// The source lacks what a manifest names.
    #[error("{what} is missing")]
    Missing { what: String },
    /// The same of one layer.
    #[error("{}", of_layer(.digest, .error))]
    Layer { digest: Digest, error: Box<ImageError> },
    /// The arguments choose nothing, or too much.
    #[error("{0}")]
    Choice(String),
    /// The source says why it gives nothing.
    #[error("{0}")]
    Source(String),
}

/// The error with the layer's digest, once.
fn of_layer(digest: &Digest, error: &ImageError) -> String {
    let text = error.to_string();
    if text.contains(digest.as_str()) {
        return text;
    }
    match text.strip_prefix("the layer").filter(|rest| rest.starts_with([' ', ':'])) {
        Some(rest) => format!("the layer {digest}{rest}"),
        None => format!("the layer {digest}: {text}"),
    }
}

impl ImageError {
    pub(super) fn malformed(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Malformed { what: what.into(), why: clean(&why.into(), 300) }
    }

    pub(super) fn too_large(what: impl Into<String>, limit: impl Into<String>) -> Self {
        Self::TooLarge { what: what.into(), limit: limit.into() }
    }

    /// Says in which layer it is.
    pub(super) fn in_layer(self, layer: &super::Descriptor) -> Self {
        Self::Layer { digest: layer.digest.clone(), error: Box::new(self) }
    }

    /// An error of a reader. One of ours that went through a reader comes out as it was.
    #[must_use]
    pub fn read(what: impl Into<String>, error: std::io::Error) -> Self {
        match error.downcast::<Self>() {
            Ok(own) => own,
            Err(error) => Self::Read { what: what.into(), error },
        }
    }
}

impl From<ImageError> for std::io::Error {
    fn from(error: ImageError) -> Self {
        Self::other(error)
    }
}
