//! The snapshot of a host, made of all its parts.

use super::{
    Host, audit, certificates, cni, containerd, containers, docker, facts, files, images, keys, kubelet, layouts,
    processes, rsyslog, text, units,
};
use crate::node::account::Accounts;
use crate::node::mode::FileRead;
use crate::node::mount::{Mount, mounts};
use crate::node::os::{self, Kernel, SeLinux, SecurityModules};
use crate::node::{API_VERSION, KIND, Node, Read, audited, certificate, expected};
use std::collections::{BTreeMap, BTreeSet};

/// Reads a host. `now` is in seconds since 1970. What cannot be read is in the snapshot with the reason.
pub fn snapshot(host: &dyn Host, now: i64) -> Node {
    // A kernel without user namespaces has no such file.
    let host_ids = host.own_ids().iter().all(|map| match map {
        Read::Is(map) => crate::node::process::has_host_ids(map),
        other => other.is_absent(),
    });
    let mut processes = processes::processes(host);
    if !host_ids {
        // A number that podreeve sees may stand for any user.
        for process in &mut processes {
            process.uid = None;
            process.host_ids = None;
        }
    }
    let enabled = units::enabled(host);
    let mut units = units::daemons(host, &enabled.names);
    let (listeners, unix_listeners) = (processes::ports(host, &processes), processes::sockets(host));
    units::mark_listening(&mut units, &processes, &listeners, &unix_listeners);
    let layout = layouts::layout(host, &units);
    let name = text(host, "/etc/hostname").is().map(|name| name.trim().to_owned()).unwrap_or_default();
    let mounts = text(host, "/proc/1/mountinfo").map(|rows| mounts(&rows));
    let mut node = Node {
        api_version: API_VERSION.to_owned(),
        kind: KIND.to_owned(),
        name: name.clone(),
        taken: now,
        host_ids,
        offline: processes.is_empty(),
        os: text(host, "/etc/os-release").map(|text| os::os_release(&text)),
        kernel: kernel(host),
        security_modules: security_modules(host),
        accounts: accounts(host),
        listeners,
        unix_listeners,
        interfaces: processes::interfaces(host),
        audit: audit::audit(host, &processes, &units),
        docker: docker::dockers(host, &processes, &units, &enabled.unread),
        containerd: containerd::containerds(host, &processes, &units, layout),
        crio: containers::crios(host, &processes, &units),
        podman: containers::podmans(host, &units),
        kubelet: kubelet::kubelets(host, &processes, &units, layout),
        files: BTreeMap::new(),
        planned_sockets: BTreeMap::new(),
        folders: BTreeMap::new(),
        certificates: BTreeMap::new(),
        private_keys: BTreeMap::new(),
        cni: BTreeMap::new(),
        docker_images: BTreeMap::new(),
        podman_unused: facts::podman_unused(host),
        podman_prune: None,
        pids_limits: facts::pids_limits(host, &processes),
        log_forwarding: rsyslog::log_forwarding(host, &name),
        content_trust: facts::content_trust(host),
        containers_policy: facts::containers_policy(host),
        outdated: facts::outdated(host, &processes),
        enabled_units: enabled.names,
        enabled_unread: enabled.unread,
        processes,
        units,
        mounts,
    };
    add_files(host, &mut node);
    node.docker_images = images::docker_images(host, &node);
    if !node.podman.is_empty() {
        node.podman_prune = images::prune(host, &node, "podman");
    }
    // What leaves this function is printed, sent to the cluster, and sent with bug reports.
    crate::node::secrets::hide(&mut node);
    node
}

