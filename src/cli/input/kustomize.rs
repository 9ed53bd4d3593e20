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
        let Ok(bytes) = file::read(path).bytes else { continue };
        let base = path.parent().unwrap_or(Path::new(""));
        for document in manifest::read(&bytes).documents {
            let list = |key: &str| match document.root.get(key).map(|list| &list.content) {
                Some(Content::List(items)) => items.as_slice(),
                _ => &[],
            };
            let of_path = |item: &Node| item.get("path").and_then(Node::as_str).map(|file| normal(&base.join(file)));
            let of_text = |item: &Node| item.as_str().map(|file| normal(&base.join(file)));
            let named = ["patches", "patchesJson6902"].into_iter().flat_map(&list).filter_map(of_path);
            let plain = list("patchesStrategicMerge").iter().filter_map(of_text);
            patches.extend(named.chain(plain).map(|patch| (patch, path.to_path_buf())));
            resources.extend(list("resources").iter().filter_map(of_text));
        }
    }
    patches.retain(|path, _| !resources.contains(path));
    patches
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
