//! Reads a host: the only place where `podreeve node` touches files. Links are resolved inside the root, so an image of a disk, or the
//! host's `/` mounted into a pod, is read like the host itself.

mod audit;
mod certificates;
mod cni;
mod containerd;
mod containers;
mod docker;
mod facts;
pub mod fake;
mod files;
mod glob;
mod images;
mod instances;
mod keys;
mod kubelet;
mod layouts;
mod processes;
mod root;
mod rsyslog;
mod snapshot;
mod toml_files;
mod units;
mod walk;
mod watched;

pub use root::Root;
pub use snapshot::snapshot;
pub use watched::Watched;

use crate::node::Read;
use crate::node::mode::{Access, AclEntry, FileKind};
use std::string::FromUtf8Error;

/// Bytes of a configuration file or a row of `/proc` that are read.
pub const LARGEST_FILE: usize = 4 << 20;

/// Names in a folder that are read.
pub const MOST_NAMES: usize = 65_536;

/// Something to read from. All paths are absolute, and are paths of the host.
pub trait Host {
    /// The bytes of a regular file.
    fn read(&self, path: &str) -> Read<Vec<u8>>;
    /// The names in a folder, sorted.
    fn list(&self, path: &str) -> Read<Vec<String>>;
    /// What a path leads to after all links.
    fn entry(&self, path: &str) -> Read<Entry>;
    /// The text of a link itself.
    fn link(&self, path: &str) -> Read<String>;
    /// The `uid_map` and the `gid_map` of podreeve itself, which say whether the ids that it sees are those of the host.
    fn own_ids(&self) -> [Read<String>; 2] {
        ["uid_map", "gid_map"].map(|name| text_of(self.read(&format!("/proc/self/{name}"))))
    }
    /// The texts of all links in a folder.
    fn links(&self, path: &str) -> Vec<String> {
        let names = self.list(path);
        let links = names.is().into_iter().flatten().map(|name| self.link(&format!("{path}/{name}")));
        links.filter_map(|link| link.is().cloned()).collect()
    }
}

/// What a path leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path after all links.
    pub path: String,
    pub kind: FileKind,
    pub access: Access,
    pub acl: Vec<AclEntry>,
    /// Seconds since 1970.
    pub modified: i64,
    /// Seconds since 1970 at which it was put there, or got another owner or mode. A package's file keeps the time at which it was built as
    /// the other time.
    pub changed: i64,
}

/// The text of a file. Bytes that are no UTF-8 are replaced, as no setting has them.
pub fn text(host: &dyn Host, path: &str) -> Read<String> {
    text_of(host.read(path))
}

fn text_of(bytes: Read<Vec<u8>>) -> Read<String> {
    let replaced = |error: FromUtf8Error| String::from_utf8_lossy(error.as_bytes()).into_owned();
    bytes.map(|bytes| String::from_utf8(bytes).unwrap_or_else(replaced))
}

/// Entries of an ACL in the form of the attribute `system.posix_acl_access`.
#[must_use]
pub fn acl(bytes: &[u8]) -> Vec<AclEntry> {
    const USER: u16 = 2;
    const GROUP: u16 = 8;
    const MASK: u16 = 0x10;
    let entries = bytes.get(4..).unwrap_or_default().chunks_exact(8).filter_map(|entry| {
        let tag = u16::from_le_bytes(entry.get(..2)?.try_into().ok()?);
        let bits = u16::from_le_bytes(entry.get(2..4)?.try_into().ok()?);
        let id = u32::from_le_bytes(entry.get(4..8)?.try_into().ok()?);
        Some((tag, u32::from(bits), id))
    });
    let entries: Vec<(u16, u32, u32)> = entries.collect();
    let mask = entries.iter().find(|(tag, ..)| *tag == MASK).map_or(0o7, |(_, bits, _)| *bits);
    let named = entries.iter().filter(|(tag, ..)| matches!(*tag, USER | GROUP));
    named
        .map(|(tag, bits, id)| AclEntry { group: *tag == GROUP, id: *id, bits: bits & mask })
        .filter(|entry| entry.bits != 0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_limits_an_acl() {
        let entry =
            |tag: u16, bits: u16, id: u32| [&tag.to_le_bytes()[..], &bits.to_le_bytes(), &id.to_le_bytes()].concat();
        let none = u32::MAX;
        let bytes = [
            vec![2, 0, 0, 0],
            entry(1, 6, none),
            entry(2, 7, 1000),
            entry(4, 4, none),
            entry(8, 4, 5),
            entry(0x10, 4, none),
            entry(0x20, 0, none),
        ];
        let expected = [AclEntry { group: false, id: 1000, bits: 4 }, AclEntry { group: true, id: 5, bits: 4 }];
        assert_eq!(acl(&bytes.concat()), expected);
        assert!(acl(&[]).is_empty() && acl(&[2, 0, 0]).is_empty());
    }
}
