//! A host in memory, from a text: for examples of rules and for tests that need no root.
//!
//! A line `=== PATH [OWNER:GROUP] [MODE] [KIND]` begins each entry, and the lines after it are its text. KIND is `folder`, `socket`,
//! `link TARGET`, `acl user:1000:r--`, `denied` or `denied folder`. Without them it is a file of root with mode 0644. Folders above are made. In
//! `/proc/PID/cmdline` the words are separated by spaces.

use super::files::follow;
use super::{Entry, Host};
use crate::node::Read;
use crate::node::mode::{Access, AclEntry, FileKind};
use std::collections::BTreeMap;

/// A host in memory.
#[derive(Debug, Clone, Default)]
pub struct Fake {
    entries: BTreeMap<String, FakeEntry>,
}

#[derive(Debug, Clone)]
struct FakeEntry {
    kind: FakeKind,
    access: Access,
    acl: Vec<AclEntry>,
    modified: i64,
}

#[derive(Debug, Clone)]
enum FakeKind {
    File(Vec<u8>),
    Folder,
    Socket,
    Link(String),
    Denied,
    DeniedFolder,
}

const ROOT: Access = Access { uid: 0, gid: 0, mode: 0o644 };

impl Fake {
    /// Reads the text of a host. What cannot be read of a header is left out, so that a fuzzer may write anything.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut fake = Self::default();
        let mut open: Option<(String, FakeEntry)> = None;
        for line in text.lines() {
            if let Some(header) = line.strip_prefix("=== ") {
                if let Some((path, entry)) = open.take() {
                    fake.insert(path, entry);
                }
                open = entry(header);
            } else if let Some((path, FakeEntry { kind: FakeKind::File(bytes), .. })) = &mut open {
                let process = path.strip_prefix("/proc/").and_then(|rest| rest.strip_suffix("/cmdline"));
                let is_cmdline = process.is_some();
                let line = if is_cmdline { line.replace(' ', "\0") } else { line.to_owned() };
                bytes.extend_from_slice(line.as_bytes());
                bytes.push(if is_cmdline { 0 } else { b'\n' });
            }
        }
        if let Some((path, entry)) = open {
            fake.insert(path, entry);
        }
        fake
    }

    fn insert(&mut self, path: String, entry: FakeEntry) {
        let mut parent = path.as_str();
        while let Some((above, _)) = parent.rsplit_once('/') {
            let name = if above.is_empty() { "/" } else { above };
            let access = Access { mode: 0o755, ..ROOT };
            let folder = FakeEntry { kind: FakeKind::Folder, access, acl: Vec::new(), modified: 0 };
            self.entries.entry(name.to_owned()).or_insert(folder);
            parent = above;
        }
        self.entries.insert(path, entry);
    }

    /// The path after all links.
    fn resolve(&self, path: &str) -> Result<String, Read<()>> {
        let target = |path: &str| match self.entries.get(path).map(|entry| &entry.kind) {
            None => Err(Read::Absent),
            Some(FakeKind::Link(target)) => Ok(Some(target.clone())),
            Some(_) => Ok(None),
        };
        follow(path, &target, &mut Vec::new())
    }

    fn find(&self, path: &str) -> Result<(String, &FakeEntry), Read<()>> {
        let path = self.resolve(path)?;
        let entry = self.entries.get(&path).ok_or(Read::Absent)?;
        Ok((path, entry))
    }
}

fn entry(header: &str) -> Option<(String, FakeEntry)> {
    let mut words = header.split_ascii_whitespace();
    let path = words.next().filter(|path| path.starts_with('/'))?.to_owned();
    let mut found = FakeEntry { kind: FakeKind::File(Vec::new()), access: ROOT, acl: Vec::new(), modified: 0 };
    while let Some(word) = words.next() {
        match word {
            "folder" if matches!(found.kind, FakeKind::Denied) => found.kind = FakeKind::DeniedFolder,
            "folder" => {
                found.kind = FakeKind::Folder;
                if found.access.mode == ROOT.mode {
                    found.access.mode = 0o755;
                }
            }
            "socket" => found.kind = FakeKind::Socket,
            "denied" => found.kind = FakeKind::Denied,
            // The target is the rest of the line, as it may have spaces.
            "link" => {
                found.kind = FakeKind::Link(words.by_ref().collect::<Vec<_>>().join(" "));
            }
            "acl" => found.acl.extend(words.next().and_then(acl_entry)),
            "modified" => found.modified = words.next().and_then(|word| word.parse().ok()).unwrap_or(0),
            _ => match word.split_once(':') {
                Some((user, group)) => {
                    found.access.uid = id(user);
                    found.access.gid = id(group);
                }
                None => found.access.mode = u32::from_str_radix(word, 8).unwrap_or(found.access.mode),
            },
        }
    }
    Some((path, found))
}

