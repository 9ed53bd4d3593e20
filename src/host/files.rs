//! The facts of files: what they lead to, who owns them, and the folders above.

use super::Host;
use crate::node::mode::{FileFacts, FileRead, Parent};
use crate::node::mount::{self, Mount};

/// The facts of a path, with all folders above what it leads to.
pub fn facts(host: &dyn Host, path: &str, mounts: &[Mount]) -> FileRead {
    host.entry(path).map(|entry| {
        let mut parents = Vec::new();
        let mut above = entry.path.as_str();
        while let Some((folder, _)) = above.rsplit_once('/') {
            let name = if folder.is_empty() { "/" } else { folder };
            if let Some(found) = host.entry(name).is().filter(|_| name != entry.path) {
                parents.push(Parent { path: name.to_owned(), access: found.access });
            }
            above = folder;
        }
        let read_only = mount::of(mounts, &entry.path).is_some_and(|mount| mount.read_only);
        FileFacts {
            path: entry.path,
            kind: entry.kind,
            access: entry.access,
            acl: entry.acl,
            parents,
            modified: entry.modified,
            read_only,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn the_folders_of_the_target_count() {
        let fake = Fake::read(
            "=== /data 5:5 0777 folder\n=== /data/daemon.json 0600\n=== /etc/docker/daemon.json link /data/daemon.json\n",
        );
        let read = facts(&fake, "/etc/docker/daemon.json", &[]);
        let found = read.is().unwrap();
        assert_eq!(found.path, "/data/daemon.json");
        let parents: Vec<_> = found.parents.iter().map(|parent| (parent.path.as_str(), parent.access.mode)).collect();
        assert_eq!(parents, [("/data", 0o777), ("/", 0o755)]);
        assert!(facts(&fake, "/none", &[]).is_absent());
    }
}
