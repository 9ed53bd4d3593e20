//! The bytes of the sources.

use super::SourceError;
use crate::manifest::MAX_BYTES;
use crate::policy::{BUILTINS, builtin};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

pub struct File {
    /// The path as it was given, or `built-in owasp`.
    pub name: String,
    pub bytes: Vec<u8>,
    pub is_builtin: bool,
}

/// Every file of the sources. The files of a directory are sorted by name.
pub fn files(values: &[String]) -> Vec<Result<File, SourceError>> {
    values.iter().flat_map(|value| source(value)).collect()
}

/// Whether the value names a built-in policy, also one of a version that there is not.
pub fn is_builtin(value: &str) -> bool {
    !matches!(builtin(value), Ok(None))
}

fn source(value: &str) -> Vec<Result<File, SourceError>> {
    match builtin(value) {
        Ok(None) => {}
        Ok(Some(yaml)) => {
            let name = format!("built-in {value}");
            return vec![Ok(File { name, bytes: yaml.as_bytes().to_vec(), is_builtin: true })];
        }
        Err(message) => return vec![Err(SourceError::whole(value, message))],
    }
    let path = Path::new(value);
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => directory(value, path),
        Ok(_) => vec![file(path)],
        Err(error) => vec![Err(SourceError::whole(value, missing(value, &error)))],
    }
}

fn missing(value: &str, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::NotFound {
        return format!("cannot be read: {error}");
    }
    let names: Vec<&str> = BUILTINS.iter().map(|(name, _)| *name).collect();
    let built_in = format!("the built-in policies are {}", names.join(", "));
    if value.contains(['/', '.']) {
        format!("there is no such file or directory; {built_in}")
    } else {
        format!("there is no built-in policy, file or directory of this name; {built_in}")
    }
}

fn directory(value: &str, path: &Path) -> Vec<Result<File, SourceError>> {
    let entries = match fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) => return vec![Err(SourceError::whole(value, format!("cannot be read: {error}")))],
    };
    let mut paths: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(|path| is_policy_file(path)).collect();
    paths.sort();
    if paths.is_empty() {
        let message = "the directory holds no *.yaml, *.yml or *.json file, so nothing would be enforced; \
                       put a policy there or name another place";
        return vec![Err(SourceError::whole(value, message))];
    }
    paths.iter().map(|path| file(path)).collect()
}

/// Not a name that begins with a dot: a ConfigMap mount has its versions in `..data`, and editors have copies in `.x.swp`.
fn is_policy_file(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    let known = path
        .extension()
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)));
    !hidden && known && !path.is_dir()
}

fn file(path: &Path) -> Result<File, SourceError> {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than the manifest reader accepts, so that it reports the error.
    let limit = MAX_BYTES as u64 + 1;
    match fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes)) {
        Ok(_) => Ok(File { name, bytes, is_builtin: false }),
        Err(error) => Err(SourceError::whole(&name, format!("cannot be read: {error}"))),
    }
}