/// The files that rules ask about follow from the daemons' settings.
fn add_files(host: &dyn Host, node: &mut Node) {
    for folder in expected::folders(node) {
        list(host, node, &folder);
        // Folders of certificates have one folder for each registry.
        if folder.ends_with("certs.d") {
            let below: Vec<String> = node
                .folders
                .get(&folder)
                .and_then(Read::is)
                .into_iter()
                .flatten()
                .map(|name| format!("{folder}/{name}"))
                .collect();
            for folder in below {
                list(host, node, &folder);
            }
        }
    }
    node.private_keys = keys::private_keys(host, node);
    node.cni = cni::cni(host, node);
    let mounts: Vec<Mount> = node.mounts.is().cloned().unwrap_or_default();
    let read = |path: &String| -> (String, FileRead) { (path.clone(), files::facts(host, path, &mounts)) };
    node.files = expected::files(node).iter().map(|file| read(&file.path)).collect();
    // Of a file that is not there, who may put one in its place.
    let absent: Vec<&String> = node.files.iter().filter(|(_, read)| read.is_absent()).map(|(path, _)| path).collect();
    let above: BTreeSet<String> = absent.into_iter().filter_map(|path| nearest(host, path)).collect();
    let above: Vec<(String, FileRead)> = above.iter().map(read).collect();
    node.files.extend(above);
    node.planned_sockets = files::planned_sockets(host, node);
    let audited = audited::audited(node).into_iter().map(|audited| audited.path);
    let folders = node.data_folders().into_iter().map(|folder| folder.path);
    let more: Vec<(String, FileRead)> = audited.chain(folders).map(|path| read(&path)).collect();
    node.files.extend(more);
    let certificates = certificate::used(node).into_iter();
    node.certificates = certificates.map(|used| (used.path.clone(), certificates::certificate(host, &used))).collect();
}

/// The nearest folder above a path that is there.
fn nearest(host: &dyn Host, path: &str) -> Option<String> {
    expected::above(path).find(|folder| !host.entry(folder).is_absent()).map(str::to_owned)
}

fn list(host: &dyn Host, node: &mut Node, folder: &str) {
    node.folders.insert(folder.to_owned(), host.list(folder));
}

fn kernel(host: &dyn Host) -> Kernel {
    let line = |path: &str| text(host, path).is().map(|text| text.trim().to_owned());
    let arguments = text(host, "/proc/cmdline");
    let modules = host.list("/lib/modules");
    let newest = os::newest(modules.is().into_iter().flatten().map(String::as_str)).map(str::to_owned);
    let unified = line("/sys/fs/cgroup/cgroup.controllers");
    Kernel {
        release: line("/proc/sys/kernel/osrelease").unwrap_or_default(),
        arguments: arguments.is().map(|text| text.trim().to_owned()).unwrap_or_default(),
        arguments_unread: arguments.unknown().map(|why| format!("/proc/cmdline {why}")),
        newest,
        reboot_required: !host.entry("/run/reboot-required").is_absent(),
        booted: processes::booted(host),
        max_user_namespaces: line("/proc/sys/user/max_user_namespaces").and_then(|text| text.parse().ok()),
        unprivileged_user_namespaces: line("/proc/sys/kernel/unprivileged_userns_clone").map(|text| text != "0"),
        unified_cgroups: unified.is_some(),
        controllers: unified.unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect(),
    }
}

fn security_modules(host: &dyn Host) -> SecurityModules {
    let is = |path: &str, value: &str| text(host, path).is().is_some_and(|text| text.trim() == value);
    let lsm = text(host, "/sys/kernel/security/lsm");
    let lists = |name: &str| lsm.is().is_some_and(|list| list.trim().split(',').any(|module| module == name));
    let enforce = text(host, "/sys/fs/selinux/enforce");
    let selinux = enforce.is().map(|text| if text.trim() == "1" { SeLinux::Enforcing } else { SeLinux::Permissive });
    SecurityModules {
        apparmor: is("/sys/module/apparmor/parameters/enabled", "Y") || lists("apparmor"),
        selinux,
        selinux_configured: text(host, "/etc/selinux/config").is().and_then(|text| os::variable(text, "SELINUX")),
    }
}

fn accounts(host: &dyn Host) -> Read<Accounts> {
    let is_garbled = |text: &str| {
        let mut rows = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')).peekable();
        rows.peek().is_some() && rows.all(|line| line.matches(':').count() < 3)
    };
    // Without groups no user would be in one.
    let group = match text(host, "/etc/group") {
        Read::Is(text) if is_garbled(&text) => return Read::Denied("/etc/group has no groups".to_owned()),
        Read::Is(text) => text,
        Read::Absent => String::new(),
        other => return other.map(|_| Accounts::default()),
    };
    let nsswitch = text(host, "/etc/nsswitch.conf");
    text(host, "/etc/passwd").and_then(|passwd| {
        if is_garbled(&passwd) {
            return Err("it has no users".to_owned());
        }
        let mut accounts = Accounts::read(&passwd, &group, nsswitch.is().map_or("", String::as_str));
        // Where it cannot be read, it may name another source.
        accounts.elsewhere |= nsswitch.unknown().is_some();
        Ok(accounts)
    })
}

#[cfg(test)]
mod tests;
