//! Files of docker.

use super::{About, Expected, add, add_certificates, add_key, add_socket, add_unit, of};
use crate::node::Node;
use crate::node::docker::{self, Docker, Verification};
use crate::node::mode::Maximum;
use std::collections::BTreeSet;

pub(super) fn files(node: &Node, all: &mut Vec<Expected>) {
    if node.docker.is_empty() {
        return;
    }
    let unit = About { what: "the unit of docker", owasp: &[37, 38], cis: &["D3.1", "D3.2"] };
    add_unit(node, all, "docker.service", 0o644, unit);
    add_unit(node, all, "snap.docker.dockerd.service", 0o644, unit);
    let socket = About { what: "the socket unit of docker", owasp: &[39, 40], cis: &["D3.3", "D3.4"] };
    for unit in docker::sockets(&node.units) {
        add_unit(node, all, &unit.name, 0o644, socket);
    }
    let folder = About { what: "the folder of docker's settings", owasp: &[41, 42], cis: &["D3.5", "D3.6"] };
    add(all, "/etc/docker", 0o755, folder);
    let folders: BTreeSet<&str> = node.docker.iter().map(Docker::registry_certificates).collect();
    for folder in folders {
        add_certificates(node, all, folder, &["D3.7", "D3.8"]);
    }
    for docker in &node.docker {
        tls(docker, all);
        sockets(node, docker, all);
        let settings = About { what: "docker's settings", owasp: &[92, 93], cis: &["D3.17", "D3.18"] };
        add(all, docker.config_file.clone(), 0o644, settings);
        // A rootless docker's file is that of its user.
        if let Some(file) = all.last_mut() {
            give_to_user(node, docker, &mut file.max);
        }
    }
    let environment = |cis| About { what: "docker's environment", owasp: &[92, 93], cis };
    add(all, "/etc/default/docker", 0o644, environment(&["D3.19", "D3.20"]));
    // The benchmark has the mode of this one first.
    add(all, "/etc/sysconfig/docker", 0o644, environment(&["D3.22", "D3.21"]));
}

fn give_to_user(node: &Node, docker: &Docker, max: &mut Maximum) {
    if docker.rootless {
        max.uid = docker.uid;
        let accounts = node.accounts.is();
        let user = accounts.and_then(|accounts| accounts.users.iter().find(|user| user.uid == docker.uid));
        max.groups.extend(user.zip(accounts).map(|(user, accounts)| accounts.group(user.gid)));
    }
}

fn tls(docker: &Docker, all: &mut Vec<Expected>) {
    let uses = docker.verification() != Verification::None;
    let path = |key: &str, name: &str| {
        of(docker.config.get(key)).or_else(|| uses.then(|| format!("{}/.docker/{name}", docker.home)))
    };
    if let Some(path) = path("tlscacert", "ca.pem") {
        let about = About { what: "the CA of docker's clients", owasp: &[51, 52], cis: &["D3.9", "D3.10"] };
        add(all, path, 0o444, about);
    }
    if let Some(path) = path("tlscert", "cert.pem") {
        add(all, path, 0o444, About { what: "docker's certificate", owasp: &[86, 87], cis: &["D3.11", "D3.12"] });
    }
    if let Some(path) = path("tlskey", "key.pem") {
        add_key(all, path, 0o400, About { what: "docker's key", owasp: &[88, 89], cis: &["D3.13", "D3.14"] });
    }
}

fn sockets(node: &Node, docker: &Docker, all: &mut Vec<Expected>) {
    // One that nothing starts may be there all the same, because a user started it.
    let idle = docker::sockets(&node.units).filter(|unit| unit.is_idle && !unit.masked && docker.takes_sockets());
    let idle = idle.flat_map(|unit| unit.streams(&mut Vec::new())).map(|(address, _)| address);
    let own = docker.hosts().into_iter().map(|host| host.address);
    for address in own.chain(idle) {
        let Some(path) = address.strip_prefix("unix://") else { continue };
        // systemd's socket has a group of its own.
        let mut groups: Vec<String> = docker::socket_groups(&node.units).map(str::to_owned).collect();
        groups.push(docker.group());
        groups.push("root".to_owned());
        let mut max = Maximum { uid: 0, groups, mode: 0o660 };
        give_to_user(node, docker, &mut max);
        add_socket(all, path, max, About { what: "docker's socket", owasp: &[90, 91], cis: &["D3.15", "D3.16"] });
    }
}
