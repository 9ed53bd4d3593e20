//! The files of daemons, their owners, and what their modes may be at most.

mod docker;
mod kubelet;
mod repair;
mod runtimes;

use super::mode::Maximum;
use super::{Node, Read};
use crate::node::config::Setting;
pub use repair::{lasting, planned_repair};
pub use runtimes::USER_SOCKET;

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
    /// Whether it is a folder in which daemons look for files: no other user may put one there.
    pub is_place: bool,
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
    all.push(Expected {
        path: path.into(),
        what,
        max: root(mode),
        is_key: false,
        is_socket: false,
        is_place: false,
        owasp,
        cis,
    });
}

fn add_key(all: &mut Vec<Expected>, path: impl Into<String>, mode: u32, about: About) {
    let About { what, owasp, cis } = about;
    all.push(Expected {
        path: path.into(),
        what,
        max: root(mode),
        is_key: true,
        is_socket: false,
        is_place: false,
        owasp,
        cis,
    });
}

fn add_socket(all: &mut Vec<Expected>, path: impl Into<String>, max: Maximum, about: About) {
    let About { what, owasp, cis } = about;
    all.push(Expected { path: path.into(), what, max, is_key: false, is_socket: true, is_place: false, owasp, cis });
}

/// A folder in which a daemon looks for files, once.
fn add_place(all: &mut Vec<Expected>, path: impl Into<String>, about: About) {
    let path = path.into();
    if path.starts_with('/') && !all.iter().any(|one| one.path == path) {
        add(all, path, 0o755, About { what: "a folder in which it looks for files", cis: &[], ..about });
        if let Some(place) = all.last_mut() {
            place.is_place = true;
        }
    }
}

/// The folders above a path, the nearest first.
pub fn above(path: &str) -> impl Iterator<Item = &str> {
    let mut left = path;
    core::iter::from_fn(move || {
        let (folder, _) = left.rsplit_once('/').filter(|_| left != "/")?;
        left = if folder.is_empty() { "/" } else { folder };
        Some(left)
    })
}

/// The folder of a file.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A unit with its drop-ins, the files of its environment, and the folders in which systemd looks for more of them.
fn add_unit(node: &Node, all: &mut Vec<Expected>, name: &str, mode: u32, about: About) {
    let Some(unit) = node.units.get(name).filter(|unit| !unit.masked) else { return };
    for path in &unit.files {
        add(all, path.clone(), mode, about);
    }
    for file in unit.all("Service", "EnvironmentFile") {
        let path = file.value.trim_start_matches('-');
        if path.starts_with('/') && !path.contains(['*', '?', '[', '%']) && !all.iter().any(|one| one.path == path) {
            add(all, path, 0o644, About { what: "a file of the unit's environment", owasp: &[92, 93], cis: &[] });
        }
    }
    let suffix = name.rsplit('.').next().unwrap_or("service");
    for folder in super::unit::FOLDERS {
        add_place(all, folder, about);
        add_place(all, format!("{folder}/{suffix}.d"), about);
        add_place(all, format!("{folder}/{name}.d"), about);
    }
}

/// Names in a folder that was read.
fn names<'n>(node: &'n Node, folder: &str) -> impl Iterator<Item = &'n String> + use<'n> {
    node.folders.get(folder).and_then(Read::is).into_iter().flatten()
}

/// Certificates and keys below `certs.d`.
fn add_certificates(node: &Node, all: &mut Vec<Expected>, folder: &str, cis: &'static [&'static str]) {
    let about = |what| About { what, owasp: &[43, 44], cis };
    add_place(all, folder, about(""));
    for registry in names(node, folder) {
        let below = format!("{folder}/{registry}");
        add_place(all, below.as_str(), about(""));
        for name in names(node, &below) {
            let path = format!("{below}/{name}");
            let is_certificate = super::has_extension(name, &["crt", "cert"]);
            if node.private_keys.get(&path).is_some_and(|read| read.is().is_some())
                || is_key_name(name) && !is_certificate
            {
                add_key(all, path, 0o400, about("a key for a registry"));
            } else if is_certificate {
                add(all, path, 0o444, about("a certificate for a registry"));
            } else {
                add(all, path, 0o644, about("a file for a registry"));
            }
        }
    }
}

/// Whether a name is that of a private key: `client.key`, `CLIENT.KEY`, `server-key.pem`, `client.key.bak`.
fn is_key_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !super::has_extension(&name, &["pub"]) && name.split(['.', '-', '_']).any(|part| part == "key")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_keys() {
        for name in ["client.key", "CLIENT.KEY", "client.key.pem", "server-key.pem", "key.pem", "a.key.bak", "tls_key"]
        {
            assert!(is_key_name(name), "{name}");
        }
        for name in ["client.cert", "monkey.pem", "keys.txt", "key.pub", "ca.crt"] {
            assert!(!is_key_name(name), "{name}");
        }
    }
}
