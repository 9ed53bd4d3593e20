//! Facts that one rule asks about.

use super::{Host, text};
use crate::node::process::Process;
use crate::node::{DockerImages, Node, Read};
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

/// Daemons whose program is newer than the process, which then runs the old one.
pub fn outdated(host: &dyn Host, processes: &[Process]) -> BTreeMap<u32, String> {
    let newer = |process: &Process| {
        let path = process.arguments.first().filter(|path| path.starts_with('/'))?;
        let entry = host.entry(path);
        (entry.is()?.modified > process.started?).then(|| (process.pid, path.clone()))
    };
    processes.iter().filter(|process| !process.in_container()).filter_map(newer).collect()
}

/// How many images of each docker no container has.
pub fn docker_images(host: &dyn Host, node: &Node) -> BTreeMap<String, DockerImages> {
    let prune = prune(host);
    let of = |docker: &crate::node::docker::Docker| {
        let folder = docker.data_root();
        let unused = unused(host, &folder);
        (docker.name.clone(), DockerImages { folder, unused, prune: prune.clone() })
    };
    node.docker.iter().map(of).collect()
}

fn unused(host: &dyn Host, folder: &str) -> Read<u64> {
    let drivers = match host.list(&format!("{folder}/image")) {
        Read::Is(drivers) => drivers,
        other => return other.map(|_| 0),
    };
    let mut images = BTreeSet::new();
    for driver in drivers {
        let repositories = host.read(&format!("{folder}/image/{driver}/repositories.json"));
        let parsed = repositories.is().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
        let tags = parsed.as_ref().and_then(|document| document.get("Repositories")?.as_object());
        images.extend(
            tags.into_iter()
                .flat_map(|tags| tags.values())
                .filter_map(|tags| tags.as_object())
                .flat_map(|tags| tags.values())
                .filter_map(|id| id.as_str())
                .map(str::to_owned),
        );
    }
    let containers = host.list(&format!("{folder}/containers"));
    for container in containers.is().into_iter().flatten() {
        let config = host.read(&format!("{folder}/containers/{container}/config.v2.json"));
        let parsed = config.is().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(bytes).ok());
        if let Some(image) = parsed.as_ref().and_then(|document| document.get("Image")?.as_str()) {
            images.remove(image);
        }
    }
    Read::Is(images.len() as u64)
}

/// A cron job, or a unit, that removes unused images.
fn prune(host: &dyn Host) -> Option<String> {
    let folders =
        ["/etc/cron.d", "/etc/cron.daily", "/etc/cron.weekly", "/var/spool/cron/crontabs", "/etc/systemd/system"];
    let mut paths = vec!["/etc/crontab".to_owned()];
    for folder in folders {
        paths.extend(host.list(folder).is().into_iter().flatten().map(|name| format!("{folder}/{name}")));
    }
    paths.into_iter().find(|path| {
        let content = text(host, path);
        let lines =
            content.is().into_iter().flat_map(|text| text.lines()).filter(|line| !line.trim_start().starts_with('#'));
        let prunes =
            |line: &str| line.contains("docker") && (line.contains("system prune") || line.contains("image prune"));
        lines.into_iter().any(prunes)
    })
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
    let groups: BTreeSet<&str> = processes
        .iter()
        .filter(|process| process.in_container() && !process.cgroup.contains("kubepods"))
        .map(|process| process.cgroup.as_str())
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
    paths.extend(names.is().into_iter().flatten().map(|name| format!("/etc/rsyslog.d/{name}")));
    let forwards = |line: &str| {
        let line = line.trim();
        let old = line.split_ascii_whitespace().nth(1).is_some_and(|action| action.starts_with('@'));
        !line.starts_with('#') && (old || line.contains("omfwd") || line.contains("omrelp"))
    };
    paths.retain(|path| text(host, path).is().is_some_and(|text| text.lines().any(forwards)));
    paths
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
}
