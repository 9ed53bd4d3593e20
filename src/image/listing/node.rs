//! One path of a listing.

use crate::image::tar::{Entry, Kind};

/// One path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    pub(super) path: u32,
    pub(super) link: u32,
    /// The place in the archive of its layer.
    pub(super) order: u32,
    pub(super) path_length: u16,
    pub(super) link_length: u16,
    pub kind: NodeKind,
    /// The layer that it is from.
    pub layer: u16,
    pub mode: u16,
    pub size: u64,
}

/// An entry of an image: its layer, and its place in the archive of the layer. A path may come twice, and an entry cannot.
pub type Origin = (u16, u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeKind {
    /// Removes the path of the layers below.
    Whiteout,
    /// Removes everything below the path of the layers below.
    Opaque,
    File,
    Folder,
    Symlink,
    /// To a file that is not in the same layer.
    HardLink,
    Other,
}

impl NodeKind {
    pub const fn is_mark(self) -> bool {
        matches!(self, Self::Whiteout | Self::Opaque)
    }
}

impl Node {
    pub const WHITEOUT: Self = Self::new(NodeKind::Whiteout);
    pub const OPAQUE: Self = Self::new(NodeKind::Opaque);

    pub(super) const fn new(kind: NodeKind) -> Self {
        Self { path: 0, link: 0, order: 0, path_length: 0, link_length: 0, kind, layer: 0, mode: 0, size: 0 }
    }

    pub fn of(entry: &Entry) -> Self {
        let kind = match entry.kind {
            Kind::File => NodeKind::File,
            Kind::Folder => NodeKind::Folder,
            Kind::Symlink => NodeKind::Symlink,
            Kind::HardLink => NodeKind::HardLink,
            Kind::Other => NodeKind::Other,
        };
        let size = if entry.kind == Kind::File { entry.size } else { 0 };
        Self { mode: u16::try_from(entry.mode).unwrap_or_default(), size, ..Self::new(kind) }
    }

    /// Grows from one entry of a layer to the next.
    pub const fn order(&self) -> u32 {
        self.order
    }

    /// Which entry of the image it is. Only the root of an image knows the layers of its nodes.
    pub const fn origin(&self) -> Origin {
        (self.layer, self.order)
    }

    /// Whether it is a hard link: it has no content of its own, and names its target.
    pub const fn is_hard_link(&self) -> bool {
        match self.kind {
            NodeKind::HardLink => true,
            NodeKind::File => self.size == 0 && self.link_length > 0,
            _ => false,
        }
    }

    /// Whether a program in this file runs with the owner or the group of the file.
    pub const fn is_set_id(&self) -> bool {
        matches!(self.kind, NodeKind::File | NodeKind::HardLink) && self.mode & 0o6000 != 0
    }
}
