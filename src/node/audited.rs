//! Paths that the audit system watches.

use super::Node;
use super::config::Setting;

/// Paths with the item of the CIS benchmark, empty for those that it has not.
const PATHS: &[(&str, &str)] = &[
    ("/usr/bin/dockerd", "D1.1.3"),
    ("/run/containerd", "D1.1.4"),
    ("/etc/docker", "D1.1.6"),
    ("/etc/default/docker", "D1.1.10"),
    ("/etc/sysconfig/docker", "D1.1.13"),
    ("/usr/bin/containerd", "D1.1.14"),
    ("/usr/bin/containerd-shim", "D1.1.15"),
    ("/usr/bin/containerd-shim-runc-v1", "D1.1.16"),
    ("/usr/bin/containerd-shim-runc-v2", "D1.1.17"),
    ("/usr/bin/runc", "D1.1.18"),
    ("/usr/sbin/runc", "D1.1.18"),
    ("/usr/bin/crun", ""),
    ("/usr/bin/crio", ""),
    ("/usr/bin/podman", ""),
    ("/etc/crio", ""),
    ("/etc/containers", ""),
];

/// A path that is watched where it exists.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Audited {
    pub path: String,
    /// `D1.1.3`; empty where no list has it.
    pub cis: &'static str,
}

/// All paths: programs, and what the settings of the daemons name.
#[must_use]
pub fn audited(node: &Node) -> Vec<Audited> {
    let mut all: Vec<Audited> = PATHS.iter().map(|(path, cis)| Audited { path: (*path).to_owned(), cis }).collect();
    let mut add = |path: &str, cis: &'static str| all.push(Audited { path: path.to_owned(), cis });
    for docker in node.docker.iter().filter(|docker| !docker.rootless) {
        add(&docker.data_root(), "D1.1.5");
        add(&docker.config_file, "D1.1.11");
        for host in docker.hosts() {
            if let Some(path) = host.address.strip_prefix("unix://") {
                add(path, "D1.1.9");
            }
        }
    }
    for daemon in node.containerd.iter().filter(|daemon| !daemon.rootless) {
        let named = |key: &str, default: &str| text(daemon.config.get(key)).unwrap_or_else(|| default.to_owned());
        add(&named("root", "/var/lib/containerd"), "");
        add(&named("grpc.address", "/run/containerd/containerd.sock"), "D1.1.8");
        for path in &daemon.config_files {
            add(path, "D1.1.12");
        }
    }
    for daemon in node.crio.iter().chain(&node.podman) {
        add(&text(daemon.config.get("crio.root")).unwrap_or_else(|| "/var/lib/containers".to_owned()), "");
    }
    for kubelet in &node.kubelet {
        for path in &kubelet.config_files {
            add(path, "");
        }
    }
    for (unit, cis) in [
        ("docker.service", "D1.1.7"),
        ("docker.socket", "D1.1.9"),
        ("containerd.service", ""),
        ("crio.service", ""),
        ("kubelet.service", ""),
    ] {
        for path in node.units.get(unit).into_iter().flat_map(|unit| &unit.files) {
            add(path, cis);
        }
    }
    all.sort_unstable();
    all.dedup_by(|a, b| a.path == b.path);
    all
}

fn text(setting: Option<&Setting>) -> Option<String> {
    setting.and_then(|setting| setting.value.as_str()).filter(|path| path.starts_with('/')).map(str::to_owned)
}
