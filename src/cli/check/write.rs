//! Replaces a file: the new content is there as a whole, or the old one stays.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Writes `after` to the file, which had the content `before`. Of a link, the file that it leads to is written. Permissions stay.
pub fn replace(name: &str, before: &[u8], after: &[u8]) -> Result<(), String> {
    let fail = |error: io::Error| format!("cannot be written: {error}");
    let target = fs::canonicalize(name).map_err(fail)?;
    let metadata = fs::metadata(&target).map_err(fail)?;
    if !metadata.is_file() {
        return Err("cannot be written: it is no file; write what podreeve prints with --diff".to_owned());
    }
    // A rename would replace a file that is read-only.
    if metadata.permissions().readonly() {
        return Err("cannot be written: it is read-only; make it writable, or use --diff to see the edit".to_owned());
    }
    OpenOptions::new().write(true).open(&target).map_err(fail)?;
    if fs::read(&target).map_err(fail)? != before {
        return Err("it has changed since podreeve read it; run podreeve again".to_owned());
    }
    let (temporary, file) = temporary(&target).map_err(fail)?;
    let written = write(file, &metadata, after).and_then(|()| fs::rename(&temporary, &target));
    written.map_err(|error| {
        // Nothing else can be done about it.
        let _ = fs::remove_file(&temporary);
        fail(error)
    })
}

fn write(mut file: File, metadata: &Metadata, content: &[u8]) -> io::Result<()> {
    file.write_all(content)?;
    keep_owner(&file, metadata);
    // Last, because a new owner clears some of them.
    file.set_permissions(metadata.permissions())?;
    file.sync_all()
}

/// A new file next to the target, so that it is on the same disk.
fn temporary(target: &Path) -> io::Result<(PathBuf, File)> {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let mut number = 0_u32;
    loop {
        // No manifest has this name, so that a walk that meets it leaves it out.
        let path = target.with_file_name(format!(".{name}.{}-{number}.podreeve", std::process::id()));
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && number < 1000 => number += 1,
            Err(error) => return Err(error),
        }
    }
}

/// Only root can give a file to another user. For others the file is their own.
#[cfg(unix)]
fn keep_owner(file: &File, metadata: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let _ = fchown(file, Some(metadata.uid()), Some(metadata.gid()));
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) {}
