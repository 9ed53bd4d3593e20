//! User namespaces: root of a container has no rights on the host.

use crate::node::Node;
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-user-namespaces",
    title: "Root in a container is not root of the node",
    docs: "`userns-remap` gives docker's containers user ids of their own, and a rootless docker has that by its nature. For pods, the \
rule `host-users` asks for `hostUsers: false`, which needs containerd 2.0 or a recent cri-o, and a kernel that allows user namespaces.",
    why: "an attacker who breaks out of a container with the host's user ids is root on the node",
    owasp: &[34],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeUserNamespaces>,
        instead: "set `userns-remap` of docker, and use `hostUsers: false` in pods",
        examples: &[
            NodeExample {
                name: "docker's default, and an empty setting",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /etc/docker/daemon.json\n{\"userns-remap\": \"\"}\n",
                results: &["fail dockerd: userns-remap"],
            },
            NodeExample {
                name: "remapped, on a kernel that forbids it",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --userns-remap=default\n=== /proc/sys/user/max_user_namespaces\n0\n",
                results: &["pass dockerd: userns-remap", "fail user.max_user_namespaces"],
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

/// The check of `node-user-namespaces`.
#[derive(Default)]
struct NodeUserNamespaces;

impl NodeCheck for NodeUserNamespaces {
    fn check(&self, node: &Node, results: &mut Results) {
        if node.docker.is_empty() {
            results.not_applicable(About::new("docker", &[]), "no unit and no process of dockerd is there");
        }
        for docker in &node.docker {
            if results.doubtful(About::new(&docker.name, &["D2.9"]), &docker.config) {
                continue;
            }
            let subject = format!("{}: userns-remap", docker.name);
            let about = About::new(&subject, &["D2.9"]);
            let setting = docker.config.or_default("userns-remap", "", "docker", docker.version.as_deref());
            if docker.rootless && docker.uid != 0 {
                results.pass(about, Evidence::new("a rootless docker", &docker.name));
            } else if setting.display() == "\"\"" {
                let fix = {
                    let wanted = super::repairs::Wanted::Is("\"default\"");
                    super::repairs::docker_set(node, docker, "userns-remap", &setting, wanted)
                };
                results.fail(
                    about,
                    Severity::Medium,
                    Evidence::of("userns-remap", &setting),
                    "userns-remap=default",
                    fix,
                );
            } else {
                results.pass(about, Evidence::of("userns-remap", &setting));
            }
        }
        if node.kernel.max_user_namespaces == Some(0) {
            let evidence = Evidence::new("0", "/proc/sys/user/max_user_namespaces");
            results.fail(
                About::new("user.max_user_namespaces", &[]),
                Severity::Low,
                evidence,
                "more than 0",
                "echo user.max_user_namespaces=15000 > /etc/sysctl.d/zz-podreeve-user.conf && sysctl -p /etc/sysctl.d/zz-podreeve-user.conf",
            );
        }
        if node.kernel.unprivileged_user_namespaces == Some(false) {
            let evidence = Evidence::new("0", "/proc/sys/kernel/unprivileged_userns_clone");
            results.fail(
                About::new("kernel.unprivileged_userns_clone", &[]),
                Severity::Low,
                evidence,
                "1",
                "echo kernel.unprivileged_userns_clone=1 > /etc/sysctl.d/zz-podreeve-clone.conf && sysctl -p /etc/sysctl.d/zz-podreeve-clone.conf",
            );
        }
    }
}
