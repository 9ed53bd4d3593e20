//! Every dockerd of a host: those that run, and one that is installed and does not run.

use super::{Host, text};
use crate::node::Read;
use crate::node::config::{Config, Source};
use crate::node::docker::{self, Docker};
use crate::node::process::Process;
use crate::node::unit::Unit;
use std::collections::BTreeMap;

/// Files that only snap's Docker has.
const SNAP_CONFIG: &str = "/var/snap/docker/current/config/daemon.json";

pub fn dockers(host: &dyn Host, processes: &[Process], units: &BTreeMap<String, Unit>) -> Vec<Docker> {
    let is_running = |process: &&Process| docker::is_dockerd(&process.arguments) && !process.in_container();
    let mut all: Vec<Docker> =
        processes.iter().filter(is_running).map(|process| running(host, process, processes, units)).collect();
    if all.is_empty() {
        all.extend(installed(host, units));
    }
    all
}

fn running(host: &dyn Host, process: &Process, processes: &[Process], units: &BTreeMap<String, Unit>) -> Docker {
    let rootless = process.uid != Some(0) || process.host_ids == Some(false);
    let mut config = docker::flags(&process.arguments, Some(process.pid));
    let home = home(host, process, processes);
    let default = match rootless {
        true => format!("{home}/.config/docker/daemon.json"),
        false if process.cgroup.contains("snap.docker") => SNAP_CONFIG.to_owned(),
        false => "/etc/docker/daemon.json".to_owned(),
    };
    let config_file = config.get("config-file").map_or(default, crate::node::config::Setting::display);
    add_file(host, &mut config, &config_file, process.started);
    let socket_streams = match units.get("docker.socket").filter(|_| !rootless) {
        Some(unit) => streams(unit),
        None => Vec::new(),
    };
    let name = format!("dockerd (process {})", process.pid);
    Docker { pid: Some(process.pid), rootless, version: version(host), config, config_file, socket_streams, name }
}

fn installed(host: &dyn Host, units: &BTreeMap<String, Unit>) -> Option<Docker> {
    let unit = units.get("docker.service").filter(|unit| !unit.masked)?;
    let arguments = unit.command().unwrap_or_default();
    let mut config = docker::flags(&arguments, None);
    if arguments.iter().any(|argument| argument.contains('$')) {
        config.doubt(format!("the arguments in {} have variables", unit.files.join(", ")));
    }
    let config_file = config
        .get("config-file")
        .map_or_else(|| "/etc/docker/daemon.json".to_owned(), crate::node::config::Setting::display);
    add_file(host, &mut config, &config_file, None);
    let socket_streams = units.get("docker.socket").map(streams).unwrap_or_default();
    let name = "dockerd (not running)".to_owned();
    Some(Docker { pid: None, rootless: false, version: version(host), config, config_file, socket_streams, name })
}

/// Reads `daemon.json`. If it is newer than the process, nobody knows what the process read.
fn add_file(host: &dyn Host, config: &mut Config, path: &str, started: Option<i64>) {
    match text(host, path) {
        Read::Is(content) => docker::add_file(config, path, &content),
        Read::Absent => {}
        other => {
            let why = other.unknown().unwrap_or_default();
            config.doubt(format!("{path} {why}"));
        }
    }
    let modified = host.entry(path).is().map(|entry| entry.modified);
    if let (Some(modified), Some(started)) = (modified, started)
        && modified > started
    {
        config.doubt(format!("{path} changed after dockerd started; restart it, or undo the change"));
    }
}

/// The addresses of systemd's socket: paths and ports.
fn streams(unit: &Unit) -> Vec<(String, Source)> {
    unit.all("Socket", "ListenStream")
        .map(|stream| {
            let address = match stream.value.as_str() {
                path if path.starts_with('/') => format!("unix://{path}"),
                port if port.bytes().all(|b| b.is_ascii_digit()) => format!("tcp://0.0.0.0:{port}"),
                address => format!("tcp://{address}"),
            };
            (address, Source::File { path: stream.path.clone(), line: Some(stream.line) })
        })
        .collect()
}

/// The home of the user that a rootless dockerd runs for. Inside its namespace it is root, and its parent `rootlesskit` is not.
fn home(host: &dyn Host, process: &Process, processes: &[Process]) -> String {
    let mut uid = process.uid;
    let mut parent = process.parent;
    for _ in 0..8 {
        let Some(above) = processes.iter().find(|above| above.pid == parent) else { break };
        if above.uid != Some(0) && above.host_ids != Some(false) {
            uid = above.uid;
            break;
        }
        parent = above.parent;
    }
    let passwd = text(host, "/etc/passwd");
    let accounts = passwd.is().map(|text| crate::node::account::Accounts::read(text, "", "")).unwrap_or_default();
    let found = accounts.users.iter().find(|user| Some(user.uid) == uid).map(|user| user.home.clone());
    found.unwrap_or_else(|| "/root".to_owned())
}

/// The version by the package database; the program itself is not run.
fn version(host: &dyn Host) -> Option<String> {
    super::daemons::package_version(host, &["docker.io", "docker-ce", "moby-engine"])
}
