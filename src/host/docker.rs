//! Every dockerd of a host: those that run, and one that is installed and does not run.

use super::instances::{Instance, instances, package_version};
use super::{Host, text};
use crate::node::Read;
use crate::node::config::Setting;
use crate::node::docker::{self, Docker, SERVICE};
use crate::node::process::Process;
use crate::node::unit::Unit;
use std::collections::BTreeMap;

/// The settings of snap's Docker.
const SNAP_CONFIG: &str = "/var/snap/docker/current/config/daemon.json";

/// `unread` says which folders may enable more sockets than are known.
pub fn dockers(
    host: &dyn Host,
    processes: &[Process],
    units: &BTreeMap<String, Unit>,
    unread: &[String],
) -> Vec<Docker> {
    let all = instances(host, "dockerd", &[SERVICE, "snap.docker.dockerd.service"], processes, units);
    let one = |instance| {
        let (mut docker, is_unit) = docker(host, instance, processes, units);
        if is_unit {
            add_sockets(&mut docker, units, unread);
        }
        docker
    };
    all.into_iter().map(one).collect()
}

/// A dockerd without systemd's sockets, and whether systemd passes it some.
fn docker(
    host: &dyn Host,
    instance: Instance<'_>,
    processes: &[Process],
    units: &BTreeMap<String, Unit>,
) -> (Docker, bool) {
    let rootless = instance.is_rootless();
    let mut config = docker::flags(&instance.arguments, instance.pid());
    for doubt in &instance.config.doubts {
        config.doubt(doubt.clone());
    }
    let (uid, home) = instance.home(host, processes, &mut config);
    let is_snap = match instance.process {
        Some(process) => process.cgroup.contains("snap.docker"),
        None => !units.contains_key(SERVICE),
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
    let is_called = |name: &str| name == SERVICE || units.get(SERVICE).is_some_and(|unit| unit.is_called(name));
    let is_unit = instance.process.is_none_or(|process| process.unit().is_none_or(is_called));
    let docker = Docker {
        pid: instance.pid(),
        rootless,
        uid,
        home,
        version: package_version(host, &["docker.io", "docker-ce", "moby-engine"]),
        config,
        config_file,
        socket_streams: Vec::new(),
        name: instance.name,
    };
    (docker, is_unit && !rootless)
}

/// The sockets of systemd. They matter to a dockerd that takes them.
fn add_sockets(docker: &mut Docker, units: &BTreeMap<String, Unit>, unread: &[String]) {
    if !docker.takes_sockets() {
        return;
    }
    let mut doubts = Vec::new();
    for socket in docker::sockets(units).filter(|socket| !socket.masked) {
        doubts.extend(socket.doubts.iter().cloned());
        if !socket.is_idle {
            docker.socket_streams.extend(socket.streams(&mut doubts));
        }
    }
    doubts.extend(unread.iter().map(|why| format!("{why}, and it may have or start sockets of docker")));
    for doubt in doubts {
        docker.config.doubt(doubt);
    }
}
