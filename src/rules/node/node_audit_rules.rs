//! The Linux audit system watches container daemons.

use crate::node::audit::{Coverage, List, Origin};
use crate::node::audited::{Audited, audited};
use crate::node::process::Process;
use crate::node::{Node, Read};
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;

pub static RULE: Rule = Rule {
    id: "node-audit-rules",
    title: "Changes to container daemons are recorded",
    docs: "The audit system of Linux records who changes programs, settings, data and sockets of container daemons. The rule looks for a \
watch with the permissions `w` and `a` for each path that exists, in `/etc/audit`; a watch of a folder covers what is below. \
`/etc/systemd/system` is one of them, since a file that is put there changes how a daemon starts. Rules count as \
`augenrules` and `auditctl` load them: in their order, up to the first line that is refused, without those that a later line removes. A rule \
`never` before a watch, or a watch of certain users or calls, leaves changes out. Both `rules.d` and the `audit.rules` that is made of it must \
have the watch. Rules that are loaded and in no file are not seen, since reading them needs a capability: a pass means \"on disk\".\n\n\
`monitor` names another monitor that records the same, such as `falco` or `tetragon`: if it runs, that is enough. It must run as root or as \
the service of its name; in a container it must have the capabilities to watch the kernel.",
    why: "without a record an operator cannot find out who changed a daemon, and when",
    owasp: &[16],
    severity: Severity::Low,
    params: params::<NodeAuditRules>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodeAuditRules>,
        instead: "watch the paths of container daemons with auditd or another monitor",
        examples: &[
            NodeExample {
                name: "one path is watched, and one only for reading",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /etc/docker/x\n=== /etc/audit/audit.rules\n-w /usr/bin/dockerd -p wa\n-w /etc/docker -p r\n\
=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n",
                results: &["pass /usr/bin/dockerd", "fail /etc/docker", "pass auditd"],
            },
            NodeExample {
                name: "the kernel is started without the audit system; the last argument counts",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /etc/audit/audit.rules\n-w /usr/bin/dockerd -p wa\n=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n\
=== /proc/cmdline\nro audit=1 audit=off\n",
                results: &["pass /usr/bin/dockerd", "fail auditd"],
            },
            NodeExample {
                name: "arguments of the kernel that cannot be read",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n=== /proc/cmdline denied\n",
                results: &["fail /usr/bin/dockerd", "unknown auditd"],
            },
            NodeExample {
                name: "arguments of the kernel that a later one takes back",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n=== /proc/cmdline\naudit=0 audit=off audit=1\n",
                results: &["fail /usr/bin/dockerd", "pass auditd"],
            },
            NodeExample {
                name: "a file that the next start makes again, from a folder without rules",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /etc/audit/audit.rules\n-w /usr/bin/dockerd -p wa\n=== /etc/audit/rules.d folder\n\
=== /usr/lib/systemd/system/auditd.service\n[Service]\nExecStart=/sbin/auditd\nExecStartPost=-/sbin/augenrules --load\n=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n",
                results: &["unknown /usr/bin/dockerd", "pass auditd"],
            },
            NodeExample {
                name: "no audit system",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /proc/5/status\nName: sh\n",
                results: &["fail /usr/bin/dockerd", "fail auditd"],
            },
            NodeExample {
                name: "the folder in which files change how a daemon starts",
                params: "",
                host: "=== /etc/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /etc/audit/audit.rules\n-w /etc/systemd/system/docker.service -p wa\n",
                results: &["pass /etc/systemd/system/docker.service", "fail /etc/systemd/system"],
            },
            NodeExample {
                name: "another monitor",
                params: r#"{"monitor":["falco"]}"#,
                host: "=== /usr/bin/dockerd\n=== /proc/5/status\nName: falco\nUid: 0 0 0 0\n",
                results: &["pass falco"],
            },
            NodeExample {
                name: "another monitor in a container, with the capabilities that it needs",
                params: r#"{"monitor":["tetragon"]}"#,
                host: "=== /usr/bin/dockerd\n=== /proc/5/status\nName: tetragon\nUid: 0 0 0 0\nCapEff: 000001ffffffffff\n=== /proc/5/cgroup\n0::/kubepods/pod1/c\n",
                results: &["pass tetragon"],
            },
            NodeExample {
                name: "pods and users who call their programs so",
                params: r#"{"monitor":["falco"]}"#,
                host: "=== /usr/bin/dockerd\n=== /proc/5/status\nName: falco\nUid: 0 0 0 0\nCapEff: 00000000a80425fb\n=== /proc/5/cgroup\n0::/kubepods/pod1/c\n\
=== /proc/6/status\nName: falco\nUid: 1000 1000 1000 1000\nCapEff: 000001ffffffffff\n=== /proc/6/uid_map\n0 1000 1\n\
=== /proc/6/cgroup\n0::/user.slice/user-1000.slice/user@1000.service/docker-abababababababababababababababababababababababababababababababab.scope\n",
                results: &["fail /usr/bin/dockerd", "fail auditd"],
            },
            NodeExample {
                name: "rules that take a watch back, leave its file out, or are about a part of the changes",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /usr/bin/runc\n=== /etc/docker/x\n=== /etc/default/docker\n=== /etc/containers/x\n=== /etc/audit/audit.rules\n\
-a never,exit -F path=/usr/bin/dockerd\n-w /usr/bin -p wa\n-w /etc/docker -p wa\n-W /etc/docker -p wa\n-a always,exit -F path=/etc/default/docker -F perm=wa -F auid>=1000\n\
-a always,exit -F arch=b32 -F dir=/etc/containers -F perm=wa\n=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n",
                results: &[
                    "fail /usr/bin/dockerd",
                    "pass /usr/bin/runc",
                    "fail /etc/docker",
                    "fail /etc/default/docker",
                    "fail /etc/containers",
                ],
            },
            NodeExample {
                name: "a later file switches the audit system off",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /etc/audit/rules.d/10.rules\n-w /usr/bin/dockerd -p wa\n=== /etc/audit/rules.d/20.rules\n-e 0\n\
=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n",
                results: &["fail /usr/bin/dockerd"],
            },
            NodeExample {
                name: "a line that auditctl refuses, and rules that were not loaded since",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /usr/bin/runc\n=== /etc/audit/rules.d/10.rules\n-w /usr/bin/runc -p wa\n-w /none/x -p wa\n-w /usr/bin/dockerd -p wa\n\
=== /etc/audit/audit.rules\n-w /usr/bin/dockerd -p wa\n=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n",
                results: &["unknown /usr/bin/dockerd", "unknown /usr/bin/runc"],
            },
            NodeExample {
                name: "programs, sockets and settings of every runtime, and a file behind a link",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/local/bin/dockerd\n=== /usr/local/bin/dockerd\n=== /etc/containerd/x\n\
=== /usr/bin/podman\n=== /usr/lib/systemd/system/podman.socket\n[Socket]\nListenStream=%t/podman/podman.sock\n=== /run/podman/podman.sock socket\n\
=== /usr/lib/systemd/system/crio.service\n[Service]\nExecStart=/usr/bin/crio\n=== /run/crio/crio.sock socket\n=== /data/daemon.json\n{}\n\
=== /etc/docker/daemon.json link /data/daemon.json\n=== /etc/audit/audit.rules\n-w /etc/docker\n-w /usr/lib/systemd/system\n-w /usr/bin/podman\n",
                results: &[
                    "fail /usr/local/bin/dockerd",
                    "fail /etc/containerd",
                    "pass /etc/docker",
                    "fail /etc/docker/daemon.json",
                    "pass /usr/bin/podman",
                    "pass /usr/lib/systemd/system/podman.socket",
                    "fail /run/podman/podman.sock",
                    "fail /run/crio/crio.sock",
                ],
            },
            NodeExample {
                name: "a watch of a link is none of what it leads to",
                params: "",
                host: "=== /data/daemon.json\n{}\n=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n\
=== /etc/docker/daemon.json link /data/daemon.json\n=== /etc/audit/audit.rules\n-w /etc/docker/daemon.json\n-w /etc/docker\n-w /usr/lib/systemd/system\n",
                results: &[
                    "pass /etc/docker",
                    "fail /etc/docker/daemon.json",
                    "pass /usr/lib/systemd/system/docker.service",
                ],
            },
            NodeExample {
                name: "a rule for one program before the watch",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /etc/audit/audit.rules\n-a never,exit -F subj_type=crond_t\n-w /usr/bin/dockerd -p wa\n\
=== /proc/5/status\nName: auditd\nUid: 0 0 0 0\n",
                results: &["unknown /usr/bin/dockerd", "pass auditd"],
            },
            NodeExample {
                name: "a file of rules that cannot be read, and a user who calls a program auditd",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /etc/audit/audit.rules denied\n=== /etc/audit/rules.d/a.rules\n-D\n\
=== /proc/5/status\nName: auditd\nUid: 1000 1000 1000 1000\n=== /proc/5/cgroup\n0::/user.slice/session-1.scope\n",
                results: &["unknown /usr/bin/dockerd", "fail auditd"],
            },
            NodeExample {
                name: "no daemon",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable container daemons"],
            },
        ],
    }),
};

