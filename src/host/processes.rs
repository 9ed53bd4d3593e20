//! Processes and sockets from `/proc`.

use super::{Host, text};
use crate::node::Read;
use crate::node::listener::{Listener, Protocol, listeners, unix_listeners};
use crate::node::mount::{self, Mount, mounts};
use crate::node::process::{self, Process};
use std::collections::BTreeMap;

/// Ticks of the clock in `/proc/PID/stat` in a second. Linux shows all programs the same number.
const TICKS: u64 = 100;

/// Arguments of a process that are kept. Any user may start a program with hundred thousands.
const MOST_ARGUMENTS: usize = 4096;

/// Programs whose arguments are kept.
const DAEMONS: &[&str] = &[
    "dockerd",
    "containerd",
    "kubelet",
    "crio",
    "podman",
    "rootlesskit",
    "k3s",
    "rke2",
    "k0s",
    "kubelite",
    "docker-proxy",
    "dockerd-rootless.sh",
];

/// Sockets of container runtimes. A container that has one can start any other.
const RUNTIME_SOCKETS: &[&str] = &[
    "/docker.sock",
    "/containerd/containerd.sock",
    "/crio/crio.sock",
    "/podman/podman.sock",
    "/dockershim.sock",
    "/cri-dockerd.sock",
];

/// All processes, or none where the root has no `/proc`.
pub fn processes(host: &dyn Host) -> Vec<Process> {
    let booted = booted(host);
    let names = host.list("/proc");
    let logs = logs(host);
    let pids = names.is().into_iter().flatten().filter_map(|name| name.parse::<u32>().ok());
    pids.filter_map(|pid| process(host, pid, booted, &logs)).collect()
}

