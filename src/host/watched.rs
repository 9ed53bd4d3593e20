//! What an audit has looked at, so that a change of it can be noticed.

use super::{Entry, Host, files};
use crate::node::unit::FOLDERS;
use crate::node::{Node, Read};
use std::cell::RefCell;
use std::collections::BTreeSet;

/// Folders in which something changes all the time.
const NOISY: [&str; 8] = ["/run", "/var/run", "/proc", "/sys", "/dev", "/tmp", "/var/tmp", "/var/log"];
/// A folder of units in which each container has one.
const TRANSIENT: &str = "/run/systemd/transient";
/// The most folders that are watched.
const MOST: usize = 500;

/// A host that keeps in mind what was read of it.
pub struct Watched<'h> {
    host: &'h dyn Host,
    files: RefCell<BTreeSet<String>>,
    folders: RefCell<BTreeSet<String>>,
}

impl<'h> Watched<'h> {
    #[must_use]
    pub fn new(host: &'h dyn Host) -> Self {
        Self { host, files: RefCell::default(), folders: RefCell::default() }
    }

    /// The folders in which a change may change a verdict, without links on the way, those of units and those near the root first: those of all
    /// files that were read or judged, and of all links to them. For one that does not exist, it is the folder above in which it would be made.
    #[must_use]
    pub fn folders(&self, node: &Node) -> Vec<String> {
        let data = data_folders(node);
        let is_quiet = |path: &str| is_quiet(path) && !data.iter().any(|folder| is_below(path, folder));
        let mut found = BTreeSet::new();
        let files = self.files.borrow();
        for path in files.iter().chain(node.files.keys()).filter(|path| is_quiet(path)) {
            found.extend(parent(path).map(str::to_owned));
            // Who follows the path comes by each of them.
            let whole = self.host.entry(path);
            let target = whole.is().map(|entry| entry.path.as_str()).filter(|target| target != path);
            found.extend(target.and_then(parent).map(str::to_owned));
            let links = target.map(|_| files::links(self.host, path)).unwrap_or_default();
            found.extend(links.iter().filter_map(|link| parent(link)).map(str::to_owned));
        }
        found.extend(self.folders.borrow().iter().cloned());
        let existing: BTreeSet<String> = found.iter().filter_map(|folder| self.nearest(folder)).collect();
        let mut all: Vec<String> = existing.into_iter().filter(|folder| is_quiet(folder)).collect();
        all.sort_by_key(|folder| (!is_unit(folder), folder.matches('/').count()));
        all.truncate(MOST);
        all
    }

    /// A folder without links on the way, or the nearest one above that exists.
    fn nearest(&self, folder: &str) -> Option<String> {
        let mut folder = folder;
        loop {
            match self.host.entry(if folder.is_empty() { "/" } else { folder }) {
                Read::Is(entry) => return Some(entry.path),
                Read::Absent => folder = parent(folder)?,
                _ => return None,
            }
        }
    }

    fn keep(into: &RefCell<BTreeSet<String>>, path: &str) {
        if path.starts_with('/') && is_quiet(path) {
            into.borrow_mut().insert(path.to_owned());
        }
    }
}