fn id(text: &str) -> u32 {
    if text == "root" { 0 } else { text.parse().unwrap_or(65_534) }
}

fn acl_entry(text: &str) -> Option<AclEntry> {
    let mut fields = text.split(':');
    let (kind, number, letters) = (fields.next()?, fields.next()?, fields.next()?);
    let bit = |letter, bit| if letters.contains(letter) { bit } else { 0 };
    Some(AclEntry { group: kind == "group", id: number.parse().ok()?, bits: bit('r', 4) | bit('w', 2) | bit('x', 1) })
}

fn failed<T>(read: Read<()>) -> Read<T> {
    match read {
        Read::Loop => Read::Loop,
        Read::TooBig => Read::TooBig,
        Read::Denied(why) => Read::Denied(why),
        Read::Absent | Read::Is(()) => Read::Absent,
    }
}

impl Host for Fake {
    fn read(&self, path: &str) -> Read<Vec<u8>> {
        match self.find(path) {
            Err(why) => failed(why),
            Ok((_, FakeEntry { kind: FakeKind::File(bytes), .. })) => Read::Is(bytes.clone()),
            Ok((_, FakeEntry { kind: FakeKind::Denied, .. })) => Read::Denied("permission denied".to_owned()),
            Ok(_) => Read::Denied("it is no regular file".to_owned()),
        }
    }

    fn list(&self, path: &str) -> Read<Vec<String>> {
        match self.find(path) {
            Err(why) => failed(why),
            Ok((path, FakeEntry { kind: FakeKind::Folder, .. })) => {
                let prefix = format!("{}/", path.trim_end_matches('/'));
                let names = self.entries.keys().filter_map(|key| key.strip_prefix(prefix.as_str()));
                Read::Is(names.filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned).collect())
            }
            Ok((_, FakeEntry { kind: FakeKind::Denied | FakeKind::DeniedFolder, .. })) => {
                Read::Denied("permission denied".to_owned())
            }
            Ok(_) => Read::Absent,
        }
    }

    fn entry(&self, path: &str) -> Read<Entry> {
        match self.find(path) {
            Err(why) => failed(why),
            Ok((path, found)) => {
                let kind = match found.kind {
                    FakeKind::File(_) | FakeKind::Denied => FileKind::File,
                    FakeKind::Folder | FakeKind::DeniedFolder => FileKind::Folder,
                    FakeKind::Socket => FileKind::Socket,
                    FakeKind::Link(_) => FileKind::Other,
                };
                let FakeEntry { access, modified, ref acl, .. } = *found;
                Read::Is(Entry { path, kind, access, acl: acl.clone(), modified, changed: modified })
            }
        }
    }

    fn link(&self, path: &str) -> Read<String> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let found = self
            .resolve(if folder.is_empty() { "/" } else { folder })
            .map(|folder| format!("{}/{name}", folder.trim_end_matches('/')));
        match found {
            Err(why) => failed(why),
            Ok(path) => match self.entries.get(&path).map(|entry| &entry.kind) {
                Some(FakeKind::Link(target)) => Read::Is(target.clone()),
                _ => Read::Absent,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_from_a_text() {
        let fake = Fake::read(
            "=== /etc/docker/daemon.json 0:7 0600\n{}\n=== /run/docker.sock socket 0660\n=== /var/run link /run\n=== /a link /b\n=== /b link a\n\
=== /proc/7/cmdline\ndockerd -H fd://\n=== /x denied\n=== /f acl user:1000:rw-\n",
        );
        assert_eq!(fake.read("/etc/docker/../docker/daemon.json"), Read::Is(b"{}\n".to_vec()));
        let entry = fake.entry("/var/run/docker.sock");
        let entry = entry.is().unwrap();
        assert_eq!((entry.path.as_str(), entry.kind, entry.access.mode), ("/run/docker.sock", FileKind::Socket, 0o660));
        assert_eq!(fake.read("/a"), Read::Loop);
        assert_eq!(fake.read("/proc/7/cmdline"), Read::Is(b"dockerd\0-H\0fd://\0".to_vec()));
        assert_eq!(fake.list("/etc"), Read::Is(vec!["docker".to_owned()]));
        assert!(matches!(fake.read("/x"), Read::Denied(_)) && fake.read("/none").is_absent());
        assert_eq!(fake.link("/var/run"), Read::Is("/run".to_owned()));
        assert_eq!(fake.entry("/f").is().unwrap().acl[0].bits, 6);
    }
}
