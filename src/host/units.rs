//! Units of systemd from their folders.

use super::{Host, text};
use crate::node::unit::{FOLDERS, Unit};
use crate::node::{Read, has_extension};
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
    let is_there = |path: &String| is_null(host, path) || !host.entry(path).is_absent();
    let place = FOLDERS.iter().map(|folder| format!("{folder}/{name}")).find(is_there)?;
    match content(host, &place) {
        Content::Masked => return Some(Unit { masked: true, files: vec![place], ..unit }),
        Content::Is(text) => unit.add(&place, &text),
        Content::Unknown(why) => {
            unit.doubts.push(why);
            unit.files.push(place);
        }
    }
    // Of drop-ins with one name the first folder's counts. They are read in the order of their names.
    let suffix = name.rsplit('.').next().unwrap_or("service");
    let mut drop_ins = BTreeMap::new();
    for folder in FOLDERS.iter().rev() {
        for below in [format!("{folder}/{suffix}.d"), format!("{folder}/{name}.d")] {
            let names = host.list(&below);
            unit.doubts.extend(names.unknown().map(|why| format!("{below} {why}")));
            for file in names.is().into_iter().flatten().filter(|file| has_extension(file, &["conf"])) {
                drop_ins.insert(file.clone(), format!("{below}/{file}"));
            }
        }
    }
    for path in drop_ins.values() {
        match content(host, path) {
            Content::Masked => {}
            Content::Is(text) => unit.add(path, &text),
            Content::Unknown(why) => unit.doubts.push(why),
        }
    }
    Some(unit)
}

/// What a file of a unit says.
enum Content {
    Is(String),
    /// A link to `/dev/null`, or an empty file, which says that files of this name in other folders do not count.
    Masked,
    /// The reason, with the path.
    Unknown(String),
}

/// Whether a path is a link to `/dev/null`, which an image of a disk need not have.
fn is_null(host: &dyn Host, path: &str) -> bool {
    host.link(path).is().is_some_and(|target| target == "/dev/null")
}

fn content(host: &dyn Host, path: &str) -> Content {
    match text(host, path) {
        _ if is_null(host, path) => Content::Masked,
        Read::Is(text) if text.is_empty() => Content::Masked,
        Read::Is(text) => Content::Is(text),
        other => Content::Unknown(format!("{path} {}", other.unknown().unwrap_or_else(|| "does not exist".to_owned()))),
    }
}

/// Sockets of units that are enabled and that systemd passes to this service, whatever they are called.
fn sockets_of(host: &dyn Host, service: &str, enabled: &[String]) -> Vec<Unit> {
    let own = service.strip_suffix(".service").unwrap_or(service);
    let is_another = |name: &&String| has_extension(name, &["socket"]) && name.strip_suffix(".socket") != Some(own);
    let units = enabled.iter().filter(is_another).filter_map(|name| unit(host, name));
    units.filter(|unit| unit.last("Socket", "Service").is_some_and(|found| found.value == service)).collect()
}

/// The units of daemons that this host has.
pub fn daemons(host: &dyn Host) -> BTreeMap<String, Unit> {
    let named = DAEMONS.iter().filter_map(|name| unit(host, name));
    let sockets = sockets_of(host, "docker.service", &enabled(host));
    named.chain(sockets).map(|unit| (unit.name.clone(), unit)).collect()
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
        assert!(unit(&fake, "podman.service").unwrap().masked && found.doubts.is_empty());
        assert!(unit(&fake, "crio.service").is_none());
        assert_eq!(enabled(&fake), ["docker.service"]);
        assert_eq!(daemons(&fake).len(), 2);
    }

    #[test]
    fn what_cannot_be_read_hides_the_folders_below() {
        let below = "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n";
        let of = |text: &str| unit(&Fake::read(&format!("{below}{text}")), "docker.service").unwrap();
        let unread = of("=== /etc/systemd/system/docker.service denied\n");
        assert!(unread.command().is_none(), "that of the other folder does not count");
        assert_eq!(unread.doubts, ["/etc/systemd/system/docker.service cannot be read: permission denied"]);
        assert!(of("=== /etc/systemd/system/docker.service\n").masked, "an empty file");
        let drop_in = of("=== /etc/systemd/system/docker.service.d/a.conf denied\n");
        assert_eq!(drop_in.doubts, ["/etc/systemd/system/docker.service.d/a.conf cannot be read: permission denied"]);
        let folder = of("=== /etc/systemd/system/docker.service.d denied\n");
        assert_eq!(folder.doubts, ["/etc/systemd/system/docker.service.d cannot be read: permission denied"]);
        let masked = "=== /etc/systemd/system/docker.service.d/a.conf link /dev/null\n=== /usr/lib/systemd/system/docker.service.d/a.conf\n[Service]\nA=1\n";
        let masked = of(masked);
        assert!(masked.doubts.is_empty() && masked.last("Service", "A").is_none(), "{masked:?}");
    }

    #[test]
    fn sockets_that_systemd_passes_to_a_service() {
        let fake = Fake::read(
            "=== /etc/systemd/system/docker-tcp.socket\n[Socket]\nListenStream=2375\nService=docker.service\n\
=== /etc/systemd/system/sockets.target.wants/docker-tcp.socket link /etc/systemd/system/docker-tcp.socket\n\
=== /etc/systemd/system/sockets.target.wants/other.socket link /x\n=== /etc/systemd/system/other.socket\n[Socket]\nService=x.service\n",
        );
        let found = sockets_of(&fake, "docker.service", &enabled(&fake));
        assert_eq!(found.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>(), ["docker-tcp.socket"]);
    }
}
