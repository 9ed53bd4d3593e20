//! Layers laid over each other, as container runtimes unpack them.

mod targets;

pub use targets::Target;

use super::facts::Sized;
use super::listing::{Listing, Node, NodeKind, Origin};
use super::{ImageError, limits, paths, root};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;

/// The largest files that are kept of what is wasted.
const LARGEST: usize = 20;

/// Whether the work may go on. The work calls it now and then.
pub type GoesOn<'g> = &'g dyn Fn() -> Result<(), ImageError>;

/// After so many entries the work calls it.
const ASKED: usize = 1 << 12;

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
    /// What the hard links of each layer lead to, by their places in its archive.
    targets: Vec<Vec<(u32, Target)>>,
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

    /// Whether it is the path that stays while all below goes.
    fn spares(&self, path: &str) -> bool {
        !self.itself && path == self.folder
    }
}

impl Overlay {
    /// What a hard link of the root leads to.
    pub fn target(&self, link: Origin) -> Option<&Target> {
        let of_layer = self.targets.get(usize::from(link.0))?;
        let at = of_layer.binary_search_by_key(&link.1, |(order, _)| *order).ok()?;
        of_layer.get(at).map(|(_, target)| target)
    }

    /// Lays a layer over the root.
    ///
    /// # Errors
    /// The work may not go on, or the paths are too long where links lead.
    pub fn add(&mut self, upper: &Listing, goes_on: GoesOn<'_>) -> Result<(), ImageError> {
        let (mut real, changed) = in_real_folders(upper, &self.root, goes_on)?;
        let targets = targets::of(upper, &real, self, goes_on)?;
        let symlinks: BTreeMap<u32, String> = targets.iter().filter_map(Target::as_symlink).collect();
        if !symlinks.is_empty() {
            real.to_mut().make_symlinks(&symlinks);
        }
        self.targets.push(targets);
        if self.root.memory().saturating_add(real.memory()) > limits::IMAGE_MEMORY {
            return Err(ImageError::too_large("the list of what the layers have", "what an image may take"));
        }
        self.lay(&real);
        let layer = self.layers;
        self.layers = self.layers.saturating_add(1);
        for (path, mode) in changed {
            self.root.add_mode(&path, mode, layer);
        }
        Ok(())
    }

    /// What the layer does not touch is taken over in one piece: an image can have hundreds of layers over a large one.
    fn lay(&mut self, upper: &Listing) {
        let below = self.root.take_nodes(upper);
        let mut below = below.as_slice();
        let layer = self.layers;
        self.wasted.push(0);
        self.removed.push(0);
        let mut removed: Option<Removed<'_>> = None;
        for (path, node) in upper.iter() {
            let before = below.partition_point(|old| paths::compare(self.root.path(old), path).is_lt());
            let (old, rest) = below.split_at_checked(before).unwrap_or_default();
            self.keep_or_drop(old, removed.as_ref());
            below = rest;
            let replaced = below.split_first().filter(|(old, _)| !node.kind.is_mark() && self.root.path(old) == path);
            if let Some((old, rest)) = replaced {
                below = rest;
                let is_removed = removed.as_ref().is_some_and(|removed| removed.covers(path));
                if is_removed || node.kind != NodeKind::Folder || old.kind != NodeKind::Folder {
                    self.waste(old);
                }
            }
            let hides_below = match node.kind {
                NodeKind::Folder => replaced.is_some_and(|(old, _)| old.kind != NodeKind::Folder),
                _ => true,
            };
            // What is removed already stays removed.
            if hides_below && !removed.as_ref().is_some_and(|removed| removed.covers(path)) {
                removed = Some(Removed { folder: path, itself: node.kind == NodeKind::Whiteout });
            }
            if !node.kind.is_mark() {
                self.root.push(node, layer);
            }
        }
        self.keep_or_drop(below, removed.as_ref());
    }

    /// Keeps these nodes but for what is removed, which comes first: it is right behind its folder.
    fn keep_or_drop(&mut self, old: &[Node], removed: Option<&Removed<'_>>) {
        let folder = old.first().filter(|node| removed.is_some_and(|removed| removed.spares(self.root.path(node))));
        let (folder, old) = old.split_at_checked(usize::from(folder.is_some())).unwrap_or_default();
        let is_removed = |node: &&Node| removed.is_some_and(|removed| removed.covers(self.root.path(node)));
        let count = old.iter().take_while(is_removed).count();
        let (dropped, kept) = old.split_at_checked(count).unwrap_or_default();
        self.root.keep(folder);
        if let Some(removed) = self.removed.last_mut() {
            *removed += count;
        }
        for node in dropped {
            self.waste(node);
        }
        self.root.keep(kept);
    }

