//! Processes of the host, read from `/proc`.

use serde::{Deserialize, Serialize};

/// One process. The arguments are kept of daemons alone, since others may hold secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Process {
    pub pid: u32,
    pub parent: u32,
    pub name: String,
    pub uid: Option<u32>,
    /// The control group, which names the unit or the container.
    pub cgroup: String,
    /// Whether its user ids are those of the host.
    pub host_ids: Option<bool>,
    /// Seconds since 1970, at the latest.
    pub started: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
    /// Whether it has more arguments than these.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub too_many_arguments: bool,
    /// Open files and processes that it and its children may have. `None` is unlimited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// Why the mounts of a process in a container are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mounts_unread: Option<String>,
    /// Sockets of a container runtime that are mounted into it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub runtime_sockets: Vec<String>,
    /// Of a container: whether the host's folder of logs is mounted into it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub host_logs: bool,
    /// Of a container: the bits of its effective capabilities.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<u64>,
}

/// Hard limits of a process: each program may raise its soft limit to the hard one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    pub open_files: Option<u64>,
    pub processes: Option<u64>,
}

impl Process {
    /// Whether it runs in a container: its control group is one that a runtime makes.
    #[must_use]
    pub fn in_container(&self) -> bool {
        container(&self.cgroup).is_some()
    }

    /// Whether it is a process of the host's root, outside containers. Of all others the name says nothing: each user may choose it.
    #[must_use]
    pub fn is_of_root(&self) -> bool {
        self.uid == Some(0) && self.host_ids != Some(false) && !self.in_container()
    }

    /// Whether root started it as the service of this name: only root makes control groups in `system.slice`.
    #[must_use]
    pub fn is_service(&self, name: &str) -> bool {
        // Of a container that reads the host's `/proc`, the path begins above its own group.
        let path = self.cgroup.trim_start_matches("/..");
        let Some(rest) = path.strip_prefix("/system.slice/").filter(|_| !self.in_container()) else { return false };
        let service = rest.split('/').find(|part| !super::has_extension(part, &["slice"]));
        service.and_then(|part| part.strip_suffix(".service")).is_some_and(|own| own == name)
    }

    /// Whether it runs in a container that root started, with the user ids of the host. A user who is logged in may give groups any names.
    #[must_use]
    pub fn in_root_container(&self) -> bool {
        let is_of_user = self.cgroup.split('/').any(|part| part == "user.slice");
        self.in_container() && self.host_ids != Some(false) && !is_of_user
    }

    /// Whether its capabilities let it watch the whole kernel: `SYS_ADMIN`, or `BPF` with `PERFMON`.
    #[must_use]
    pub fn can_watch_kernel(&self) -> bool {
        let has = |bit: u32| self.capabilities.is_some_and(|bits| bits & (1 << bit) != 0);
        has(21) || (has(38) && has(39))
    }

    /// The systemd unit that it runs in.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.cgroup.rsplit('/').find(|part| super::has_extension(part, &["service", "scope"]))
    }
}

/// The id of the container in the path of a control group: 64 hexadecimal digits, as all runtimes have them, or a pod of the
/// kubelet.
#[must_use]
pub fn container(cgroup: &str) -> Option<&str> {
    cgroup.split('/').find_map(|part| {
        let part = part.strip_suffix(".scope").unwrap_or(part);
        let id = part.rsplit(['-', ':']).next().unwrap_or(part);
        let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        // The monitor of a container of podman runs on the host.
        (is_id && !part.contains("conmon") || part.starts_with("kubepods")).then_some(id)
    })
}

/// The control group of the container itself; none for a process of the host.
#[must_use]
pub fn container_group(cgroup: &str) -> Option<&str> {
    let id = container(cgroup)?;
    let at = cgroup.find(id)? + id.len();
    let end = cgroup.get(at..)?.find('/').map_or(cgroup.len(), |rest| at + rest);
    cgroup.get(..end)
}

/// `/proc/PID/cgroup`: the path in the unified hierarchy, or in systemd's own of version 1, or the longest.
#[must_use]
pub fn cgroup(text: &str) -> String {
    let lines = || text.lines().filter_map(|line| line.split_once(':').and_then(|(_, rest)| rest.split_once(':')));
    let of =
        |name: &str| lines().find(|(controllers, path)| *controllers == name && *path != "/").map(|(_, path)| path);
    let longest = || lines().map(|(_, path)| path).max_by_key(|path| path.len());
    of("").or_else(|| of("name=systemd")).or_else(longest).unwrap_or("/").to_owned()
}

