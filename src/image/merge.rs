//! The facts of an image from its configuration and its layers.

use super::caches;
use super::captures::{Account, Content, OsRelease};
use super::end_of_life::end_of_life;
use super::facts::{
    Added, ContentFacts, ImageFacts, LayerFacts, PrivilegedFile, Secret, Sized, Unknown, UnverifiedSetting,
};
use super::layer::Layer;
use super::listing::{Listing, NodeKind};
use super::overlay::Overlay;
use super::packages::Package;
use super::{ImageError, PlatformImage, databases, limits, paths, root, tools};
use std::collections::{BTreeMap, BTreeSet};

/// The most of the largest paths of a layer, and of the names of its packages.
const SHOWN: usize = 10;

/// The facts of an image. `layers` are what [`super::layer::scan`] read of each layer, in the order of the manifest; none if the
/// layers are not read.
///
/// # Errors
/// The configuration and the manifest have another number of layers.
pub fn merge(image: &PlatformImage, layers: Option<&[&Layer]>) -> Result<ImageFacts, ImageError> {
    let diff_ids = &image.config.rootfs.diff_ids;
    let stored = &image.manifest.layers;
    if diff_ids.len() != stored.len() || layers.is_some_and(|layers| layers.len() != stored.len()) {
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
    };
    if let Some(layers) = layers {
        Merge::new(layers).finish(&mut facts);
    }
    Ok(facts)
}

struct Merge<'l> {
    layers: &'l [&'l Layer],
    overlay: Overlay,
}

