//! What hard links share their content with, as it was when their layers were unpacked.

use super::{ASKED, GoesOn, Overlay, real_path};
use crate::image::listing::{Listing, Node, NodeKind, Origin};
use crate::image::{ImageError, root};
use std::cell::Cell;

/// Where the content of a hard link is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The files with the content; none if it is empty. The second one comes later to the place of the target: some programs make links
    /// when all files are there.
    Files(Option<Origin>, Option<Origin>),
    /// It is another name of a link to this path.
    Symlink(String),
    /// The target is no file that a layer has.
    Lost,
}

impl Target {
    /// The place of a link in its archive, and where it leads.
    pub fn as_symlink((order, target): &(u32, Self)) -> Option<(u32, String)> {
        match target {
            Self::Symlink(to) => Some((*order, to.clone())),
            Self::Files(..) | Self::Lost => None,
        }
    }
}

/// The targets of all hard links of the next layer, by their places in the archive. `real` is the layer with its paths below real folders.
pub fn of(
    upper: &Listing,
    real: &Listing,
    below: &Overlay,
    goes_on: GoesOn<'_>,
) -> Result<Vec<(u32, Target)>, ImageError> {
    let mut layer = OfLayer { upper, real, below, found: Vec::new() };
    for (at, link) in upper.in_order(Node::is_hard_link).into_iter().enumerate() {
        if at % ASKED == 0 {
            goes_on()?;
        }
        let target = layer.target(link);
        layer.found.push((link.order(), target));
    }
    Ok(layer.found)
}

struct OfLayer<'l> {
    upper: &'l Listing,
    real: &'l Listing,
    below: &'l Overlay,
    found: Vec<(u32, Target)>,
}

impl OfLayer<'_> {
    fn target(&self, link: &Node) -> Target {
        let (named, order) = (self.upper.link(link), link.order());
        let behind_links = Cell::new(None);
        let real = || {
            let lower = &self.below.root;
            let path = real_path(self.upper, lower, named, false, order, &Cell::new(false));
            let path = path.unwrap_or_else(|| named.to_owned());
            behind_links.set(Some(path.clone()));
            path
        };
        let before = match self.upper.before(named, order) {
            Some(node) => Some(self.of_node(self.upper, node, self.below.layers)),
            None => self.real_target(&real(), order),
        };
        let real = behind_links.take();
        let later =
            self.upper.find(named).or_else(|| self.real.find(real.as_deref()?)).filter(|node| node.order() > order);
        match (before, later) {
            (Some(Target::Files(first, _)), Some(later)) if later.kind == NodeKind::File && later.size > 0 => {
                Target::Files(first, Some((self.below.layers, later.order())))
            }
            (Some(target), _) => target,
            (None, Some(later)) => self.later(later),
            (None, None) => Target::Lost,
        }
    }

    /// The target behind links, in this layer or below it.
    fn real_target(&self, path: &str, order: u32) -> Option<Target> {
        if let Some(node) = self.real.before(path, order) {
            return Some(self.of_node(self.real, node, self.below.layers));
        }
        let lower = &self.below.root;
        lower.find(path).map(|node| self.of_node(lower, node, node.layer))
    }

    fn of_node(&self, listing: &Listing, node: &Node, layer: u16) -> Target {
        match node.kind {
            _ if node.is_hard_link() && layer == self.below.layers => {
                let at = self.found.binary_search_by_key(&node.order(), |(order, _)| *order).ok();
                at.and_then(|at| self.found.get(at)).map_or(Target::Lost, |(_, target)| target.clone())
            }
            _ if node.is_hard_link() => self.below.target((layer, node.order())).cloned().unwrap_or(Target::Lost),
            NodeKind::Symlink => Target::Symlink(listing.link(node).to_owned()),
            NodeKind::File if node.size == 0 => Target::Files(None, None),
            NodeKind::File => Target::Files(Some((layer, node.order())), None),
            _ => Target::Lost,
        }
    }

    /// The target that comes behind the link in the archive, perhaps as a link to what comes later still.
    fn later(&self, node: &Node) -> Target {
        let mut node = node;
        for _ in 0..root::LINKS {
            if !node.is_hard_link() {
                return self.of_node(self.upper, node, self.below.layers);
            }
            let Some(next) = self.upper.find(self.upper.link(node)) else { return Target::Lost };
            node = next;
        }
        Target::Lost
    }
}
