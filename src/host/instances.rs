//! Daemons of a product: those that run, or else the one that a unit would start.

use super::{Host, glob, layouts, text};
use crate::node::Read;
use crate::node::account::Accounts;
use crate::node::config::Config;
use crate::node::process::{Process, program};
use crate::node::unit::{Unit, variables};
use std::collections::BTreeMap;

/// A daemon that runs, or that is installed and does not run.
pub struct Instance<'p> {
    pub process: Option<&'p Process>,
    pub arguments: Vec<String>,
    /// Its name on this host, which stays after a restart: `dockerd`, and `dockerd (user 1000)` where there are several.
    pub name: String,
    /// The settings begin with what is not known of the arguments.
    pub config: Config,
}

impl Instance<'_> {
    pub fn pid(&self) -> Option<u32> {
        self.process.map(|process| process.pid)
    }

    pub fn started(&self) -> Option<i64> {
        self.process.and_then(|process| process.started)
    }

    /// Whether it has the rights of an ordinary user alone.
    pub fn is_rootless(&self) -> bool {
        self.process.is_some_and(|process| process.uid.is_some_and(|uid| uid != 0) || process.host_ids == Some(false))
    }

    /// The user whose rights it has, and the home of that user. That of a rootless daemon names the user outside of its namespace: inside it
    /// is root, and its parent `rootlesskit` is not. A home that no file has is a doubt, as the settings are in it.
    pub fn home(&self, host: &dyn Host, processes: &[Process], config: &mut Config) -> (u32, String) {
        let root = "/root".to_owned();
        let Some(process) = self.process.filter(|_| self.is_rootless()) else { return (0, root) };
        let is_user = |process: &&Process| process.uid.is_some_and(|uid| uid != 0) && process.host_ids != Some(false);
        let user = above(processes, process).find(is_user).or(Some(process)).and_then(|process| process.uid);
        let passwd = text(host, "/etc/passwd");
        let accounts = passwd.is().map(|text| Accounts::read(text, "", "")).unwrap_or_default();
        let found = accounts.users.iter().find(|known| Some(known.uid) == user).map(|user| user.home.clone());
        if found.is_none() {
            let uid = user.map_or_else(|| "of its user".to_owned(), |uid| format!("of user {uid}"));
            config
                .doubt(format!("podreeve does not know the home {uid}, where its settings are: /etc/passwd has none"));
        }
        (user.unwrap_or(0), found.unwrap_or(root))
    }

    /// Says that a path of an argument is not known: the folder in which a daemon runs is in no file.
    pub fn check_path(&self, config: &mut Config, path: &str) {
        if !path.starts_with('/') {
            config.doubt(format!("{path} is relative to the folder of {}, which podreeve does not know", self.name));
        }
    }

    /// Says that a file is newer than the process, which then may have read another one.
    pub fn compare_age(&self, host: &dyn Host, config: &mut Config, path: &str, daemon: &str) {
        let modified = host.entry(path).is().map(|entry| entry.modified);
        if let (Some(modified), Some(started)) = (modified, self.started())
            && modified > started
        {
            config.doubt(format!("{path} changed after {daemon} started; restart it, or undo the change"));
        }
    }
}

/// The daemons whose program has this name. A program of a container is none, and neither is one that an ordinary user started, unless
/// rootlesskit did.
pub fn instances<'p>(
    host: &dyn Host,
    name: &str,
    unit_names: &[&str],
    processes: &'p [Process],
    units: &BTreeMap<String, Unit>,
) -> Vec<Instance<'p>> {
    let is_one = |process: &&Process| {
        program(&process.arguments) == name
            && !process.in_container()
            && (process.uid.is_none_or(|uid| uid == 0) || is_below_rootlesskit(processes, process))
    };
    let running: Vec<&Process> = processes.iter().filter(is_one).collect();
    if running.is_empty() {
        let unit = unit_names.iter().find_map(|name| units.get(*name).filter(|unit| !unit.masked));
        return unit.map(|unit| installed(host, name, unit)).into_iter().collect();
    }
    let label = |process: &Process| match (process.uid, process.unit()) {
        (Some(uid), _) if uid != 0 => format!("user {uid}"),
        (_, Some(unit)) => unit.to_owned(),
        _ => format!("process {}", process.pid),
    };
    let labels: Vec<String> = running.iter().map(|process| label(process)).collect();
    let name_of = |(process, label): (&Process, &String)| match labels.iter().filter(|other| *other == label).count() {
        _ if labels.len() == 1 => name.to_owned(),
        1 => format!("{name} ({label})"),
        _ => format!("{name} ({label}, process {})", process.pid),
    };
    let new = |(process, label): (&&'p Process, &String)| Instance {
        process: Some(process),
        arguments: process.arguments.clone(),
        name: name_of((process, label)),
        config: too_many(process),
    };
    running.iter().zip(&labels).map(new).collect()
}