impl<'l> Merge<'l> {
    fn new(layers: &'l [&'l Layer]) -> Self {
        let mut overlay = Overlay::default();
        for layer in layers {
            overlay.add(&layer.listing);
        }
        Self { layers, overlay }
    }

    /// What a path had in a layer is what the image has, if no later layer has the path.
    fn is_final(&self, path: &str, layer: usize) -> bool {
        let node = self.overlay.root.find(path).or_else(|| {
            let (folder, name) = paths::split(path);
            let folder = root::resolve(folder, true, |path| root::link_at(&self.overlay.root, path))?;
            self.overlay.root.find(&paths::join(&folder, name))
        });
        node.is_some_and(|node| usize::from(node.layer) == layer)
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

    /// The content of files that the image still has, with their layers.
    fn captures(&self) -> impl Iterator<Item = (usize, &'l str, &'l Content)> {
        let all = self.layers.iter().enumerate();
        all.flat_map(|(index, layer)| layer.captures.iter().map(move |capture| (index, capture)))
            .filter(|(index, capture)| self.is_final(&capture.path, *index))
            .map(|(index, capture)| (index, capture.path.as_str(), &capture.content))
    }

    fn finish(self, facts: &mut ImageFacts) {
        let mut content =
            ContentFacts { truncated: self.layers.iter().any(|layer| layer.truncated), ..ContentFacts::default() };
        let user = facts.run.user.split(':').next().unwrap_or_default();
        let mut accounts: &[Account] = &[];
        let mut releases: Vec<(&str, &OsRelease)> = Vec::new();
        for (layer, path, captured) in self.captures() {
            match captured {
                Content::Packages(packages) => content.packages.extend(packages.iter().cloned()),
                Content::Unknown(why) => {
                    content.unknown_packages.push(Unknown { path: path.to_owned(), why: why.clone() });
                }
                Content::OsRelease(release) => releases.push((path, release)),
                Content::Accounts(found) => accounts = found,
                Content::Faults(faults) => content.unverified.extend(faults.iter().map(|fault| UnverifiedSetting {
                    path: path.to_owned(),
                    layer,
                    fault: fault.clone(),
                })),
            }
        }
        // A database that is only linked there is not among the files that were read.
        let is_read = |path: &str| self.captures().any(|(_, captured, _)| captured == path);
        content.unknown_packages.extend(databases::unread(&self.overlay.root, is_read));
        content.packages.sort();
        content.packages.dedup();
        content.truncated |= content.packages.len() > limits::PACKAGES;
        content.packages.truncate(limits::PACKAGES);
        // The file in /etc wins.
        releases.sort_unstable_by_key(|(path, _)| *path);
        content.os = releases.first().map(|(_, release)| (*release).clone());
        content.end_of_life = content.os.as_ref().and_then(end_of_life);
        content.uid = accounts.iter().find(|account| account.name == user).map(|account| account.uid);
        self.programs(&facts.run.env, &mut content);
        content.privileged_files = self.privileged_files(&mut content.truncated);
        content.secrets = self.secrets();
        content.wasted = self.overlay.wasted.iter().fold(0, |all, bytes| all.saturating_add(*bytes));
        content.wasted_files.clone_from(&self.overlay.wasted_files);
        let named = facts.run.volumes.iter().chain(std::iter::once(&facts.run.working_dir)).map(String::as_str);
        let places = named.chain(caches::of(&facts.run)).filter(|path| self.has_files(path));
        content.filled = places.map(str::to_owned).collect();
        self.added(facts);
        facts.content = Some(content);
    }

    fn programs(&self, env: &[String], content: &mut ContentFacts) {
        let root = &self.overlay.root;
        let folders = tools::folders(env);
        content.build_tools = tools::find_versions(root, &folders, tools::BUILD);
        content.package_managers = tools::find(root, &folders, tools::MANAGERS);
        content.user_switchers = tools::find(root, &folders, tools::SWITCHERS);
        content.ssh_servers = tools::find(root, &folders, tools::SSH_SERVERS);
        content.repositories = tools::repositories(root);
    }

    fn has_files(&self, path: &str) -> bool {
        let path = paths::clean(path);
        let root = &self.overlay.root;
        // Not every archive names the folders of its files.
        let path = root::resolve(&path, true, |path| root::link_at(root, path)).filter(|path| !path.is_empty());
        let Some(path) = path else { return false };
        let below = root.nodes().get(root.position(&path)..).unwrap_or_default().iter();
        let mut below = below.skip_while(|node| root.path(node) == path);
        below.next().is_some_and(|node| paths::is_below(root.path(node), &path))
    }

    fn privileged_files(&self, truncated: &mut bool) -> Vec<PrivilegedFile> {
        let mut capable: BTreeMap<&str, &str> = BTreeMap::new();
        for (index, layer) in self.layers.iter().enumerate() {
            let kept = layer.capabilities.iter().filter(|(path, _)| self.is_final(path, index));
            capable.extend(kept.map(|(path, names)| (path.as_str(), names.as_str())));
        }
        let root = &self.overlay.root;
        let mut files: Vec<PrivilegedFile> = Vec::new();
        let mut found = root.iter().filter(|(path, node)| {
            node.is_set_id() || (capable.contains_key(path) && matches!(node.kind, NodeKind::File | NodeKind::HardLink))
        });
        files.extend(found.by_ref().take(limits::FOUND).map(|(path, node)| PrivilegedFile {
            path: path.to_owned(),
            layer: node.layer.into(),
            mode: format!("{:04o}", node.mode),
            setuid: node.mode & 0o4000 != 0,
            setgid: node.mode & 0o2000 != 0,
            capabilities: capable.get(path).map(|names| (*names).to_owned()),
        }));
        *truncated |= found.next().is_some();
        files
    }

    fn secrets(&self) -> Vec<Secret> {
        let mut secrets = Vec::new();
        for (index, layer) in self.layers.iter().enumerate() {
            for found in layer.secrets.iter().take(limits::FOUND) {
                let is_final = self.is_final(&found.path, index);
                let removed_in = if is_final { None } else { self.removed_in(&found.path, index) };
                secrets.push(Secret { path: found.path.clone(), layer: index, kind: found.kind.clone(), removed_in });
            }
        }
        secrets
    }

    /// What each layer adds.
    fn added(&self, facts: &mut ImageFacts) {
        let mut before: BTreeSet<&Package> = BTreeSet::new();
        for (index, (layer, facts)) in self.layers.iter().zip(&mut facts.layers).enumerate() {
            let packages = layer.captures.iter().filter_map(|capture| match &capture.content {
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
