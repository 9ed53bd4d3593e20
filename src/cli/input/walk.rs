//! The manifests below a directory. A file that cannot be read is reported and does not end the walk.

use super::dockerfile::is_dockerfile;
use super::exclude::{Exclude, covers};
use super::file::{Entry, unreadable};
use super::kustomize;
use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

/// Directories that contain no manifests of a cluster: the data of the repository, its workflows, packages of others.
const NOT_WALKED: [&str; 3] = [".git", ".github", "node_modules"];

/// The settings of `check` itself.
pub const SETTINGS: &str = ".podreeve.yaml";

/// The files of a directory in the order of their names, with those that are passed over or cannot be read.
pub fn directory(path: &Path, how: How<'_>) -> Vec<Result<PathBuf, Entry>> {
    let mut walk = Walk { how, found: Vec::new() };
    walk.directory(path);
    let patches = kustomize::patches(walk.found.iter().filter_map(|found| found.as_deref().ok()));
    let is_patch = |path: PathBuf| match patches.get(&kustomize::normal(&path)) {
        Some(by) => Err(Entry::PassedOver { name: path.display().to_string(), reason: kustomize::is_patch_of(by) }),
        None => Ok(path),
    };
    walk.found.into_iter().map(|found| found.and_then(is_patch)).collect()
}

/// What is looked for in a directory.
#[derive(Clone, Copy)]
pub struct How<'e> {
    pub recursive: bool,
    pub exclude: &'e [Exclude],
    /// Whether Dockerfiles are looked for, too.
    pub dockerfiles: bool,
}

struct Walk<'e> {
    how: How<'e>,
    found: Vec<Result<PathBuf, Entry>>,
}

impl Walk<'_> {
    fn is_wanted(&self, path: &Path) -> bool {
        is_manifest(path) || (self.how.dockerfiles && is_dockerfile(path))
    }

    fn directory(&mut self, path: &Path) {
        let entries = fs::read_dir(path).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let mut entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let message = format!("cannot be read: {error}");
                return self.found.push(Err(unreadable(&path.display().to_string(), message)));
            }
        };
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            if entry.file_name() != SETTINGS && !covers(self.how.exclude, &path) {
                self.entry(&entry, path);
            }
        }
    }

    fn entry(&mut self, entry: &DirEntry, path: PathBuf) {
        let kind = entry.file_type().ok();
        if kind.is_some_and(|kind| kind.is_dir()) {
            let left_out = NOT_WALKED.iter().any(|name| entry.file_name() == *name);
            if self.how.recursive && !left_out {
                self.directory(&path);
            }
            return;
        }
        let pass_over = |path: &Path, reason: &str| {
            Err(Entry::PassedOver { name: path.display().to_string(), reason: reason.to_owned() })
        };
        let is_link = kind.is_some_and(|kind| kind.is_symlink());
        match fs::metadata(&path) {
            // The link may lead to a directory above.
            Ok(target) if target.is_dir() && is_link && self.how.recursive => {
                self.found.push(pass_over(&path, "a link to a directory, which is not followed; name the directory"));
            }
            Ok(target) if target.is_file() && self.is_wanted(&path) => self.found.push(Ok(path)),
            Err(_) if is_link && self.is_wanted(&path) => {
                self.found.push(pass_over(&path, "a link to a file that does not exist"));
            }
            // Reading the file reports the reason.
            Err(_) if self.is_wanted(&path) => self.found.push(Ok(path)),
            // Reading a pipe or a device could block.
            Ok(_) | Err(_) => {}
        }
    }
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}
