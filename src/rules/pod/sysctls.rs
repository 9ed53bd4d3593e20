//! `securityContext.sysctls` of the pod.

use crate::rule::pss::{Follows, FollowsParams, Version};
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Scope, Severity, compile,
    display_value, params,
};
use crate::workload::{Pod, PodFeatures};
use serde::Deserialize;

/// Safe kernel parameters, and the minor version of Kubernetes 1 since which upstream lists them.
static SAFE: &[(&str, u16)] = &[
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

pub static RULE: Rule = Rule {
    id: "sysctls",
    title: "Only safe kernel parameters are set",
    docs: "A pod may set only the kernel parameters that affect the pod alone and cannot harm the node: \
`kernel.shm_rmid_forced` and some under `net.ipv4.` (`ip_local_port_range`, `ip_unprivileged_port_start`, \
`ping_group_range`, `tcp_syncookies`; since v1.27 `ip_local_reserved_ports`; since v1.29 the `tcp_keepalive_*` and \
`tcp_fin_timeout`; since v1.32 `tcp_rmem`, `tcp_wmem`), written with dots.\n\n\
With `pss` and `version` the list is that of the version, without them the newest. Set parameters of the whole node in \
the configuration of the node.",
    why: "an unsafe kernel parameter can switch off protections or take resources from other pods on the node",
    owasp: &[83],
    severity: Severity::High,
    params: params::<FollowsParams>,
    judges: Judges::Pod(PodRule {
        instead: "set it in the configuration of the node",
        pss: Some(Pss::Baseline),
        compile: compile::<Sysctls>,
        examples: &[
            Example::bad("an unsafe one and a safe one", "", &["spec.securityContext.sysctls[1].name"]).spec(
                r#"{"securityContext":{"sysctls":[{"name":"net.ipv4.tcp_syncookies","value":"1"},{"name":"kernel.msgmax","value":"65536"}]}}"#,
            ),
            Example::bad("two, one with slashes", "", &["spec.securityContext.sysctls[0].name", "spec.securityContext.sysctls[1].name"])
                .spec(
                    r#"{"securityContext":{"sysctls":[{"name":"kernel/msgmax","value":"65536"},{"name":"net.core.somaxconn","value":"1024"}]}}"#,
                ),
            Example::bad("no name", "", &["spec.securityContext.sysctls[0].name"])
                .spec(r#"{"securityContext":{"sysctls":[{"value":"1"}]}}"#),
            Example::bad("not yet in v1.31", "", &["spec.securityContext.sysctls[0].name"])
                .spec(r#"{"securityContext":{"sysctls":[{"name":"net.ipv4.tcp_rmem","value":"4096 87380 16777216"}]}}"#)
                .params(r#"{"pss":"baseline","version":"v1.31"}"#),
            Example::good("in v1.32", "")
                .spec(r#"{"securityContext":{"sysctls":[{"name":"net.ipv4.tcp_rmem","value":"4096 87380 16777216"}]}}"#)
                .params(r#"{"pss":"baseline","version":"v1.32"}"#),
            Example::good("safe ones", "").spec(
                r#"{"securityContext":{"sysctls":[{"name":"net.ipv4.ip_unprivileged_port_start","value":"0"},{"name":"net.ipv4.tcp_keepalive_time","value":"600"}]}}"#,
            ),
            Example::good("none", "").spec(r#"{"securityContext":{"sysctls":null}}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The standard that the rule follows, if any.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Sysctls(Follows);

impl Check for Sysctls {
    fn requires(&self) -> PodFeatures {
        PodFeatures::SYSCTLS
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let version = self.0.standard.map_or(Version::LATEST, |standard| standard.version);
        let is_safe = |name: &str| SAFE.iter().any(|(safe, since)| *safe == name && version >= Version::minor(*since));
        let Some(context) = &pod.spec.security_context else { return };
        for (index, sysctl) in context.sysctls.iter().enumerate() {
            let name = sysctl.name.as_deref();
            if !name.is_some_and(is_safe) {
                let at = Location::spec().key("securityContext", true).key("sysctls", true).index(index);
                let at = at.key("name", name.is_some());
                findings.add(Finding::new(at, display_value(name), "one of the safe kernel parameters"));
            }
        }
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let Some(index) = finding.at.list_index().filter(|_| fix.scope == Scope::Pod) else { return false };
        let version = self.0.standard.map_or(Version::LATEST, |standard| standard.version);
        let safe = SAFE.iter().filter(|(_, since)| version >= Version::minor(*since)).map(|(name, _)| *name);
        fix.remark(format!("safe are {}", safe.collect::<Vec<_>>().join(", ")));
        fix.remove(&Location::spec().key("securityContext", true).key("sysctls", true).index(index));
        true
    }
}
