//! How a daemon is started again: by systemd, by the systemd of its user, by snapd, by OpenRC, or by hand.

use crate::node::docker::Docker;
use crate::node::mode::shell;
use crate::node::process::Process;
use crate::node::unit::Unit;
use crate::node::{Node, mount};

/// What starts a daemon.
pub enum Service<'n> {
    /// A unit of systemd, by its name.
    Unit(&'n str),
    /// A unit of the systemd of a user.
    OfUser {
        user: &'n str,
        uid: u32,
    },
    Snap(&'static str),
    OpenRc(&'static str),
    /// Nothing that podreeve knows.
    Alone,
}

/// Commands, and what makes a daemon read what they changed. A daemon that does not run reads it when it starts.
pub fn with_restart(commands: &[String], service: &Service<'_>, daemon: &str, runs: bool) -> String {
    let all = commands.join(" && ");
    let restart = match service {
        _ if !runs => return all,
        Service::Unit(unit) => format!("systemctl restart {}", shell(unit.strip_suffix(".service").unwrap_or(unit))),
        Service::OfUser { user, uid } => {
            let inner = shell(&format!("{all} && systemctl --user restart {daemon}"));
            return format!("runuser -u {} -- env XDG_RUNTIME_DIR=/run/user/{uid} sh -c {inner}", shell(user));
        }
        Service::Snap(snap) => format!("snap restart {snap}"),
        Service::OpenRc(name) => format!("rc-service {name} restart"),
        Service::Alone => return format!("{all} # then start {daemon} again: no unit of systemd has started it"),
    };
    if all.is_empty() { restart } else { format!("{all} && {restart}") }
}

/// What starts this docker.
pub fn of_docker<'n>(node: &'n Node, docker: &Docker) -> Service<'n> {
    if docker.config_file.starts_with("/var/snap/docker/") {
        return Service::Snap("docker");
    }
    if docker.rootless {
        let by_user = process(node, docker.pid).and_then(Process::unit) == Some("docker.service");
        let users = node.accounts.is().into_iter().flat_map(|accounts| &accounts.users);
        let user = users.filter(|_| by_user).find(|user| user.uid == docker.uid);
        return user.map_or(Service::Alone, |user| Service::OfUser { user: &user.name, uid: user.uid });
    }
    of(node, docker.pid, "docker.service", "docker")
}

/// What starts a daemon whose own unit has this name.
pub fn of<'n>(node: &'n Node, pid: Option<u32>, unit: &'n str, open_rc: &'static str) -> Service<'n> {
    let known = node.units.get(unit).filter(|unit| !unit.masked);
    let Some(process) = process(node, pid) else {
        return known.map_or(Service::Alone, |unit| Service::Unit(&unit.name));
    };
    if let Some(own) =
        process.unit().filter(|own| own.ends_with(".service") && process.cgroup.starts_with("/system.slice/"))
    {
        return Service::Unit(own);
    }
    // Where control groups do not say it: the unit that starts it with just these arguments.
    let is_same = |unit: &&Unit| {
        unit.command().is_some_and(|command| !command.is_empty() && command.get(1..) == process.arguments.get(1..))
    };
    match known.filter(is_same) {
        Some(unit) => Service::Unit(&unit.name),
        None if super::packages::has_open_rc(node) => Service::OpenRc(open_rc),
        None => Service::Alone,
    }
}

pub fn process(node: &Node, pid: Option<u32>) -> Option<&Process> {
    pid.and_then(|pid| node.processes.iter().find(|process| process.pid == pid))
}

/// Whether no user can write a file, or put it there.
pub fn is_read_only(node: &Node, path: &str) -> bool {
    let mounts = node.mounts.is().map(Vec::as_slice).unwrap_or_default();
    mount::of(mounts, path).is_some_and(|mount| mount.read_only)
}

/// The command that starts a daemon again. `product` is its name in parameters of rules.
pub fn restart(node: &Node, pid: Option<u32>, product: &'static str) -> String {
    let docker = node.docker.iter().find(|docker| docker.pid == pid);
    let unit = match product {
        "containerd" => "containerd.service",
        "crio" => "crio.service",
        "kubelet" => "kubelet.service",
        _ => "docker.service",
    };
    let service = match docker.filter(|_| product == "docker") {
        Some(docker) => of_docker(node, docker),
        None => of(node, pid, unit, product),
    };
    match service {
        Service::OfUser { user, uid } => {
            format!("runuser -u {} -- env XDG_RUNTIME_DIR=/run/user/{uid} systemctl --user restart docker", shell(user))
        }
        Service::Alone => {
            format!("stop process {}, and start {product} again as it was started", pid.unwrap_or_default())
        }
        service => with_restart(&[], &service, product, true),
    }
}

/// The command that restarts the host, after its pods have left it.
pub fn restart_host(node: &Node) -> String {
    if node.kubelet.is_empty() {
        return "systemctl reboot".to_owned();
    }
    format!("kubectl drain {} --ignore-daemonsets && systemctl reboot", shell(&node.name))
}

/// The command that limits a unit: `LimitNOFILE=1024`.
pub fn limit(node: &Node, pid: Option<u32>, unit: &str, limits: &[String]) -> String {
    let service = of(node, pid, unit, "docker");
    let Service::Unit(own) = service else {
        return format!("start the daemon with {} in its unit, or with ulimit before it", limits.join(" and "));
    };
    let folder = format!("/etc/systemd/system/{own}.d");
    if is_read_only(node, "/etc") {
        return format!(
            "set {} in a drop-in of {own}: /etc is read-only, so change the image of the host",
            limits.join(" and ")
        );
    }
    let folder = shell(&folder);
    // The file has one repair after the other in it, and none takes the other back.
    let written = node.units.get(own).into_iter().flat_map(|unit| &unit.assignments);
    let written = written.filter(|line| line.section == "Service" && line.path.ends_with("/zz-podreeve-limits.conf"));
    let kept = written.filter(|line| !limits.iter().any(|limit| limit.starts_with(&format!("{}=", line.key))));
    let kept = kept.map(|line| shell(&format!("{}={}", line.key, line.value)));
    let limits: Vec<String> = limits.iter().cloned().chain(kept).collect();
    let commands = [
        format!("mkdir -p {folder}"),
        format!("printf '%s\\n' '[Service]' {} > {folder}/zz-podreeve-limits.conf", limits.join(" ")),
        "systemctl daemon-reload".to_owned(),
    ];
    with_restart(&commands, &service, "the daemon", pid.is_some())
}