fn parent(path: &str) -> Option<&str> {
    path.rsplit_once('/').map(|(folder, _)| folder)
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn is_unit(path: &str) -> bool {
    FOLDERS.iter().any(|folder| *folder != TRANSIENT && is_below(path, folder))
}

/// Units are quiet though they are in a noisy place.
fn is_quiet(path: &str) -> bool {
    is_unit(path) || !NOISY.iter().any(|folder| is_below(path, folder))
}

/// Folders of images and containers, in which each start of a container changes something.
fn data_folders(node: &Node) -> Vec<String> {
    let of_kubelets: Vec<&str> = node.kubelet.iter().map(|kubelet| kubelet.root.as_str()).collect();
    let all = node.data_folders().into_iter().map(|folder| folder.path);
    all.filter(|path| !of_kubelets.contains(&path.as_str())).collect()
}

impl Host for Watched<'_> {
    fn read(&self, path: &str) -> Read<Vec<u8>> {
        Self::keep(&self.files, path);
        self.host.read(path)
    }

    fn list(&self, path: &str) -> Read<Vec<String>> {
        Self::keep(&self.folders, path);
        self.host.list(path)
    }

    fn entry(&self, path: &str) -> Read<Entry> {
        self.host.entry(path)
    }

    fn link(&self, path: &str) -> Read<String> {
        self.host.link(path)
    }

    fn own_ids(&self) -> [Read<String>; 2] {
        self.host.own_ids()
    }

    fn links(&self, path: &str) -> Vec<String> {
        self.host.links(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;
    use crate::host::snapshot;

    fn watched(text: &str) -> Vec<String> {
        let fake = Fake::read(text);
        let watched = Watched::new(&fake);
        let node = snapshot(&watched, 0);
        watched.folders(&node)
    }

    const DOCKER: &str = "=== /usr/lib/systemd/system/docker.service\n[Service]\nEnvironmentFile=-/etc/default/docker\nExecStart=/usr/bin/dockerd\n\
=== /etc/systemd/system/multi-user.target.wants/docker.service link /usr/lib/systemd/system/docker.service\n";

    #[test]
    fn all_that_could_change_a_verdict() {
        let found = watched(&format!(
            "{DOCKER}=== /srv/real.json\n{{}}\n=== /srv/more/link link ../real.json\n=== /etc/docker/daemon.json link /srv/more/link\n\
=== /etc/audit/rules.d/a.rules\n=== /etc/rsyslog.conf\n$IncludeConfig /etc/rsyslog.d/*.conf\n=== /etc/rsyslog.d/a.conf\n\
=== /etc/containerd/config.toml\nimports = [\"/opt/c/*.toml\"]\n=== /opt/c/1.toml\n\
=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n=== /run/systemd/system/x.service\n\
=== /etc/systemd/system/docker.service.d/a.conf\n[Service]\nA=1\n"
        ));
        for folder in [
            "/etc/systemd/system",
            "/etc/systemd/system/docker.service.d",
            "/etc/systemd/system/multi-user.target.wants",
            "/usr/lib/systemd/system",
            "/run/systemd/system",
            "/etc/audit/rules.d",
            "/etc/rsyslog.d",
            "/etc/docker",
            "/srv/more",
            "/srv",
            "/opt/c",
            "/etc",
        ] {
            assert!(found.contains(&folder.to_owned()), "{folder}: {found:?}");
        }
    }

    #[test]
    fn the_folder_in_which_a_missing_one_would_be_made() {
        let found = watched(DOCKER);
        assert!(
            found.contains(&"/etc".to_owned()) && !found.iter().any(|folder| folder.contains("docker")),
            "{found:?}"
        );
    }

    #[test]
    fn what_always_changes_is_left_out() {
        let found = watched(&format!(
            "{DOCKER}=== /var/lib/docker/image/overlay2/repositories.json\n{{}}\n=== /var/lib/docker/containers/c/config.v2.json\n{{}}\n\
=== /proc/1/net/tcp\n=== /run/systemd/transient/a.scope\n=== /run/x\n=== /usr/lib/systemd/system/kubelet.service\n[Service]\n\
ExecStart=/usr/bin/kubelet --config=/var/lib/kubelet/config.yaml\n=== /var/lib/kubelet/config.yaml\nkind: KubeletConfiguration\n"
        ));
        let is_noisy =
            |folder: &&String| ["/var/lib/docker", "/proc", "/run"].iter().any(|noisy| folder.starts_with(noisy));
        assert_eq!(found.iter().find(is_noisy), None);
        assert!(found.contains(&"/var/lib/kubelet".to_owned()), "{found:?}");
        let many: String = (0..600).map(|n| format!("=== /etc/docker/certs.d/{n}/a.crt\n")).collect();
        let found = watched(&format!("{DOCKER}{many}"));
        assert!(found.len() == MOST && found.contains(&"/usr/lib/systemd/system".to_owned()), "{}", found.len());
    }
}
