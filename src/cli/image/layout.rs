//! An OCI layout in a folder, for the search of signatures.

use crate::image::trust::layout::{Layout, MAX_MANIFEST};
use crate::image_files::open_file;
use crate::workload::image::is_digest;
use std::fs;
use std::io::Read;
use std::path::PathBuf;

/// A folder with `oci-layout`, `index.json` and `blobs/`.
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn read(&self, name: &str, limit: usize) -> Option<Vec<u8>> {
        let limit = u64::try_from(limit).ok()?;
        let mut bytes = Vec::new();
        open_file(&self.path.join(name)).ok()?.take(limit + 1).read_to_end(&mut bytes).ok()?;
        (u64::try_from(bytes.len()).ok()? <= limit).then_some(bytes)
    }
}

impl Layout for Folder {
    fn index(&self) -> Option<Vec<u8>> {
        self.read("index.json", MAX_MANIFEST)
    }

    fn blob(&self, digest: &str, limit: usize) -> Option<Vec<u8>> {
        // A digest names a path: only hexadecimal digits may be in it.
        let (algorithm, hex) = digest.split_once(':').filter(|_| is_digest(digest))?;
        self.read(&format!("blobs/{algorithm}/{hex}"), limit)
    }

    fn small_blobs(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path.join("blobs/sha256")) else { return Vec::new() };
        let small = |entry: &fs::DirEntry| {
            entry.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= MAX_MANIFEST as u64)
        };
        let names =
            entries.flatten().filter(small).map(|entry| format!("sha256:{}", entry.file_name().to_string_lossy()));
        // In an order that every run has.
        let mut digests: Vec<String> = names.filter(|digest| is_digest(digest)).collect();
        digests.sort_unstable();
        digests
    }
}
