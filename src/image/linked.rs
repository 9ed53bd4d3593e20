//! Files that programs read by a name that is a link, or that is below one. Their content stands at another path.

mod view;

pub use view::View;

use super::gap::Gap;
use super::listing::{Listing, Node, NodeKind, Origin};
use super::meaning::{FILES, FOLDERS, Meaning, is_read_as};
use super::overlay::Target;
use super::{Part, limits, paths, secrets};
use std::collections::BTreeSet;

/// A file behind a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The name by which programs read it.
    pub name: String,
    /// The layer that has its content, the path there, and the place in the archive: a path may come twice.
    pub layer: usize,
    pub path: String,
    pub order: u32,
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
    is_full: bool,
}

impl Links {
    /// Adds what is behind links once the last of the layers is laid over the others. A secret counts in every layer, so do the packages
    /// that each layer adds, and all else at the end alone.
    pub fn note(&mut self, view: &mut View<'_, '_>, is_last: bool) {
        view.newest().into_iter().for_each(|newest| self.named(newest));
        self.files.iter_mut().for_each(|linked| linked.is_final = false);
        let names = std::mem::take(&mut self.names);
        for name in names.iter().filter(|name| is_last || counts_in_every_layer(name)) {
            self.add(view, name, is_last);
        }
        self.names = names;
        if is_last {
            for file in FILES {
                self.add(view, file, true);
            }
            for folder in FOLDERS {
                self.below(view, folder);
            }
        }
    }

    /// Keeps the names of links that have a meaning, and those of files below links to folders of credentials.
    fn named(&mut self, newest: &Listing) {
        let is_link = |node: &Node| node.kind == NodeKind::Symlink || node.is_hard_link();
        for (path, _) in newest.iter().filter(|(_, node)| is_link(node)) {
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
    fn below(&mut self, view: &mut View<'_, '_>, folder: &str) {
        let way = view.resolve(folder);
        if way.is_mounted {
            let part = if folder.starts_with("etc/") { Part::Settings } else { Part::Packages };
            Gap::of_file(part, folder, MOUNTED).add(&mut self.gaps);
        }
        let Some(real) = way.real.filter(|real| real != folder) else { return };
        let root = view.root();
        let below = root.nodes().get(root.position(&real)..).unwrap_or_default().iter();
        let below = below.map(|node| root.path(node)).skip_while(|path| *path == real);
        let files = below.take_while(|path| paths::is_below(path, &real)).map(paths::split);
        let names = files.filter(|(above, _)| *above == real).map(|(_, name)| paths::join(folder, name));
        let mut names = names.filter(|name| Meaning::of(name).is_some());
        names.by_ref().take(limits::LINKS).for_each(|name| self.add(view, &name, true));
        self.is_full |= names.next().is_some();
    }

    fn add(&mut self, view: &mut View<'_, '_>, name: &str, is_last: bool) {
        if view.is_exhausted() {
            self.is_full = true;
            return;
        }
        let way = view.resolve(name);
        if way.is_mounted && is_last {
            gaps_of(name, MOUNTED).for_each(|gap| gap.add(&mut self.gaps));
        }
        let Some(node) = way.real.and_then(|real| view.root().find(&real)) else { return };
        let files = match view.target(node) {
            None if node.kind == NodeKind::File && node.size > 0 => [Some(node.origin()), None],
            None => return,
            Some(Target::Files(first, second)) => [*first, *second],
            Some(Target::Symlink(_) | Target::Lost) => {
                let why = "it is a link to a file that is in no layer";
                gaps_of(name, why).for_each(|gap| gap.add(&mut self.gaps));
                return;
            }
        };
        for origin in files.into_iter().flatten() {
            let path = view.path(origin);
            // By its own name it counts if the image still has it there.
            if !is_read_as(&path, name) || !(origin == node.origin() || view.has(origin, &path)) {
                self.push(name, origin, path);
            }
        }
    }

    fn push(&mut self, name: &str, (layer, order): Origin, path: String) {
        let layer = usize::from(layer);
        let is_it = |known: &&mut Linked| known.name == name && known.layer == layer && known.order == order;
        if let Some(known) = self.files.iter_mut().find(is_it) {
            known.is_final = true;
        } else if self.files.len() < limits::LINKED {
            self.files.push(Linked { name: name.to_owned(), layer, path, order, is_final: true });
        } else {
            self.is_full = true;
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

/// What leads into a folder that a runtime fills.
const MOUNTED: &str = "it is a link into /proc, /sys or /dev, where podreeve cannot follow it";

fn counts_in_every_layer(name: &str) -> bool {
    let parts = Meaning::of(name).map(Meaning::parts).unwrap_or_default();
    parts.iter().any(|part| matches!(part, Part::Secrets | Part::Packages))
}

fn gaps_of(name: &str, why: &str) -> impl Iterator<Item = Gap> {
    let parts = Meaning::of(name).map(Meaning::parts).unwrap_or_default();
    let why = crate::text::clean(why, 300);
    parts.into_iter().map(move |part| Gap::of_file(part, name, why.as_str()))
}
