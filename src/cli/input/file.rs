//! One file of the input: its bytes, or why there are none.

use crate::manifest::MAX_BYTES;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// What a file contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Kubernetes objects, YAML or JSON.
    Manifest,
    Dockerfile,
}

/// A file's name as it is printed, and its bytes or the reason why it cannot be read.
pub struct Input {
    pub name: String,
    pub content: Content,
    /// Whether it is stdin or a pipe, which can be read only once and not written.
    pub is_stream: bool,
    pub bytes: Result<Vec<u8>, String>,
}

/// What an argument leads to.
pub enum Entry {
    File(Input),
    /// A file that is not read, and the reason.
    PassedOver {
        name: String,
        reason: String,
    },
}

/// A file that cannot be read.
pub fn unreadable(name: &str, message: String) -> Entry {
    Entry::File(Input { name: name.to_owned(), content: Content::Manifest, is_stream: false, bytes: Err(message) })
}

/// Reads a manifest, or stdin for `-`.
pub fn read(path: &Path) -> Input {
    read_as(path, Content::Manifest)
}

/// The same with another content.
pub fn read_as(path: &Path, content: Content) -> Input {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than the manifest reader accepts, so that it reports a file that is too large.
    let limit = MAX_BYTES as u64 + 1;
    let read = if name == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    let bytes = match read {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("there is no such file".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    Input { name, content, is_stream: is_stream(path), bytes }
}

/// Whether it is stdin, a pipe such as that of `<(helm template ...)`, or a device: what is read of it is gone.
pub fn is_stream(path: &Path) -> bool {
    path.as_os_str() == "-" || fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir())
}
