//! Kustomizations, to find out which files are patches. A patch is a part of an object, which is never applied by itself.

use super::file;
use crate::manifest::{self, Content, Node};
use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

/// Whether kustomize would read it as a kustomization.
pub fn is_kustomization(path: &Path) -> bool {
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    path.file_name().is_some_and(|name| names.iter().any(|known| name == OsStr::new(known)))
}

/// The command that judges the objects of this kustomization.
pub fn remedy(kustomization: &Path) -> String {
    let directory =
        kustomization.parent().map(|parent| parent.display().to_string()).filter(|parent| !parent.is_empty());
    format!("to judge what it makes, run kubectl kustomize {} | podreeve check -", directory.as_deref().unwrap_or("."))
}

pub fn is_patch_of(kustomization: &Path) -> String {
    format!("a patch of {}; {}", kustomization.display(), remedy(kustomization))
}

/// The patches of the kustomizations among these files, each with its kustomization. A file that a kustomization also lists as a
/// resource is no patch.
pub fn patches<'p>(paths: impl Iterator<Item = &'p Path>) -> HashMap<PathBuf, PathBuf> {
    let (mut patches, mut resources) = (HashMap::new(), HashSet::new());
    for path in paths.filter(|path| is_kustomization(path)) {
        let (changed, listed) = named(path);
        patches.extend(changed.into_iter().map(|patch| (patch, path.to_path_buf())));
        resources.extend(listed);
    }
    patches.retain(|path, _| !resources.contains(path));
    patches
}

/// The files that a kustomization names as patches, and those that it names as resources.
fn named(kustomization: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
    let (mut patches, mut resources) = (Vec::new(), Vec::new());
    let Ok(bytes) = file::read(kustomization).bytes else { return (patches, resources) };
    let base = kustomization.parent().unwrap_or(Path::new(""));
    for document in manifest::read(&bytes).documents {
        let list = |key: &str| match document.root.get(key).map(|list| &list.content) {
            Some(Content::List(items)) => items.as_slice(),
            _ => &[],
        };
        let of_path = |item: &Node| item.get("path").and_then(Node::as_str).map(|file| normal(&base.join(file)));
        let of_text = |item: &Node| item.as_str().map(|file| normal(&base.join(file)));
        patches.extend(["patches", "patchesJson6902"].into_iter().flat_map(&list).filter_map(of_path));
        patches.extend(list("patchesStrategicMerge").iter().filter_map(of_text));
        resources.extend(list("resources").iter().filter_map(of_text));
    }
    (patches, resources)
}

/// What a kustomization near a file has to do with it.
#[derive(Debug, PartialEq, Eq)]
pub enum Role {
    /// It is applied as it is.
    Resource,
    /// It is a patch of this kustomization.
    Patch(PathBuf),
    /// This kustomization, which is next to it, does not name it.
    Unknown(PathBuf),
}

/// How far above a file its kustomization is looked for.
const LEVELS: usize = 6;

/// What the kustomizations next to the file and above it, up to the root of the repository, have to do with it.
pub fn role(file: &Path) -> Option<Role> {
    let path = normal(&std::path::absolute(file).ok()?);
    let mut beside = None;
    for (level, directory) in path.ancestors().skip(1).take(LEVELS).enumerate() {
        let known = ["kustomization.yaml", "kustomization.yml", "Kustomization"].map(|name| directory.join(name));
        if let Some(kustomization) = known.into_iter().find(|path| path.is_file()) {
            let shown = file.parent().filter(|_| level == 0).unwrap_or(directory);
            let shown = shown.join(kustomization.file_name().unwrap_or_default());
            let (patches, resources) = named(&kustomization);
            if resources.contains(&path) {
                return Some(Role::Resource);
            }
            if patches.contains(&path) {
                return Some(Role::Patch(shown));
            }
            if level == 0 {
                beside = Some(Role::Unknown(shown));
            }
        }
        if directory.join(".git").exists() {
            break;
        }
    }
    beside
}

/// The path without `.` and `..`. Links are not resolved.
pub fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_compared_without_dots() {
        for (path, expected) in [("./a/../b.yaml", "b.yaml"), ("../a/b/../c", "../a/c"), ("/a/./b", "/a/b")] {
            assert_eq!(normal(Path::new(path)), Path::new(expected));
        }
    }
}
