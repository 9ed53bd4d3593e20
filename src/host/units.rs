//! Units of systemd from their folders.

use super::{Host, text};
use crate::node::has_extension;
use crate::node::unit::{FOLDERS, Unit};
use std::collections::BTreeMap;

/// Units that rules ask about.
const DAEMONS: &[&str] = &[
    "docker.service",
    "docker.socket",
    "containerd.service",
    "crio.service",
    "podman.service",
    "podman.socket",
    "kubelet.service",
    "auditd.service",
    "k3s.service",
    "k3s-agent.service",
    "rke2-server.service",
    "rke2-agent.service",
    "snap.docker.dockerd.service",
];

/// A unit with its drop-ins; none where no folder has it.
pub fn unit(host: &dyn Host, name: &str) -> Option<Unit> {
    let mut unit = Unit { name: name.to_owned(), ..Unit::default() };
    let mut main = None;
    for folder in FOLDERS {
        let path = format!("{folder}/{name}");
        if host.link(&path).is().is_some_and(|target| target == "/dev/null") {
            return Some(Unit { masked: true, files: vec![path], ..unit });
        }
        if let Some(text) = text(host, &path).is() {
            main = Some((path, text.clone()));
            break;
        }
    }
    let (path, content) = main?;
    unit.add(&path, &content);
    // Of drop-ins with one name the first folder's counts. They are read in the order of their names.
    let suffix = name.rsplit('.').next().unwrap_or("service");
    let mut drop_ins = BTreeMap::new();
    for folder in FOLDERS.iter().rev() {
        for below in [format!("{folder}/{suffix}.d"), format!("{folder}/{name}.d")] {
            for file in host.list(&below).is().into_iter().flatten().filter(|file| has_extension(file, &["conf"])) {
                drop_ins.insert(file.clone(), format!("{below}/{file}"));
            }
        }
    }
    for path in drop_ins.values() {
        if let Some(content) = text(host, path).is() {
            unit.add(path, content);
        }
    }
    Some(unit)
}

/// The units of daemons that this host has.
pub fn daemons(host: &dyn Host) -> BTreeMap<String, Unit> {
    DAEMONS.iter().filter_map(|name| Some(((*name).to_owned(), unit(host, name)?))).collect()
}

/// Units that start with the host: links in folders `*.wants` and `*.requires`.
pub fn enabled(host: &dyn Host) -> Vec<String> {
    let mut all = Vec::new();
    for folder in ["/etc/systemd/system", "/usr/lib/systemd/system"] {
        for below in host.list(folder).is().into_iter().flatten() {
            if has_extension(below, &["wants", "requires"]) {
                all.extend(host.list(&format!("{folder}/{below}")).is().into_iter().flatten().cloned());
            }
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn the_first_folder_and_all_drop_ins() {
        let fake = Fake::read(
            "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\nA=1\n\
=== /lib link usr/lib\n\
=== /etc/systemd/system/docker.service.d/10.conf\n[Service]\nA=2\n=== /usr/lib/systemd/system/docker.service.d/10.conf\n[Service]\nA=9\n\
=== /etc/systemd/system/service.d/05.conf\n[Service]\nA=3\n=== /etc/systemd/system/podman.service link /dev/null\n\
=== /etc/systemd/system/multi-user.target.wants/docker.service link /lib/systemd/system/docker.service\n",
        );
        let found = unit(&fake, "docker.service").unwrap();
        let values: Vec<_> = found.all("Service", "A").map(|assignment| assignment.value.as_str()).collect();
        assert_eq!(values, ["1", "3", "2"]);
        assert!(unit(&fake, "podman.service").unwrap().masked);
        assert!(unit(&fake, "crio.service").is_none());
        assert_eq!(enabled(&fake), ["docker.service"]);
        assert_eq!(daemons(&fake).len(), 2);
    }
}
