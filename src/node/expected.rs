//! The files of daemons, their owners, and what their modes may be at most.

use super::Node;
use super::config::Setting;
use super::mode::{Maximum, shell};

/// A file that a rule asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub path: String,
    /// What it is: `the unit of docker`.
    pub what: &'static str,
    pub max: Maximum,
    /// Whether reading it is as bad as writing.
    pub is_key: bool,
    pub owasp: &'static [u8],
    pub cis: &'static [&'static str],
}

/// Paths that the audit system watches, where they exist, with the item of the CIS benchmark.
pub const AUDITED: &[(&str, &str)] = &[
    ("/usr/bin/dockerd", "D1.1.3"),
    ("/run/containerd", "D1.1.4"),
    ("/var/lib/docker", "D1.1.5"),
    ("/etc/docker", "D1.1.6"),
    ("/usr/lib/systemd/system/docker.service", "D1.1.7"),
    ("/run/containerd/containerd.sock", "D1.1.8"),
    ("/usr/lib/systemd/system/docker.socket", "D1.1.9"),
    ("/run/docker.sock", "D1.1.9"),
    ("/etc/default/docker", "D1.1.10"),
    ("/etc/docker/daemon.json", "D1.1.11"),
    ("/etc/containerd/config.toml", "D1.1.12"),
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
    ("/var/lib/containerd", ""),
    ("/var/lib/containers", ""),
    ("/var/lib/kubelet/config.yaml", ""),
];

/// Folders whose files are asked about.
#[must_use]
pub fn folders(node: &Node) -> Vec<String> {
    let mut all = Vec::new();
    if !node.docker.is_empty() {
        all.push("/etc/docker/certs.d".to_owned());
    }
    if !node.containerd.is_empty() {
        all.push("/etc/containerd/certs.d".to_owned());
    }
    if !node.crio.is_empty() || !node.podman.is_empty() {
        all.push("/etc/containers/certs.d".to_owned());
    }
    if !node.kubelet.is_empty() {
        all.push("/var/lib/kubelet/pki".to_owned());
    }
    let verifier = "plugins.\"io.containerd.image-verifier.v1.bindir\".bin_dir";
    all.extend(node.containerd.iter().filter_map(|daemon| of(daemon.config.get(verifier))));
    all
}

fn root(mode: u32) -> Maximum {
    Maximum { uid: 0, groups: Vec::new(), mode }
}

fn of(setting: Option<&Setting>) -> Option<String> {
    setting.and_then(|setting| setting.value.as_str()).filter(|path| path.starts_with('/')).map(str::to_owned)
}

/// All files, in the order of the list. A path may be in it twice, with two reasons.
#[must_use]
pub fn files(node: &Node) -> Vec<Expected> {
    let mut all = Vec::new();
    docker(node, &mut all);
    containerd(node, &mut all);
    crio_and_podman(node, &mut all);
    kubelet(node, &mut all);
    all
}

fn add(
    all: &mut Vec<Expected>,
    path: impl Into<String>,
    what: &'static str,
    max: Maximum,
    owasp: &'static [u8],
    cis: &'static [&'static str],
) {
    all.push(Expected { path: path.into(), what, max, is_key: false, owasp, cis });
}

fn add_key(
    all: &mut Vec<Expected>,
    path: impl Into<String>,
    what: &'static str,
    owasp: &'static [u8],
    cis: &'static [&'static str],
) {
    all.push(Expected { path: path.into(), what, max: root(0o400), is_key: true, owasp, cis });
}

fn unit_files(
    node: &Node,
    all: &mut Vec<Expected>,
    unit: &str,
    what: &'static str,
    owasp: &'static [u8],
    cis: &'static [&'static str],
) {
    for path in node.units.get(unit).into_iter().flat_map(|unit| &unit.files) {
        add(all, path.clone(), what, root(0o644), owasp, cis);
    }
}

