//! The facts of an image from its configuration and its layers.

mod captured;
mod remains;

use super::caches;
use super::captures::Content;
use super::facts::{Added, ContentFacts, ImageFacts, LayerFacts, PrivilegedFile, Sized};
use super::gap::FULL;
use super::layer::{Layer, LinkedFile};
use super::linked::{Linked, Links, View};
use super::listing::{Listing, NodeKind};
use super::overlay::{GoesOn, Overlay};
use super::packages::Package;
use super::{Gap, ImageError, Part, PlatformImage, limits, paths, root, runtime_paths, tools};
use remains::Remains;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// The most of the largest paths of a layer, and of the names of its packages.
const SHOWN: usize = 10;

/// The facts of an image. `read` are what [`super::layer::scan`] read of each layer, in the order of the manifest, the same laid over
/// each other, and what was read of [`Laid::linked`]; none if the layers are not read.
///
/// # Errors
/// The configuration and the manifest have another number of layers.
pub fn merge(
    image: &PlatformImage,
    read: Option<(&[&Layer], Laid, Vec<LinkedFile>)>,
) -> Result<ImageFacts, ImageError> {
    let diff_ids = &image.config.rootfs.diff_ids;
    let stored = &image.manifest.layers;
    if diff_ids.len() != stored.len() || read.as_ref().is_some_and(|(layers, ..)| layers.len() != stored.len()) {
        let why = format!("it has {} layers, and the configuration names {}", stored.len(), diff_ids.len());
        return Err(ImageError::malformed("the manifest", why));
    }
    let steps = image.config.steps();
    let step = |index: usize| steps.as_ref().and_then(|steps| steps.get(index)).map(|step| (*step).to_owned());
    let layer_facts = stored.iter().zip(diff_ids).enumerate().map(|(index, (stored, diff_id))| LayerFacts {
        digest: stored.digest.clone(),
        diff_id: diff_id.clone(),
        size: stored.size,
        created_by: step(index),
        added: None,
    });
    let mut facts = ImageFacts {
        platform: image.platform.clone(),
        created: image.config.created,
        signed: None,
        trust: None,
        run: image.config.run(),
        history: image.config.history.clone(),
        layers: layer_facts.collect(),
        content: None,
        gaps: image.config.gaps.clone(),
    };
    if let Some((layers, laid, linked)) = read {
        let Laid { overlay, links } = laid;
        Merge { layers, overlay, links, linked }.finish(&mut facts);
    }
    Ok(facts)
}

/// Layers laid over each other.
#[derive(Debug)]
pub struct Laid {
    overlay: Overlay,
    links: Links,
}

impl Laid {
    /// The work calls `goes_on` now and then: an image of a stranger may be much work.
    ///
    /// # Errors
    /// `goes_on` fails, or the layers are over the limits.
    pub fn new(layers: &[&Layer], goes_on: GoesOn<'_>) -> Result<Self, ImageError> {
        let (mut overlay, mut links) = (Overlay::default(), Links::default());
        let listings: Vec<&Listing> = layers.iter().map(|layer| &layer.listing).collect();
        let (mut orders, steps) = (BTreeMap::new(), Cell::new(0));
        for (index, listing) in listings.iter().enumerate() {
            overlay.add(listing, goes_on)?;
            let below = listings.get(..=index).unwrap_or_default();
            let mut view = View { overlay: &overlay, layers: below, orders: &mut orders, steps: &steps };
            links.note(&mut view, below.len() == listings.len());
        }
        Ok(Self { overlay, links })
    }

    /// The layers with files behind links, and these files. Nearly all images have none.
    #[must_use]
    pub fn linked(&self) -> BTreeMap<usize, Vec<Linked>> {
        let mut all: BTreeMap<usize, Vec<Linked>> = BTreeMap::new();
        for linked in &self.links.files {
            all.entry(linked.layer).or_default().push(linked.clone());
        }
        all
    }
}

struct Merge<'l> {
    layers: &'l [&'l Layer],
    overlay: Overlay,
    links: Links,
    /// What was read of files behind links.
    linked: Vec<LinkedFile>,
}

