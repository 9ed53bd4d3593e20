//! dockerd: every place where it listens.

use super::is_loopback;
use crate::node::config::Source;
use crate::node::docker::{Docker, Host, Verification};
use crate::node::listener::Protocol;
use crate::node::{Node, Read};
use crate::rule::{About, Evidence, Results, Severity};

/// Ports of a swarm, which verifies certificates by itself.
const SWARM: [u16; 2] = [2377, 7946];

pub fn judge(node: &Node, docker: &Docker, results: &mut Results) {
    let hosts = docker.hosts();
    if hosts.is_empty() {
        let why = "it listens where systemd says, and no docker.socket is there that says where";
        return results.unknown(About::new(&docker.name, &["D2.7"]), why);
    }
    if docker.lacks_streams() {
        let why = "it also listens where systemd says, and no enabled socket of docker.service says where";
        results.unknown(About::new(&docker.name, &["D2.7"]), why);
    }
    let open: Vec<&Host> = hosts.iter().filter(|host| !host.address.starts_with("unix://")).collect();
    if let (true, Some(first)) = (open.is_empty() && !docker.lacks_streams(), hosts.first()) {
        let listens: Vec<&str> = hosts.iter().map(|host| host.address.as_str()).collect();
        results.pass(About::new(&docker.name, &["D2.7"]), Evidence::new(listens.join(", "), &first.source));
    }
    for host in &open {
        address(docker, host, results);
    }
    unnamed(node, docker, &hosts, results);
    let metrics = docker.config.get("metrics-addr");
    if let Some(setting) = metrics.filter(|setting| !is_loopback(&setting.display())) {
        let subject = format!("{}: metrics-addr", docker.name);
        let fix = {
            let port = setting.display().rsplit_once(':').map_or("9323".to_owned(), |(_, port)| port.to_owned());
            let own = format!("\"127.0.0.1:{port}\"");
            super::super::repairs::docker_set(
                node,
                docker,
                "metrics-addr",
                setting,
                super::super::repairs::Wanted::Is(&own),
            )
        };
        let evidence = Evidence::of("metrics-addr", setting);
        results.fail(About::new(&subject, &[]), Severity::Low, evidence, "a loopback address", fix);
    }
}

fn address(docker: &Docker, host: &Host, results: &mut Results) {
    let subject = format!("{}: {}", docker.name, host.address);
    let about = About::new(&subject, &["D2.7"]);
    let found = match docker.verification() {
        Verification::Client => {
            return results.pass(about, Evidence::new("clients need a certificate", &host.source));
        }
        Verification::Server => "TLS without certificates of clients",
        Verification::None => "no TLS",
    };
    let fix = match &host.source {
        Source::Flag { .. } | Source::Default { .. } => {
            format!("remove -H {}, or add --tlsverify with --tlscacert, --tlscert and --tlskey", host.address)
        }
        Source::File { path, .. } => format!(
            "remove {} from {path}, or set tlsverify, tlscacert, tlscert and tlskey in {}",
            host.address, docker.config_file
        ),
    };
    let wanted = "TLS that verifies clients, or the socket alone";
    results.fail(about, Severity::Critical, Evidence::new(found, &host.source), wanted, fix);
}

/// Ports on which the process listens, and which its settings do not name.
fn unnamed(node: &Node, docker: &Docker, hosts: &[Host], results: &mut Results) {
    let Some(pid) = docker.pid else { return };
    let named = |port: u16| hosts.iter().any(|host| host.address.ends_with(&format!(":{port}")));
    let listeners = node.listeners.is().into_iter().flatten();
    let own =
        listeners.filter(|one| one.pid == Some(pid) && one.protocol == Protocol::Tcp && !one.address.is_loopback());
    for listener in own.filter(|one| !named(one.port) && !SWARM.contains(&one.port)) {
        let subject = format!("{}: port {}", docker.name, listener.port);
        let why =
            "it listens there, and no setting says so: a port of a container, or a setting that was changed since";
        results.unknown(About::new(&subject, &["D2.7"]), why);
    }
    if matches!(node.listeners, Read::Denied(_)) {
        results.unknown(
            About::new(&docker.name, &["D2.7"]),
            "/proc/1/net cannot be read, so podreeve cannot see where it listens",
        );
    }
}