/// Certificates and keys below `certs.d`.
fn certificates(node: &Node, all: &mut Vec<Expected>, folder: &str, cis: &'static [&'static str]) {
    let names = |folder: &str| node.folders.get(folder).and_then(super::Read::is).cloned().unwrap_or_default();
    for registry in names(folder) {
        let below = format!("{folder}/{registry}");
        for name in names(&below) {
            let path = format!("{below}/{name}");
            if super::has_extension(&name, &["key"]) {
                add_key(all, path, "a key for a registry", &[43, 44], cis);
            } else if super::has_extension(&name, &["crt", "cert"]) {
                add(all, path, "a certificate for a registry", root(0o444), &[43, 44], cis);
            }
        }
    }
}

fn docker(node: &Node, all: &mut Vec<Expected>) {
    if node.docker.is_empty() {
        return;
    }
    unit_files(node, all, "docker.service", "the unit of docker", &[37, 38], &["D3.1", "D3.2"]);
    unit_files(node, all, "docker.socket", "the socket unit of docker", &[39, 40], &["D3.3", "D3.4"]);
    add(all, "/etc/docker", "the folder of docker's settings", root(0o755), &[41, 42], &["D3.5", "D3.6"]);
    certificates(node, all, "/etc/docker/certs.d", &["D3.7", "D3.8"]);
    for docker in &node.docker {
        let named = |key: &str| of(docker.config.get(key));
        let tls = docker.verification() != super::docker::Verification::None;
        let home = |name: &str| tls.then(|| format!("/root/.docker/{name}"));
        if let Some(path) = named("tlscacert").or_else(|| home("ca.pem")) {
            add(all, path, "the CA of docker's clients", root(0o444), &[51, 52], &["D3.9", "D3.10"]);
        }
        if let Some(path) = named("tlscert").or_else(|| home("cert.pem")) {
            add(all, path, "docker's certificate", root(0o444), &[86, 87], &["D3.11", "D3.12"]);
        }
        if let Some(path) = named("tlskey").or_else(|| home("key.pem")) {
            add_key(all, path, "docker's key", &[88, 89], &["D3.13", "D3.14"]);
        }
        for host in docker.hosts() {
            if let Some(path) = host.address.strip_prefix("unix://")
                && !docker.rootless
            {
                let max = Maximum { uid: 0, groups: vec![docker.group(), "root".to_owned()], mode: 0o660 };
                add(all, path, "docker's socket", max, &[90, 91], &["D3.15", "D3.16"]);
            }
        }
        if !docker.rootless {
            add(all, docker.config_file.clone(), "docker's settings", root(0o644), &[92, 93], &["D3.17", "D3.18"]);
        }
    }
    for path in ["/etc/default/docker", "/etc/sysconfig/docker"] {
        add(all, path, "docker's environment", root(0o644), &[92, 93], &["D3.19", "D3.20", "D3.21", "D3.22"]);
    }
}

fn containerd(node: &Node, all: &mut Vec<Expected>) {
    for daemon in &node.containerd {
        unit_files(node, all, "containerd.service", "the unit of containerd", &[37, 38], &[]);
        for path in &daemon.config_files {
            add(all, path.clone(), "containerd's settings", root(0o644), &[92, 93], &[]);
        }
        certificates(node, all, "/etc/containerd/certs.d", &[]);
        let socket =
            of(daemon.config.get("grpc.address")).unwrap_or_else(|| "/run/containerd/containerd.sock".to_owned());
        let group = daemon.config.get("grpc.gid").and_then(|setting| setting.value.as_u64()).filter(|gid| *gid != 0);
        let mut groups = vec!["root".to_owned()];
        if let (Some(gid), Some(accounts)) = (group.and_then(|gid| u32::try_from(gid).ok()), node.accounts.is()) {
            groups.push(accounts.group(gid));
        }
        let max = || Maximum { uid: 0, groups: groups.clone(), mode: 0o660 };
        add(all, format!("{socket}.ttrpc"), "containerd's socket for shims", max(), &[90, 91], &["D3.23", "D3.24"]);
        add(all, socket, "containerd's socket", max(), &[90, 91], &["D3.23", "D3.24"]);
        if let Some(path) = of(daemon.config.get("debug.address")) {
            add(all, path, "containerd's socket for debugging", max(), &[90, 91], &[]);
        }
        if let Some(path) = of(daemon.config.get("grpc.tcp_tls_key")) {
            add_key(all, path, "containerd's key", &[88, 89], &[]);
        }
        if let Some(path) = of(daemon.config.get("grpc.tcp_tls_cert")) {
            add(all, path, "containerd's certificate", root(0o444), &[86, 87], &[]);
        }
    }
}

