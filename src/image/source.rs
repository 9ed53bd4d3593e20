//! Where an image comes from: an archive, a folder, or a registry.

use super::digest::Hashed;
use super::{Descriptor, ImageError, limits};
use std::io::Read;

/// An image that a source offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its name and tag, if the source has one.
    pub name: Option<String>,
    /// Its index or manifest.
    pub descriptor: Descriptor,
}

/// What reads one blob: its position in the list that was wanted, and its bytes.
pub type Visit<'v> = &'v mut dyn FnMut(usize, &mut dyn Read) -> Result<(), ImageError>;

/// A source of images. It need not verify what it gives: the readers do.
pub trait Source {
    /// The images of the source.
    ///
    /// # Errors
    /// The source cannot be read.
    fn roots(&mut self) -> Result<Vec<Root>, ImageError>;

    /// Reads these blobs, each once, in the order that is cheapest for the source.
    ///
    /// # Errors
    /// A blob is missing or cannot be read, or `visit` fails.
    fn each(&mut self, wanted: &[&Descriptor], visit: Visit<'_>) -> Result<(), ImageError>;

    /// Whether it has the list of `docker save`, which unpacks layers. Known after the roots are.
    fn is_docker_save(&self) -> bool {
        false
    }
}

/// A manifest or a configuration, verified.
///
/// # Errors
/// It is missing, too large, or has another digest.
pub fn small(source: &mut dyn Source, descriptor: &Descriptor) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    source.each(&[descriptor], &mut |_, reader| {
        let mut hashed = Hashed::new(reader, &descriptor.digest, "the manifest or configuration", limits::DOCUMENT);
        hashed.read_to_end(&mut bytes).map_err(|error| ImageError::read(descriptor.digest.as_str(), error))?;
        hashed.verify(&descriptor.digest, descriptor.size).map(|_| ())
    })?;
    Ok(bytes)
}