/// Seconds since 1970 at which the kernel started.
pub fn booted(host: &dyn Host) -> Option<i64> {
    let stat = text(host, "/proc/stat");
    stat.is()?.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// A process; none when it ended meanwhile.
fn process(host: &dyn Host, pid: u32, booted: Option<i64>, logs: &[(String, String)]) -> Option<Process> {
    let row = |name: &str| text(host, &format!("/proc/{pid}/{name}"));
    let status = row("status");
    let status = status.is()?;
    let name = status.lines().find_map(|line| line.strip_prefix("Name:")).unwrap_or("").trim().to_owned();
    let stat = row("stat").is().and_then(|text| process::stat(text));
    let mut arguments =
        host.read(&format!("/proc/{pid}/cmdline")).is().map(|bytes| process::arguments(bytes)).unwrap_or_default();
    let too_many_arguments = arguments.len() > MOST_ARGUMENTS;
    arguments.truncate(MOST_ARGUMENTS);
    let is_daemon = DAEMONS.contains(&process::program(&arguments));
    let cgroup = row("cgroup").is().map(|text| process::cgroup(text)).unwrap_or_default();
    let in_container = process::container(&cgroup).is_some();
    let mountinfo = if in_container { row("mountinfo") } else { Read::Absent };
    Some(Process {
        pid,
        parent: stat.map_or(0, |(parent, _)| parent),
        name,
        uid: process::uid(status),
        host_ids: row("uid_map").is().map(|text| process::has_host_ids(text)),
        // The kernel cuts the second of the boot off: a file that a daemon writes for another one, and then starts it, is not newer.
        started: stat
            .zip(booted)
            .and_then(|((_, ticks), booted)| booted.checked_add(1 + i64::try_from(ticks / TICKS).ok()?)),
        arguments: if is_daemon { arguments } else { Vec::new() },
        too_many_arguments,
        limits: is_daemon.then(|| row("limits").is().and_then(|text| process::limits(text))).flatten(),
        mounts_unread: mountinfo.unknown().map(|why| format!("/proc/{pid}/mountinfo {why}")),
        runtime_sockets: mountinfo.is().map(|text| runtime_sockets(text)).unwrap_or_default(),
        host_logs: mountinfo.is().is_some_and(|text| has_logs(text, logs)),
        capabilities: if in_container { process::capabilities(status) } else { None },
        cgroup,
    })
}

/// The sockets of runtimes among the mounts of a container.
fn runtime_sockets(mountinfo: &str) -> Vec<String> {
    let is_socket = |root: &str| RUNTIME_SOCKETS.iter().any(|socket| root.ends_with(socket));
    mounts(mountinfo).into_iter().map(|mount| mount.root).filter(|root| is_socket(root)).collect()
}

/// Folders in which logs of containers are. Of each, the device and the folder of its file system.
fn logs(host: &dyn Host) -> Vec<(String, String)> {
    let rows = text(host, "/proc/1/mountinfo");
    let mounts = rows.is().map(|rows| mounts(rows)).unwrap_or_default();
    let place = |path: &&str| {
        let path = host.entry(path).is()?.path.clone();
        let mount = mount::of(&mounts, &path)?;
        let below = path.strip_prefix(mount.point.trim_end_matches('/'))?;
        Some((mount.device.clone(), format!("{}{below}", mount.root.trim_end_matches('/'))))
    };
    ["/var/log", "/var/log/pods", "/var/log/containers", "/var/lib/docker/containers"]
        .iter()
        .filter_map(place)
        .collect()
}

/// Whether a container has one of the folders of logs, or one above. Only root can mount them into it.
fn has_logs(mountinfo: &str, logs: &[(String, String)]) -> bool {
    let holds = |root: &str, folder: &str| {
        let root = root.trim_end_matches('/');
        folder.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let is_one =
        |mount: &Mount| logs.iter().any(|(device, folder)| *device == mount.device && holds(&mount.root, folder));
    mounts(mountinfo).iter().any(is_one)
}

/// Ports of the host's own network, with the processes that hold them where podreeve may see that.
pub fn ports(host: &dyn Host, processes: &[Process]) -> Read<Vec<Listener>> {
    let mut all = Vec::new();
    for (file, protocol) in
        [("tcp", Protocol::Tcp), ("tcp6", Protocol::Tcp), ("udp", Protocol::Udp), ("udp6", Protocol::Udp)]
    {
        match text(host, &format!("/proc/1/net/{file}")) {
            Read::Is(rows) => all.extend(listeners(&rows, protocol)),
            // A kernel without IPv6 has no such file.
            Read::Absent if file.ends_with('6') => {}
            Read::Absent => return Read::Absent,
            other => return other.map(|_| Vec::new()),
        }
    }
    let holders = holders(host, processes);
    for listener in &mut all {
        listener.pid = holders.get(&listener.inode).copied();
    }
    all.sort_unstable();
    Read::Is(all)
}

/// Inodes of sockets and the first process that holds each, systemd last: it keeps the sockets that it passes to services. Empty without the
/// right to look into other processes.
fn holders(host: &dyn Host, processes: &[Process]) -> BTreeMap<u64, u32> {
    let mut holders = BTreeMap::new();
    for process in processes {
        for link in host.links(&format!("/proc/{}/fd", process.pid)) {
            let inode = link.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')?.parse().ok());
            if let Some(inode) = inode {
                let holder = holders.entry(inode).or_insert(process.pid);
                if *holder == 1 {
                    *holder = process.pid;
                }
            }
        }
    }
    holders
}

/// Paths of sockets on which a process listens.
pub fn sockets(host: &dyn Host) -> Read<Vec<String>> {
    text(host, "/proc/1/net/unix").map(|rows| unix_listeners(&rows))
}

/// Network interfaces and the bridge of each; none where the root does not show the bridges.
pub fn interfaces(host: &dyn Host) -> BTreeMap<String, Option<String>> {
    if host.list("/sys/class/net").is().is_none() {
        return BTreeMap::new();
    }
    let rows = text(host, "/proc/1/net/dev");
    let names = rows
        .is()
        .into_iter()
        .flat_map(|rows| rows.lines())
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name.trim().to_owned());
    names
        .map(|name| {
            let master = host.link(&format!("/sys/class/net/{name}/master"));
            let bridge = master.is().and_then(|link| link.rsplit('/').next()).map(str::to_owned);
            (name, bridge)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    const PROC: &str = "=== /proc/stat\ncpu 1\nbtime 1000\n\
=== /proc/7/status\nName:\tdockerd\nUid:\t0\t0\t0\t0\n\
=== /proc/7/stat\n7 (dockerd) S 1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500 1 1\n\
=== /proc/7/cmdline\n/usr/bin/dockerd -H fd://\n\
=== /proc/7/cgroup\n0::/system.slice/docker.service\n\
=== /proc/7/uid_map\n0 0 4294967295\n\
=== /proc/7/fd/3 link socket:[99]\n\
=== /proc/1/status\nName:\tsystemd\nUid:\t0\t0\t0\t0\n=== /proc/1/fd/3 link socket:[99]\n\
=== /proc/8/status\nName:\tless\nUid:\t1000\t1000\t1000\t1000\n\
=== /proc/8/cmdline\nless dockerd.log --password=x\n\
=== /proc/9/status\nName:\tsh\n\
=== /proc/9/cgroup\n0::/docker/abababababababababababababababababababababababababababababababab\n\
=== /proc/9/mountinfo\n1 2 0:5 /docker.sock /var/run/docker.sock rw - tmpfs tmpfs rw\n\
=== /proc/1/net/tcp\nh\n 0: 00000000:0947 00000000:0000 0A 0:0 0:0 0 0 0 99 1\n\
=== /proc/1/net/udp\nh\n=== /proc/1/net/dev\nh\n docker0: 1\n  veth1: 2\n=== /sys/class/net/veth1/master link ../../docker0\n";

    #[test]
    fn processes_ports_and_interfaces() {
        let fake = Fake::read(PROC);
        let processes = processes(&fake);
        let [_, docker, less, shell] = processes.as_slice() else { panic!("{processes:?}") };
        assert_eq!((docker.started, docker.uid, docker.host_ids), (Some(1006), Some(0), Some(true)));
        assert_eq!((docker.unit(), docker.arguments.len()), (Some("docker.service"), 3));
        assert!(less.arguments.is_empty(), "the arguments of others may hold secrets");
        assert_eq!((shell.runtime_sockets.as_slice(), &shell.mounts_unread), (&["/docker.sock".to_owned()][..], &None));
        let hidden = Fake::read(
            "=== /proc/9/status\nName: sh\n=== /proc/9/cgroup\n0::/kubepods/x\n=== /proc/9/mountinfo denied\n",
        );
        let hidden = super::processes(&hidden).remove(0).mounts_unread;
        assert_eq!(hidden.as_deref(), Some("/proc/9/mountinfo cannot be read: permission denied"));
        let ports = ports(&fake, &processes);
        assert_eq!(ports.is().unwrap()[0].pid, Some(7), "systemd has it too, and passed it");
        let interfaces = interfaces(&fake);
        assert_eq!(interfaces["veth1"].as_deref(), Some("docker0"));
        assert_eq!(interfaces["docker0"], None);
        let hidden =
            Fake::read(&PROC.replace("/sys/class/net/veth1/master link ../../docker0", "/sys/class/net denied folder"));
        assert!(super::interfaces(&hidden).is_empty(), "no interface may be called free of a bridge");
    }
}
