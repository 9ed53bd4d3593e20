//! The files of daemons, their owners, and what their modes may be at most.

mod docker;
mod kubelet;
mod repair;
mod runtimes;

use super::mode::Maximum;
use super::{Node, Read};
use crate::node::config::Setting;
pub use repair::{lasting, planned_repair};

/// A file that a rule asks about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    pub path: String,
    /// What it is: `the unit of docker`.
    pub what: &'static str,
    pub max: Maximum,
    /// Whether reading it is as bad as writing.
    pub is_key: bool,
    pub is_socket: bool,
    pub owasp: &'static [u8],
    pub cis: &'static [&'static str],
}

/// What a file is, and the items of the lists that ask about it.
#[derive(Debug, Clone, Copy)]
struct About {
    what: &'static str,
    owasp: &'static [u8],
    cis: &'static [&'static str],
}

/// All files, in the order of the list. A path may be in it twice, with two reasons.
#[must_use]
pub fn files(node: &Node) -> Vec<Expected> {
    let mut all = Vec::new();
    docker::files(node, &mut all);
    runtimes::containerd(node, &mut all);
    runtimes::crio_and_podman(node, &mut all);
    kubelet::files(node, &mut all);
    all
}

/// Folders whose files rules judge.
#[must_use]
pub fn folders(node: &Node) -> Vec<String> {
    let mut all = Vec::new();
    all.extend(node.docker.iter().map(|docker| docker.registry_certificates().to_owned()));
    if !node.containerd.is_empty() {
        all.push("/etc/containerd/certs.d".to_owned());
    }
    if !node.crio.is_empty() || !node.podman.is_empty() {
        all.push("/etc/containers/certs.d".to_owned());
        all.push("/etc/containers/registries.conf.d".to_owned());
    }
    all.extend(node.kubelet.iter().map(|kubelet| kubelet.pki.clone()));
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

fn add(all: &mut Vec<Expected>, path: impl Into<String>, mode: u32, about: About) {
    let About { what, owasp, cis } = about;
    all.push(Expected { path: path.into(), what, max: root(mode), is_key: false, is_socket: false, owasp, cis });
}

fn add_key(all: &mut Vec<Expected>, path: impl Into<String>, mode: u32, about: About) {
    let About { what, owasp, cis } = about;
    all.push(Expected { path: path.into(), what, max: root(mode), is_key: true, is_socket: false, owasp, cis });
}

fn add_socket(all: &mut Vec<Expected>, path: impl Into<String>, max: Maximum, about: About) {
    let About { what, owasp, cis } = about;
    all.push(Expected { path: path.into(), what, max, is_key: false, is_socket: true, owasp, cis });
}

/// A unit with its drop-ins.
fn add_unit(node: &Node, all: &mut Vec<Expected>, unit: &str, mode: u32, about: About) {
    let unit = node.units.get(unit).filter(|unit| !unit.masked);
    for path in unit.into_iter().flat_map(|unit| &unit.files) {
        add(all, path.clone(), mode, about);
    }
}

/// Names in a folder that was read.
fn names<'n>(node: &'n Node, folder: &str) -> impl Iterator<Item = &'n String> + use<'n> {
    node.folders.get(folder).and_then(Read::is).into_iter().flatten()
}

/// Certificates and keys below `certs.d`.
fn add_certificates(node: &Node, all: &mut Vec<Expected>, folder: &str, cis: &'static [&'static str]) {
    for registry in names(node, folder) {
        let below = format!("{folder}/{registry}");
        for name in names(node, &below) {
            let path = format!("{below}/{name}");
            if super::has_extension(name, &["key"]) {
                add_key(all, path, 0o400, About { what: "a key for a registry", owasp: &[43, 44], cis });
            } else if super::has_extension(name, &["crt", "cert"]) {
                add(all, path, 0o444, About { what: "a certificate for a registry", owasp: &[43, 44], cis });
            } else {
                add(all, path, 0o644, About { what: "a file for a registry", owasp: &[43, 44], cis });
            }
        }
    }
}