/// Parameters of `node-audit-rules`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodeAuditRules {
    /// Programs that record the same: `falco`, `tetragon`. Default: none.
    monitor: Vec<String>,
}

impl NodeCheck for NodeAuditRules {
    fn check(&self, node: &Node, results: &mut Results) {
        let is_there = |path: &str| node.file(path).is_some_and(|facts| !facts.is_absent());
        let paths: Vec<Audited> = audited(node).into_iter().filter(|one| is_there(&one.path)).collect();
        if paths.is_empty() {
            return results.not_applicable(About::new("container daemons", &[]), "none of their files is there");
        }
        let running = |name: &String| node.processes.iter().find(|process| watches(process, name));
        let monitor = self.monitor.iter().find_map(running);
        if let Some(process) = monitor {
            return results
                .pass(About::new(&process.name, &[]), Evidence::new("runs", format!("process {}", process.pid)));
        }
        // Its repair comes first: without auditd nothing loads the rules.
        system(node, results);
        let mut printed = BTreeSet::new();
        for one in &paths {
            judge(node, one, &mut printed, results);
        }
    }
}

/// Whether a process is this monitor, and one that can see what others do.
fn watches(process: &Process, name: &str) -> bool {
    let is_real =
        process.is_of_root() || process.is_service(name) || process.in_root_container() && process.can_watch_kernel();
    process.name == name && is_real
}

