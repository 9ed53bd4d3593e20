//! `spec.hostNetwork`.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NoParams, PodRule, Pss, Rule, Severity, display_flag,
    params, without_params,
};
use crate::workload::{Pod, PodFeatures};

pub static RULE: Rule = Rule {
    id: "host-network",
    title: "Pods have a network namespace of their own",
    docs: "With `hostNetwork: true` the pod's processes are in the network namespace of the node: they reach services \
that listen on the node's loopback, can capture the node's traffic, bypass every NetworkPolicy, and take ports of the \
node.\n\n\
Instead, let a Service, an Ingress or a Gateway bring the traffic in; if the node's own address is needed, map the one \
port (rule `host-ports`). Exempt a network plugin or a node agent that needs it by name.",
    why: "a process in the network namespace of the node reaches its loopback services, sees its traffic and bypasses \
every NetworkPolicy",
    owasp: &[64, 28],
    severity: Severity::High,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        pss: Some(Pss::Baseline),
        compile: without_params::<HostNetwork>,
        examples: &[
            Example::bad("hostNetwork true", "", &["spec.hostNetwork"]).spec(r#"{"hostNetwork":true}"#),
            Example::bad(
                "with the host port that the API server adds",
                r#"{"ports":[{"containerPort":8080,"hostPort":8080}]}"#,
                &["spec.hostNetwork"],
            )
            .spec(r#"{"hostNetwork":true}"#),
            Example::good("hostNetwork false", "").spec(r#"{"hostNetwork":false}"#),
            Example::good("hostNetwork null", "").spec(r#"{"hostNetwork":null}"#),
            Example::good("not set", ""),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct HostNetwork;

impl Check for HostNetwork {
    fn requires(&self) -> PodFeatures {
        PodFeatures::HOST_NAMESPACES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let value = pod.spec.host_network;
        if value == Some(true) {
            let at = Location::spec().key("hostNetwork", true);
            findings.add(Finding::new(at, display_flag(value), "false or not set"));
        }
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remark("let a Service, an Ingress or a Gateway bring the traffic in");
        fix.remove(&finding.at);
        // Under hostNetwork the API server sets each hostPort to its containerPort.
        for container in pod.all_containers() {
            for (index, port) in container.ports.iter().enumerate() {
                if port.host_port.is_some() && port.host_port == port.container_port {
                    fix.remove(&Location::container(container).key("ports", true).index(index).key("hostPort", true));
                }
            }
        }
        true
    }
}
