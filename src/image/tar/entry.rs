//! An entry of an archive.

use super::header::{Block, broken};
use super::pax::Pax;
use crate::image::{ImageError, limits, paths};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    #[default]
    File,
    Folder,
    Symlink,
    HardLink,
    /// Devices, pipes, and what no runtime unpacks.
    Other,
}

/// The header of an entry, with what its extended headers say.
#[derive(Debug, Clone, Default)]
pub struct Entry {
    /// Below the root, without `.` and `..`; empty for the root itself.
    pub path: String,
    /// The target of a link: as it is written for a symlink, below the root for a hard link.
    pub link: String,
    pub kind: Kind,
    pub mode: u32,
    /// The bytes of the file as it is unpacked.
    pub size: u64,
    /// The extended attribute `security.capability`.
    pub capability: Option<Vec<u8>>,
}

impl Entry {
    pub(super) fn new(block: &Block, path: &[u8], link: &[u8], pax: Pax) -> Result<Self, ImageError> {
        if path.len() > limits::PATH || link.len() > limits::PATH {
            return Err(ImageError::too_large("a path of the layer", format!("{} bytes", limits::PATH)));
        }
        let written = String::from_utf8_lossy(path);
        let kind = match block.type_flag() {
            // Before ustar, a folder was a file whose name ends with a slash.
            0 if written.ends_with('/') => Kind::Folder,
            b'0' | 0 | b'7' | b'S' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'5' => Kind::Folder,
            _ => Kind::Other,
        };
        if written.contains('\0') {
            return Err(broken("a path has a NUL"));
        }
        let link = String::from_utf8_lossy(link);
        Ok(Self {
            path: paths::clean(&written),
            link: if kind == Kind::HardLink { paths::clean(&link) } else { link.into_owned() },
            kind,
            mode: block.mode() & 0o7777,
            size: 0,
            capability: pax.capability,
        })
    }
}
