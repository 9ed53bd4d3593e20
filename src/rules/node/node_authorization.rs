//! Who may give orders to a daemon.

use crate::node::config::Source;
use crate::node::docker;
use crate::node::kubelet::{Kubelet, READ_ONLY_PORT};
use crate::node::{Node, Read};
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

pub static RULE: Rule = Rule {
    id: "node-authorization",
    title: "Daemons ask who gives an order, and whether they may",
    docs: "A user who may speak to docker's socket is root on the node: the group `docker` is a list of such people. An authorization plugin \
can allow less than everything. A kubelet that lets in anonymous clients, or allows everything to everybody, runs commands in any pod \
for every client that reaches its port.\n\n\
`users` names members of docker's group that are meant to be root. containerd, cri-o and podman have no authorization of their own; \
`node-files` and `node-tls` judge who reaches them.",
    why: "an order to the daemon is root on the node",
    owasp: &[32],
    severity: Severity::High,
    params: params::<NodeAuthorization>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodeAuthorization>,
        instead: "let daemons ask who gives an order, and take people out of docker's group",
        examples: &[
            NodeExample {
                name: "a docker without a plugin, and a member of its group",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /etc/group\ndocker:x:5:ann\n=== /etc/passwd\nann:x:1000:1000::/home/ann:\n",
                results: &["fail dockerd: authorization-plugins", "fail group docker"],
            },
            NodeExample {
                name: "a plugin, and a member that is meant to be root",
                params: r#"{"users":["ann"]}"#,
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --authorization-plugin=opa\n=== /etc/group\ndocker:x:5:ann\n=== /etc/passwd\nann:x:1000:1000::/home/ann:\n",
                results: &["pass dockerd: authorization-plugins", "pass group docker"],
            },
            NodeExample {
                name: "systemd gives the socket to another group, and docker's own is a number",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd -H fd:// -G 5 --authorization-plugin=opa\n\
=== /usr/lib/systemd/system/docker.socket\n[Socket]\nListenStream=/run/docker.sock\nSocketGroup=users\n\
=== /etc/group\ndocker:x:5:ann\nusers:x:6:bob\n=== /etc/passwd\nann:x:1000:1000::/home/ann:\n",
                results: &["fail group 5", "fail group users"],
            },
            NodeExample {
                name: "groups that cannot be read",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --authorization-plugin=opa\n=== /etc/group denied\n=== /etc/passwd\nann:x:1000:1000::/home/ann:\n",
                results: &["pass dockerd: authorization-plugins", "unknown group docker"],
            },
            NodeExample {
                name: "an open kubelet",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cmdline\nkubelet --read-only-port=10255\n",
                results: &[
                    "fail kubelet: authentication.anonymous.enabled",
                    "fail kubelet: authorization.mode",
                    "fail kubelet: readOnlyPort",
                ],
            },
            NodeExample {
                name: "a closed kubelet",
                params: "",
                host: "=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cmdline\nkubelet --config=/c.yaml\n=== /c.yaml\nkind: KubeletConfiguration\n",
                results: &[
                    "pass kubelet: authentication.anonymous.enabled",
                    "pass kubelet: authorization.mode",
                    "pass kubelet: readOnlyPort",
                ],
            },
            NodeExample {
                name: "k3s before its first start, with arguments for the kubelet in its unit",
                params: "",
                host: "=== /etc/systemd/system/k3s.service\n[Service]\nExecStart=/usr/local/bin/k3s server '--kubelet-arg=anonymous-auth=true' '--kubelet-arg' 'authorization-mode=AlwaysAllow'\n",
                results: &[
                    "fail kubelet: authentication.anonymous.enabled",
                    "fail kubelet: authorization.mode",
                    "unknown kubelet: readOnlyPort",
                ],
            },
            NodeExample {
                name: "k3s on a disk, with the file that it makes",
                params: "",
                host: "=== /etc/systemd/system/k3s.service\n[Service]\nExecStart=/usr/local/bin/k3s server\n\
=== /var/lib/rancher/k3s/agent/etc/kubelet.conf.d/00-k3s-defaults.conf\nauthentication: {anonymous: {enabled: false}}\nauthorization: {mode: Webhook}\n",
                results: &[
                    "pass kubelet: authentication.anonymous.enabled",
                    "pass kubelet: authorization.mode",
                    "unknown kubelet: readOnlyPort",
                ],
            },
            NodeExample {
                name: "nothing to authorize",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable docker and kubelet"],
            },
        ],
    }),
};

/// Parameters of `node-authorization`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodeAuthorization {
    /// Members of docker's group that are meant to be root. Default: none.
    users: Vec<String>,
}

