//! Files that programs read by a name that is a link, or that is below one. Their content stands at another path.

use super::gap::Gap;
use super::listing::{Listing, Node, NodeKind};
use super::meaning::{FILES, FOLDERS, Meaning, is_read_as};
use super::{Part, limits, paths, root, secrets};
use std::collections::BTreeSet;

/// The most layers that are searched for the path of a file.
const SEARCHES: usize = 128;

/// A file behind a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The name by which programs read it.
    pub name: String,
    /// The layer that has its content, and the path there.
    pub layer: usize,
    pub path: String,
    /// Whether the image as a whole has it: no later layer removes the link or the content.
    pub is_final: bool,
}

/// All that is found so far, layer by layer.
#[derive(Debug, Default)]
pub struct Links {
    pub files: Vec<Linked>,
    /// Files of the image as a whole whose content is in no layer.
    pub gaps: Vec<Gap>,
    /// Links that have a meaning by their names.
    names: BTreeSet<String>,
    /// How many layers were searched for the path of a file.
    searches: usize,
    is_full: bool,
}

/// Where the content of a file is.
enum Content {
    At(usize, String),
    /// There is none.
    Nothing,
    Lost,
}

impl Links {
    /// Adds what is behind links once the last of these layers is laid over the others. `root` is the result. A secret counts in every
    /// layer, and all else at the end alone.
    pub fn note(&mut self, root: &Listing, layers: &[&Listing], is_last: bool) {
        layers.last().into_iter().for_each(|newest| self.named(newest));
        self.files.iter_mut().for_each(|linked| linked.is_final = false);
        let names = std::mem::take(&mut self.names);
        for name in names.iter().filter(|name| is_last || secrets::named(name).is_some()) {
            self.add(root, layers, name);
        }
        self.names = names;
        if is_last {
            for file in FILES {
                self.add(root, layers, file);
            }
            for folder in FOLDERS {
                self.below(root, layers, folder);
            }
        }
    }

    /// Keeps the names of links that have a meaning, and those of files below links to folders of credentials.
    fn named(&mut self, newest: &Listing) {
        for (path, _) in newest.iter().filter(|(_, node)| is_link(newest, node)) {
            let name = paths::split(path).1;
            let folder = secrets::FOLDERS.iter().find(|(folder, _)| *folder == name);
            let below = folder.into_iter().flat_map(|(_, files)| files.iter().map(|file| paths::join(path, file)));
            for name in below.chain(Meaning::of(path).map(|_| path.to_owned())) {
                if self.names.len() < limits::LINKS {
                    self.names.insert(name);
                } else if !self.names.contains(&name) {
                    self.is_full = true;
                }
            }
        }
    }

    /// Adds the files of a folder of settings that is a link. In the folder itself, links have their own names.
    fn below(&mut self, root: &Listing, layers: &[&Listing], folder: &str) {
        let real = root::resolve(folder, true, |path| root::link_at(root, path));
        let Some(real) = real.filter(|real| real != folder) else { return };
        let below = root.nodes().get(root.position(&real)..).unwrap_or_default().iter();
        let below = below.map(|node| root.path(node)).skip_while(|path| *path == real);
        let files = below.take_while(|path| paths::is_below(path, &real)).map(paths::split);
        let names = files.filter(|(above, _)| *above == real).map(|(_, name)| paths::join(folder, name));
        let mut names = names.filter(|name| Meaning::of(name).is_some());
        names.by_ref().take(limits::LINKS).for_each(|name| self.add(root, layers, &name));
        self.is_full |= names.next().is_some();
    }

    fn add(&mut self, root: &Listing, layers: &[&Listing], name: &str) {
        let Some((real, node)) = root::follow(root, name) else { return };
        match content(root, layers, &real, node, &mut self.searches) {
            Content::At(layer, path) if is_read_as(&path, name) && is_in(root, layer, &path) => {}
            Content::At(layer, path) => {
                let is_it = |known: &Linked| known.name == name && known.layer == layer && known.path == path;
                if let Some(known) = self.files.iter_mut().find(|known| is_it(known)) {
                    known.is_final = true;
                } else if self.files.len() < limits::LINKED {
                    self.files.push(Linked { name: name.to_owned(), layer, path, is_final: true });
                } else {
                    self.is_full = true;
                }
            }
            Content::Nothing => {}
            Content::Lost => {
                let why = "it is a link to a file that is in no layer";
                gaps_of(name, why).for_each(|gap| gap.add(&mut self.gaps));
            }
        }
    }

