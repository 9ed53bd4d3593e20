//! dockerd: every place where it listens.

use super::is_loopback;
use crate::node::config::{Setting, Source};
use crate::node::docker::{self, Docker, Host, SERVICE, Verification};
use crate::node::listener::{Listener, Protocol};
use crate::node::unit::Unit;
use crate::node::{Node, Read};
use crate::rule::{About, Evidence, Results, Severity};
use core::net::SocketAddr;
use std::collections::BTreeSet;

/// Ports of a swarm, which verifies certificates by itself.
const SWARM: [u16; 2] = [2377, 7946];

/// The ports of docker's API, without TLS and with it.
const API: [u16; 2] = [2375, 2376];

pub fn judge(node: &Node, docker: &Docker, results: &mut Results) {
    let hosts = docker.hosts();
    let before = results.all.len();
    if docker.takes_sockets() {
        sockets(node, docker, results);
    }
    unnamed(node, docker, &hosts, results);
    let open: Vec<&Host> = hosts.iter().filter(|host| !host.address.starts_with("unix://")).collect();
    // Settings that name its socket alone prove nothing where it may listen elsewhere.
    let is_doubtful = results.all.len() > before;
    if let (true, Some(first)) = (open.is_empty() && !is_doubtful, hosts.first()) {
        let listens: Vec<&str> = hosts.iter().map(|host| host.address.as_str()).collect();
        results.pass(About::new(&docker.name, &["D2.7"]), Evidence::new(listens.join(", "), &first.source));
    }
    for host in &open {
        address(docker, host, results);
    }
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

/// What is not known of the sockets that systemd passes to it.
fn sockets(node: &Node, docker: &Docker, results: &mut Results) {
    if docker.socket_streams.is_empty() {
        let why = format!("it listens on the sockets that systemd passes to it, and {}", no_streams(node, docker));
        results.unknown(About::new(&docker.name, &["D2.7"]), why);
    }
    if docker.verification() == Verification::Client || !is_of_docker_service(node, docker) {
        return;
    }
    for unit in docker::sockets(&node.units).filter(|unit| unit.is_idle && !unit.masked) {
        let streams = unit.streams(&mut Vec::new()).into_iter();
        for (address, source) in streams.filter(|(address, _)| !address.starts_with("unix://")) {
            let subject = format!("{}: {address}", docker.name);
            let why = format!(
                "it listens there without certificates as soon as {} is started ({source}), and podreeve finds nothing that starts it. If \
nothing does: {}",
                unit.name,
                unit.never_started()
            );
            results.unknown(About::new(&subject, &["D2.7"]), why);
        }
    }
}

/// Whether systemd started it, or would start it, as docker.service.
fn is_of_docker_service(node: &Node, docker: &Docker) -> bool {
    let is_called = |name: &str| name == SERVICE || node.units.get(SERVICE).is_some_and(|unit| unit.is_called(name));
    !docker.rootless && unit_of(node, docker).is_none_or(is_called)
}

fn unit_of<'n>(node: &'n Node, docker: &Docker) -> Option<&'n str> {
    node.processes.iter().find(|process| Some(process.pid) == docker.pid)?.unit()
}

