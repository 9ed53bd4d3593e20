//! Who may do what with a file: owner, group, permission bits, ACL and the folders above.

use super::account::Accounts;
use super::read::Read;
use serde::{Deserialize, Serialize};

/// What kind of file it is. Links are resolved before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FileKind {
    File,
    Folder,
    Socket,
    Other,
}

/// Owner, group and permission bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    pub uid: u32,
    pub gid: u32,
    /// The twelve permission bits.
    pub mode: u32,
}

/// An entry of a POSIX ACL for a named user or group, with the mask applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AclEntry {
    pub group: bool,
    pub id: u32,
    /// Three bits: read, write, execute.
    pub bits: u32,
}

/// What is known of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FileFacts {
    /// The path after all links.
    pub path: String,
    pub kind: FileKind,
    #[serde(flatten)]
    pub access: Access,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acl: Vec<AclEntry>,
    /// The folders above, the nearest first.
    pub parents: Vec<Parent>,
    /// The folders above the links that lead to it, without those of `parents`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub link_parents: Vec<Parent>,
    /// Seconds since 1970.
    pub modified: i64,
    /// Whether its file system is mounted read-only, so that no repair can be made on the host.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
}

/// A folder above a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    pub path: String,
    #[serde(flatten)]
    pub access: Access,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acl: Vec<AclEntry>,
}

/// What a file may be at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Maximum {
    pub uid: u32,
    /// Names of groups that may own it. Empty stands for `root` alone.
    pub groups: Vec<String>,
    pub mode: u32,
}

/// One way in which a file grants more than its maximum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    pub found: String,
    pub wanted: String,
    /// Whether more users may write, or may read a key.
    pub grave: bool,
    /// Whether it is about the owner and the group.
    pub is_owner: bool,
    pub repair: String,
    /// What to do instead, where the folder is of another user with good reason.
    pub moved: Option<String>,
}

/// Sticky and setgid bits of sockets do nothing.
const SOCKET_BITS: u32 = 0o777;

/// Bits of `mode` that `max` does not have. Modes are sets of bits: 0604 grants more than 0640, though it is a smaller number.
#[must_use]
pub const fn excess_bits(mode: u32, max: u32) -> u32 {
    mode & 0o7777 & !max
}

/// Whether only the owner may enter a folder.
const fn is_closed(mode: u32) -> bool {
    excess_bits(mode & 0o777, 0o700) == 0
}

impl FileFacts {
    /// The closed folder that hides bits for reading which are more than the maximum has; none if there are no such bits.
    #[must_use]
    pub fn hidden_by(&self, max: &Maximum) -> Option<&Parent> {
        let is_more = excess_bits(self.access.mode & SOCKET_BITS, max.mode) & 0o044 != 0;
        self.parents.iter().find(|parent| is_more && parent.access.uid == max.uid && is_closed(parent.access.mode))
    }

    /// Whether a folder above belongs to this user, who alone may enter it.
    #[must_use]
    pub fn is_in_closed_folder(&self, uid: u32) -> bool {
        self.parents.iter().any(|parent| parent.access.uid == uid && is_closed(parent.access.mode))
    }

    /// All ways in which others than `uid` may put a file into this folder, or another folder in its place.
    #[must_use]
    pub fn place_excess(&self, uid: u32, accounts: &Accounts) -> Vec<Excess> {
        let own = Parent { path: self.path.clone(), access: self.access, acl: self.acl.clone() };
        let folders = self.parents.iter().chain(&self.link_parents).chain([&own]);
        folders.filter_map(|folder| parent_excess(folder, &self.path, uid, accounts)).collect()
    }

