//! The root of an image so far, and the layers that it is made of, as links are followed in them.

use crate::image::listing::{Listing, Node, Origin};
use crate::image::overlay::{Overlay, Target};
use crate::image::{paths, root};
use std::cell::Cell;
use std::collections::BTreeMap;

/// The most steps from folder to folder for all links of an image. Paths and ways of links can be long, and there can be many.
const STEPS: usize = 2_000_000;

/// The entries of layers in the order of their archives. Few layers are looked at.
pub type Orders<'l> = BTreeMap<usize, Vec<&'l Node>>;

pub struct View<'v, 'l> {
    pub overlay: &'v Overlay,
    pub layers: &'v [&'l Listing],
    pub orders: &'v mut Orders<'l>,
    /// How many steps were taken.
    pub steps: &'v Cell<usize>,
}

/// Where a path leads to.
pub struct Way {
    /// None if it leads in circles.
    pub real: Option<String>,
    /// Whether a link leads to what a runtime mounts, so that the image does not say what is there.
    pub is_mounted: bool,
}

impl<'v> View<'v, '_> {
    pub const fn root(&self) -> &'v Listing {
        &self.overlay.root
    }

    pub fn newest(&self) -> Option<&'v Listing> {
        self.layers.last().copied()
    }

    pub const fn is_exhausted(&self) -> bool {
        self.steps.get() > STEPS
    }

    /// Follows the links on the way.
    pub fn resolve(&self, path: &str) -> Way {
        let is_mounted = Cell::new(false);
        let real = root::resolve(path, true, |path| {
            // A step costs as much as its path is long.
            self.steps.set(self.steps.get() + 1 + path.len() / 64);
            is_mounted.set(is_mounted.get() || is_in_mount(path));
            root::link_at(self.root(), path).filter(|_| !self.is_exhausted())
        });
        Way { real, is_mounted: is_mounted.get() }
    }

    /// What a hard link leads to; none for all else.
    pub fn target(&self, node: &Node) -> Option<&'v Target> {
        node.is_hard_link().then(|| self.overlay.target(node.origin()).unwrap_or(&Target::Lost))
    }

    /// The path that the archive of the layer has for an entry.
    pub fn path(&mut self, (layer, order): Origin) -> String {
        let Some(listing) = self.layers.get(usize::from(layer)) else { return String::new() };
        let nodes = self.orders.entry(layer.into()).or_insert_with(|| listing.in_order(|node| !node.kind.is_mark()));
        let at = nodes.binary_search_by_key(&order, |node| node.order()).ok();
        at.and_then(|at| nodes.get(at)).map(|node| listing.path(node).to_owned()).unwrap_or_default()
    }

    /// Whether the root has the entry at its own path.
    pub fn has(&self, origin: Origin, path: &str) -> bool {
        let (folder, name) = paths::split(path);
        let folder = self.resolve(folder).real;
        let node = folder.and_then(|folder| self.root().find(&paths::join(&folder, name)));
        node.is_some_and(|node| node.origin() == origin)
    }
}

/// What runtimes mount. To read /dev/null is to read nothing, with them and without.
fn is_in_mount(path: &str) -> bool {
    ["proc", "sys", "dev"].iter().any(|folder| paths::is_below(path, folder)) && path != "dev/null"
}
