//! Facts that one rule asks about.

use super::{Host, text};
use crate::node::process::{self, Process};
use crate::node::{Read, has_extension};
use std::collections::{BTreeMap, BTreeSet};

/// Files of shells and of systemd that set variables for everybody.
const ENVIRONMENTS: [&str; 3] = ["/etc/environment", "/etc/default/docker", "/etc/sysconfig/docker"];

/// Files that switch docker's retired content trust on.
pub fn content_trust(host: &dyn Host) -> Vec<String> {
    let mut paths: Vec<String> = ENVIRONMENTS.iter().map(|path| (*path).to_owned()).collect();
    paths.extend(host.list("/etc/profile.d").is().into_iter().flatten().map(|name| format!("/etc/profile.d/{name}")));
    let sets = |path: &String| {
        let content = text(host, path);
        let value = content.is().and_then(|text| crate::node::os::variable(text, "DOCKER_CONTENT_TRUST"));
        value.is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    };
    paths.retain(sets);
    paths
}

/// `/etc/containers/policy.json`.
pub fn containers_policy(host: &dyn Host) -> Read<serde_json::Value> {
    let read = host.read("/etc/containers/policy.json");
    read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|error| format!("it is no JSON: {error}")))
}

/// Daemons whose program is newer than the process, which then runs the old one. A package's program keeps the time at which it was built, so
/// the time at which it was put there counts.
pub fn outdated(host: &dyn Host, processes: &[Process]) -> BTreeMap<u32, String> {
    let newer = |process: &Process| {
        let path = process.arguments.first().filter(|path| path.starts_with('/'))?;
        let own = host.link(&format!("/proc/{}/exe", process.pid));
        let is_gone = own.is().is_some_and(|own| own.ends_with(" (deleted)"));
        let is_newer = || Some(host.entry(path).is()?.changed > process.started?);
        (is_gone || is_newer().unwrap_or_default()).then(|| (process.pid, path.clone()))
    };
    processes.iter().filter(|process| !process.in_container()).filter_map(newer).collect()
}

/// Images of podman that no container has.
pub fn podman_unused(host: &dyn Host) -> Read<u64> {
    let storage = "/var/lib/containers/storage";
    let list = |path: String, key: &str| {
        host.read(&path).and_then(|bytes| {
            let rows: Vec<serde_json::Value> =
                serde_json::from_slice(&bytes).map_err(|error| format!("it is no JSON: {error}"))?;
            let texts = rows.iter().filter_map(|row| Some(row.get(key)?.as_str()?.to_owned()));
            Ok(texts.collect::<BTreeSet<String>>())
        })
    };
    let containers = list(format!("{storage}/overlay-containers/containers.json"), "image");
    let used = match containers {
        Read::Is(used) => used,
        Read::Absent => BTreeSet::new(),
        other => return other.map(|_| 0),
    };
    list(format!("{storage}/overlay-images/images.json"), "id").map(|images| images.difference(&used).count() as u64)
}

/// The limits of processes of containers. Those of pods are in the group of the pod, and `podPidsLimit` sets them.
pub fn pids_limits(host: &dyn Host, processes: &[Process]) -> BTreeMap<String, String> {
    // A container with systemd in it has groups below its own.
    let groups: BTreeSet<&str> = processes
        .iter()
        .filter(|process| !process.cgroup.contains("kubepods"))
        .filter_map(|process| process::container_group(&process.cgroup))
        .collect();
    let limit = |group: &&str| {
        // The hierarchy of version 2, and that of version 1.
        let paths = [format!("/sys/fs/cgroup{group}/pids.max"), format!("/sys/fs/cgroup/pids{group}/pids.max")];
        let found = paths.iter().find_map(|path| text(host, path).is().map(|limit| limit.trim().to_owned()));
        found.map(|limit| ((*group).to_owned(), limit))
    };
    groups.iter().filter_map(limit).collect()
}

