//! A root on disk: `/`, or a folder with the files of a host.

use super::{Entry, Host, LARGEST_FILE, MOST_NAMES, acl};
use crate::node::Read;
use crate::node::mode::{Access, AclEntry, FileKind};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat, fstat, getxattr, openat, openat2, readlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The largest attribute that Linux keeps.
const LARGEST_ATTRIBUTE: usize = 65_536;

/// A root on disk. No path leads out of it, whatever links it holds.
pub struct Root {
    folder: OwnedFd,
    /// The path of the folder, which the kernel puts before the paths of open files.
    prefix: String,
}

impl Root {
    /// Opens a root.
    ///
    /// # Errors
    /// When the folder cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let folder = openat(CWD, path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let prefix = own_path(&folder)?.trim_end_matches('/').to_owned();
        Ok(Self { folder, prefix })
    }

    fn open_inside(&self, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
        let inside = path.trim_start_matches('/');
        let inside = if inside.is_empty() { "." } else { inside };
        // The links of `/proc` that lead to open files lead out of any root.
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        loop {
            match openat2(&self.folder, inside, flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
                // The kernel gives up when something is renamed meanwhile.
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
    }

    fn stat(&self, path: &str) -> Result<(OwnedFd, Stat), Errno> {
        let file = self.open_inside(path, OFlags::PATH)?;
        let stat = fstat(&file)?;
        Ok((file, stat))
    }
}

/// The kernel's link to an open file.
fn own_link(file: impl AsFd) -> String {
    use rustix::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_fd().as_raw_fd())
}

fn own_path(file: impl AsFd) -> Result<String, Errno> {
    let path = readlinkat(CWD, own_link(file), Vec::new())?;
    Ok(path.to_string_lossy().into_owned())
}

fn failed<T>(error: Errno) -> Read<T> {
    match error {
        // A process that ends while it is read.
        Errno::NOENT | Errno::NOTDIR | Errno::SRCH => Read::Absent,
        Errno::LOOP => Read::Loop,
        Errno::ACCESS | Errno::PERM => Read::Denied("permission denied".to_owned()),
        other => Read::Denied(io::Error::from(other).to_string()),
    }
}

fn failed_io<T>(error: &io::Error) -> Read<T> {
    error.raw_os_error().map_or_else(|| Read::Denied(error.to_string()), |code| failed(Errno::from_raw_os_error(code)))
}

impl Host for Root {
    fn read(&self, path: &str) -> Read<Vec<u8>> {
        let kind = match self.stat(path) {
            Ok((_, stat)) => FileType::from_raw_mode(stat.st_mode),
            Err(error) => return failed(error),
        };
        // Opening a pipe waits, and opening a device may do anything.
        if kind != FileType::RegularFile {
            return Read::Denied("it is no regular file".to_owned());
        }
        let file = match self.open_inside(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(file) => File::from(file),
            Err(error) => return failed(error),
        };
        let mut bytes = Vec::new();
        match file.take(LARGEST_FILE as u64 + 1).read_to_end(&mut bytes) {
            Ok(_) if bytes.len() > LARGEST_FILE => Read::TooBig,
            Ok(_) => Read::Is(bytes),
            Err(error) => failed_io(&error),
        }
    }

    fn list(&self, path: &str) -> Read<Vec<String>> {
        let read = || -> Result<Option<Vec<String>>, Errno> {
            let folder = self.open_inside(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
            let mut names = Vec::new();
            for entry in Dir::read_from(folder)? {
                let name = entry?.file_name().to_string_lossy().into_owned();
                if !matches!(name.as_str(), "." | "..") {
                    names.push(name);
                }
                if names.len() > MOST_NAMES {
                    return Ok(None);
                }
            }
            names.sort_unstable();
            Ok(Some(names))
        };
        match read() {
            Ok(Some(names)) => Read::Is(names),
            Ok(None) => Read::TooBig,
            Err(error) => failed(error),
        }
    }

    fn entry(&self, path: &str) -> Read<Entry> {
        let read = || -> Result<Entry, Errno> {
            let (file, stat) = self.stat(path)?;
            let whole = own_path(&file)?;
            let path = whole.strip_prefix(self.prefix.as_str()).filter(|rest| rest.starts_with('/')).unwrap_or("/");
            let kind = match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => FileKind::File,
                FileType::Directory => FileKind::Folder,
                FileType::Socket => FileKind::Socket,
                _ => FileKind::Other,
            };
            let acl = acl_of(&file);
            let access = Access { uid: stat.st_uid, gid: stat.st_gid, mode: stat.st_mode & 0o7777 };
            Ok(Entry { path: path.to_owned(), kind, access, acl, modified: stat.st_mtime, changed: stat.st_ctime })
        };
        read().map_or_else(failed, Read::Is)
    }