    /// All ways in which the file grants more than `max`. `is_key`: reading it is as bad as writing.
    #[must_use]
    pub fn excess(&self, max: &Maximum, accounts: &Accounts, is_key: bool) -> Vec<Excess> {
        let mut found = Vec::new();
        let quoted = shell(&self.path);
        let group = accounts.group(self.access.gid);
        let allowed = |gid: u32| {
            let name = accounts.group(gid);
            // A setting may have the number of a group.
            let is_one = |wanted: &String| *wanted == name || wanted.parse() == Ok(gid);
            if max.groups.is_empty() { gid == 0 } else { max.groups.iter().any(is_one) }
        };
        let wanted_group = max.groups.first().map_or("root", String::as_str);
        let owner = accounts.user(max.uid);
        if self.access.uid != max.uid || !allowed(self.access.gid) {
            found.push(Excess {
                found: format!("{}:{group}", accounts.user(self.access.uid)),
                wanted: format!("{owner}:{wanted_group}"),
                grave: self.access.uid != max.uid || self.access.mode & 0o020 != 0,
                is_owner: true,
                repair: format!("chown {owner}:{wanted_group} {quoted}"),
                moved: None,
            });
        }
        let mode =
            if self.kind == FileKind::Socket { self.access.mode & SOCKET_BITS } else { self.access.mode & 0o7777 };
        let excess = excess_bits(mode, max.mode);
        if excess != 0 {
            // A folder above that only the owner may enter hides a bit for reading.
            let hidden =
                self.parents.iter().any(|parent| parent.access.uid == max.uid && is_closed(parent.access.mode));
            let reads = excess & 0o044 != 0;
            let writes = excess & 0o022 != 0;
            // A bit of a file that no other user reaches does nothing.
            if !hidden || writes {
                found.push(Excess {
                    found: format!("mode {mode:04o}"),
                    wanted: format!("mode {:04o} or less", max.mode),
                    grave: writes || (is_key && reads),
                    is_owner: false,
                    repair: format!("chmod {:04o} {quoted}", mode & max.mode),
                    moved: None,
                });
            }
        }
        for entry in &self.acl {
            let bits = if entry.group { (max.mode >> 3) & 0o7 } else { 0 };
            let added = entry.bits & !bits;
            if added != 0 && !(entry.group && allowed(entry.id)) && (entry.group || entry.id != max.uid) {
                found.push(Excess {
                    found: format!("an ACL gives {} {}", named(entry, accounts), letters(entry.bits)),
                    wanted: "no ACL that grants more than the mode".to_owned(),
                    grave: added & 0o2 != 0 || (is_key && added & 0o4 != 0),
                    is_owner: false,
                    repair: format!("setfacl -b {quoted}"),
                    moved: None,
                });
            }
        }
        let folders = self.parents.iter().chain(&self.link_parents);
        found.extend(folders.filter_map(|parent| parent_excess(parent, &self.path, max.uid, accounts)));
        found
    }
}

/// A folder in which others may write: they can put another file in the place of this one. A sticky folder forbids that.
fn parent_excess(parent: &Parent, path: &str, uid: u32, accounts: &Accounts) -> Option<Excess> {
    let Access { uid: owner, gid, mode } = parent.access;
    let sticky = mode & 0o1000 != 0;
    let group_writes = mode & 0o020 != 0 && gid != 0 && !sticky;
    let others_write = mode & 0o002 != 0 && !sticky;
    let foreign_owner = owner != 0 && owner != uid;
    let is_foreign = |entry: &&AclEntry| entry.id != 0 && (entry.group || entry.id != uid);
    let by_acl = parent.acl.iter().filter(|entry| entry.bits & 0o2 != 0 && !sticky).find(is_foreign);
    if !group_writes && !others_write && !foreign_owner && by_acl.is_none() {
        return None;
    }
    let quoted = shell(&parent.path);
    let acl = by_acl.map(|entry| format!(", and an ACL gives {} {}", named(entry, accounts), letters(entry.bits)));
    let acl = acl.unwrap_or_default();
    Some(Excess {
        found: format!("folder {} is {}:{} {mode:04o}{acl}", parent.path, accounts.user(owner), accounts.group(gid)),
        wanted: "folders above that only the owner of the file may change".to_owned(),
        grave: true,
        is_owner: false,
        repair: if foreign_owner {
            format!("chown root:root {quoted}")
        } else if by_acl.is_some() {
            format!("setfacl -b {quoted} && chmod {:04o} {quoted}", mode & !0o022)
        } else {
            format!("chmod {:04o} {quoted}", mode & !0o022)
        },
        moved: is_for_users(parent, accounts).then(|| {
            format!(
                "move {} to a folder of root, such as /etc/docker, and name it there in the settings: {} is for users",
                shell(path),
                parent.path
            )
        }),
    })
}

/// Whether a folder is a home, or in one, or is meant for files of all users: it cannot be taken from them.
fn is_for_users(folder: &Parent, accounts: &Accounts) -> bool {
    const SHARED: &[&str] = &["/tmp", "/var/tmp", "/dev/shm", "/home", "/run/user", "/run/lock", "/var/lock"];
    let is_in = |above: &str| {
        let rest = folder.path.strip_prefix(above);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    // Users of services have homes such as `/`.
    let is_home = |home: &str| home.len() > 1 && is_in(home);
    let owner = folder.access.uid;
    SHARED.iter().any(|shared| is_in(shared))
        || accounts.users.iter().any(|user| owner != 0 && user.uid == owner && is_home(user.home.trim_end_matches('/')))
}

/// Whom an entry of an ACL names.
fn named(entry: &AclEntry, accounts: &Accounts) -> String {
    if entry.group {
        format!("group {}", accounts.group(entry.id))
    } else {
        format!("user {}", accounts.user(entry.id))
    }
}

fn letters(bits: u32) -> String {
    [(4, 'r'), (2, 'w'), (1, 'x')].into_iter().map(|(bit, letter)| if bits & bit == 0 { '-' } else { letter }).collect()
}

/// A path as an argument of a command.
#[must_use]
pub fn shell(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._-+@:,".contains(&b);
    if !path.is_empty() && path.bytes().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

/// What is known of a path: its facts, or that there is none.
pub type FileRead = Read<FileFacts>;

#[cfg(test)]
mod tests;
