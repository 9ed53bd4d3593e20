//! A new file next to the one that it will replace, so that it is on the same disk.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Opens one to write and to read. What replaces a file may be as private as that file, so that only its owner can read it.
pub fn new(target: &Path, is_private: bool) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    if is_private {
        readable_by_owner(&mut options);
    }
    let mut number = 0_u32;
    loop {
        // No manifest has this name, so that a walk that meets it leaves it out.
        let path = target.with_file_name(format!(".{name}.{}-{number}.podreeve", std::process::id()));
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// A whole file with a name of its own, which is removed unless it takes the place of another one.
pub struct Named {
    path: PathBuf,
    is_put: bool,
}

impl Named {
    /// Copies the content to the disk. Permissions are those of the target.
    pub fn new(target: &Path, content: &mut dyn Read) -> io::Result<Self> {
        let replaced = fs::metadata(target).ok();
        let (path, mut file) = new(target, replaced.is_some())?;
        let named = Self { path, is_put: false };
        io::copy(content, &mut file)?;
        if let Some(metadata) = replaced {
            keep_owner(&file, &metadata);
            // Last, because a new owner clears some of them.
            file.set_permissions(metadata.permissions())?;
        }
        file.sync_all()?;
        Ok(named)
    }

    /// Takes the place of the target.
    pub fn put(mut self, target: &Path) -> io::Result<()> {
        match fs::rename(&self.path, target) {
            // The target is mounted by itself, as by `docker run -v ./report.json:/report.json`.
            Err(error) if error.kind() == ErrorKind::ResourceBusy => in_place(target, &mut File::open(&self.path)?),
            Err(error) => Err(error),
            Ok(()) => {
                self.is_put = true;
                Ok(())
            }
        }
    }
}

/// Writes into a file that cannot be replaced. If that fails, it gets its old content again.
pub fn in_place(target: &Path, content: &mut dyn Read) -> io::Result<()> {
    let before = fs::read(target)?;
    let written = File::options().write(true).truncate(true).open(target).and_then(|mut file| {
        io::copy(content, &mut file)?;
        file.sync_all()
    });
    if written.is_err() {
        // Nothing else can be done about it.
        let _ = fs::write(target, before);
    }
    written
}

impl Drop for Named {
    fn drop(&mut self) {
        if !self.is_put {
            // Nothing else can be done about it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn readable_by_owner(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.mode(0o600);
}

/// Only root can give a file to another user. For others the file is their own.
#[cfg(unix)]
fn keep_owner(file: &File, metadata: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(metadata.uid()), Some(metadata.gid()));
}

#[cfg(not(unix))]
fn readable_by_owner(_: &mut OpenOptions) {}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) {}
