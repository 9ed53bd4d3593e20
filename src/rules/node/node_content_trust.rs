//! Images are verified before they run.

use crate::node::os::numbers;
use crate::node::{Daemon, Node};
use crate::rule::{
    About, Evidence, Judges, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, compile_node, params,
};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "node-content-trust",
    title: "The runtime of a node verifies images",
    docs: "Docker's own content trust ended: `DOCKER_CONTENT_TRUST=1` now makes pulls of official images fail, and verifies none. What \
verifies on a node today is `/etc/containers/policy.json` for podman and cri-o, and the image verifier plugins of containerd. In a cluster, \
signatures can be verified at admission: with `admission: true` this rule has nothing to add. The kubelet's pulls pass a verifier of \
containerd only from 2.1 on.",
    why: "an image without a verified signature may come from an attacker",
    owasp: &[17],
    severity: Severity::Low,
    params: params::<NodeContentTrust>,
    judges: Judges::Node(NodeRule {
        compile: compile_node::<NodeContentTrust>,
        instead: "verify signatures at admission or in the runtime",
        examples: &[
            NodeExample {
                name: "podman takes anything, as Debian ships it",
                params: "",
                host: "=== /usr/bin/podman\n=== /etc/containers/policy.json\n{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}\n",
                results: &["fail /etc/containers/policy.json"],
            },
            NodeExample {
                name: "podman rejects by default",
                params: "",
                host: "=== /usr/bin/podman\n=== /etc/containers/policy.json\n{\"default\": [{\"type\": \"reject\"}]}\n",
                results: &["pass /etc/containers/policy.json"],
            },
            NodeExample {
                name: "the variable of docker's content trust",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd\n=== /etc/environment\nDOCKER_CONTENT_TRUST=1\n",
                results: &["fail /etc/environment", "fail dockerd"],
            },
            NodeExample {
                name: "a verifier of containerd, and none",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n\
=== /etc/containerd/config.toml\nversion = 3\n[plugins.\"io.containerd.image-verifier.v1.bindir\"]\nbin_dir = \"/opt/verifier\"\n=== /opt/verifier/cosign 0755\n",
                results: &["pass containerd"],
            },
            NodeExample {
                name: "verified at admission",
                params: r#"{"admission":true}"#,
                host: "=== /usr/bin/podman\n=== /etc/containers/policy.json\n{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}\n",
                results: &["notApplicable container runtimes"],
            },
            NodeExample {
                name: "no runtime",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable container runtimes"],
            },
        ],
    }),
};

/// Parameters of `node-content-trust`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct NodeContentTrust {
    /// Whether signatures are verified at admission in the whole cluster, so that no runtime needs to. Default: false.
    admission: bool,
}

const POLICY: &str = "/etc/containers/policy.json";

impl NodeCheck for NodeContentTrust {
    fn check(&self, node: &Node, results: &mut Results) {
        if !node.has_runtime() {
            return results.not_applicable(
                About::new("container runtimes", &[]),
                "no docker, containerd, cri-o or podman is there",
            );
        }
        if self.admission {
            return results
                .not_applicable(About::new("container runtimes", &[]), "signatures are verified at admission");
        }
        for path in &node.content_trust {
            let evidence = Evidence::new("DOCKER_CONTENT_TRUST=1", path);
            let fix = format!("remove DOCKER_CONTENT_TRUST from {path}");
            let wanted = "no retired content trust: pulls of official images fail with it";
            results.fail(About::new(path, &["D4.5"]), Severity::Low, evidence, wanted, fix);
        }
        for docker in &node.docker {
            let evidence = Evidence::new("docker verifies no images", "its documentation");
            let fix =
                "verify signatures at admission (the rule image-signature), or pull with podman and a policy.json";
            results.fail(
                About::new(&docker.name, &["D4.5"]),
                Severity::Low,
                evidence,
                "images are verified before they run",
                fix,
            );
        }
        if !node.podman.is_empty() || !node.crio.is_empty() {
            policy(node, results);
        }
        for daemon in &node.containerd {
            if results.doubtful(About::new(&daemon.name, &[]), &daemon.config) {
                continue;
            }
            if too_old(node, daemon) {
                let version = daemon.version.as_deref().unwrap_or_default();
                let evidence = Evidence::new(format!("containerd {version}"), "the package database");
                let fix = "verify signatures at admission (the rule image-signature), or upgrade containerd to 2.1";
                let wanted = "2.1 or newer, whose verifiers see the kubelet's pulls";
                results.fail(About::new(&daemon.name, &[]), Severity::Low, evidence, wanted, fix);
                continue;
            }
            let key = "plugins.\"io.containerd.image-verifier.v1.bindir\".bin_dir";
            let folder =
                daemon.config.get(key).filter(|setting| setting.value.as_str().is_some_and(|path| !path.is_empty()));
            let programs = folder.and_then(|setting| node.folders.get(&setting.display())).and_then(|names| names.is());
            match (folder, programs) {
                (Some(setting), Some(names)) if !names.is_empty() => {
                    results.pass(About::new(&daemon.name, &[]), Evidence::of("bin_dir", setting));
                }
                (Some(setting), _) => {
                    let evidence = Evidence::new(format!("{} has no programs", setting.display()), &setting.source);
                    results.fail(
                        About::new(&daemon.name, &[]),
                        Severity::Low,
                        evidence,
                        "a verifier",
                        format!("install a verifier in {}", setting.display()),
                    );
                }
                (None, _) => {
                    let evidence = Evidence::new(
                        "no image verifier",
                        daemon.config_files.first().map_or("its defaults", String::as_str),
                    );
                    let fix = "verify signatures at admission (the rule image-signature), or set bin_dir of io.containerd.image-verifier.v1.bindir";
                    results.fail(
                        About::new(&daemon.name, &[]),
                        Severity::Low,
                        evidence,
                        "images are verified before they run",
                        fix,
                    );
                }
            }
        }
    }
}

fn policy(node: &Node, results: &mut Results) {
    let about = About::new(POLICY, &[]);
    let document = match &node.containers_policy {
        crate::node::Read::Is(document) => document,
        crate::node::Read::Absent => {
            return results.unknown(about, "it does not exist, and podman may have another one in a home");
        }
        other => return results.unknown(about, other.unknown().unwrap_or_default()),
    };
    let kinds: Vec<&str> = document
        .get("default")
        .and_then(|list| list.as_array())
        .into_iter()
        .flatten()
        .filter_map(|rule| rule.get("type")?.as_str())
        .collect();
    if kinds.is_empty() || kinds.contains(&"insecureAcceptAnything") {
        let evidence = Evidence::new(format!("default: {}", kinds.join(", ")), POLICY);
        let fix =
            format!("podman image trust set --type reject default # then trust each registry with its key in {POLICY}");
        results.fail(about, Severity::Low, evidence, "a default of reject, or of a signature", fix);
    } else {
        results.pass(about, Evidence::new(format!("default: {}", kinds.join(", ")), POLICY));
    }
}

/// Whether the kubelet's pulls go past the verifiers.
fn too_old(node: &Node, daemon: &Daemon) -> bool {
    let release = daemon.version.as_deref().map(numbers);
    !node.kubelet.is_empty() && release.is_some_and(|release| release < vec![2, 1])
}
