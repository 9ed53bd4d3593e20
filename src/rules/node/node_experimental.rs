//! Experimental features of daemons.

use crate::node::Node;
use crate::rule::{
    About, Evidence, Judges, NoParams, NodeCheck, NodeExample, NodeRule, Results, Rule, Severity, node_without_params,
    params,
};

pub static RULE: Rule = Rule {
    id: "node-experimental",
    title: "Daemons run without experimental features",
    docs: "`experimental` of docker, and the feature gates `AllAlpha` and `AllBeta` of the kubelet, switch on code that is not meant for \
production. Single feature gates are a choice, and pass.",
    why: "experimental code had less review, and its faults are fixed later",
    owasp: &[36],
    severity: Severity::Low,
    params: params::<NoParams>,
    judges: Judges::Node(NodeRule {
        compile: node_without_params::<NodeExperimental>,
        instead: "switch experimental features off",
        examples: &[
            NodeExample {
                name: "both",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --experimental\n\
=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cmdline\nkubelet --feature-gates=AllAlpha=true,X=true\n",
                results: &["fail dockerd: experimental", "fail kubelet: featureGates.AllAlpha"],
            },
            NodeExample {
                name: "neither",
                params: "",
                host: "=== /usr/lib/systemd/system/docker.service\n[Service]\nExecStart=/usr/bin/dockerd --experimental=false\n\
=== /proc/9/status\nName: kubelet\nUid: 0 0 0 0\n=== /proc/9/cmdline\nkubelet --feature-gates=X=true\n",
                results: &["pass dockerd: experimental", "pass kubelet: featureGates"],
            },
            NodeExample {
                name: "no daemon",
                params: "",
                host: "=== /etc/passwd\n",
                results: &["notApplicable docker and kubelet"],
            },
        ],
    }),
};

/// The check of `node-experimental`.
#[derive(Default)]
struct NodeExperimental;

impl NodeCheck for NodeExperimental {
    fn check(&self, node: &Node, results: &mut Results) {
        if node.docker.is_empty() && node.kubelet.is_empty() {
            results.not_applicable(
                About::new("docker and kubelet", &[]),
                "neither of them is there, and other runtimes have no such switch",
            );
        }
        for docker in &node.docker {
            if results.doubtful(About::new(&docker.name, &["D2.18"]), &docker.config) {
                continue;
            }
            let subject = format!("{}: experimental", docker.name);
            let setting = docker.config.or_default("experimental", false, "docker", docker.version.as_deref());
            let evidence = Evidence::of("experimental", &setting);
            if setting.is_true() {
                let fix = {
                    let wanted = super::repairs::Wanted::Is("false");
                    super::repairs::docker_set(node, docker, "experimental", &setting, wanted)
                };
                results.fail(About::new(&subject, &["D2.18"]), Severity::Low, evidence, "experimental=false", fix);
            } else {
                results.pass(About::new(&subject, &["D2.18"]), evidence);
            }
        }
        for kubelet in &node.kubelet {
            if results.doubtful(About::new(&kubelet.name, &[]), &kubelet.config) {
                continue;
            }
            let all = ["featureGates.AllAlpha", "featureGates.AllBeta"];
            let mut on = all
                .iter()
                .filter_map(|key| Some((*key, kubelet.config.get(key)?)))
                .filter(|(_, setting)| setting.is_true())
                .peekable();
            if on.peek().is_none() {
                let subject = format!("{}: featureGates", kubelet.name);
                let source = kubelet.config_file.as_deref().unwrap_or("its arguments");
                let single: Vec<String> = kubelet
                    .config
                    .under("featureGates")
                    .filter(|(_, setting)| setting.is_true())
                    .map(|(gate, _)| format!(", {gate}"))
                    .collect();
                let found = format!("neither AllAlpha nor AllBeta{}", single.concat());
                results.pass(About::new(&subject, &[]), Evidence::new(found, source));
            }
            for (key, setting) in on {
                let subject = format!("{}: {key}", kubelet.name);
                let fix = super::repairs::kubelet_set(node, kubelet, &[(key, false.into())]);
                results.fail(
                    About::new(&subject, &[]),
                    Severity::Low,
                    Evidence::of(key, setting),
                    format!("{key}=false"),
                    fix,
                );
            }
        }
    }
}
