//! The Linux audit system watches container daemons.

use crate::node::audit::covering;
use crate::node::audited::{Audited, audited};
use crate::node::process::Process;
use crate::node::{Node, Read};
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "node-audit-rules",
    title: "Changes to container daemons are recorded",
    docs: "The audit system of Linux records who changes programs, settings, data and sockets of container daemons. The rule looks for a \
watch with the permissions `w` and `a` for each path that exists, in `/etc/audit`; a watch of a folder covers what is below. Rules that are \
loaded and in no file are not seen, since reading them needs a capability: a pass means \"on disk\".\n\n\
`monitor` names another monitor that records the same, such as `falco` or `tetragon`: if it runs, that is enough.",
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
=== /proc/5/status\nName: auditd\n",
                results: &["pass /usr/bin/dockerd", "fail /etc/docker", "pass auditd"],
            },
            NodeExample {
                name: "no audit system",
                params: "",
                host: "=== /usr/bin/dockerd\n=== /proc/5/status\nName: sh\n",
                results: &["fail /usr/bin/dockerd", "fail auditd"],
            },
            NodeExample {
                name: "another monitor",
                params: r#"{"monitor":["falco"]}"#,
                host: "=== /usr/bin/dockerd\n=== /proc/5/status\nName: falco\n",
                results: &["pass falco"],
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
        let is_it = |process: &&Process, name: &String| process.name == *name && process.is_of_the_host();
        let running = |name| node.processes.iter().find(|process| is_it(process, name));
        let monitor = self.monitor.iter().find_map(running);
        if let Some(process) = monitor {
            return results
                .pass(About::new(&process.name, &[]), Evidence::new("runs", format!("process {}", process.pid)));
        }
        let empty = Vec::new();
        let watches = match &node.audit.watches {
            Read::Is(watches) => watches,
            Read::Absent => &empty,
            other => return results.unknown(About::new("/etc/audit", &[]), other.unknown().unwrap_or_default()),
        };
        for Audited { path, cis } in &paths {
            let cis: &[&str] = if cis.is_empty() { &[] } else { std::slice::from_ref(cis) };
            // A watch is of the file itself, whichever of its paths the rule names.
            let resolved = node.file(path).and_then(Read::is).map(|facts| facts.path.as_str());
            let found = covering(watches, path).or_else(|| covering(watches, resolved?));
            if let Some(watch) = found {
                results.pass(
                    About::new(path, cis),
                    Evidence::new(format!("watched for {}", watch.permissions), &watch.source),
                );
            } else if let Some(unread) = node.audit.unread.first() {
                results.unknown(About::new(path, cis), unread.clone());
            } else {
                let evidence = Evidence::new("no watch for `wa`", "/etc/audit");
                let fix = super::repairs::watch(node, path);
                results.fail(
                    About::new(path, cis),
                    Severity::Low,
                    evidence,
                    "a watch for writes and changes of attributes",
                    fix,
                );
            }
        }
        system(node, results);
    }
}

fn system(node: &Node, results: &mut Results) {
    let about = About::new("auditd", &[]);
    if node.offline {
        return results.unknown(about, "the root has no processes");
    }
    if node.kernel.arguments.split_ascii_whitespace().any(|argument| argument == "audit=0") {
        let evidence = Evidence::new("audit=0", "/proc/cmdline");
        return results.fail(
            about,
            Severity::Low,
            evidence,
            "no audit=0",
            "remove audit=0 from the kernel's arguments, and restart the host",
        );
    }
    if node.audit.running {
        results.pass(about, Evidence::new("runs", "/proc"));
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
