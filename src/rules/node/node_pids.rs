//! Processes of a pod.

use crate::node::Node;
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "node-pids",
    title: "The kubelet limits the processes of a pod",
    docs: "`podPidsLimit` of the kubelet is the only limit of processes that Kubernetes has. -1, the default, is none. `max` is the most \
that is accepted. podman's `pids_limit` of 0 switches its limit off. docker has no default limit, so its running containers are looked at.",
    why: "a pod that starts processes without end stops the whole node",
    owasp: &[81],
    severity: Severity::Medium,
    params: params::<NodePids>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodePids>,
        instead: "set `podPidsLimit` of the kubelet",
        examples: &[
            NodeExample {
                name: "the default, and podman without a limit",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet --config=/c\n=== /c\nkind: KubeletConfiguration\n\
=== /usr/bin/podman\n=== /etc/containers/containers.conf\n[containers]\npids_limit = 0\n",
                results: &["fail kubelet: podPidsLimit", "fail podman: pids_limit"],
            },
            NodeExample {
                name: "more than the maximum",
                params: r#"{"max":1000}"#,
                host: "=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet --config=/c\n=== /c\npodPidsLimit: 5000\n",
                results: &["fail kubelet: podPidsLimit"],
            },
            NodeExample {
                name: "a limit",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\n=== /proc/9/cmdline\nkubelet --config=/c\n=== /c\npodPidsLimit: 2048\n",
                results: &["pass kubelet: podPidsLimit"],
            },
            NodeExample {
                name: "a container of docker without a limit, and one with a limit",
                params: "",
                host: "=== /proc/9/status\nName: sh\n=== /proc/9/cgroup\n0::/docker/abababababababababababababababababababababababababababababababab\n\
=== /sys/fs/cgroup/docker/abababababababababababababababababababababababababababababababab/pids.max\nmax\n\
=== /proc/8/status\nName: sh\n=== /proc/8/cgroup\n0::/docker/cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd\n\
=== /sys/fs/cgroup/docker/cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd/pids.max\n100\n",
                results: &["fail container abababababab", "pass container cdcdcdcdcdcd"],
            },
            NodeExample {
                name: "limits that no host reaches",
                params: "",
                host: "=== /usr/bin/podman\n=== /etc/containers/containers.conf\n[containers]\npids_limit = 4000000\n\
=== /proc/9/status\nName: sh\n=== /proc/9/cgroup\n0::/docker/abababababababababababababababababababababababababababababababab\n\
=== /sys/fs/cgroup/docker/abababababababababababababababababababababababababababababababab/pids.max\n4000000\n",
                results: &["fail podman: pids_limit", "fail container abababababab"],
            },
            NodeExample {
                name: "no kubelet",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable kubelet, podman and containers"],
            },
        ],
    }),
};

/// Parameters of `node-pids`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodePids {
    /// The most processes that a pod or a container may have. Default: 32768.
    max: i64,
}

impl Default for NodePids {
    fn default() -> Self {
        Self { max: 32_768 }
    }
}

impl NodeCheck for NodePids {
    fn check(&self, node: &Node, results: &mut Results) {
        if node.kubelet.is_empty() && node.podman.is_empty() && node.pids_limits.is_empty() {
            results.not_applicable(
                About::new("kubelet, podman and containers", &[]),
                "neither daemon is there and no container runs; docker has no default limit",
            );
        }
        self.containers(node, results);
        if !node.offline && node.kernel.unified_cgroups && !node.kernel.controllers.iter().any(|name| name == "pids") {
            let evidence = Evidence::new("no controller `pids`", "/sys/fs/cgroup/cgroup.controllers");
            let fix = "use a kernel with CONFIG_CGROUP_PIDS";
            results.fail(About::new("controllers", &[]), Severity::Medium, evidence, "the controller `pids`", fix);
        }
        for kubelet in &node.kubelet {
            if results.doubtful(About::new(&kubelet.name, &["K4.2.13"]), &kubelet.config) {
                continue;
            }
            let subject = format!("{}: podPidsLimit", kubelet.name);
            let setting = kubelet.setting("podPidsLimit");
            let limit = setting.value.as_i64().unwrap_or(-1);
            let evidence = Evidence::of("podPidsLimit", &setting);
            if limit <= 0 || limit > self.max {
                let fix = super::repairs::kubelet_set(node, kubelet, &[("podPidsLimit", self.max.min(4096).into())]);
                results.fail(
                    About::new(&subject, &["K4.2.13"]),
                    Severity::Medium,
                    evidence,
                    format!("between 1 and {}", self.max),
                    fix,
                );
            } else {
                results.pass(About::new(&subject, &["K4.2.13"]), evidence);
            }
        }
        for daemon in &node.podman {
            if results.doubtful(About::new(&daemon.name, &["D5.29"]), &daemon.config) {
                continue;
            }
            let subject = format!("{}: pids_limit", daemon.name);
            let setting = daemon.config.or_default("containers.pids_limit", 2048, "podman", daemon.version.as_deref());
            let evidence = Evidence::of("pids_limit", &setting);
            if setting.value.as_i64().is_none_or(|limit| limit <= 0 || limit > self.max) {
                let fix = format!("remove pids_limit from {}", setting.source);
                let wanted = format!("between 1 and {}", self.max);
                results.fail(About::new(&subject, &["D5.29"]), Severity::Medium, evidence, wanted, fix);
            } else {
                results.pass(About::new(&subject, &["D5.29"]), evidence);
            }
        }
    }
}

impl NodePids {
    /// Containers that run, and that no kubelet limits.
    fn containers(&self, node: &Node, results: &mut Results) {
        for (group, limit) in &node.pids_limits {
            let id = crate::node::process::container(group).and_then(|id| id.get(..12)).unwrap_or(group);
            let subject = format!("container {id}");
            let about = About::new(&subject, &["D5.29"]);
            let evidence = Evidence::new(format!("pids.max={limit}"), format!("/sys/fs/cgroup{group}"));
            // A number that no host reaches is no limit.
            let number = limit.parse::<i64>().ok();
            if limit == "max" || number.is_some_and(|number| number > self.max) {
                let fix = match () {
                    () if group.contains("docker") => format!("docker update --pids-limit 200 {id}"),
                    () if group.contains("libpod") => format!("podman update --pids-limit 200 {id}"),
                    () => format!("start the container {id} again with a limit of processes"),
                };
                let wanted = format!("a limit of {} processes at most", self.max);
                results.fail(about, Severity::Medium, evidence, wanted, fix);
            } else if number.is_some() {
                results.pass(about, evidence);
            } else {
                results.unknown(about, format!("/sys/fs/cgroup{group}/pids.max is no number"));
            }
        }
    }
}