/// Of a process with more arguments than are read, nothing is known.
fn too_many(process: &Process) -> Config {
    let mut config = Config::default();
    if process.too_many_arguments {
        config.doubt(format!("process {} has more arguments than podreeve reads", process.pid));
    }
    config
}

/// Whether the processes of others are hidden, as `/proc` with `hidepid` does for all but root.
fn hides_processes(host: &dyn Host) -> bool {
    !host.entry("/proc/self/status").is_absent() && text(host, "/proc/1/status").is().is_none()
}

fn is_below_rootlesskit(processes: &[Process], process: &Process) -> bool {
    let is_kit = |above: &Process| program(&above.arguments) == "rootlesskit" || above.name == "rootlesskit";
    above(processes, process).any(is_kit)
}

/// The processes above one, the nearest first.
fn above<'p>(processes: &'p [Process], process: &Process) -> impl Iterator<Item = &'p Process> + use<'p> {
    let mut parent = process.parent;
    let next = move || {
        let above = processes.iter().find(|above| above.pid == parent)?;
        parent = above.parent;
        Some(above)
    };
    std::iter::from_fn(next).take(8)
}

/// The daemon of a unit, with the variables of its arguments put in as systemd does it.
pub fn installed<'p>(host: &dyn Host, name: &str, unit: &Unit) -> Instance<'p> {
    let mut config = Config::default();
    for doubt in &unit.doubts {
        config.doubt(doubt.clone());
    }
    if hides_processes(host) {
        config.doubt(format!(
            "/proc hides processes from podreeve, so it cannot see whether {name} runs, and with which arguments"
        ));
    }
    let environment = environment(host, unit, &mut config);
    let mut doubts = Vec::new();
    let mut arguments = unit.command_with(&environment, &mut doubts).unwrap_or_default();
    for doubt in doubts {
        config.doubt(doubt);
    }
    if arguments.is_empty() {
        // Whatever its files hold, the unit is there.
        config.doubt(format!("{} has no command that podreeve can read", unit.name));
        arguments.push(name.to_owned());
    }
    // A program such as `nice` or `hyperkube` starts it with what follows its name.
    let own = arguments.iter().position(|argument| argument.rsplit('/').next() == Some(name));
    match (own, layouts::snap_arguments(&arguments)) {
        (Some(at), _) => arguments = arguments.split_off(at),
        (None, Some(known)) => arguments = known,
        (None, None) => config.doubt(format!(
            "{} starts {}, and podreeve does not know with which arguments that starts {name}",
            unit.name,
            program(&arguments)
        )),
    }
    Instance { process: None, arguments, name: name.to_owned(), config }
}

/// The variables that a unit's command may name.
pub fn environment(host: &dyn Host, unit: &Unit, config: &mut Config) -> BTreeMap<String, String> {
    let mut doubts = Vec::new();
    let mut environment = unit.environment(&mut doubts);
    for file in unit.all("Service", "EnvironmentFile") {
        let optional = file.value.starts_with('-');
        let pattern = unit.expand(file.value.trim_start_matches('-'), file, &mut doubts);
        let mut paths = vec![pattern.clone()];
        if pattern.contains(['*', '?', '[']) {
            let found = glob::glob(host, &pattern);
            doubts.extend(found.unread);
            paths = found.paths;
        }
        for path in paths {
            match text(host, &path) {
                Read::Is(content) => environment.extend(variables(&content)),
                Read::Absent if optional => {}
                Read::Absent => {
                    doubts.push(format!("{path} does not exist, without which {} does not start", unit.name));
                }
                other => doubts.push(format!("{path} {}", other.unknown().unwrap_or_default())),
            }
        }
    }
    unit.unset(&mut environment, &mut doubts);
    for doubt in doubts {
        config.doubt(doubt);
    }
    environment
}

/// The version of the first of these packages that dpkg's database has.
pub fn package_version(host: &dyn Host, names: &[&str]) -> Option<String> {
    let status = text(host, "/var/lib/dpkg/status");
    let mut package = "";
    let mut installed = false;
    for line in status.is()?.lines() {
        if let Some(name) = line.strip_prefix("Package: ") {
            package = name;
            installed = false;
        } else if line.starts_with("Status: ") {
            installed = line.ends_with(" installed");
        } else if let Some(version) = line.strip_prefix("Version: ")
            && installed
            && names.contains(&package)
        {
            // Without the epoch and Debian's own number: `20.10.24` of `1:20.10.24+dfsg1-1`.
            let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
            let end = upstream.find(['+', '-', '~']).unwrap_or(upstream.len());
            return upstream.get(..end).map(str::to_owned);
        }
    }
    None
}

#[cfg(test)]
mod tests;
