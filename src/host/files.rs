//! The facts of files: what they lead to, who owns them, and the folders above.

use super::Host;
use crate::node::config::Source;
use crate::node::docker::Docker;
use crate::node::mode::{Access, FileFacts, FileKind, FileRead, Parent};
use crate::node::mount::{self, Mount};
use crate::node::unit::Unit;
use crate::node::{Node, PlannedSocket, Read, has_extension};
use std::collections::BTreeMap;

/// Links on the way to one file; the kernel follows no more.
const MOST_LINKS: usize = 40;

/// The facts of a path, with all folders above what it leads to, and above each link on the way.
pub fn facts(host: &dyn Host, path: &str, mounts: &[Mount]) -> FileRead {
    host.entry(path).map(|entry| {
        let mut parents = Vec::new();
        above(host, &entry.path, &mut parents);
        let mut link_parents = Vec::new();
        // The folders of a link decide as much: who can change one puts another link there.
        if path != entry.path {
            for link in links(host, path) {
                above(host, &link, &mut link_parents);
            }
            link_parents.retain(|folder| !parents.contains(folder));
        }
        let read_only = mount::of(mounts, &entry.path).is_some_and(|mount| mount.read_only);
        FileFacts {
            path: entry.path,
            kind: entry.kind,
            access: entry.access,
            acl: entry.acl,
            parents,
            link_parents,
            modified: entry.modified,
            read_only,
        }
    })
}

/// Sockets of daemons that do not exist, and that systemd makes when their unit starts: on an image of a disk there are no others.
pub fn planned_sockets(host: &dyn Host, node: &Node) -> BTreeMap<String, PlannedSocket> {
    let accounts = node.accounts.is().cloned().unwrap_or_default();
    let is_taken = |unit: &Unit, address: &str| {
        let from = |source: &Source| matches!(source, Source::File { path, .. } if unit.files.contains(path));
        let mut hosts = node.docker.iter().flat_map(Docker::hosts);
        let is_podmans = unit.is_passed_to("podman.service", node.units.get("podman.service"));
        is_podmans || hosts.any(|host| host.address == address && from(&host.source))
    };
    // What a unit says that cannot be read as a whole is not known.
    let is_socket = |unit: &&Unit| {
        has_extension(&unit.name, &["socket"]) && !unit.masked && !unit.is_idle && unit.doubts.is_empty()
    };
    let mut all = BTreeMap::new();
    for unit in node.units.values().filter(is_socket) {
        let made = unit.made_as();
        // Without the user or the group systemd makes none; a mode for everybody is wrong all the same.
        let for_all = || (made.mode & 0o007 != 0).then_some(0);
        let (uid, gid) = (accounts.uid(&made.user).or_else(for_all), accounts.gid(&made.group).or_else(for_all));
        let (Some(uid), Some(gid)) = (uid, gid) else { continue };
        for (address, _) in unit.streams(&mut Vec::new()).iter().filter(|(address, _)| is_taken(unit, address)) {
            let Some(path) = address.strip_prefix("unix://") else { continue };
            if !node.file(path).is_some_and(Read::is_absent) {
                continue;
            }
            let mut parents = Vec::new();
            above(host, path, &mut parents);
            let facts = FileFacts {
                path: path.to_owned(),
                kind: FileKind::Socket,
                access: Access { uid, gid, mode: made.mode },
                acl: Vec::new(),
                parents,
                link_parents: Vec::new(),
                modified: 0,
                read_only: false,
            };
            all.insert(path.to_owned(), PlannedSocket { facts, source: made.source.clone() });
        }
    }
    all
}

/// Adds the folders above a path that has no links, the nearest first.
fn above(host: &dyn Host, path: &str, folders: &mut Vec<Parent>) {
    let mut below = path;
    while let Some((folder, _)) = below.rsplit_once('/') {
        let name = if folder.is_empty() { "/" } else { folder };
        if name != path
            && !folders.iter().any(|known| known.path == name)
            && let Read::Is(found) = host.entry(name)
        {
            folders.push(Parent { path: name.to_owned(), access: found.access, acl: found.acl });
        }
        below = folder;
    }
}

/// The links on the way to what a path leads to, each by the path that leads to it without a link.
pub fn links(host: &dyn Host, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    let target = |path: &str| match host.link(path) {
        Read::Is(target) => Ok(Some(target)),
        _ => Ok(None),
    };
    // What is behind a loop is no file, and the links of the loop count all the same.
    let _ = follow(path, &target, &mut found);
    found
}

/// Where a link leads; none for what is no link, and why the path is nothing.
type Target = Result<Option<String>, Read<()>>;

/// The path after all links, which are added to `found`. `target` says where a path leads to: nowhere else if it is no link.
///
/// # Errors
/// That of `target`, or a loop.
pub fn follow(path: &str, target: &dyn Fn(&str) -> Target, found: &mut Vec<String>) -> Result<String, Read<()>> {
    let parts = |path: &str| -> Vec<String> {
        path.split('/').rev().filter(|part| !part.is_empty()).map(str::to_owned).collect()
    };
    let mut left = parts(path);
    let mut done = String::new();
    while let Some(part) = left.pop() {
        match part.as_str() {
            "." => continue,
            ".." => {
                done.truncate(done.rfind('/').unwrap_or(0));
                continue;
            }
            _ => {}
        }
        let next = format!("{done}/{part}");
        let Some(target) = target(&next)? else {
            done = next;
            continue;
        };
        if found.len() >= MOST_LINKS {
            return Err(Read::Loop);
        }
        if target.starts_with('/') {
            done.clear();
        }
        left.extend(parts(&target));
        found.push(next);
    }
    Ok(if done.is_empty() { "/".to_owned() } else { done })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    fn modes(parents: &[Parent]) -> Vec<(&str, u32)> {
        parents.iter().map(|parent| (parent.path.as_str(), parent.access.mode)).collect()
    }

    #[test]
    fn the_folders_of_the_target_count() {
        let fake = Fake::read(
            "=== /data 5:5 0777 folder\n=== /data/daemon.json 0600\n=== /etc/docker/daemon.json link /data/daemon.json\n",
        );
        let read = facts(&fake, "/etc/docker/daemon.json", &[]);
        let found = read.is().unwrap();
        assert_eq!(found.path, "/data/daemon.json");
        assert_eq!(modes(&found.parents), [("/data", 0o777), ("/", 0o755)]);
        assert!(facts(&fake, "/none", &[]).is_absent());
    }

    #[test]
    fn the_folders_of_each_link_count() {
        let fake = Fake::read(
            "=== /open 5:5 0777 folder\n=== /open/daemon.json link ../more/link\n=== /more 0700 folder\n=== /more/link link /etc/docker/real.json\n\
=== /etc/docker/real.json\n",
        );
        let read = facts(&fake, "/open/daemon.json", &[]);
        let found = read.is().unwrap();
        assert_eq!(modes(&found.parents), [("/etc/docker", 0o755), ("/etc", 0o755), ("/", 0o755)]);
        assert_eq!(modes(&found.link_parents), [("/open", 0o777), ("/more", 0o700)]);
    }
}
