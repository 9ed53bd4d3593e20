//! The files of the settings: `secrets/NAME/` has the keys of a Secret and `configmaps/NAME/` those of a ConfigMap, as Kubernetes mounts them.

use super::compile::{self, Keys};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The largest file.
const LARGEST: u64 = 4 << 20;

/// All files that the settings can name, so that a change of any of them is seen; or why one cannot be read.
#[derive(PartialEq)]
pub struct Files {
    pub document: Result<Vec<u8>, String>,
    /// By kind and name: `configmaps`, `trusted-root`.
    parts: BTreeMap<(&'static str, String), Result<Keys, String>>,
    /// Files elsewhere that a document names.
    named: BTreeMap<PathBuf, Result<Vec<u8>, String>>,
}

impl Files {
    /// The files of the document in this place, and those that another one names.
    pub fn read(path: &Path, folder: &Path, other: Option<&[u8]>) -> Result<Self, String> {
        let mut parts = BTreeMap::new();
        for kind in ["secrets", "configmaps"] {
            for (name, folder) in folders(&folder.join(kind))? {
                parts.insert((kind, name), keys(&folder));
            }
        }
        let document = read(path);
        let mut named = BTreeMap::new();
        for document in document.as_deref().into_iter().chain(other) {
            for file in compile::files_of(document) {
                let found = read(&file);
                named.insert(file, found);
            }
        }
        Ok(Self { document, parts, named })
    }

    /// The keys of a Secret or ConfigMap. One that does not exist is an empty folder: its volume is optional.
    pub fn object(&self, folder: &'static str, kind: &str, name: &str) -> Result<&Keys, String> {
        let absent =
            || format!("there is no {kind} `{name}` in podreeve's namespace, or it is empty or not mounted yet");
        match self.parts.get(&(folder, name.to_owned())) {
            Some(Ok(keys)) if !keys.is_empty() => Ok(keys),
            Some(Err(why)) => Err(format!("the {kind} `{name}`: {why}")),
            _ => Err(absent()),
        }
    }

    /// The text of a file elsewhere.
    pub fn named(&self, path: &Path) -> Result<String, String> {
        let found = self.named.get(path).cloned().unwrap_or_else(|| read(path))?;
        String::from_utf8(found).map_err(|_| format!("{} is no text", path.display()))
    }
}

/// The folders in a folder, by name; none if it is not there.
fn folders(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let found = entries(folder)?.into_iter().filter(|(_, path)| path.is_dir());
    Ok(found.collect())
}

/// The keys of a Secret or ConfigMap that is mounted.
fn keys(folder: &Path) -> Result<Keys, String> {
    let files = entries(folder)?.into_iter().filter(|(_, path)| path.is_file());
    files.map(|(name, path)| Ok((name, read(&path)?))).collect()
}

/// Kubernetes keeps the content in folders whose names begin with two dots, behind links.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", folder.display());
    let found = match fs::read_dir(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(wrong(error)),
    };
    let mut entries = Vec::new();
    for entry in found {
        let entry = entry.map_err(wrong)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("..") {
            entries.push((name, entry.path()));
        }
    }
    Ok(entries)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    let wrong = |error: std::io::Error| format!("{}: {error}", path.display());
    let size = fs::metadata(path).map_err(wrong)?.len();
    if size > LARGEST {
        return Err(format!("{}: has {size} bytes, more than the {LARGEST} that are read", path.display()));
    }
    fs::read(path).map_err(wrong)
}
