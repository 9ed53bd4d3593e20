//! What a layer, or an image, has: every path once, in order, in little memory.

use super::tar::{Entry, Kind};
use super::{ImageError, limits, paths};
use serde::{Deserialize, Serialize};

/// Paths in the order of [`paths::compare`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Listing {
    /// All paths and targets of links, one behind the other.
    texts: String,
    nodes: Vec<Node>,
}

/// One path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    path: (u32, u16),
    link: (u32, u16),
    pub kind: NodeKind,
    /// The layer that it is from.
    pub layer: u16,
    pub mode: u16,
    pub size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

    const fn new(kind: NodeKind) -> Self {
        Self { path: (0, 0), link: (0, 0), kind, layer: 0, mode: 0, size: 0 }
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

    /// Whether a program in this file runs with the owner or the group of the file.
    pub const fn is_set_id(&self) -> bool {
        matches!(self.kind, NodeKind::File | NodeKind::HardLink) && self.mode & 0o6000 != 0
    }
}

impl Listing {
    /// Adds a path. The last one of two counts.
    pub fn add(&mut self, path: &str, link: &str, node: Node) -> Result<(), ImageError> {
        if self.texts.len() + path.len() + link.len() > limits::PATHS {
            return Err(ImageError::too_large("the paths of the layer", format!("{} bytes", limits::PATHS)));
        }
        let (path, link) = (self.text(path), self.text(link));
        self.nodes.push(Node { path, link, ..node });
        Ok(())
    }

    fn text(&mut self, text: &str) -> (u32, u16) {
        let start = u32::try_from(self.texts.len()).unwrap_or_default();
        self.texts.push_str(text);
        (start, u16::try_from(text.len()).unwrap_or_default())
    }

    fn read(&self, (start, length): (u32, u16)) -> &str {
        let start = start as usize;
        self.texts.get(start..start + usize::from(length)).unwrap_or_default()
    }

    pub fn path(&self, node: &Node) -> &str {
        self.read(node.path)
    }

    pub fn link(&self, node: &Node) -> &str {
        self.read(node.link)
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|node| (self.path(node), node))
    }

    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub const fn len(&self) -> usize {
        self.nodes.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The position of the first path that is not before `path`.
    pub fn position(&self, path: &str) -> usize {
        self.nodes.partition_point(|node| paths::compare(self.path(node), path).is_lt())
    }

    /// The file, folder or link with this path.
    pub fn find(&self, path: &str) -> Option<&Node> {
        let from = self.nodes.get(self.position(path)..)?;
        from.iter().take_while(|node| self.path(node) == path).find(|node| !node.kind.is_mark())
    }

    /// Orders the paths once all are added, and gives hard links what their targets have.
    pub fn finish(&mut self) {
        let Self { texts, nodes } = self;
        let path = |node: &Node| {
            texts.get(node.path.0 as usize..node.path.0 as usize + usize::from(node.path.1)).unwrap_or_default()
        };
        let mark = |node: &Node| if node.kind.is_mark() { node.kind as u8 } else { 2 };
        // Of equal ones the last one stays. The texts of links are in the order of the archive, also after paths were replaced.
        nodes.sort_by(|a, b| {
            paths::compare(path(a), path(b)).then_with(|| mark(a).cmp(&mark(b))).then_with(|| a.link.0.cmp(&b.link.0))
        });
        nodes.reverse();
        nodes.dedup_by(|later, first| path(later) == path(first) && mark(later) == mark(first));
        nodes.reverse();
        nodes.shrink_to_fit();
        self.texts.shrink_to_fit();
        self.share_modes();
    }

    /// A hard link is the same file as its target: what one has, the other has.
    fn share_modes(&mut self) {
        let links: Vec<usize> = (0..self.nodes.len())
            .filter(|at| self.nodes.get(*at).is_some_and(|node| node.kind == NodeKind::HardLink))
            .collect();
        for at in links {
            let Some(link) = self.nodes.get(at).copied() else { continue };
            let target = self.position(self.link(&link));
            let same = |node: &&Node| self.path(node) == self.link(&link) && node.kind == NodeKind::File;
            let Some(offset) =
                self.nodes.get(target..).and_then(|rest| rest.iter().take(3).position(|node| same(&node)))
            else {
                continue;
            };
            let mode = self.nodes.get(target + offset).map_or(0, |node| node.mode) | link.mode;
            for index in [target + offset, at] {
                if let Some(node) = self.nodes.get_mut(index) {
                    (node.mode, node.kind) = (mode, NodeKind::File);
                }
            }
        }
    }

    /// Replaces the paths and orders them again.
    pub fn rename(&mut self, renamed: Vec<(usize, String)>) {
        for (at, path) in renamed {
            let path = self.text(&path);
            if let Some(node) = self.nodes.get_mut(at) {
                node.path = path;
            }
        }
        self.finish();
    }

    /// Takes over a node of another listing.
    pub fn push(&mut self, from: &Self, node: &Node, layer: u16) {
        let (path, link) = (self.text(from.path(node)), self.text(from.link(node)));
        self.nodes.push(Node { path, link, layer, ..*node });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mode: u16) -> Node {
        Node { mode, ..Node::new(NodeKind::File) }
    }

    #[test]
    fn the_last_of_two_entries_counts() {
        let mut listing = Listing::default();
        for (path, mode) in [("b", 1), ("a/b", 2), ("b", 3), ("a", 4), ("a-b", 5)] {
            listing.add(path, "", file(mode)).unwrap();
        }
        listing.add("b", "", Node::WHITEOUT).unwrap();
        listing.finish();
        let found: Vec<_> = listing.iter().map(|(path, node)| (path, node.mode, node.kind.is_mark())).collect();
        assert_eq!(found, [("a", 4, false), ("a/b", 2, false), ("a-b", 5, false), ("b", 0, true), ("b", 3, false)]);
        assert_eq!((listing.find("b").map(|node| node.mode), listing.find("c")), (Some(3), None));
    }

    #[test]
    fn a_hard_link_and_its_target_are_one_file() {
        let mut listing = Listing::default();
        let link = Node { mode: 0o4755, ..Node::new(NodeKind::HardLink) };
        listing.add("a", "b", link).unwrap();
        listing.add("b", "", file(0o755)).unwrap();
        listing.add("c", "elsewhere", link).unwrap();
        listing.finish();
        assert!(listing.find("b").unwrap().is_set_id() && listing.find("a").unwrap().kind == NodeKind::File);
        assert_eq!(listing.find("c").unwrap().kind, NodeKind::HardLink);
    }
}
