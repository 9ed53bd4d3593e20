//! The network of docker and of images' downloads.

use crate::node::Node;
use crate::node::config::Setting;
use crate::node::docker::Docker;
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-network",
    title: "Containers of one host cannot reach each other unasked, and images come over TLS",
    docs: "Docker's default bridge connects all containers on it unless `icc` is false. Without `iptables`, nothing separates networks at \
all. The userland proxy hides the address of a client. An insecure registry is asked without a check of its certificate, so whoever is on \
the way decides what runs.\n\n\
Docker that runs no pods matters as well: its containers share the node.",
    why: "a container that was taken over reaches the others of the host, and an image can be exchanged on its way",
    owasp: &[28, 47, 55],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeNetwork>,
        instead: "close docker's default bridge, and give registries certificates",
        examples: &[
            NodeExample {
                name: "docker's defaults",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n",
                results: &[
                    "fail dockerd: icc",
                    "pass dockerd: iptables",
                    "fail dockerd: userland-proxy",
                    "pass dockerd: insecure-registries",
                ],
            },
            NodeExample {
                name: "a closed bridge",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --userland-proxy=false\n\
=== /etc/docker/daemon.json\n{\"icc\": false, \"insecure-registries\": [\"127.0.0.0/8\"]}\n",
                results: &[
                    "pass dockerd: icc",
                    "pass dockerd: iptables",
                    "pass dockerd: userland-proxy",
                    "pass dockerd: insecure-registries",
                ],
            },
            NodeExample {
                name: "no bridge, and a registry without TLS",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --bridge=none --insecure-registry registry.example.com\n",
                results: &["pass dockerd: icc", "fail dockerd: userland-proxy", "fail dockerd: insecure-registries"],
            },
            NodeExample {
                name: "a file that dockerd does not start with",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /etc/docker/daemon.json\n{,\n",
                results: &["unknown dockerd"],
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

/// The check of `node-network`.
#[derive(Default)]
struct NodeNetwork;

impl NodeCheck for NodeNetwork {
    fn check(&self, node: &Node, results: &mut Results) {
        if node.docker.is_empty() {
            results.not_applicable(about("docker", &[]), "no unit and no process of dockerd is there");
        }
        for docker in &node.docker {
            let whole = about(&docker.name, &[]);
            if !results.doubtful(whole, &docker.config) {
                judge(docker, results);
            }
        }
        for daemon in &node.crio {
            let subject = format!("{}: insecure_registries", daemon.name);
            if let Some(setting) =
                daemon.config.get("crio.image.insecure_registries").filter(|setting| !setting.texts().is_empty())
            {
                insecure(&subject, "insecure_registries", setting, results);
            }
        }
        for daemon in &node.containerd {
            for (key, setting) in daemon
                .config
                .settings
                .iter()
                .filter(|(key, setting)| key.ends_with("insecure_skip_verify") && setting.is_true())
            {
                let subject = format!("{}: insecure_skip_verify", daemon.name);
                let fix = format!("remove `{key}` from {}, and restart containerd", setting.source);
                results.fail(
                    about(&subject, &["D2.5"]),
                    Severity::High,
                    Evidence::of(key, setting),
                    "certificates of registries are checked",
                    fix,
                );
            }
        }
    }
}

fn about<'a>(subject: &'a str, cis: &'a [&'a str]) -> About<'a> {
    About { subject, owasp: &[28, 47, 55], cis }
}

fn judge(docker: &Docker, results: &mut Results) {
    let setting =
        |key: &str, default: bool| docker.config.or_default(key, default, "docker", docker.version.as_deref());
    let icc = setting("icc", true);
    let subject = format!("{}: icc", docker.name);
    let bridge = docker.config.get("bridge").filter(|bridge| bridge.display() == "none");
    match bridge {
        Some(bridge) => results.pass(about(&subject, &["D2.2"]), Evidence::of("bridge", bridge)),
        None if icc.is_true() => {
            let fix = set(docker, "icc", "false");
            results.fail(about(&subject, &["D2.2"]), Severity::Medium, Evidence::of("icc", &icc), "icc=false", fix);
        }
        None => results.pass(about(&subject, &["D2.2"]), Evidence::of("icc", &icc)),
    }
    let iptables = setting("iptables", true);
    let subject = format!("{}: iptables", docker.name);
    if iptables.is_true() || docker.rootless {
        results.pass(about(&subject, &["D2.4"]), Evidence::of("iptables", &iptables));
    } else {
        let fix = set(docker, "iptables", "true");
        results.fail(
            about(&subject, &["D2.4"]),
            Severity::High,
            Evidence::of("iptables", &iptables),
            "iptables=true",
            fix,
        );
    }
    let proxy = setting("userland-proxy", true);
    let subject = format!("{}: userland-proxy", docker.name);
    if docker.rootless {
        results.not_applicable(about(&subject, &["D2.16"]), "a rootless docker has no other way to publish ports");
    } else if proxy.is_true() {
        let fix = set(docker, "userland-proxy", "false");
        results.fail(
            about(&subject, &["D2.16"]),
            Severity::Low,
            Evidence::of("userland-proxy", &proxy),
            "userland-proxy=false",
            fix,
        );
    } else {
        results.pass(about(&subject, &["D2.16"]), Evidence::of("userland-proxy", &proxy));
    }
    for key in ["allow-direct-routing", "ip-forward-no-drop"] {
        if let Some(found) = docker.config.get(key).filter(|found| found.is_true()) {
            let subject = format!("{}: {key}", docker.name);
            let fix = set(docker, key, "false");
            results.fail(about(&subject, &[]), Severity::Medium, Evidence::of(key, found), format!("{key}=false"), fix);
        }
    }
    let subject = format!("{}: insecure-registries", docker.name);
    let none =
        docker.config.or_default("insecure-registries", Vec::<String>::new(), "docker", docker.version.as_deref());
    insecure(&subject, "insecure-registries", &none, results);
}

/// Addresses of this host itself need no TLS.
fn insecure(subject: &str, key: &str, setting: &Setting, results: &mut Results) {
    let is_local = |registry: &str| {
        registry.starts_with("127.")
            || registry.starts_with("localhost")
            || registry.starts_with("::1")
            || registry.starts_with("[::1]")
    };
    let foreign: Vec<&str> = setting.texts().into_iter().filter(|registry| !is_local(registry)).collect();
    if foreign.is_empty() {
        results.pass(about(subject, &["D2.5"]), Evidence::of(key, setting));
        return;
    }
    let fix = format!(
        "remove {} from `{key}` in {}, and give the registry a certificate",
        foreign.join(", "),
        setting.source
    );
    results.fail(about(subject, &["D2.5"]), Severity::High, Evidence::of(key, setting), "no registry without TLS", fix);
}

/// The command that sets a key of `daemon.json`.
fn set(docker: &Docker, key: &str, value: &str) -> String {
    super::repairs::docker_set(&docker.config_file, key, value)
}
