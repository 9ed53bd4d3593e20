//! containerd, cri-o and podman on the network.

use super::is_loopback;
use crate::node::config::Setting;
use crate::node::kubelet::flag;
use crate::node::mode::shell;
use crate::node::process::program;
use crate::node::unit::sockets;
use crate::node::{Daemon, Node};
use crate::rule::{About, Evidence, Results, Severity};

/// The section of TCP from the fourth format of its file on.
const GRPC_TCP: &str = "plugins.\"io.containerd.server.v1.grpc-tcp\"";

fn text<'d>(daemon: &'d Daemon, key: &str) -> Option<&'d Setting> {
    daemon.config.get(key).filter(|setting| setting.value.as_str().is_some_and(|text| !text.is_empty()))
}

fn is_true(daemon: &Daemon, key: &str) -> bool {
    daemon.config.get(key).is_some_and(Setting::is_true)
}

pub fn containerd(daemon: &Daemon, results: &mut Results) {
    let new = |key: &str| text(daemon, &format!("{GRPC_TCP}.{key}"));
    let subject = format!("{}: TCP", daemon.name);
    let about_tcp = About::new(&subject, &[]);
    match text(daemon, "grpc.tcp_address").or_else(|| new("address")) {
        None => {
            let source = daemon.config_files.first().map_or("its defaults", String::as_str);
            results.pass(about_tcp, Evidence::new("no address", source));
        }
        Some(setting) => {
            let authority = text(daemon, "grpc.tcp_tls_ca").or_else(|| new("tls_ca"));
            let certificate = text(daemon, "grpc.tcp_tls_cert").or_else(|| new("tls_cert"));
            if let (Some(authority), Some(_)) = (authority, certificate) {
                results.pass(about_tcp, Evidence::of("tcp_tls_ca", authority));
            } else {
                let place = super::super::repairs::place(&setting.source);
                let fix = format!("remove tcp_address from {place}, and restart containerd");
                let wanted = "no address, or a certificate and a CA for clients";
                results.fail(about_tcp, Severity::Critical, Evidence::of("tcp_address", setting), wanted, fix);
            }
        }
    }
    for section in ["plugins.\"io.containerd.grpc.v1.cri\"", "plugins.cri"] {
        streaming(daemon, section, results);
    }
    let either =
        |old: &str, new: &str| text(daemon, old).or_else(|| text(daemon, &format!("plugins.\"{new}\".address")));
    if let Some(address) =
        either("metrics.address", "io.containerd.server.v1.metrics").filter(|address| !is_loopback(&address.display()))
    {
        open_address(daemon, "metrics.address", address, Severity::Low, results);
    }
    let debug =
        either("debug.address", "io.containerd.server.v1.debug").filter(|address| !address.display().starts_with('/'));
    if let Some(address) = debug.filter(|address| !is_loopback(&address.display())) {
        open_address(daemon, "debug.address", address, Severity::High, results);
    }
}

/// The server of `exec` and `logs` by TCP, which is off by default. Its certificate says nothing of clients; without it everybody on the way
/// reads along. An empty address is the first one of the host.
fn streaming(daemon: &Daemon, section: &str, results: &mut Results) {
    let service = daemon.config.get(&format!("{section}.disable_tcp_service"));
    let Some(service) = service.filter(|setting| setting.value == false) else { return };
    let address = daemon.config.get(&format!("{section}.stream_server_address"));
    let is_open = address.is_some_and(|address| !is_loopback(&address.display()));
    let tls = is_true(daemon, &format!("{section}.enable_tls_streaming"));
    let severity = match (is_open, tls) {
        (true, false) => Severity::High,
        (true, true) => Severity::Medium,
        (false, false) => Severity::Low,
        (false, true) => return,
    };
    open_address(daemon, "stream_server_address", address.unwrap_or(service), severity, results);
}

pub fn crio(daemon: &Daemon, results: &mut Results) {
    let subject = format!("{}: stream_address", daemon.name);
    let found = daemon.config.or_default("crio.api.stream_address", "127.0.0.1", "cri-o", daemon.version.as_deref());
    // Only with a CA for clients does a certificate say who asks.
    let tls = is_true(daemon, "crio.api.stream_enable_tls");
    match text(daemon, "crio.api.stream_tls_ca").filter(|_| tls) {
        _ if is_loopback(&found.display()) => {
            results.pass(About::new(&subject, &[]), Evidence::of("stream_address", &found));
        }
        Some(authority) => results.pass(About::new(&subject, &[]), Evidence::of("stream_tls_ca", authority)),
        None => {
            let severity = if tls { Severity::Medium } else { Severity::High };
            open_address(daemon, "stream_address", &found, severity, results);
        }
    }
    let metrics = text(daemon, "crio.metrics.metrics_host").filter(|host| !is_loopback(&host.display()));
    if let Some(host) = metrics.filter(|_| is_true(daemon, "crio.metrics.enable_metrics")) {
        open_address(daemon, "metrics_host", host, Severity::Low, results);
    }
}

