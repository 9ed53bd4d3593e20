//! What all layers of one image may take together. Each has limits of its own, and an image of a stranger can have hundreds.

use super::layer::Layer;
use super::{ImageError, limits};
use std::io::Read;

/// What is left for the layers that are not read yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Bytes of their archives, with the zeros of sparse files.
    pub bytes: u64,
    /// Entries of their archives.
    pub entries: usize,
    /// Bytes of memory for what is kept of them.
    pub memory: usize,
}

impl Allowance {
    /// For a whole image.
    pub const IMAGE: Self = Self { bytes: limits::IMAGE, entries: limits::IMAGE_ENTRIES, memory: limits::IMAGE_MEMORY };

    /// What is left after this layer.
    #[must_use]
    pub fn after(self, layer: &Layer) -> Self {
        Self {
            bytes: self.bytes.saturating_sub(layer.bytes),
            entries: self.entries.saturating_sub(layer.entries),
            memory: self.memory.saturating_sub(layer.memory()),
        }
    }

    /// # Errors
    /// So many entries are more than is left, or more than one layer may have.
    pub(super) fn check_entries(&self, entries: usize) -> Result<(), ImageError> {
        if entries > limits::ENTRIES {
            return Err(ImageError::too_large("the layer", format!("{} entries", limits::ENTRIES)));
        }
        if entries > self.entries {
            return Err(too_large(format!("{} entries", limits::IMAGE_ENTRIES)));
        }
        Ok(())
    }

    /// # Errors
    /// So many bytes are more than is left.
    pub(super) fn check_bytes(&self, bytes: u64) -> Result<(), ImageError> {
        if bytes > self.bytes {
            return Err(too_large(format!("{} GiB, unpacked", limits::IMAGE >> 30)));
        }
        Ok(())
    }

    /// # Errors
    /// So many bytes of memory are more than is left.
    pub(super) fn check_memory(&self, memory: usize) -> Result<(), ImageError> {
        if memory > self.memory {
            return Err(ImageError::too_large("the list of what the layers have", "what an image may take"));
        }
        Ok(())
    }
}

fn too_large(limit: String) -> ImageError {
    ImageError::too_large("the image, all layers together,", limit)
}

/// A reader of a layer that ends where the allowance does.
pub(super) struct Allowed<R> {
    pub inner: R,
    pub allowance: Allowance,
    pub count: u64,
}

impl<R: Read> Read for Allowed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count = self.count.saturating_add(count as u64);
        self.allowance.check_bytes(self.count)?;
        Ok(count)
    }
}
