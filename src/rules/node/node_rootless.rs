//! Daemons that run without root.

use crate::node::Node;
use crate::node::process::{Process, program};
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-rootless",
    title: "Docker runs without root where it can",
    docs: "A rootless dockerd runs in a user namespace of an ordinary user. An attacker who breaks out of its containers has the rights of that user. \
Runtimes under a kubelet need root, so the rule is about docker, podman, and a containerd that serves neither a kubelet nor docker. podman has \
no daemon: what counts is whether its service or a container of it runs as root, or its socket starts with the host. A user namespace in which \
root is root of the host makes nothing rootless.",
    why: "an attacker who takes over a daemon of root has the node",
    owasp: &[48],
    severity: Severity::Low,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeRootless>,
        instead: "run docker as an ordinary user",
        examples: &[
            NodeExample {
                name: "a docker of root, and one of a user",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/uid_map\n0 0 4294967295\n=== /proc/7/cmdline\ndockerd\n\
=== /proc/6/status\nName: rootlesskit\nUid: 1000 1000 1000 1000\n=== /proc/8/stat\n8 (dockerd) S 6 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 500\n\
=== /proc/8/status\nName: dockerd\nUid: 1000 1000 1000 1000\n=== /proc/8/uid_map\n0 1000 1\n=== /proc/8/cmdline\ndockerd\n",
                results: &["fail dockerd (process 7)", "pass dockerd (user 1000)"],
            },
            NodeExample {
                name: "a containerd of root that serves neither docker nor a kubelet",
                params: "",
                host: "=== /proc/7/status\nName: containerd\nUid: 0 0 0 0\n=== /proc/7/cmdline\ncontainerd\n",
                results: &["fail containerd"],
            },
            NodeExample {
                name: "podman of root, by its socket",
                params: "",
                host: "=== /usr/bin/podman\n=== /etc/systemd/system/sockets.target.wants/podman.socket link /usr/lib/systemd/system/podman.socket\n",
                results: &["fail podman"],
            },
            NodeExample {
                name: "podman of root, by a container of it",
                params: "",
                host: "=== /usr/bin/podman\n=== /proc/9/status\nName: conmon\nUid: 0 0 0 0\n=== /proc/9/cgroup\n0::/machine.slice/libpod-conmon-ab.scope\n",
                results: &["fail podman"],
            },
            NodeExample {
                name: "podman of a user",
                params: "",
                host: "=== /usr/bin/podman\n=== /proc/9/status\nName: podman\nUid: 1000 1000 1000 1000\n=== /proc/9/cmdline\npodman system service\n",
                results: &["pass podman"],
            },
            NodeExample {
                name: "podman that nobody runs",
                params: "",
                host: "=== /usr/bin/podman\n=== /proc/9/status\nName: sh\nUid: 0 0 0 0\n",
                results: &["notApplicable podman"],
            },
            NodeExample {
                name: "a docker of root in a user namespace where root is root",
                params: "",
                host: "=== /proc/7/status\nName: dockerd\nUid: 0 0 0 0\n=== /proc/7/uid_map\n0 0 65536\n=== /proc/7/cmdline\ndockerd\n",
                results: &["fail dockerd"],
            },
            NodeExample {
                name: "no docker",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable docker"],
            },
        ],
    }),
};

/// The check of `node-rootless`.
#[derive(Default)]
struct NodeRootless;

impl NodeCheck for NodeRootless {
    fn check(&self, node: &Node, results: &mut Results) {
        let about = |subject| About::new(subject, &["D2.1"]);
        // A containerd that serves a kubelet needs root, and one that serves docker is judged with it.
        let alone = || node.containerd.iter().filter(|_| node.docker.is_empty() && node.kubelet.is_empty());
        if node.docker.is_empty() && alone().next().is_none() {
            results.not_applicable(
                about("docker"),
                "no unit and no process of dockerd is there; runtimes under a kubelet need root",
            );
            if node.podman.is_empty() {
                return;
            }
        }
        if !node.host_ids {
            let why = "podreeve runs in a user namespace, in which it cannot see whose processes are root's";
            return results.unknown(about("docker"), why);
        }
        for daemon in alone() {
            if daemon.rootless && !is_root(node, daemon.pid) {
                results.pass(about(&daemon.name), Evidence::new("a user of its own", "/proc"));
            } else {
                let evidence = Evidence::new("root", if daemon.pid.is_some() { "/proc" } else { "its unit" });
                let fix = "stop it, and run containerd-rootless-setuptool.sh install as the user who shall have it";
                results.fail(about(&daemon.name), Severity::Low, evidence, "an ordinary user", fix);
            }
        }
        if !node.podman.is_empty() {
            podman(node, results);
        }
        for docker in &node.docker {
            if docker.rootless && !is_root(node, docker.pid) {
                results.pass(about(&docker.name), Evidence::new("a user of its own", "/proc"));
            } else {
                let evidence = Evidence::new("root", if docker.pid.is_some() { "/proc" } else { "its unit" });
                results.fail(
                    about(&docker.name),
                    Severity::Low,
                    evidence,
                    "an ordinary user",
                    "stop it, and run dockerd-rootless-setuptool.sh install as the user who shall have it",
                );
            }
        }
    }
}

/// Whether a process is the host's root, whatever its own namespace calls it.
fn is_root(node: &Node, pid: Option<u32>) -> bool {
    let process = node.processes.iter().find(|process| Some(process.pid) == pid);
    process.is_some_and(|process| process.uid == Some(0))
}

/// podman has no daemon: its service, the monitors of its containers, and the units that start it say whose it is.
fn podman(node: &Node, results: &mut Results) {
    let about = About::new("podman", &["D2.1"]);
    let is_one = |process: &&Process| {
        let monitors = process.name == "conmon" && process.cgroup.contains("libpod");
        !process.in_container() && (monitors || program(&process.arguments) == "podman")
    };
    let found = || node.processes.iter().filter(is_one);
    let unit = node.enabled_units.iter().find(|name| matches!(name.as_str(), "podman.socket" | "podman.service"));
    let fix = "systemctl disable --now podman.socket podman.service # users have podman.socket of their own";
    if let Some(process) = found().find(|process| process.uid.is_none_or(|uid| uid == 0)) {
        let evidence = Evidence::new("root", format!("process {} ({})", process.pid, process.name));
        results.fail(about, Severity::Low, evidence, "an ordinary user", fix);
    } else if let Some(unit) = unit {
        let evidence = Evidence::new(format!("{unit} starts it as root"), "/etc/systemd/system");
        results.fail(about, Severity::Low, evidence, "an ordinary user", fix);
    } else if let Some(process) = found().next() {
        results.pass(about, Evidence::new("a user of its own", format!("process {}", process.pid)));
    } else {
        results
            .not_applicable(about, "it has no daemon, no unit starts it, and no process and no container of it runs");
    }
}
