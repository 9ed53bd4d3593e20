//! Layers laid over each other, as container runtimes unpack them.

use super::facts::Sized;
use super::listing::{Listing, Node, NodeKind};
use super::{paths, root};
use std::borrow::Cow;

/// The largest files that are kept of what is wasted.
const LARGEST: usize = 20;

/// The root so far.
#[derive(Debug, Default)]
pub struct Overlay {
    pub root: Listing,
    layers: u16,
    /// Bytes of each layer that later layers overwrite or delete.
    pub wasted: Vec<u64>,
    pub wasted_files: Vec<Sized>,
    /// Paths that each layer removes of those below.
    pub removed: Vec<usize>,
}

/// What a layer removes of those below: everything below a path, and perhaps the path itself.
struct Removed<'u> {
    folder: &'u str,
    itself: bool,
}

impl Removed<'_> {
    fn covers(&self, path: &str) -> bool {
        paths::is_below(path, self.folder) || (self.itself && path == self.folder)
    }
}

impl Overlay {
    /// Lays a layer over the root.
    pub fn add(&mut self, upper: &Listing) {
        let upper = in_real_folders(upper, &self.root);
        let lower = std::mem::take(&mut self.root);
        let layer = self.layers;
        self.layers = self.layers.saturating_add(1);
        self.wasted.push(0);
        self.removed.push(0);
        let mut below = lower.nodes().iter().peekable();
        let mut removed: Option<Removed<'_>> = None;
        for (path, node) in upper.iter() {
            while let Some(old) = below.next_if(|old| paths::compare(lower.path(old), path).is_lt()) {
                self.keep_or_drop(&lower, old, removed.as_ref());
            }
            let replaced = below.next_if(|old| !node.kind.is_mark() && lower.path(old) == path);
            if let Some(old) = replaced {
                let is_removed = removed.as_ref().is_some_and(|removed| removed.covers(path));
                self.replace(&lower, old, is_removed || node.kind != NodeKind::Folder || old.kind != NodeKind::Folder);
            }
            let hides_below = match node.kind {
                NodeKind::Folder => replaced.is_some_and(|old| old.kind != NodeKind::Folder),
                _ => true,
            };
            // What is removed already stays removed.
            if hides_below && !removed.as_ref().is_some_and(|removed| removed.covers(path)) {
                removed = Some(Removed { folder: path, itself: node.kind == NodeKind::Whiteout });
            }
            if !node.kind.is_mark() {
                self.root.push(&upper, node, layer);
            }
        }
        for old in below {
            self.keep_or_drop(&lower, old, removed.as_ref());
        }
    }

    fn keep_or_drop(&mut self, lower: &Listing, old: &Node, removed: Option<&Removed<'_>>) {
        if removed.is_some_and(|removed| removed.covers(lower.path(old))) {
            if let Some(count) = self.removed.last_mut() {
                *count += 1;
            }
            self.waste(lower, old);
        } else {
            self.root.push(lower, old, old.layer);
        }
    }

    fn replace(&mut self, lower: &Listing, old: &Node, is_other: bool) {
        if is_other {
            self.waste(lower, old);
        }
    }

    fn waste(&mut self, lower: &Listing, old: &Node) {
        if old.size == 0 {
            return;
        }
        if let Some(wasted) = self.wasted.get_mut(usize::from(old.layer)) {
            *wasted = wasted.saturating_add(old.size);
        }
        let files = &mut self.wasted_files;
        if files.len() < LARGEST || files.last().is_some_and(|last| last.bytes < old.size) {
            let at = files.partition_point(|file| file.bytes >= old.size);
            files.insert(at, Sized { path: lower.path(old).to_owned(), bytes: old.size });
            files.truncate(LARGEST);
        }
    }
}

/// The layer with its paths below real folders: what it has below a link is where the link leads to.
fn in_real_folders<'u>(upper: &'u Listing, lower: &Listing) -> Cow<'u, Listing> {
    let link = |path: &str| match upper.find(path) {
        Some(node) => (node.kind == NodeKind::Symlink).then(|| upper.link(node)),
        None => root::link_at(lower, path),
    };
    let mut renamed = Vec::new();
    let mut last: Option<(&str, Option<String>)> = None;
    for (at, (path, _)) in upper.iter().enumerate() {
        let (folder, name) = paths::split(path);
        if folder.is_empty() {
            continue;
        }
        if last.as_ref().is_none_or(|(seen, _)| *seen != folder) {
            let real = root::resolve(folder, true, link).filter(|real| real != folder);
            last = Some((folder, real));
        }
        if let Some((_, Some(real))) = &last {
            renamed.push((at, paths::join(real, name)));
        }
    }
    if renamed.is_empty() {
        return Cow::Borrowed(upper);
    }
    let mut copy = upper.clone();
    copy.rename(renamed);
    Cow::Owned(copy)
}

#[cfg(test)]
mod tests;
