//! Daemons that run without root.

use crate::node::Node;
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-rootless",
    title: "Docker runs without root where it can",
    docs: "A rootless dockerd runs in a user namespace of an ordinary user. An attacker who breaks out of its containers has the rights of that user. \
Runtimes under a kubelet need root, so the rule is about docker, and about a containerd that serves neither a kubelet nor docker.",
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
            return results.not_applicable(
                about("docker"),
                "no unit and no process of dockerd is there; runtimes under a kubelet need root",
            );
        }
        if !node.host_ids {
            let why = "podreeve runs in a user namespace, in which it cannot see whose processes are root's";
            return results.unknown(about("docker"), why);
        }
        for daemon in alone() {
            if daemon.rootless {
                results.pass(about(&daemon.name), Evidence::new("a user of its own", "/proc"));
            } else {
                let evidence = Evidence::new("root", if daemon.pid.is_some() { "/proc" } else { "its unit" });
                let fix = "stop it, and run containerd-rootless-setuptool.sh install as the user who shall have it";
                results.fail(about(&daemon.name), Severity::Low, evidence, "an ordinary user", fix);
            }
        }
        for docker in &node.docker {
            if docker.rootless {
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