/// Files of rsyslog with an action that sends logs to another host.
pub fn log_forwarding(host: &dyn Host) -> Vec<String> {
    let mut paths = vec!["/etc/rsyslog.conf".to_owned()];
    let names = host.list("/etc/rsyslog.d");
    let names = names.is().into_iter().flatten().filter(|name| has_extension(name, &["conf"]));
    paths.extend(names.map(|name| format!("/etc/rsyslog.d/{name}")));
    paths.retain(|path| text(host, path).is().is_some_and(|text| text.lines().any(forwards)));
    paths
}

/// Whether a line of rsyslog is an action that sends: `*.* @@HOST`, `*.* :omrelp:HOST`, or `action(type="omfwd" target="HOST")`. An action may
/// be written over several lines, and its type and its target stand on one of them in practice.
fn forwards(line: &str) -> bool {
    let line = line.split('#').next().unwrap_or_default().to_ascii_lowercase();
    let old = line.split_ascii_whitespace().nth(1).unwrap_or_default();
    let target = old.strip_prefix('@').map(|rest| rest.trim_start_matches('@'));
    let target = target.or_else(|| old.strip_prefix(":omrelp:").or_else(|| old.strip_prefix(":omfwd:")));
    let plain: String = line.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    let is_action = plain.contains("type=omfwd") || plain.contains("type=omrelp");
    let named = plain.split_once("target=").map(|(_, rest)| rest);
    match target {
        // Options of a transport may stand before the host: `@@(z9)logs`.
        Some(target) => !is_this_host(target.rsplit(')').next().unwrap_or(target)),
        None => is_action && !named.is_some_and(is_this_host),
    }
}

/// Whether a target is an address of this host, where the logs stay.
fn is_this_host(target: &str) -> bool {
    target.is_empty() || ["127.", "localhost", "[::1]", "::1", "/"].iter().any(|own| target.starts_with(own))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn podman_and_rsyslog() {
        let host = Fake::read(
            "=== /var/lib/containers/storage/overlay-images/images.json\n[{\"id\": \"a\"}, {\"id\": \"b\"}]\n\
=== /var/lib/containers/storage/overlay-containers/containers.json\n[{\"id\": \"c\", \"image\": \"a\"}]\n\
=== /etc/rsyslog.d/10.conf\n# *.* @@old\n*.* @@logs.example.com:6514\n=== /etc/rsyslog.conf\nmodule(load=\"imuxsock\")\n",
        );
        assert_eq!(podman_unused(&host), Read::Is(1));
        assert_eq!(log_forwarding(&host), ["/etc/rsyslog.d/10.conf"]);
    }

    #[test]
    fn what_sends_logs_to_another_host() {
        for line in [
            "*.* @logs.example.com",
            "*.* @@(z9)10.0.0.1:6514",
            "*.* :omrelp:logs:2514",
            "action(type=\"omfwd\" target=\"logs\" port=\"514\")",
            "  type=\"omfwd\"",
        ] {
            assert!(forwards(line), "{line}");
        }
        for line in [
            "*.* @127.0.0.1",
            "*.* @@localhost:514",
            "module(load=\"omrelp\")",
            "$ModLoad omrelp",
            "action(type=\"omfwd\" target=\"127.0.0.1\")",
            "# *.* @logs",
            "*.* /var/log/x",
        ] {
            assert!(!forwards(line), "{line}");
        }
        let host = Fake::read("=== /etc/rsyslog.d/10.conf.bak\n*.* @@logs.example.com\n");
        assert_eq!(log_forwarding(&host), [""; 0], "rsyslog does not read it");
    }

    #[test]
    fn programs_that_were_replaced() {
        let of = |more: &str| {
            let host = Fake::read(&format!(
                "=== /proc/stat\nbtime 100\n=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\n/usr/bin/dockerd\n\
=== /proc/7/stat\n7 (dockerd) S 1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500 1 1\n{more}"
            ));
            let processes = crate::host::processes::processes(&host);
            outdated(&host, &processes).len()
        };
        assert_eq!(of("=== /usr/bin/dockerd modified 50\n"), 0);
        assert_eq!(of("=== /usr/bin/dockerd modified 200\n"), 1);
        assert_eq!(of("=== /usr/bin/dockerd modified 50\n=== /proc/7/exe link /usr/bin/dockerd (deleted)\n"), 1);
    }
}
