//! Files of containerd, cri-o and podman.

use super::{
    About, Expected, add, add_certificates, add_key, add_place, add_socket, add_unit, folder_of, names, of, root,
};
use crate::node::audited::podman_sockets;
use crate::node::config::Setting;
use crate::node::mode::Maximum;
use crate::node::unit::sockets;
use crate::node::{Daemon, Node};

const UNIT: &[u8] = &[37, 38];
const SETTINGS: &[u8] = &[92, 93];
const SOCKET: &[u8] = &[90, 91];

/// A socket of an ordinary user, which must be in a folder that no other user enters.
pub const USER_SOCKET: &str = "a user's socket of podman";

/// Sockets of users that are looked at. Any user may listen on thousands.
const MOST_SOCKETS: usize = 100;

const fn about(what: &'static str, owasp: &'static [u8]) -> About {
    About { what, owasp, cis: &[] }
}

pub(super) fn containerd(node: &Node, all: &mut Vec<Expected>) {
    for daemon in &node.containerd {
        add_unit(node, all, "containerd.service", 0o644, about("the unit of containerd", UNIT));
        for path in &daemon.config_files {
            add(all, path.clone(), 0o644, about("containerd's settings", SETTINGS));
        }
        let main = daemon.config_files.first().map_or("", String::as_str);
        let imports = daemon.config.get("imports").map(Setting::texts).unwrap_or_default();
        let imported = imports.into_iter().map(|pattern| {
            if pattern.starts_with('/') { pattern.to_owned() } else { format!("{}/{pattern}", folder_of(main)) }
        });
        for path in imported.chain([main.to_owned()]) {
            // A folder with a wildcard in its own name stands for several.
            if !folder_of(&path).contains(['*', '?', '[']) {
                add_place(all, folder_of(&path), about("", SETTINGS));
            }
        }
        add_certificates(node, all, "/etc/containerd/certs.d", &[]);
        let socket =
            of(daemon.config.get("grpc.address")).unwrap_or_else(|| "/run/containerd/containerd.sock".to_owned());
        let max = socket_of(node, daemon);
        let of_socket = |what| About { what, owasp: SOCKET, cis: &["D3.23", "D3.24"] };
        add_socket(all, format!("{socket}.ttrpc"), max.clone(), of_socket("containerd's socket for shims"));
        add_socket(all, socket, max, of_socket("containerd's socket"));
        if let Some(path) = of(daemon.config.get("debug.address")) {
            add_socket(all, path, root(0o660), about("containerd's socket for debugging", SOCKET));
        }
        let tcp = "plugins.\"io.containerd.server.v1.grpc-tcp\"";
        let named = |old: &str, new: &str| {
            of(daemon.config.get(old)).or_else(|| of(daemon.config.get(&format!("{tcp}.{new}"))))
        };
        if let Some(path) = named("grpc.tcp_tls_key", "tls_key") {
            add_key(all, path, 0o400, about("containerd's key", &[88, 89]));
        }
        if let Some(path) = named("grpc.tcp_tls_cert", "tls_cert") {
            add(all, path, 0o444, about("containerd's certificate", &[86, 87]));
        }
    }
}

/// The owner and the group that the settings give to the socket. Another owner than root is an excess.
fn socket_of(node: &Node, daemon: &Daemon) -> Maximum {
    let group = daemon.config.get("grpc.gid").and_then(|setting| setting.value.as_u64()).filter(|gid| *gid != 0);
    let mut groups = vec!["root".to_owned()];
    if let (Some(gid), Some(accounts)) = (group.and_then(|gid| u32::try_from(gid).ok()), node.accounts.is()) {
        groups.push(accounts.group(gid));
    }
    Maximum { uid: daemon.uid, groups, mode: 0o660 }
}

pub(super) fn crio_and_podman(node: &Node, all: &mut Vec<Expected>) {
    for daemon in &node.crio {
        add_unit(node, all, "crio.service", 0o644, about("the unit of cri-o", UNIT));
        for path in &daemon.config_files {
            add(all, path.clone(), 0o644, about("cri-o's settings", SETTINGS));
            add_place(all, folder_of(path), about("", SETTINGS));
        }
        add_place(all, "/etc/crio/crio.conf.d", about("", SETTINGS));
        let socket = of(daemon.config.get("crio.api.listen")).unwrap_or_else(|| "/run/crio/crio.sock".to_owned());
        add_socket(all, socket, root(0o660), about("cri-o's socket", SOCKET));
        if let Some(path) = of(daemon.config.get("crio.api.stream_tls_key")) {
            add_key(all, path, 0o400, about("cri-o's key", &[88, 89]));
        }
        if let Some(path) = of(daemon.config.get("crio.api.stream_tls_cert")) {
            add(all, path, 0o444, about("cri-o's certificate", &[86, 87]));
        }
    }
    for daemon in &node.podman {
        add_unit(node, all, "podman.service", 0o644, about("the unit of podman", UNIT));
        for unit in sockets(&node.units, "podman.service") {
            add_unit(node, all, &unit.name, 0o644, about("the socket unit of podman", &[39, 40]));
        }
        for path in &daemon.config_files {
            add(all, path.clone(), 0o644, about("podman's settings", SETTINGS));
            add_place(all, folder_of(path), about("", SETTINGS));
        }
        add_place(all, "/etc/containers/containers.conf.d", about("", SETTINGS));
        let own = podman_sockets(node);
        for path in &own {
            add_socket(all, path, root(0o660), about("podman's socket", SOCKET));
        }
        let listeners = node.unix_listeners.is().into_iter().flatten();
        for path in listeners.filter(|path| path.ends_with("/podman.sock") && !own.contains(path)).take(MOST_SOCKETS) {
            add_socket(all, path, of_user(node, path), about(USER_SOCKET, SOCKET));
        }
    }
    if !node.crio.is_empty() || !node.podman.is_empty() {
        add_certificates(node, all, "/etc/containers/certs.d", &[]);
        let settings = about("settings of containers", SETTINGS);
        for path in ["/etc/containers/policy.json", "/etc/containers/registries.conf"] {
            add(all, path, 0o644, settings);
        }
        let folder = "/etc/containers/registries.conf.d";
        for name in names(node, folder) {
            add(all, format!("{folder}/{name}"), 0o644, settings);
        }
        add_place(all, folder, settings);
    }
}

/// The user in whose folder a socket is; root elsewhere.
fn of_user(node: &Node, path: &str) -> Maximum {
    let users = node.accounts.is().map(|accounts| accounts.users.as_slice()).unwrap_or_default();
    let is_home = |home: &str| home.len() > 1 && path.strip_prefix(home).is_some_and(|rest| rest.starts_with('/'));
    let by_number = path.strip_prefix("/run/user/").and_then(|rest| rest.split('/').next()?.parse().ok());
    let uid = by_number.or_else(|| users.iter().find(|user| is_home(&user.home)).map(|user| user.uid)).unwrap_or(0);
    let own = users.iter().find(|user| user.uid == uid).zip(node.accounts.is());
    let groups = own.map(|(user, accounts)| accounts.group(user.gid)).into_iter().collect();
    Maximum { uid, groups, mode: 0o660 }
}
