//! What a layer, or an image, has: every path once, in order, in little memory.

mod node;

pub use node::{Node, NodeKind, Origin};

use super::{ImageError, limits, paths};
use std::sync::Arc;

/// Paths in the order of [`paths::compare`].
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// All paths and targets of links, one behind the other: one such text, or for a root that of each layer, which they share.
    texts: Vec<Arc<String>>,
    nodes: Vec<Node>,
    /// Entries that a later one of the same layer replaces. Others between the two met them on their way.
    past: Vec<Node>,
}

impl Listing {
    /// How many bytes it takes.
    pub fn memory(&self) -> usize {
        self.bytes() + (self.nodes.len() + self.past.len()) * size_of::<Node>()
    }

    /// How many bytes its texts have.
    fn bytes(&self) -> usize {
        self.texts.iter().map(|texts| texts.len()).sum()
    }

    /// Adds a path, before all are ordered, and returns its place in the archive. The last one of two counts.
    pub fn add(&mut self, path: &str, link: &str, node: Node) -> Result<u32, ImageError> {
        if self.bytes() + path.len() + link.len() > limits::PATHS {
            return Err(ImageError::too_large("the paths of the layer", format!("{} bytes", limits::PATHS)));
        }
        let order = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let ((path, path_length), (link, link_length)) = (self.text(path), self.text(link));
        self.nodes.push(Node { path, link, order, path_length, link_length, ..node });
        Ok(order)
    }

    fn text(&mut self, text: &str) -> (u32, u16) {
        if self.texts.is_empty() {
            self.texts.push(Arc::default());
        }
        let Some(texts) = self.texts.first_mut().map(Arc::make_mut) else { return (0, 0) };
        let start = u32::try_from(texts.len()).unwrap_or_default();
        texts.push_str(text);
        (start, u16::try_from(text.len()).unwrap_or_default())
    }

    pub fn path(&self, node: &Node) -> &str {
        read(&self.texts, node.layer, node.path, node.path_length)
    }

    pub fn link(&self, node: &Node) -> &str {
        read(&self.texts, node.layer, node.link, node.link_length)
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

    /// Entries, also those that were replaced, in the order of the archive.
    pub fn in_order(&self, is_wanted: impl Fn(&Node) -> bool) -> Vec<&Node> {
        let mut all: Vec<&Node> = self.past.iter().chain(&self.nodes).filter(|node| is_wanted(node)).collect();
        all.sort_unstable_by_key(|node| node.order);
        all
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
        let Self { texts, nodes, past } = self;
        let path = |node: &Node| read(texts, node.layer, node.path, node.path_length);
        let mark = |node: &Node| if node.kind.is_mark() { node.kind as u8 } else { 2 };
        // Of equal ones the last one stays. No two have the same order.
        nodes.sort_unstable_by(|a, b| {
            paths::compare(path(a), path(b)).then_with(|| mark(a).cmp(&mark(b))).then_with(|| a.order.cmp(&b.order))
        });
        nodes.reverse();
        nodes.dedup_by(|earlier, last| {
            let is_same = path(earlier) == path(last) && mark(earlier) == mark(last);
            if is_same && last.kind.is_mark() {
                // What comes behind the first mark finds nothing of the layers below.
                last.order = earlier.order;
            } else if is_same {
                past.push(*earlier);
            }
            is_same
        });
        nodes.reverse();
        past.sort_unstable_by(|a, b| paths::compare(path(a), path(b)).then_with(|| a.order().cmp(&b.order())));
        nodes.shrink_to_fit();
        self.texts.iter_mut().filter_map(Arc::get_mut).for_each(String::shrink_to_fit);
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

    /// Makes links of the entries with these places in the archive, to these targets.
    pub fn make_symlinks(&mut self, links: &std::collections::BTreeMap<u32, String>) {
        for at in 0..self.nodes.len() {
            let link = self.nodes.get(at).and_then(|node| links.get(&node.order)).map(|link| self.text(link));
            if let Some(((link, link_length), node)) = link.zip(self.nodes.get_mut(at)) {
                (node.link, node.link_length, node.kind) = (link, link_length, NodeKind::Symlink);
            }
        }
    }

    /// Replaces the paths and orders them again.
    pub fn rename(&mut self, renamed: Vec<(usize, String)>) {
        for (at, path) in renamed {
            let (path, length) = self.text(&path);
            if let Some(node) = self.nodes.get_mut(at) {
                (node.path, node.path_length) = (path, length);
            }
        }
        self.finish();
    }

    /// Empties the list for those that it keeps and those of a layer, which are to be pushed. The texts stay, so that nodes can be kept.
    pub fn take_nodes(&mut self, layer: &Self) -> Vec<Node> {
        self.texts.push(layer.texts.first().cloned().unwrap_or_default());
        let room = self.nodes.len() + layer.nodes.len();
        std::mem::replace(&mut self.nodes, Vec::with_capacity(room))
    }

    /// Puts nodes back that were taken.
    pub fn keep(&mut self, nodes: &[Node]) {
        self.nodes.extend_from_slice(nodes);
    }

    /// Takes over a node of the layer with this number.
    pub fn push(&mut self, node: &Node, layer: u16) {
        self.nodes.push(Node { layer, ..*node });
    }
}

fn read(texts: &[Arc<String>], layer: u16, start: u32, length: u16) -> &str {
    let start = start as usize;
    texts.get(usize::from(layer)).and_then(|texts| texts.get(start..start + usize::from(length))).unwrap_or_default()
}

#[cfg(test)]
mod tests;