    /// What is not known, if these files were read. What was read says itself what it lacks.
    pub fn unread<'l>(&'l self, is_read: impl Fn(&Linked) -> bool + 'l) -> Vec<Gap> {
        let mut gaps = self.gaps.clone();
        if self.is_full {
            let parts = [Part::Distribution, Part::Packages, Part::Secrets, Part::Settings, Part::Accounts];
            Gap::new(&parts, "there are more links than podreeve follows").add(&mut gaps);
        }
        for linked in self.files.iter().filter(|linked| !is_read(linked)) {
            let why = format!("it leads to /{}, which podreeve did not read", linked.path);
            // A secret counts in every layer.
            let counts = |gap: &Gap| linked.is_final || gap.parts.contains(&Part::Secrets);
            gaps_of(&linked.name, &why).filter(counts).for_each(|gap| gap.add(&mut gaps));
        }
        gaps
    }
}

fn gaps_of(name: &str, why: &str) -> impl Iterator<Item = Gap> {
    let parts = Meaning::of(name).map(Meaning::parts).unwrap_or_default();
    let why = crate::text::clean(why, 300);
    parts.into_iter().map(move |part| Gap::of_file(part, name, why.as_str()))
}

/// Whether a file of the layer is in the image, so that what it says by its own name counts. The target of a hard link may be removed.
fn is_in(root: &Listing, layer: usize, path: &str) -> bool {
    let folder = root::resolve(paths::split(path).0, true, |path| root::link_at(root, path));
    let node = folder.and_then(|folder| root.find(&paths::join(&folder, paths::split(path).1)));
    node.is_some_and(|node| usize::from(node.layer) == layer)
}

/// A hard link has no content of its own, and names its target.
fn is_link(listing: &Listing, node: &Node) -> bool {
    match node.kind {
        NodeKind::Symlink | NodeKind::HardLink => true,
        NodeKind::File => node.size == 0 && !listing.link(node).is_empty(),
        _ => false,
    }
}

/// Where the content of this file of the root is. An empty file has none.
fn content(root: &Listing, layers: &[&Listing], real: &str, node: &Node, searches: &mut usize) -> Content {
    let layer = usize::from(node.layer);
    match node.kind {
        NodeKind::Symlink | NodeKind::HardLink | NodeKind::File if is_link(root, node) => {
            target(layers, layer, root.link(node))
        }
        NodeKind::File if node.size == 0 => Content::Nothing,
        NodeKind::File => match layers.get(layer).and_then(|of_layer| stored_path(of_layer, root, real, searches)) {
            Some(path) => Content::At(layer, path),
            None => Content::Lost,
        },
        _ => Content::Nothing,
    }
}

/// The content of a hard link's target, which is a path of the same layer or of one below.
fn target(layers: &[&Listing], from: usize, target: &str) -> Content {
    let (mut layer, mut target) = (from, target.to_owned());
    for _ in 0..root::LINKS {
        let found = (0..=layer).rev().find_map(|at| layers.get(at)?.find(&target).map(|node| (at, node)));
        let Some((at, node)) = found else { return Content::Lost };
        match (layers.get(at), node.kind) {
            (Some(listing), NodeKind::HardLink | NodeKind::File) if is_link(listing, node) => {
                (layer, target) = (at, listing.link(node).to_owned());
            }
            (_, NodeKind::File) if node.size == 0 => return Content::Nothing,
            (_, NodeKind::File) => return Content::At(at, target),
            _ => return Content::Lost,
        }
    }
    Content::Lost
}

/// The path that the archive of the layer has for a file of the root: it may have been written below a link.
fn stored_path(listing: &Listing, root: &Listing, real: &str, searches: &mut usize) -> Option<String> {
    let is_file = |node: &Node| node.kind == NodeKind::File;
    if listing.find(real).is_some_and(is_file) {
        return Some(real.to_owned());
    }
    *searches += 1;
    if *searches > SEARCHES {
        return None;
    }
    let (folder, name) = paths::split(real);
    let mut same_names = listing.iter().filter(|(path, node)| is_file(node) && paths::split(path).1 == name);
    let is_it = |path: &str| {
        let real = root::resolve(paths::split(path).0, true, |path| root::link_at(root, path));
        real.as_deref() == Some(folder)
    };
    same_names.find(|(path, _)| is_it(path)).map(|(path, _)| path.to_owned())
}