fn open_address(daemon: &Daemon, key: &str, setting: &Setting, severity: Severity, results: &mut Results) {
    let subject = format!("{}: {key}", daemon.name);
    let fix = format!("remove {key} from {}, and restart the daemon", super::super::repairs::place(&setting.source));
    results.fail(About::new(&subject, &[]), severity, Evidence::of(key, setting), "a loopback address, or TLS", fix);
}

/// `podman system service tcp:...`, and what systemd passes to it.
pub fn podman(node: &Node, results: &mut Results) {
    podman_units(node, results);
    for process in node.processes.iter().filter(|process| program(&process.arguments) == "podman") {
        let Some(address) = process.arguments.iter().find(|argument| argument.starts_with("tcp:")) else { continue };
        let subject = format!("podman: {address}");
        let source = format!("process {}", process.pid);
        // Only root's own process is evidence that something is closed.
        let has = |name: &str| flag(&process.arguments, name).is_some_and(|value| !value.is_empty());
        let verifies = has("tls-client-ca") && has("tls-cert") && has("tls-key");
        if verifies && process.is_of_root() {
            results.pass(About::new(&subject, &[]), Evidence::new("clients need a certificate", source));
        } else {
            let evidence = Evidence::new("it obeys everybody who reaches the port", source);
            let fix = match process.unit().filter(|unit| unit.ends_with(".service")) {
                Some(unit) => {
                    format!("systemctl disable --now {} && systemctl enable --now podman.socket", shell(unit))
                }
                None => {
                    format!("stop process {}, and use the socket: systemctl enable --now podman.socket", process.pid)
                }
            };
            let wanted = "the socket alone, or --tls-client-ca";
            results.fail(About::new(&subject, &[]), Severity::Critical, evidence, wanted, fix);
        }
    }
}

/// Where podman's units would listen. No address of systemd's socket has TLS.
fn podman_units(node: &Node, results: &mut Results) {
    if node.podman.is_empty() {
        return;
    }
    let mut doubts = Vec::new();
    for unit in sockets(&node.units, "podman.service").filter(|unit| !unit.masked) {
        let streams = unit.streams(&mut doubts);
        let own = shell(&unit.name);
        for (address, source) in streams.iter().filter(|(address, _)| !address.starts_with("unix://")) {
            if unit.is_idle {
                let why = format!(
                    "it obeys everybody who reaches the port as soon as {} is started ({source}), and podreeve finds nothing that starts it. \
If nothing does: {}",
                    unit.name,
                    unit.never_started()
                );
                results.unknown(About::new(&format!("podman: {address}"), &[]), why);
                continue;
            }
            let evidence = Evidence::new("it obeys everybody who reaches the port", source);
            let fix = format!("remove the line, and: systemctl daemon-reload && systemctl restart {own}");
            open_podman(address, evidence, &fix, results);
        }
        doubts.extend(unit.doubts.iter().cloned());
    }
    if let Some(service) = node.units.get("podman.service").filter(|unit| !unit.masked) {
        doubts.extend(service.doubts.iter().cloned());
        let command = service.command_with(&service.environment(&mut doubts), &mut doubts).unwrap_or_default();
        let verifies = command.iter().any(|argument| argument.starts_with("--tls-client-ca"));
        if let Some(address) = command.iter().find(|argument| argument.starts_with("tcp:") && !verifies) {
            let evidence = Evidence::new("it obeys everybody who reaches the port", service.id());
            open_podman(address, evidence, "systemctl edit podman.service # and start it without the address", results);
        }
    }
    if let Some(why) = doubts.into_iter().next() {
        results.unknown(About::new("podman: units", &[]), why);
    }
}

fn open_podman(address: &str, evidence: Evidence, fix: &str, results: &mut Results) {
    let subject = format!("podman: {address}");
    let wanted = "the socket alone, or --tls-client-ca";
    results.fail(About::new(&subject, &[]), Severity::Critical, evidence, wanted, fix);
}