/// `/proc/PID/cmdline`.
#[must_use]
pub fn arguments(bytes: &[u8]) -> Vec<String> {
    let bytes = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    bytes.split(|b| *b == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// `/proc/PID/stat`: the parent, and the ticks since the boot at which it started. The name in parentheses may hold anything.
#[must_use]
pub fn stat(text: &str) -> Option<(u32, u64)> {
    let fields: Vec<&str> = text.rsplit_once(") ")?.1.split_ascii_whitespace().collect();
    Some((fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?))
}

/// `/proc/PID/status`: the effective user.
#[must_use]
pub fn uid(text: &str) -> Option<u32> {
    text.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// `/proc/PID/status`: the effective capabilities.
#[must_use]
pub fn capabilities(text: &str) -> Option<u64> {
    u64::from_str_radix(text.lines().find_map(|line| line.strip_prefix("CapEff:"))?.trim(), 16).ok()
}

/// `/proc/PID/uid_map`: whether all ids are those of the host.
#[must_use]
pub fn has_host_ids(text: &str) -> bool {
    let mut numbers = text.split_ascii_whitespace().map(str::parse::<u64>);
    matches!((numbers.next(), numbers.next(), numbers.next()), (Some(Ok(0)), Some(Ok(0)), Some(Ok(count))) if count >= 0xffff_ffff)
}

/// `/proc/PID/limits`.
#[must_use]
pub fn limits(text: &str) -> Option<Limits> {
    let hard = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let value = line.split_ascii_whitespace().nth(1)?;
        Some(if value == "unlimited" { None } else { Some(value.parse().ok()?) })
    };
    Some(Limits { open_files: hard("Max open files")?, processes: hard("Max processes")? })
}

/// The program's name in arguments: `dockerd` of `/usr/bin/dockerd`, and `k3s` of a process that calls itself `/usr/bin/k3s server`.
#[must_use]
pub fn program(arguments: &[String]) -> &str {
    let first = arguments.first().and_then(|first| first.split_ascii_whitespace().next()).unwrap_or("");
    first.rsplit('/').next().unwrap_or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_proc() {
        assert_eq!(arguments(b"dockerd\0-H\0fd://\0"), ["dockerd", "-H", "fd://"]);
        assert_eq!(arguments(b""), [""]);
        let rest = (5..=22).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
        assert_eq!(stat(&format!("7 (a) b) S 1 {rest}")), Some((1, 22)));
        assert_eq!(stat("garbage"), None);
        assert_eq!(uid("Name:\tx\nUid:\t1000\t1001\t1000\t1000\n"), Some(1001));
        assert!(has_host_ids("         0          0 4294967295\n"));
        assert!(!has_host_ids("         0       1000          1\n") && !has_host_ids(""));
        let text = "Limit   Soft Limit  Hard Limit Units\nMax processes  unlimited unlimited processes\nMax open files  1024 4096 files\n";
        assert_eq!(limits(text), Some(Limits { open_files: Some(4096), processes: None }), "the hard ones");
        assert_eq!(capabilities("CapPrm:\t0\nCapEff:\t0000000000200000\n"), Some(1 << 21));
    }

    #[test]
    fn containers_by_their_control_group() {
        let id = "ab".repeat(32);
        assert_eq!(container(&format!("/system.slice/docker-{id}.scope")), Some(id.as_str()));
        assert!(container(&format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope")).is_some());
        assert!(container(&format!("/docker/{id}")).is_some() && container("/kubepods/besteffort/pod1/x").is_some());
        assert!(container(&format!("/kubelet/kubepods/pod/{id}")).is_some());
        assert_eq!(container("/system.slice/docker.service"), None);
        let own = format!("/system.slice/docker-{id}.scope");
        assert_eq!(container_group(&format!("{own}/init.scope")), Some(own.as_str()));
        assert_eq!(container_group("/system.slice/docker.service"), None);
        assert_eq!(
            cgroup("12:pids:/system.slice/x\n1:name=systemd:/system.slice/docker.service\n0::/\n"),
            "/system.slice/docker.service"
        );
        assert_eq!(cgroup("0::/user.slice\n"), "/user.slice");
        assert_eq!(cgroup(""), "/");
    }
}
