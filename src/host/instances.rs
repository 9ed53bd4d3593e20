//! Daemons of a product: those that run, or else the one that a unit would start.

use super::{Host, glob, layouts, text};
use crate::node::Read;
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
    let mut parent = process.parent;
    for _ in 0..8 {
        let Some(above) = processes.iter().find(|above| above.pid == parent) else { return false };
        if program(&above.arguments) == "rootlesskit" || above.name == "rootlesskit" {
            return true;
        }
        parent = above.parent;
    }
    false
}

/// The daemon of a unit, with the variables of its arguments put in as systemd does it.
fn installed<'p>(host: &dyn Host, name: &str, unit: &Unit) -> Instance<'p> {
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
    let mut arguments = unit.command_with(&environment).unwrap_or_default();
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
fn environment(host: &dyn Host, unit: &Unit, config: &mut Config) -> BTreeMap<String, String> {
    let mut environment: BTreeMap<String, String> = unit.environment().collect();
    for file in unit.all("Service", "EnvironmentFile") {
        let optional = file.value.starts_with('-');
        let pattern = file.value.trim_start_matches('-');
        let mut paths = vec![pattern.to_owned()];
        if pattern.contains(['*', '?', '[']) {
            paths = glob::glob(host, pattern);
        }
        for path in paths {
            match text(host, &path) {
                Read::Is(content) => environment.extend(variables(&content)),
                Read::Absent if optional => {}
                Read::Absent => {
                    config.doubt(format!("{path} does not exist, without which {} does not start", unit.name));
                }
                other => config.doubt(format!("{path} {}", other.unknown().unwrap_or_default())),
            }
        }
    }
    environment
}

/// The home of the user that a rootless daemon runs for. Inside its namespace it is root, and its parent `rootlesskit` is not.
pub fn home(host: &dyn Host, process: &Process, processes: &[Process]) -> (u32, String) {
    let mut uid = process.uid;
    let mut parent = process.parent;
    for _ in 0..8 {
        let Some(above) = processes.iter().find(|above| above.pid == parent) else { break };
        if above.uid.is_some_and(|uid| uid != 0) && above.host_ids != Some(false) {
            uid = above.uid;
            break;
        }
        parent = above.parent;
    }
    let passwd = text(host, "/etc/passwd");
    let accounts = passwd.is().map(|text| crate::node::account::Accounts::read(text, "", "")).unwrap_or_default();
    let found = accounts.users.iter().find(|user| Some(user.uid) == uid).map(|user| user.home.clone());
    (uid.unwrap_or(0), found.unwrap_or_else(|| "/root".to_owned()))
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
mod tests {
    use super::*;
    use crate::host::{fake::Fake, processes::processes, units};

    fn names(text: &str) -> Vec<String> {
        let host = Fake::read(text);
        let processes = processes(&host);
        let units = units::daemons(&host);
        instances(&host, "dockerd", &["docker.service"], &processes, &units).into_iter().map(|one| one.name).collect()
    }

    const ONE: &str = "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/usr/bin/dockerd\n\
=== /proc/7/cgroup\n0::/system.slice/docker.service\n";

    #[test]
    fn what_a_daemon_is_and_its_name() {
        assert_eq!(names(ONE), ["dockerd"]);
        let second = "=== /proc/8/status\nName: dockerd\nUid: 1000 1000 1000 1000\n=== /proc/8/cmdline\ndockerd\n\
=== /proc/8/stat\n8 (dockerd) S 6 1\n";
        assert_eq!(names(&format!("{ONE}{second}")), ["dockerd"], "any user may call a program so");
        let rest = (5..=22).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        let second = second.replace("S 6 1", &format!("S 6 {rest}"));
        let kit = "=== /proc/6/status\nName: rootlesskit\nUid: 1000 1000 1000 1000\n=== /proc/6/cmdline\nrootlesskit\n";
        assert_eq!(names(&format!("{ONE}{second}{kit}")), ["dockerd (docker.service)", "dockerd (user 1000)"]);
        let viewer =
            "=== /proc/9/status\nName: less\nUid: 0 0 0 0\n=== /proc/9/cmdline\nless dockerd.log --icc=false\n";
        assert!(names(viewer).is_empty());
    }

    #[test]
    fn a_unit_with_variables() {
        let host = Fake::read(
            "=== /usr/lib/systemd/system/docker.service\n[Service]\nEnvironment=\"A=--icc=false -D\" B=x\nEnvironmentFile=-/etc/default/docker\n\
EnvironmentFile=/etc/none\nExecStart=/usr/bin/dockerd $A --label=${B}y $NONE $OPTS\n=== /etc/default/docker\nOPTS='-H fd://'\n#X=1\n",
        );
        let units = units::daemons(&host);
        let found = instances(&host, "dockerd", &["docker.service"], &[], &units);
        assert_eq!(found[0].arguments, ["/usr/bin/dockerd", "--icc=false", "-D", "--label=xy", "-H", "fd://"]);
        assert!(found[0].config.doubts[0].starts_with("/etc/none does not exist"));
    }

    fn one(unit: &str) -> (Vec<String>, Vec<String>) {
        let host = Fake::read(&format!("=== /usr/lib/systemd/system/docker.service\n[Service]\n{unit}"));
        let found = instances(&host, "dockerd", &["docker.service"], &[], &units::daemons(&host)).remove(0);
        (found.arguments, found.config.doubts)
    }

    #[test]
    fn processes_that_are_hidden_or_have_too_many_arguments() {
        let doubts = |more: &str| one(&format!("ExecStart=/usr/bin/dockerd\n{more}")).1.len();
        let own = "=== /proc/9/status\nName: podreeve\n=== /proc/self link 9\n";
        assert_eq!((doubts(own), doubts(&format!("{own}=== /proc/1/status\nName: init\n"))), (1, 0));
        assert_eq!(doubts(&format!("{own}=== /proc/1/status denied\n")), 1);
        let arguments = "dockerd".to_owned() + &" -D".repeat(5000);
        let many = format!("=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\n{arguments}\n");
        let host = Fake::read(&many);
        let processes = processes(&host);
        let found = instances(&host, "dockerd", &[], &processes, &BTreeMap::new()).remove(0);
        assert_eq!((found.arguments.len(), found.config.doubts.len()), (4096, 1));
    }

    #[test]
    fn what_a_unit_starts_by_another_program_is_unknown() {
        let (_, doubts) = one("ExecStart=/bin/sh -c 'exec dockerd -H tcp://0.0.0.0:2375'\n");
        assert_eq!(
            doubts,
            ["docker.service starts sh, and podreeve does not know with which arguments that starts dockerd"]
        );
        let (arguments, doubts) = one("ExecStart=/usr/bin/nice -n 5 /usr/bin/dockerd --icc=false\n");
        assert!(doubts.is_empty() && arguments == ["/usr/bin/dockerd", "--icc=false"]);
        let (arguments, doubts) = one("ExecStart=/usr/bin/snap run docker.dockerd\n");
        assert!(doubts.is_empty() && arguments.iter().any(|one| one.starts_with("--config-file=/var/snap/docker/")));
        let (arguments, doubts) = one("ExecStart=/usr/bin/dockerd $A $B\nEnvironmentFile=-/etc/sysconfig/docker*\n\
=== /etc/sysconfig/docker\nA=--icc=false\n=== /etc/sysconfig/docker-network\nB=-D\n");
        assert!(doubts.is_empty());
        assert_eq!(arguments, ["/usr/bin/dockerd", "--icc=false", "-D"]);
        assert_eq!(
            one("ExecStart=/usr/bin/dockerd\n=== /etc/systemd/system/docker.service.d/a.conf denied\n").1.len(),
            1
        );
        assert_eq!(one("garbage\n").1, ["docker.service has no command that podreeve can read"]);
    }
}
