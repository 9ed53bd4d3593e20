//! The content of one file: searched as it streams by, and kept if it is small and wanted.

use crate::image::ImageError;
use crate::image::limits::CHUNK;
use crate::image::secrets::KeySearch;
use crate::image::tar::{Skip, Tar};

/// Buffers that all files of a layer use.
#[derive(Debug)]
pub struct Content {
    chunk: Vec<u8>,
    kept: Vec<u8>,
}

impl Default for Content {
    fn default() -> Self {
        Self { chunk: vec![0; CHUNK], kept: Vec::new() }
    }
}

impl Content {
    /// Reads the file. Returns the kind of a private key in it, and the whole file if it has at most `keep` bytes.
    pub fn read<R: Skip>(
        &mut self,
        tar: &mut Tar<R>,
        mut search: KeySearch,
        keep: u64,
    ) -> Result<(Option<&'static str>, Option<&[u8]>), ImageError> {
        let is_kept = tar.entry().size <= keep;
        self.kept.clear();
        // One large file must not hold its memory for the rest of the layer.
        self.kept.shrink_to(CHUNK);
        loop {
            let count = tar.read_data(&mut self.chunk)?;
            let part = self.chunk.get(..count).unwrap_or_default();
            if count == 0 {
                break;
            }
            if is_kept {
                self.kept.extend_from_slice(part);
            }
            search.update(part);
        }
        Ok((search.finish(), is_kept.then_some(&self.kept)))
    }
}