/// `printed` has the paths whose rule another result has already.
fn judge<'n>(node: &'n Node, one: &'n Audited, printed: &mut BTreeSet<&'n str>, results: &mut Results) {
    let Audited { path, cis } = one;
    let about = About::new(path, if cis.is_empty() { &[] } else { std::slice::from_ref(cis) });
    // A rule in a file that cannot be read may take any watch back.
    if let Some(unread) = node.audit.unread.first() {
        return results.unknown(about, unread.clone());
    }
    // A watch is of the file itself, whichever of its paths the rule names. That of a folder does not reach what a link in it leads to.
    let resolved = node.file(path).and_then(Read::is).map_or(path.as_str(), |facts| facts.path.as_str());
    let found: Vec<(&List, Coverage)> = node.audit.lists.iter().map(|list| (list, list.coverage(resolved))).collect();
    let watch = found.iter().find_map(|(_, coverage)| match coverage {
        Coverage::Watched(entry) => Some(*entry),
        _ => None,
    });
    let unsure = found.iter().find_map(|(_, coverage)| match coverage {
        Coverage::Unsure(why) => Some(why),
        _ => None,
    });
    let without = found.iter().find(|(_, coverage)| matches!(coverage, Coverage::Not(_)));
    match (watch, unsure, without) {
        (_, Some(why), _) => results.unknown(about, why.clone()),
        (Some(entry), None, None) if node.audit.origin == Origin::EmptyFolder => {
            let why = "augenrules makes that file again from /etc/audit/rules.d, which has no rules, when the host is started";
            let load = "cp /etc/audit/audit.rules /etc/audit/rules.d/ && augenrules --load";
            results.unknown(about, format!("{} has a watch, and {why}: {load}", entry.source));
        }
        (Some(entry), None, None) => {
            results.pass(about, Evidence::new(format!("watched for {}", entry.permissions), &entry.source));
        }
        (Some(entry), None, Some((list, _))) => {
            let load = super::repairs::reload(node);
            results.unknown(about, format!("{} has a watch, and {} has none: {load}", entry.source, list.name));
        }
        (None, None, without) => {
            let (evidence, fix) = match without {
                Some((_, Coverage::Not(Some(entry)))) => (
                    Evidence::new("a rule leaves it out", &entry.source),
                    format!("remove the rule at {}, and: {}", entry.source, super::repairs::reload(node)),
                ),
                // Two paths may lead to one file.
                _ if !printed.insert(resolved) => {
                    let fix = format!("# the watch of {resolved}, which is above, is one of this path too");
                    (Evidence::new("no watch for `wa`", "/etc/audit"), fix)
                }
                _ => (Evidence::new("no watch for `wa`", "/etc/audit"), super::repairs::watch(node, resolved)),
            };
            results.fail(about, Severity::Low, evidence, "a watch for writes and changes of attributes", fix);
        }
    }
}

fn system(node: &Node, results: &mut Results) {
    let about = About::new("auditd", &[]);
    if node.offline {
        return results.unknown(about, "the root has no processes");
    }
    let mut arguments = node.kernel.arguments.split_ascii_whitespace();
    // The last one counts, and `off` is `0`.
    let last = arguments.rfind(|argument| argument.starts_with("audit="));
    if let Some(off) = last.filter(|last| *last == "audit=0" || last.eq_ignore_ascii_case("audit=off")) {
        let fix = format!("remove {off} from the kernel's arguments, and restart the host");
        return results.fail(about, Severity::Low, Evidence::new(off, "/proc/cmdline"), format!("no {off}"), fix);
    }
    if let Some(why) = &node.kernel.arguments_unread {
        return results.unknown(about, format!("{why}, and it may switch the audit system off"));
    }
    if node.audit.running {
        results.pass(about, Evidence::new("runs", "/proc"));
    } else if !node.host_ids {
        results.unknown(about, "podreeve runs in a user namespace, in which it cannot see whose processes are root's");
    } else {
        results.fail(
            about,
            Severity::Low,
            Evidence::new("does not run", "/proc"),
            "auditd runs",
            super::repairs::audit_system(node),
        );
    }
}