fn crio_and_podman(node: &Node, all: &mut Vec<Expected>) {
    for daemon in &node.crio {
        unit_files(node, all, "crio.service", "the unit of cri-o", &[37, 38], &[]);
        for path in &daemon.config_files {
            add(all, path.clone(), "cri-o's settings", root(0o644), &[92, 93], &[]);
        }
        let socket = of(daemon.config.get("crio.api.listen")).unwrap_or_else(|| "/run/crio/crio.sock".to_owned());
        add(all, socket, "cri-o's socket", root(0o660), &[90, 91], &[]);
        if let Some(path) = of(daemon.config.get("crio.api.stream_tls_key")) {
            add_key(all, path, "cri-o's key", &[88, 89], &[]);
        }
        if let Some(path) = of(daemon.config.get("crio.api.stream_tls_cert")) {
            add(all, path, "cri-o's certificate", root(0o444), &[86, 87], &[]);
        }
    }
    for daemon in &node.podman {
        unit_files(node, all, "podman.service", "the unit of podman", &[37, 38], &[]);
        unit_files(node, all, "podman.socket", "the socket unit of podman", &[39, 40], &[]);
        for path in &daemon.config_files {
            add(all, path.clone(), "podman's settings", root(0o644), &[92, 93], &[]);
        }
        add(all, "/run/podman/podman.sock", "podman's socket", root(0o660), &[90, 91], &[]);
    }
    if !node.crio.is_empty() || !node.podman.is_empty() {
        certificates(node, all, "/etc/containers/certs.d", &[]);
        for path in ["/etc/containers/policy.json", "/etc/containers/registries.conf"] {
            add(all, path, "settings of containers", root(0o644), &[92, 93], &[]);
        }
    }
}

fn kubelet(node: &Node, all: &mut Vec<Expected>) {
    for kubelet in &node.kubelet {
        unit_files(node, all, "kubelet.service", "the unit of the kubelet", &[37, 38], &["K4.1.1", "K4.1.2"]);
        if let Some(path) = &kubelet.kubeconfig {
            let max = root(0o600);
            all.push(Expected {
                path: path.clone(),
                what: "the kubelet's kubeconfig",
                max,
                is_key: true,
                owasp: &[92, 93],
                cis: &["K4.1.5", "K4.1.6"],
            });
        }
        if let Some(path) = &kubelet.config_file {
            add(all, path.clone(), "the kubelet's settings", root(0o600), &[92, 93], &["K4.1.9", "K4.1.10"]);
        }
        if let Some(path) = of(kubelet.config.get("authentication.x509.clientCAFile")) {
            add(all, path, "the CA of the kubelet's clients", root(0o644), &[51, 52], &["K4.1.7", "K4.1.8"]);
        }
        let folder = "/var/lib/kubelet/pki";
        for name in node.folders.get(folder).and_then(super::Read::is).into_iter().flatten() {
            // Certificates that the kubelet rotates have the key in the same file.
            if super::has_extension(name, &["key", "pem"]) {
                let max = root(0o600);
                all.push(Expected {
                    path: format!("{folder}/{name}"),
                    what: "a key of the kubelet",
                    max,
                    is_key: true,
                    owasp: &[88, 89],
                    cis: &[],
                });
            }
        }
    }
}

/// The command that keeps a repair: some files are made anew by who owns them.
#[must_use]
pub fn lasting(expected: &Expected, repair: &str) -> String {
    let path = shell(&expected.path);
    match expected.what {
        "docker's socket" => {
            format!("{repair}; set SocketMode=0660 and SocketGroup=docker in docker.socket, which makes {path} anew")
        }
        _ => repair.to_owned(),
    }
}