    fn waste(&mut self, old: &Node) {
        if old.size == 0 {
            return;
        }
        if let Some(wasted) = self.wasted.get_mut(usize::from(old.layer)) {
            *wasted = wasted.saturating_add(old.size);
        }
        let files = &mut self.wasted_files;
        if files.len() < LARGEST || files.last().is_some_and(|last| last.bytes < old.size) {
            let at = files.partition_point(|file| file.bytes >= old.size);
            files.insert(at, Sized { path: self.root.path(old).to_owned(), bytes: old.size });
            files.truncate(LARGEST);
        }
    }
}

/// What an entry of this place in the archive finds behind links: the path without them.
fn real_path(
    upper: &Listing,
    lower: &Listing,
    path: &str,
    last: bool,
    order: u32,
    changes: &Cell<bool>,
) -> Option<String> {
    root::resolve(path, last, |path| {
        let below = root::link_at(lower, path);
        if upper.was_link(path) || (below.is_some() && upper.touches(path)) {
            changes.set(true);
        }
        match upper.before(path, order) {
            Some(found) => (found.kind == NodeKind::Symlink).then(|| upper.link(found)),
            None => below.filter(|_| !upper.removes(path, order)),
        }
    })
}

/// The layer with its paths below real folders: what it has below a link is where the link led to when the entry was unpacked. A hard
/// link has what its target has, and the other way round: the second list has what targets of the layers below get.
fn in_real_folders<'u>(
    upper: &'u Listing,
    lower: &Listing,
    goes_on: GoesOn<'_>,
) -> Result<(Cow<'u, Listing>, BTreeMap<String, u16>), ImageError> {
    let (mut renamed, mut links) = (Vec::new(), Vec::new());
    let mut last: Option<(&str, Option<String>)> = None;
    // Whether another entry of the same folder can be at another place.
    let depends_on_order = Cell::new(false);
    let mut length = 0_usize;
    for (at, (path, node)) in upper.iter().enumerate() {
        if at % ASKED == 0 {
            goes_on()?;
        }
        let way = |path: &str, last: bool| real_path(upper, lower, path, last, node.order(), &depends_on_order);
        if node.kind == NodeKind::HardLink {
            let target = way(upper.link(node), false).unwrap_or_default();
            let path = way(path, false).unwrap_or_else(|| path.to_owned());
            links.push(Link { at, order: node.order(), mode: node.mode, path, target });
        }
        // A folder is emptied where the link leads to.
        let is_opaque = node.kind == NodeKind::Opaque;
        let (folder, name) = if is_opaque { (path, "") } else { paths::split(path) };
        if folder.is_empty() {
            continue;
        }
        if depends_on_order.replace(false) || last.as_ref().is_none_or(|(seen, _)| *seen != folder) {
            last = Some((folder, way(folder, true).filter(|real| real != folder)));
        }
        if let Some((_, Some(real))) = &last {
            // A short path can lead to a long one.
            length = length.saturating_add(real.len() + 1 + name.len());
            if length > limits::PATHS {
                return Err(ImageError::too_large("the paths of the layer", format!("{} bytes", limits::PATHS)));
            }
            renamed.push((at, if is_opaque { real.clone() } else { paths::join(real, name) }));
        }
    }
    if renamed.is_empty() && links.is_empty() {
        return Ok((Cow::Borrowed(upper), BTreeMap::new()));
    }
    let modes = shared_modes(&mut links, upper, lower);
    let linked: Vec<(usize, u16)> = links.iter().filter_map(|link| Some((link.at, *modes.get(&link.path)?))).collect();
    let mut copy = upper.clone();
    copy.add_modes(&linked);
    copy.rename(renamed);
    Ok((Cow::Owned(copy), modes))
}

/// A hard link to a file of the layers below.
struct Link {
    at: usize,
    order: u32,
    mode: u16,
    path: String,
    target: String,
}

/// What each link and each target has, after each got what the others have, as within one layer.
fn shared_modes(links: &mut [Link], upper: &Listing, lower: &Listing) -> BTreeMap<String, u16> {
    links.sort_unstable_by_key(|link| link.order);
    let mut modes: BTreeMap<String, u16> = BTreeMap::new();
    let mut share = |link: &Link| {
        let of_target = [upper.find(&link.target), lower.find(&link.target)];
        let known = [modes.get(&link.path), modes.get(&link.target)].into_iter().flatten().copied();
        let mode = of_target.into_iter().flatten().map(|node| node.mode).chain(known).fold(link.mode, |a, b| a | b);
        modes.insert(link.path.clone(), mode);
        modes.insert(link.target.clone(), mode);
    };
    links.iter().for_each(&mut share);
    links.iter().rev().for_each(&mut share);
    links.iter().for_each(share);
    modes
}

#[cfg(test)]
mod tests;