    /// The root may be an image of a disk, or the host's `/` in a pod: what its `/proc/self` says is not about this process.
    fn own_ids(&self) -> [Read<String>; 2] {
        ["uid_map", "gid_map"].map(|name| match std::fs::read_to_string(format!("/proc/self/{name}")) {
            Ok(map) => Read::Is(map),
            Err(error) => failed_io(&error),
        })
    }

    /// The folder is opened once: a daemon may have thousands of open files.
    fn links(&self, path: &str) -> Vec<String> {
        let read = || -> Result<Vec<String>, Errno> {
            let folder = self.open_inside(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
            let names = Dir::read_from(&folder)?.take(MOST_NAMES).filter_map(Result::ok);
            let links = names.filter_map(|entry| readlinkat(&folder, entry.file_name(), Vec::new()).ok());
            Ok(links.map(|link| link.to_string_lossy().into_owned()).collect())
        };
        read().unwrap_or_default()
    }

    fn link(&self, path: &str) -> Read<String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let read = || -> Result<String, Errno> {
            let folder = self.open_inside(folder, OFlags::PATH | OFlags::DIRECTORY)?;
            Ok(readlinkat(&folder, name, Vec::new())?.to_string_lossy().into_owned())
        };
        match read() {
            Ok(link) => Read::Is(link),
            // It is there, and is no link.
            Err(Errno::INVAL) => Read::Absent,
            Err(error) => failed(error),
        }
    }
}

/// The ACL of any kind of file, without opening it: a socket has one too, and its mode alone does not show whom it names.
fn acl_of(file: impl AsFd) -> Vec<AclEntry> {
    let path = own_link(file);
    let mut bytes = vec![0; 4096];
    let mut length = getxattr(&path, "system.posix_acl_access", &mut bytes);
    if length == Err(Errno::RANGE) {
        bytes.resize(LARGEST_ATTRIBUTE, 0);
        length = getxattr(&path, "system.posix_acl_access", &mut bytes);
    }
    length.ok().and_then(|length| bytes.get(..length)).map(acl).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{XattrFlags, setxattr};
    use std::os::unix::net::UnixListener;

    /// The attribute in which user 1000 may read and write, and the group and others nothing.
    fn acl_for_a_user() -> Vec<u8> {
        let rows: [(u16, u16, u32); 5] =
            [(1, 6, u32::MAX), (2, 6, 1000), (4, 0, u32::MAX), (0x10, 6, u32::MAX), (0x20, 0, u32::MAX)];
        let row = |(tag, bits, id): (u16, u16, u32)| {
            [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat()
        };
        [2_u32.to_le_bytes().to_vec()].into_iter().chain(rows.into_iter().map(row)).flatten().collect()
    }

    #[test]
    fn a_socket_and_a_folder_have_acls_too() {
        let folder = std::env::temp_dir().join(format!("podreeve-acl-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        let _socket = UnixListener::bind(folder.join("s.sock")).unwrap();
        let root = Root::open(&folder).unwrap();
        let expected = [AclEntry { group: false, id: 1000, bits: 6 }];
        for (path, of) in [("/s.sock", folder.join("s.sock")), ("/", folder.clone())] {
            setxattr(&of, "system.posix_acl_access", &acl_for_a_user(), XattrFlags::empty()).unwrap();
            assert_eq!(root.entry(path).is().unwrap().acl, expected, "{path}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
