//! Facts that one rule asks about.

use super::{Host, text};
use crate::node::Read;
use crate::node::process::{self, Process};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn images_of_podman() {
        let host = Fake::read(
            "=== /var/lib/containers/storage/overlay-images/images.json\n[{\"id\": \"a\"}, {\"id\": \"b\"}]\n\
=== /var/lib/containers/storage/overlay-containers/containers.json\n[{\"id\": \"c\", \"image\": \"a\"}]\n",
        );
        assert_eq!(podman_unused(&host), Read::Is(1));
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
