//! Every dockerd of a host: those that run, and one that is installed and does not run.

use super::instances::{Instance, home, instances, package_version};
use super::{Host, text};
use crate::node::Read;
use crate::node::config::{Setting, Source};
use crate::node::docker::{self, Docker};
use crate::node::process::Process;
use crate::node::unit::Unit;
use std::collections::BTreeMap;

/// The settings of snap's Docker.
const SNAP_CONFIG: &str = "/var/snap/docker/current/config/daemon.json";

pub fn dockers(host: &dyn Host, processes: &[Process], units: &BTreeMap<String, Unit>) -> Vec<Docker> {
    let all = instances(host, "dockerd", &["docker.service", "snap.docker.dockerd.service"], processes, units);
    all.into_iter().map(|instance| docker(host, instance, processes, units)).collect()
}

fn docker(host: &dyn Host, instance: Instance<'_>, processes: &[Process], units: &BTreeMap<String, Unit>) -> Docker {
    let rootless = instance.is_rootless();
    let (uid, home) = match instance.process.filter(|_| rootless) {
        Some(process) => home(host, process, processes),
        None => (0, "/root".to_owned()),
    };
    let mut config = docker::flags(&instance.arguments, instance.pid());
    for doubt in &instance.config.doubts {
        config.doubt(doubt.clone());
    }
    let is_snap = match instance.process {
        Some(process) => process.cgroup.contains("snap.docker"),
        None => !units.contains_key("docker.service"),
    };
    let default = match rootless {
        true => format!("{home}/.config/docker/daemon.json"),
        false if is_snap => SNAP_CONFIG.to_owned(),
        false => "/etc/docker/daemon.json".to_owned(),
    };
    let named = config.get("config-file").map(Setting::display);
    let is_named = named.is_some();
    let config_file = named.unwrap_or(default);
    match text(host, &config_file) {
        _ if !config_file.starts_with('/') => {
            config.doubt(format!("{config_file} is relative to the folder of dockerd, which podreeve does not know"));
        }
        Read::Is(content) => docker::add_file(&mut config, &config_file, &content),
        Read::Absent if is_named => {
            config.doubt(format!("{config_file} does not exist, without which dockerd does not start"));
        }
        Read::Absent => {}
        other => config.doubt(format!("{config_file} {}", other.unknown().unwrap_or_default())),
    }
    instance.compare_age(host, &mut config, &config_file, "dockerd");
    // systemd passes sockets to the dockerd of its own unit, and to no other.
    let is_unit = instance.process.is_none_or(|process| process.unit().is_none_or(|unit| unit == "docker.service"));
    let sockets: Vec<&Unit> = docker::sockets(units).filter(|_| !rootless && is_unit).collect();
    for doubt in sockets.iter().flat_map(|socket| &socket.doubts) {
        config.doubt(doubt.clone());
    }
    Docker {
        pid: instance.pid(),
        rootless,
        uid,
        home,
        version: package_version(host, &["docker.io", "docker-ce", "moby-engine"]),
        config,
        config_file,
        socket_streams: sockets.into_iter().flat_map(streams).collect(),
        name: instance.name,
    }
}

/// The addresses of systemd's socket: paths and ports.
fn streams(unit: &Unit) -> Vec<(String, Source)> {
    unit.all("Socket", "ListenStream")
        .map(|stream| {
            let address = match stream.value.as_str() {
                path if path.starts_with('/') => format!("unix://{path}"),
                // The one specifier that docker's own units use.
                path if path.starts_with("%t/") => format!("unix:///run/{}", path.trim_start_matches("%t/")),
                port if port.bytes().all(|b| b.is_ascii_digit()) => format!("tcp://0.0.0.0:{port}"),
                address => format!("tcp://{address}"),
            };
            (address, Source::File { path: stream.path.clone(), line: Some(stream.line) })
        })
        .collect()
}