impl NodeCheck for NodeAuthorization {
    fn check(&self, node: &Node, results: &mut Results) {
        if node.docker.is_empty() && node.kubelet.is_empty() {
            results.not_applicable(
                About::new("docker and kubelet", &[]),
                "neither of them is there, and other runtimes have no authorization",
            );
        }
        for docker in &node.docker {
            if results.doubtful(About::new(&docker.name, &["D2.12"]), &docker.config) {
                continue;
            }
            let subject = format!("{}: authorization-plugins", docker.name);
            let plugins = docker.config.or_default(
                "authorization-plugins",
                Vec::<String>::new(),
                "docker",
                docker.version.as_deref(),
            );
            if plugins.texts().iter().all(|plugin| plugin.trim().is_empty()) {
                let fix = "install an authorization plugin, and name it in authorization-plugins: dockerd does not start without it";
                results.fail(
                    About::new(&subject, &["D2.12"]),
                    Severity::Medium,
                    Evidence::of("authorization-plugins", &plugins),
                    "a plugin",
                    fix,
                );
            } else {
                results.pass(About::new(&subject, &["D2.12"]), Evidence::of("authorization-plugins", &plugins));
            }
        }
        for group in groups(node) {
            self.members(node, &group, results);
        }
        for kubelet in &node.kubelet {
            if !results.doubtful(About::new(&kubelet.name, &["K4.2.1", "K4.2.2", "K4.2.4"]), &kubelet.config) {
                judge_kubelet(node, kubelet, results);
            }
        }
    }
}

/// The groups that may write to a socket of docker: that of its settings, that of systemd's unit, and that of the file itself.
fn groups(node: &Node) -> BTreeSet<String> {
    let mut groups = BTreeSet::new();
    for docker in node.docker.iter().filter(|docker| !docker.rootless) {
        groups.insert(docker.group());
        groups.extend(docker::socket_groups(&node.units).map(str::to_owned));
        for host in docker.hosts() {
            let path = host.address.strip_prefix("unix://");
            let facts = path.and_then(|path| node.file(path)).and_then(Read::is);
            if let (Some(facts), Some(accounts)) =
                (facts.filter(|facts| facts.access.mode & 0o020 != 0), node.accounts.is())
            {
                groups.insert(accounts.group(facts.access.gid));
            }
        }
    }
    groups.remove("root");
    groups
}

impl NodeAuthorization {
    fn members(&self, node: &Node, group: &str, results: &mut Results) {
        let subject = format!("group {group}");
        let about = About::new(&subject, &["D1.1.2"]);
        let accounts = match &node.accounts {
            Read::Is(accounts) => accounts,
            Read::Absent => return results.unknown(about, "the root has no /etc/passwd"),
            other => {
                return results
                    .unknown(about, format!("/etc/passwd or /etc/group {}", other.unknown().unwrap_or_default()));
            }
        };
        let foreign: Vec<&str> =
            accounts.members(group).into_iter().filter(|name| !self.users.iter().any(|user| user == name)).collect();
        if !foreign.is_empty() {
            let of = |user: &&str| super::repairs::remove_member(node, accounts, user, group);
            let fix = foreign.iter().flat_map(of).collect::<Vec<_>>().join(" && ");
            let evidence = Evidence::new(foreign.join(", "), "/etc/group");
            results.fail(about, Severity::High, evidence, "only users of the parameter `users`", fix);
        } else if accounts.elsewhere {
            results.unknown(about, "/etc/nsswitch.conf names a directory service, whose groups no file has");
        } else {
            let members = accounts.members(group).join(", ");
            let found = if members.is_empty() { "no member".to_owned() } else { members };
            results.pass(about, Evidence::new(found, "/etc/group"));
        }
    }
}

/// Whether a program listens at the kubelet's open port; none where the host does not run or shows no ports.
fn open_port(node: &Node) -> Option<bool> {
    let listeners = node.listeners.is().filter(|_| !node.offline)?;
    Some(listeners.iter().any(|listener| listener.port == 10255))
}

/// A key of the kubelet: its CIS item, and what passes.
type Row = (&'static str, &'static str, Value);

fn judge_kubelet(node: &Node, kubelet: &Kubelet, results: &mut Results) {
    let rows: [Row; 3] = [
        ("authentication.anonymous.enabled", "K4.2.1", false.into()),
        ("authorization.mode", "K4.2.2", "Webhook".into()),
        ("readOnlyPort", "K4.2.4", 0.into()),
    ];
    for (key, cis, wanted) in rows {
        let setting = kubelet.setting(key);
        let subject = format!("{}: {key}", kubelet.name);
        let about = About::new(&subject, std::slice::from_ref(&cis));
        let seen = open_port(node).filter(|_| key == READ_ONLY_PORT && matches!(setting.source, Source::Unknown(_)));
        if setting.value == wanted || seen == Some(false) {
            let evidence = match seen {
                Some(false) => Evidence::new("no program listens at 10255", "/proc/1/net"),
                _ => Evidence::of(key, &setting),
            };
            results.pass(about, evidence);
        } else {
            let fix = super::repairs::kubelet_set(node, kubelet, &[(key, wanted.clone())]);
            let wanted = format!("{key}={}", wanted.as_str().map_or_else(|| wanted.to_string(), str::to_owned));
            let evidence = match seen {
                Some(true) => Evidence::new("a program listens at 10255", "/proc/1/net"),
                _ => Evidence::of(key, &setting),
            };
            results.fail(about, Severity::Critical, evidence, wanted, fix);
        }
    }
}
