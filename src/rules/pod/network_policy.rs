//! NetworkPolicies: whether one restricts the incoming traffic of the pod.

use crate::facts::FactKinds;
use crate::rule::{
    Check, Example, Finding, Findings, Judges, Location, NoParams, PodRule, Rule, Severity, params, without_params,
};
use crate::workload::{Ingress, Pod, PodFeatures};

pub static RULE: Rule = Rule {
    id: "network-policy",
    title: "A NetworkPolicy denies the traffic that it does not name",
    docs: "A NetworkPolicy of the namespace must select the pod for incoming traffic, and no policy that selects it \
may admit all traffic from everywhere. The simplest one selects all pods and names nothing: `podSelector: {}`, \
`policyTypes: [Ingress]`. A policy that admits only the traffic that the pod needs is enough, since a pod that any \
policy selects is closed to all other traffic.\n\n\
The rule needs `serve --cluster`: without a cluster to read NetworkPolicies from, it reports nothing. It cannot know \
whether the network plugin enforces them.",
    why: "every pod of the cluster can reach this one, so an attacker who has taken over one of them can continue \
here",
    owasp: &[46],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        instead: "create a NetworkPolicy with `podSelector: {}` and `policyTypes: [Ingress]`, and one for the traffic that the pod needs",
        compile: without_params::<NetworkPolicy>,
        examples: &[
            Example::bad("the namespace has none", "", &["spec"]).network_policies("[]"),
            Example::bad("it selects other pods", "", &["spec"])
                .network_policies(r#"[{"podSelector":{"matchLabels":{"app":"other"}}}]"#),
            Example::bad("one that opens and one that closes", "", &["spec"])
                .network_policies(r#"[{"podSelector":{}},{"podSelector":{},"ingress":[{}]}]"#),
            Example::bad("only outgoing traffic", "", &["spec"])
                .network_policies(r#"[{"podSelector":{},"policyTypes":["Egress"]}]"#),
            Example::good("denied by default", "")
                .network_policies(r#"[{"podSelector":{},"policyTypes":["Ingress"]}]"#),
            Example::good("only what is named", "")
                .network_policies(r#"[{"podSelector":{},"ingress":[{"from":[{"podSelector":{}}]}]}]"#),
            Example::good("unknown without a cluster", ""),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct NetworkPolicy;

impl Check for NetworkPolicy {
    fn requires(&self) -> PodFeatures {
        PodFeatures::INGRESS
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let found = match pod.context.ingress {
            None | Some(Ingress::Isolated) => return,
            Some(Ingress::Open) => "no NetworkPolicy selects it for incoming traffic",
            Some(Ingress::Opened) => "a NetworkPolicy that lets everything in",
            Some(Ingress::Unknown) => "the NetworkPolicies of the namespace could not be read",
        };
        findings.add(Finding::new(
            Location::spec(),
            found,
            "a NetworkPolicy that selects it and names what may come in",
        ));
    }

    fn facts(&self) -> FactKinds {
        FactKinds::NETWORK_POLICIES
    }
}
