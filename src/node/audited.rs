//! Paths that the audit system watches.

use super::Node;
use super::config::Setting;
use super::unit::sockets;

/// Paths with the item of the CIS benchmark, empty for those that it has not.
const PATHS: &[(&str, &str)] = &[
    ("/run/containerd", "D1.1.4"),
    ("/etc/docker", "D1.1.6"),
    ("/etc/default/docker", "D1.1.10"),
    ("/etc/sysconfig/docker", "D1.1.13"),
    ("/etc/containerd", ""),
    ("/etc/crio", ""),
    ("/etc/containers", ""),
];

/// Programs of container daemons.
const PROGRAMS: &[(&str, &str)] = &[
    ("dockerd", "D1.1.3"),
    ("containerd", "D1.1.14"),
    ("containerd-shim", "D1.1.15"),
    ("containerd-shim-runc-v1", "D1.1.16"),
    ("containerd-shim-runc-v2", "D1.1.17"),
    ("runc", "D1.1.18"),
    ("crun", ""),
    ("crio", ""),
    ("podman", ""),
];

/// Folders in which packages and people put programs.
const FOLDERS: [&str; 4] = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];

/// Units whose files are watched.
const UNITS: &[(&str, &str)] = &[
    ("docker.service", "D1.1.7"),
    ("docker.socket", "D1.1.9"),
    ("containerd.service", ""),
    ("crio.service", ""),
    ("podman.service", ""),
    ("podman.socket", ""),
    ("kubelet.service", ""),
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
    all.extend(programs(node));
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
    for daemon in &node.crio {
        let socket = text(daemon.config.get("crio.api.listen"));
        add(socket.as_deref().unwrap_or("/run/crio/crio.sock"), "");
    }
    for path in node.podman.iter().flat_map(|_| podman_sockets(node)) {
        add(&path, "");
    }
    for daemon in node.crio.iter().chain(&node.podman) {
        add(&text(daemon.config.get("crio.root")).unwrap_or_else(|| "/var/lib/containers".to_owned()), "");
    }
    for kubelet in &node.kubelet {
        // Files that come later count as those that are there.
        for path in kubelet.config_files.iter().chain(&kubelet.config_dir) {
            add(path, "");
        }
    }
    for (unit, cis) in UNITS {
        for path in node.units.get(*unit).into_iter().flat_map(|unit| &unit.files) {
            add(path, cis);
        }
    }
    // A drop-in that comes later changes how a daemon starts.
    if UNITS.iter().any(|(unit, _)| node.units.contains_key(*unit)) {
        add("/etc/systemd/system", "");
    }
    all.sort_unstable();
    all.dedup_by(|a, b| a.path == b.path);
    all
}

/// The programs in their usual folders, and those that units and processes name.
fn programs(node: &Node) -> Vec<Audited> {
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let of = |(program, cis): &(&str, &'static str)| {
        FOLDERS.map(|folder| Audited { path: format!("{folder}/{program}"), cis })
    };
    let mut all: Vec<Audited> = PROGRAMS.iter().flat_map(of).collect();
    let of_units = UNITS.iter().filter_map(|(unit, _)| node.units.get(*unit)?.command()?.into_iter().next());
    let daemons = node.processes.iter().filter(|process| process.is_of_root());
    let of_processes = daemons.filter_map(|process| process.arguments.first().cloned());
    for path in of_units.chain(of_processes).filter(|path| path.starts_with('/')) {
        let known = PROGRAMS.iter().find(|(program, _)| name(&path) == *program);
        all.extend(known.map(|(_, cis)| Audited { path, cis }));
    }
    all
}

/// The sockets of the podman that is root's: its usual one, and those of its unit.
pub(super) fn podman_sockets(node: &Node) -> Vec<String> {
    let units = sockets(&node.units, "podman.service").filter(|unit| !unit.masked);
    let streams = units.flat_map(|unit| unit.all("Socket", "ListenStream"));
    let mut all: Vec<String> =
        streams.map(|stream| stream.value.replace("%t", "/run")).filter(|path| path.starts_with('/')).collect();
    all.push("/run/podman/podman.sock".to_owned());
    all.sort_unstable();
    all.dedup();
    all
}

fn text(setting: Option<&Setting>) -> Option<String> {
    setting.and_then(|setting| setting.value.as_str()).filter(|path| path.starts_with('/')).map(str::to_owned)
}