impl Merge<'_> {
    /// What a path had in a layer is what the image has, if no later layer has the path.
    fn is_final(&self, path: &str, layer: usize) -> bool {
        let node = self.overlay.root.find(path).or_else(|| self.overlay.root.find(&self.in_real_folder(path)?));
        node.is_some_and(|node| usize::from(node.layer) == layer)
    }

    /// The path with its folder as it is behind links.
    fn in_real_folder(&self, path: &str) -> Option<String> {
        let (folder, name) = paths::split(path);
        let folder = root::resolve(folder, true, |path| root::link_at(&self.overlay.root, path))?;
        Some(paths::join(&folder, name))
    }

    /// The first later layer that removes or overwrites a path of a layer that is not in the image any more.
    fn removed_in(&self, path: &str, layer: usize) -> Option<usize> {
        let mut above = self.layers.iter().enumerate().skip(layer + 1);
        let hides = |listing: &Listing| {
            let mut folder = path;
            loop {
                let from = listing.position(folder);
                let nodes = listing.nodes().get(from..).unwrap_or_default();
                for node in nodes.iter().take_while(|node| listing.path(node) == folder) {
                    let is_itself = folder == path;
                    let hides = match node.kind {
                        NodeKind::Opaque => !is_itself,
                        NodeKind::Folder => is_itself,
                        _ => true,
                    };
                    if hides {
                        return true;
                    }
                }
                if folder.is_empty() {
                    return false;
                }
                folder = paths::split(folder).0;
            }
        };
        above.find(|(_, layer)| hides(&layer.listing)).map(|(index, _)| index)
    }

    fn finish(self, facts: &mut ImageFacts) {
        let mut content = ContentFacts::default();
        let gaps = &mut facts.gaps;
        self.layers.iter().flat_map(|layer| layer.gaps.iter().cloned()).for_each(|gap| gap.add(gaps));
        self.linked.iter().filter_map(|file| file.said.gap.clone()).for_each(|gap| gap.add(gaps));
        let remains = self.remains();
        self.captured(&remains, facts.run.user.split(':').next().unwrap_or_default(), &mut content, gaps);
        let mut full = |part: Part, is_full: bool| {
            if is_full {
                Gap::new(&[part], FULL).add(gaps);
            }
        };
        full(Part::Programs, self.programs(&facts.run.env, &mut content));
        full(Part::Repositories, content.repositories.len() > limits::FOUND);
        content.repositories.truncate(limits::FOUND);
        content.privileged_files = self.privileged_files();
        full(Part::PrivilegedFiles, content.privileged_files.len() > limits::FOUND);
        content.privileged_files.truncate(limits::FOUND);
        content.secrets = self.secrets(&remains);
        content.wasted = self.overlay.wasted.iter().fold(0, |all, bytes| all.saturating_add(*bytes));
        content.wasted_files.clone_from(&self.overlay.wasted_files);
        let named = facts.run.volumes.iter().chain(std::iter::once(&facts.run.working_dir)).map(String::as_str);
        let places = named.chain(caches::of(&facts.run)).filter(|path| self.has_files(path));
        content.filled = places.map(str::to_owned).collect();
        content.truncated = !gaps.is_empty();
        self.added(facts);
        facts.content = Some(content);
    }

    /// Returns whether there may be more: PATH has more folders than are searched, or a list is full.
    fn programs(&self, env: &[String], content: &mut ContentFacts) -> bool {
        let root = &self.overlay.root;
        let (folders, has_more) = tools::folders(env);
        content.build_tools = tools::find_versions(root, &folders, tools::BUILD);
        content.package_managers = tools::find(root, &folders, tools::MANAGERS);
        content.user_switchers = tools::find(root, &folders, tools::SWITCHERS);
        content.ssh_servers = tools::find(root, &folders, tools::SSH_SERVERS);
        content.repositories = tools::repositories(root);
        let lists = [&content.build_tools, &content.package_managers, &content.user_switchers, &content.ssh_servers];
        has_more || lists.iter().any(|tools| tools.len() >= limits::FOUND)
    }

    fn has_files(&self, path: &str) -> bool {
        let path = paths::clean(path);
        let root = &self.overlay.root;
        // Not every archive names the folders of its files.
        let path = root::resolve(&path, true, |path| root::link_at(root, path)).filter(|path| !path.is_empty());
        let Some(path) = path else { return false };
        // An emptyDir on a link would be where the link leads to.
        if runtime_paths::is_one(&path) {
            return true;
        }
        let below = root.nodes().get(root.position(&path)..).unwrap_or_default().iter();
        let mut below = below.skip_while(|node| root.path(node) == path);
        below.next().is_some_and(|node| paths::is_below(root.path(node), &path))
    }

    /// The files, and one more than is kept.
    fn privileged_files(&self) -> Vec<PrivilegedFile> {
        let mut capable: BTreeMap<&str, &str> = BTreeMap::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let kept = layer.capabilities.iter().filter(|(path, _)| self.is_final(path, index));
            capable.extend(kept.map(|(path, names)| (path.as_str(), names.as_str())));
        }
        let root = &self.overlay.root;
        let found = root.iter().filter(|(path, node)| {
            node.is_set_id() || (capable.contains_key(path) && matches!(node.kind, NodeKind::File | NodeKind::HardLink))
        });
        let files = found.take(limits::FOUND + 1).map(|(path, node)| PrivilegedFile {
            path: path.to_owned(),
            layer: node.layer.into(),
            mode: format!("{:04o}", node.mode),
            setuid: node.mode & 0o4000 != 0,
            setgid: node.mode & 0o2000 != 0,
            capabilities: capable.get(path).map(|names| (*names).to_owned()),
        });
        files.collect()
    }

    /// What each layer adds.
    fn added(&self, facts: &mut ImageFacts) {
        let mut before: BTreeSet<&Package> = BTreeSet::new();
        for (index, (layer, facts)) in self.layers.iter().zip(&mut facts.layers).enumerate() {
            let linked = self.linked.iter().filter(|file| file.linked.layer == index);
            let captures = layer.captures.iter().chain(linked.filter_map(|file| file.said.capture.as_ref()));
            let packages = captures.filter_map(|capture| match &capture.content {
                Content::Packages(packages) => Some(packages),
                _ => None,
            });
            let all: BTreeSet<&Package> = packages.flatten().collect();
            let new: Vec<&&Package> = all.difference(&before).collect();
            // An archive of `docker save` does not say how large a layer is as a registry stores it.
            facts.size = if facts.size == 0 { layer.raw } else { facts.size };
            let files = layer.listing.nodes().iter().filter(|node| node.kind == NodeKind::File);
            facts.added = Some(Added {
                unpacked_size: layer.raw,
                files: files.clone().count(),
                bytes: files.map(|node| node.size).fold(0, u64::saturating_add),
                removed: self.overlay.removed.get(index).copied().unwrap_or_default(),
                wasted: self.overlay.wasted.get(index).copied().unwrap_or_default(),
                largest: largest(&layer.listing),
                packages: new.len(),
                package_names: new.iter().take(SHOWN).map(|package| package.name.clone()).collect(),
            });
            before.extend(all);
        }
    }
}

/// The largest folders of a layer: of each path the first two parts are counted.
fn largest(listing: &Listing) -> Vec<Sized> {
    let mut sums: BTreeMap<&str, u64> = BTreeMap::new();
    for (path, node) in listing.iter().filter(|(_, node)| node.size > 0) {
        let end = path.match_indices('/').nth(1).map_or(path.len(), |(at, _)| at);
        *sums.entry(path.get(..end).unwrap_or(path)).or_default() += node.size;
    }
    let mut sums: Vec<Sized> = sums.into_iter().map(|(path, bytes)| Sized { path: path.to_owned(), bytes }).collect();
    sums.sort_by_key(|sum| std::cmp::Reverse(sum.bytes));
    sums.truncate(SHOWN);
    sums
}