/// Why podreeve knows no address of systemd's sockets.
fn no_streams(node: &Node, docker: &Docker) -> String {
    if docker.rootless {
        return "podreeve does not read units of users".to_owned();
    }
    if let Some(unit) = unit_of(node, docker).filter(|_| !is_of_docker_service(node, docker)) {
        return format!("podreeve knows those of {SERVICE} alone: {unit} has started it");
    }
    let all: Vec<&Unit> = docker::sockets(&node.units).collect();
    let names = |is_one: &dyn Fn(&Unit) -> bool| {
        let found: Vec<&str> = all.iter().filter(|unit| is_one(unit)).map(|unit| unit.name.as_str()).collect();
        found.join(", ")
    };
    let own = node.units.get("docker.socket").filter(|_| all.iter().all(|unit| unit.name != "docker.socket"));
    match (all.iter().all(|unit| unit.masked), all.iter().any(|unit| unit.is_idle), own) {
        (_, _, Some(own)) if all.is_empty() => {
            format!("docker.socket is for {}, and no other is there", own.passes_to())
        }
        _ if all.is_empty() => format!("no unit of a socket for {SERVICE} is there"),
        (true, ..) => format!("{} is masked", names(&|unit| unit.masked)),
        (_, true, _) => format!("podreeve finds nothing that starts {}", names(&|unit| unit.is_idle)),
        _ => format!("{} has no ListenStream", names(&|unit| !unit.masked)),
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
        Source::Flag { .. } | Source::Default { .. } | Source::Unknown(_) => {
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

/// Ports on which it listens, or may listen, and which its settings do not name.
fn unnamed(node: &Node, docker: &Docker, hosts: &[Host], results: &mut Results) {
    let Some(pid) = docker.pid else { return };
    let Read::Is(listeners) = &node.listeners else {
        let why = format!("/proc/1/net {}", node.listeners.unknown().unwrap_or_else(|| "is not there".to_owned()));
        return results
            .unknown(About::new(&docker.name, &["D2.7"]), format!("{why}, so podreeve cannot see where it listens"));
    };
    let published = node.docker_images.get(&docker.name).and_then(|images| images.published.as_ref());
    let mut seen = BTreeSet::new();
    for listener in listeners.iter().filter(|one| one.protocol == Protocol::Tcp && !one.address.is_loopback()) {
        let port = listener.port;
        let is_own = listener.pid == Some(pid);
        // Without the right to look into processes no port has an owner.
        let may_be_own = listener.pid.is_none()
            && API.contains(&port)
            && !docker.rootless
            && !is_named_by_another(node, docker, listener);
        if !(is_own || may_be_own) || is_named(docker, hosts, listener) || SWARM.contains(&port) || !seen.insert(port) {
            continue;
        }
        let subject = format!("{}: port {port}", docker.name);
        let about = About::new(&subject, &["D2.7"]);
        match published {
            Some(ports) if ports.contains(&port) => {}
            None if is_own && !API.contains(&port) => {
                let why = "it listens there, and no setting says so; which ports its containers publish is not known";
                results.unknown(about, why);
            }
            _ => {
                let whose = if is_own {
                    format!("process {pid} listens")
                } else {
                    "a process listens, and podreeve may not see which".to_owned()
                };
                let evidence =
                    Evidence::new(format!("{whose} on {}, and no setting says so", place(listener)), "/proc/1/net");
                let fix =
                    format!("ss -lntp 'sport = :{port}' # if it is dockerd, restart it with the settings of today");
                let wanted = "no other place than its settings name";
                results.fail(about, Severity::Critical, evidence, wanted, fix);
            }
        }
    }
}

fn place(listener: &Listener) -> String {
    SocketAddr::new(listener.address, listener.port).to_string()
}

/// Whether a setting names this place, which is open to other hosts. One on the loopback address is another place.
fn is_named(docker: &Docker, hosts: &[Host], listener: &Listener) -> bool {
    let metrics = docker.config.get("metrics-addr").map(Setting::display);
    let addresses = hosts.iter().map(|host| host.address.trim_start_matches("tcp://")).chain(metrics.as_deref());
    addresses.into_iter().filter(|address| !is_loopback(address)).any(|address| {
        address.rsplit_once(':').is_some_and(|(_, port)| port.trim_end_matches('/').parse() == Ok(listener.port))
    })
}

fn is_named_by_another(node: &Node, docker: &Docker, listener: &Listener) -> bool {
    let others = node.docker.iter().filter(|other| other.name != docker.name);
    others.into_iter().any(|other| is_named(other, &other.hosts(), listener))
}
