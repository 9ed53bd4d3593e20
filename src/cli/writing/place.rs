//! Where something is written: by which way a path leads there, and whether two paths lead to one place.

use crate::cli::exit::Failure;
use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// How many links are followed, as many as Linux does.
const MAX_LINKS: usize = 40;

/// A place.
#[derive(Debug)]
pub struct Place {
    /// As the user wrote it; none for stdout.
    written: Option<PathBuf>,
    /// Behind all links.
    pub path: PathBuf,
    pub kind: Kind,
    identity: Option<Identity>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Stdout,
    Stderr,
    /// A pipe, a device, or what the process has open.
    Stream,
    File {
        exists: bool,
    },
}

/// Equal for two paths that lead to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    Stdout,
    /// What exists, by its number on its disk.
    #[cfg_attr(not(unix), expect(dead_code))]
    Numbered(u64, u64),
    /// What does not exist yet, behind all links.
    Path(PathBuf),
}

impl Place {
    /// The place of a path; stdout without one.
    ///
    /// # Errors
    /// It leads to no place that a file can have.
    pub fn of(path: Option<&Path>) -> Result<Self, Failure> {
        let stdout = Self { written: None, path: PathBuf::new(), kind: Kind::Stdout, identity: Some(of_stdout()) };
        let Some(written) = path else { return Ok(stdout) };
        let mut place = Self { written: Some(written.to_owned()), ..stdout };
        match found(written) {
            Ok((path, kind, identity)) => Ok(Self { path, kind, identity, ..place }),
            Err(error) => {
                place.kind = Kind::Stream;
                Err(place.failure(&error))
            }
        }
    }

    pub fn is_same(&self, other: &Self) -> bool {
        self.identity.is_some() && self.identity == other.identity
    }

    pub fn is(&self, identity: &Identity) -> bool {
        self.identity.as_ref() == Some(identity)
    }

    /// Whether it is stdout by its own name, which may be a terminal.
    pub const fn has_colours(&self) -> bool {
        self.written.is_none()
    }

    pub fn shown(&self) -> String {
        self.written.as_ref().map_or_else(|| "stdout".to_owned(), |path| path.display().to_string())
    }

    pub fn failure(&self, error: &io::Error) -> Failure {
        Failure::input(format!("{}: cannot be written: {error}", self.shown()))
    }
}

/// Follows the path to its end.
fn found(written: &Path) -> io::Result<(PathBuf, Kind, Option<Identity>)> {
    let mut path = written.to_owned();
    for _ in 0..=MAX_LINKS {
        match descriptor(&path) {
            Some(1) => return Ok((path, Kind::Stdout, Some(of_stdout()))),
            Some(2) => return Ok((path, Kind::Stderr, None)),
            // What others wrote there stays, so that it is no file to replace.
            Some(_) => {
                let identity = Identity::of(&path);
                return Ok((path, Kind::Stream, identity));
            }
            None => {}
        }
        let Ok(target) = fs::read_link(&path) else { return end(path) };
        path = folder(&path).join(target);
    }
    // It says why.
    fs::metadata(written).and_then(|_| end(path))
}

fn end(path: PathBuf) -> io::Result<(PathBuf, Kind, Option<Identity>)> {
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
        Ok(metadata) => {
            let kind = if metadata.is_file() { Kind::File { exists: true } } else { Kind::Stream };
            let path = fs::canonicalize(path)?;
            let identity = of_metadata(&metadata, &path);
            Ok((path, kind, Some(identity)))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let name = path.file_name().filter(|_| !path.to_string_lossy().ends_with('/'));
            let name = name.ok_or(ErrorKind::IsADirectory)?;
            let path = fs::canonicalize(folder(&path))?.join(name);
            Ok((path.clone(), Kind::File { exists: false }, Some(Identity::Path(path))))
        }
        Err(error) => Err(error),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The number of what the process has open.
fn descriptor(path: &Path) -> Option<u32> {
    match path.to_str()? {
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        other => ["/dev/fd/", "/proc/self/fd/"].iter().find_map(|folder| other.strip_prefix(folder)?.parse().ok()),
    }
}

impl Identity {
    /// Of what exists.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = fs::metadata(path).ok()?;
        Some(of_metadata(&metadata, path))
    }

    /// Of the file that the process reads from stdin.
    pub fn of_stdin() -> Option<Self> {
        of_open(io::stdin())
    }
}

/// Of the file to which stdout goes, or else stdout itself.
fn of_stdout() -> Identity {
    of_open(io::stdout()).unwrap_or(Identity::Stdout)
}

#[cfg(unix)]
fn of_metadata(metadata: &Metadata, _: &Path) -> Identity {
    use std::os::unix::fs::MetadataExt;
    Identity::Numbered(metadata.dev(), metadata.ino())
}

#[cfg(unix)]
fn of_open(open: impl std::os::fd::AsFd) -> Option<Identity> {
    let copy = open.as_fd().try_clone_to_owned().ok()?;
    let metadata = fs::File::from(copy).metadata().ok().filter(Metadata::is_file)?;
    Some(of_metadata(&metadata, Path::new("")))
}

#[cfg(not(unix))]
fn of_metadata(_: &Metadata, path: &Path) -> Identity {
    Identity::Path(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
}

#[cfg(not(unix))]
fn of_open<T>(_: T) -> Option<Identity> {
    None
}
