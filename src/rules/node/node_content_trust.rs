//! Images are verified before they run.

mod containerd;
mod policy;

use crate::node::Node;
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
                name: "a verifier of containerd that is skipped",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n\
=== /etc/containerd/config.toml\nversion = 3\n[plugins.\"io.containerd.image-verifier.v1.bindir\"]\nbin_dir = \"/opt/verifier\"\nmax_verifiers = 0\n\
=== /opt/verifier/cosign 0755\n",
                results: &["fail containerd"],
            },
            NodeExample {
                name: "verified at admission",
                params: r#"{"admission":true}"#,
                host: "=== /usr/bin/podman\n=== /etc/containers/policy.json\n{\"default\": [{\"type\": \"insecureAcceptAnything\"}]}\n",
                results: &["notApplicable container runtimes"],
            },
            NodeExample {
                name: "a default that rejects, beside a scope that takes every image",
                params: "",
                host: "=== /usr/bin/podman\n=== /etc/containers/policy.json\n{\"default\": [{\"type\": \"reject\"}], \"transports\": {\"docker\": {\"\": [{\"type\": \"insecureAcceptAnything\"}]}}}\n",
                results: &["fail /etc/containers/policy.json"],
            },
            NodeExample {
                name: "a kind that nothing knows, and a cri-o with a policy of its own",
                params: "",
                host: "=== /usr/bin/podman\n=== /etc/containers/policy.json\n{\"default\": [{\"type\": \"accept\"}]}\n\
=== /usr/lib/systemd/system/crio.service\n[Service]\nExecStart=/usr/bin/crio\n=== /etc/crio/crio.conf\n[crio.image]\nsignature_policy = \"/etc/crio/policy.json\"\n",
                results: &["unknown /etc/containers/policy.json", "unknown crio: signature_policy"],
            },
            NodeExample {
                name: "verifiers that the kubelet's pulls go past",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n=== /opt/verifier/cosign 0755\n\
=== /etc/containerd/config.toml\nversion = 3\n[plugins.\"io.containerd.image-verifier.v1.bindir\"]\nbin_dir = \"/opt/verifier\"\n\
[plugins.\"io.containerd.cri.v1.images\"]\nmax_concurrent_downloads = 5\n\
=== /usr/lib/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet\n\
=== /var/lib/dpkg/status\nPackage: containerd\nStatus: install ok installed\nVersion: 2.1.4\n",
                results: &["fail containerd"],
            },
            NodeExample {
                name: "verifiers of a containerd whose version is unknown, under a kubelet",
                params: "",
                host: "=== /usr/lib/systemd/system/containerd.service\n[Service]\nExecStart=/usr/bin/containerd\n=== /opt/verifier/cosign 0755\n\
=== /etc/containerd/config.toml\nversion = 3\n[plugins.\"io.containerd.image-verifier.v1.bindir\"]\nbin_dir = \"/opt/verifier\"\n\
=== /usr/lib/systemd/system/kubelet.service\n[Service]\nExecStart=/usr/bin/kubelet\n",
                results: &["unknown containerd"],
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
            policy::judge(node, results);
        }
        for daemon in &node.containerd {
            if !results.doubtful(About::new(&daemon.name, &[]), &daemon.config) {
                containerd::judge(node, daemon, results);
            }
        }
    }
}
