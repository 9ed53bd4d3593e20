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
    /// Entries that a later one of the same layer replaces. Others between the two met them on their way.
    #[serde(default)]
    past: Vec<Node>,
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

    /// Grows from one entry of a layer to the next.
    pub const fn order(&self) -> u32 {
        self.link.0
    }

    /// Whether a program in this file runs with the owner or the group of the file.
    pub const fn is_set_id(&self) -> bool {
        matches!(self.kind, NodeKind::File | NodeKind::HardLink) && self.mode & 0o6000 != 0
    }
}

impl Listing {
    /// How many bytes it takes.
    pub fn memory(&self) -> usize {
        self.texts.len() + (self.nodes.len() + self.past.len()) * size_of::<Node>()
    }

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

    /// All files, folders and links that have had this path, the last one last.
    fn versions(&self, path: &str) -> impl Iterator<Item = &Node> {
        let from = self.past.partition_point(|node| paths::compare(self.path(node), path).is_lt());
        let past = self.past.get(from..).unwrap_or_default().iter().take_while(move |node| self.path(node) == path);
        past.chain(self.find(path))
    }

    /// What had this path when the entry of this order was unpacked.
    pub fn before(&self, path: &str, order: u32) -> Option<&Node> {
        self.versions(path).filter(|node| node.order() < order).last()
    }

    /// Whether the path was a link at some time.
    pub fn was_link(&self, path: &str) -> bool {
        self.versions(path).any(|node| node.kind == NodeKind::Symlink)
    }

    /// Whether a mark before the entry of this order removes the path of the layers below.
    pub fn removes(&self, path: &str, order: u32) -> bool {
        let has = |path: &str, is: fn(NodeKind) -> bool| {
            let from = self.nodes.get(self.position(path)..).unwrap_or_default();
            let mut here = from.iter().take_while(|node| self.path(node) == path);
            here.any(|node| is(node.kind) && node.order() < order)
        };
        let mut folder = path;
        let mut removes = has(path, |kind| kind == NodeKind::Whiteout);
        while !removes && !folder.is_empty() {
            folder = paths::split(folder).0;
            removes = has(folder, NodeKind::is_mark);
        }
        removes
    }

    /// Orders the paths once all are added, and gives hard links what their targets have.
    pub fn finish(&mut self) {
        let Self { texts, nodes, past, .. } = self;
        let path = |node: &Node| {
            texts.get(node.path.0 as usize..node.path.0 as usize + usize::from(node.path.1)).unwrap_or_default()
        };
        let mark = |node: &Node| if node.kind.is_mark() { node.kind as u8 } else { 2 };
        // Of equal ones the last one stays. The texts of links are in the order of the archive, also after paths were replaced.
        nodes.sort_by(|a, b| {
            paths::compare(path(a), path(b)).then_with(|| mark(a).cmp(&mark(b))).then_with(|| a.link.0.cmp(&b.link.0))
        });
        nodes.reverse();
        nodes.dedup_by(|earlier, last| {
            let is_same = path(earlier) == path(last) && mark(earlier) == mark(last);
            if is_same && last.kind.is_mark() {
                // What comes behind the first mark finds nothing of the layers below.
                last.link = earlier.link;
            } else if is_same {
                past.push(*earlier);
            }
            is_same
        });
        nodes.reverse();
        past.sort_by(|a, b| paths::compare(path(a), path(b)).then_with(|| a.order().cmp(&b.order())));
        nodes.shrink_to_fit();
        self.texts.shrink_to_fit();
        self.share_modes();
    }

    /// A hard link is the same file as its target: what one has, the other has. In the order of the archive, a target has what it got
    /// before; backwards, what a link adds goes to its target; and once more, that goes to the other links of the target.
    fn share_modes(&mut self) {
        let is_link = |(_, node): &(usize, &Node)| node.kind == NodeKind::HardLink;
        let mut links: Vec<(u32, usize)> =
            self.nodes.iter().enumerate().filter(is_link).map(|(at, node)| (node.order(), at)).collect();
        links.sort_unstable();
        for backwards in [false, true, false] {
            for index in 0..links.len() {
                let index = if backwards { links.len() - 1 - index } else { index };
                if let Some((_, at)) = links.get(index) {
                    self.share_mode(*at);
                }
            }
        }
    }

    fn share_mode(&mut self, at: usize) {
        let Some(link) = self.nodes.get(at).copied() else { return };
        let target = self.link(&link);
        let is_file = |node: &Node| matches!(node.kind, NodeKind::File | NodeKind::HardLink);
        // A target that a later entry replaces lives on in its links.
        let versions = || self.versions(target).filter(|node| is_file(node));
        let Some(mode) = versions().map(|node| node.mode).reduce(|all, mode| all | mode) else { return };
        let kind = if versions().any(|node| node.kind == NodeKind::File) { NodeKind::File } else { link.kind };
        let from = self.position(target);
        let is_target = |node: &Node| self.path(node) == target && is_file(node);
        let offset = self.nodes.get(from..).and_then(|rest| rest.iter().take(3).position(is_target));
        if let Some(node) = offset.and_then(|offset| self.nodes.get_mut(from + offset)) {
            node.mode |= mode | link.mode;
        }
        if let Some(node) = self.nodes.get_mut(at) {
            (node.mode, node.kind) = (mode | link.mode, kind);
        }
    }

    /// Whether an entry has had this path, or a mark removes it.
    pub fn touches(&self, path: &str) -> bool {
        self.find(path).is_some() || self.removes(path, u32::MAX)
    }

    /// Adds these modes to what the nodes have.
    pub fn add_modes(&mut self, modes: &[(usize, u16)]) {
        for (at, mode) in modes {
            if let Some(node) = self.nodes.get_mut(*at) {
                node.mode |= mode;
            }
        }
    }

    /// Adds the mode to what the file at this path has, if it is of an earlier layer.
    pub fn add_mode(&mut self, path: &str, mode: u16, layer: u16) {
        let from = self.position(path);
        let is_wanted = |node: &Node| node.kind == NodeKind::File && node.layer < layer;
        let is_it = |node: &Node| self.path(node) == path && is_wanted(node);
        if self.nodes.get(from).is_some_and(is_it)
            && let Some(node) = self.nodes.get_mut(from)
        {
            node.mode |= mode;
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
mod tests;
