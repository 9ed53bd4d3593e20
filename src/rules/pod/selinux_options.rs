//! `seLinuxOptions` of the pod and of any container.

use crate::facts::FactKinds;
use crate::rule::pss::{Follows, FollowsParams};
use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Severity, compile,
    display_value, params,
};
use crate::workload::pod::SeLinuxOptions;
use crate::workload::{OnNodes, Pod, PodFeatures};
use serde::Deserialize;

/// The types that confine a container, and the minor version since which upstream lists them.
static TYPES: &[(&str, u16)] =
    &[("container_t", 0), ("container_init_t", 0), ("container_kvm_t", 0), ("container_engine_t", 31)];

pub static RULE: Rule = Rule {
    id: "selinux-options",
    title: "SELinux confines containers as containers",
    docs: "The SELinux type of a pod or container must be not set, or one of `container_t`, `container_init_t`, \
`container_kvm_t` and, since v1.31, `container_engine_t`. Any other, such as `spc_t`, removes the confinement. `user` \
and `role` must not be set. `level` is free: it separates pods from one another.\n\n\
With `pss` and `version` the list is that of the version. On nodes without SELinux all of this has no effect. Which nodes enforce a \
policy of SELinux is known where the agents of `nodes.enabled` report it. If no node that the pod may run on does, the rule says so of a violation, \
and denies it as before: nodes come and go.",
    why: "with another SELinux type, user or role the container leaves its confinement",
    owasp: &[57],
    severity: Severity::High,
    params: params::<FollowsParams>,
    judges: Judges::Pod(PodRule {
        pss: Some(Pss::Baseline),
        implied_by: &[Cause::container("privileged")],
        compile: compile::<SelinuxOptions>,
        examples: &[
            Example::bad(
                "an unconfined type",
                r#"{"securityContext":{"seLinuxOptions":{"type":"spc_t"}}}"#,
                &["securityContext.seLinuxOptions.type"],
            ),
            Example::bad("on the pod", "", &["spec.securityContext.seLinuxOptions.type"])
                .spec(r#"{"securityContext":{"seLinuxOptions":{"type":"unconfined_t"}}}"#),
            Example::bad(
                "on the pod, and confined on a container",
                r#"{"securityContext":{"seLinuxOptions":{"type":"container_t"}}}"#,
                &["spec.securityContext.seLinuxOptions.type"],
            )
            .spec(r#"{"securityContext":{"seLinuxOptions":{"type":"spc_t"}}}"#),
            Example::bad(
                "user and role",
                r#"{"securityContext":{"seLinuxOptions":{"type":"container_t","user":"system_u","role":"system_r"}}}"#,
                &["securityContext.seLinuxOptions.user", "securityContext.seLinuxOptions.role"],
            ),
            Example::bad(
                "a type in capitals",
                r#"{"securityContext":{"seLinuxOptions":{"type":"Container_t"}}}"#,
                &["securityContext.seLinuxOptions.type"],
            ),
            Example::bad(
                "not yet in v1.30",
                r#"{"securityContext":{"seLinuxOptions":{"type":"container_engine_t"}}}"#,
                &["securityContext.seLinuxOptions.type"],
            )
            .params(r#"{"pss":"baseline","version":"v1.30"}"#),
            Example::good("in v1.31", r#"{"securityContext":{"seLinuxOptions":{"type":"container_engine_t"}}}"#)
                .params(r#"{"pss":"baseline","version":"v1.31"}"#),
            Example::good(
                "a container type and a level",
                r#"{"securityContext":{"seLinuxOptions":{"type":"container_init_t","level":"s0:c123,c456","user":"","role":null}}}"#,
            )
            .spec(r#"{"securityContext":{"seLinuxOptions":{"type":"container_kvm_t"}}}"#),
            Example::good("not set", r#"{"securityContext":{"seLinuxOptions":null}}"#),
            Example::good("no securityContext", r#"{"securityContext":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

const NO_NODE: &str =
    "no node that the pod may run on enforces a policy of SELinux, so the options have no effect there: leave them out";

/// The standard that the rule follows, if any.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct SelinuxOptions(Follows);

impl Check for SelinuxOptions {
    fn requires(&self) -> PodFeatures {
        PodFeatures::SE_LINUX
    }

    fn facts(&self) -> FactKinds {
        FactKinds::SECURITY_MODULES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let context = pod.spec.security_context.as_ref();
        self.judge(pod, Location::spec(), context.and_then(|context| context.se_linux_options.as_ref()), findings);
        findings.of_each(pod.all_containers(), |container, findings| {
            let context = container.container.security_context.as_ref();
            let options = context.and_then(|context| context.se_linux_options.as_ref());
            self.judge(pod, Location::container(container), options, findings);
        });
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remove(&finding.at);
        true
    }
}

impl SelinuxOptions {
    fn judge<'p>(
        &self,
        pod: &Pod<'_>,
        at: Location<'p>,
        options: Option<&'p SeLinuxOptions<'p>>,
        findings: &mut Findings<'p>,
    ) {
        let Some(options) = options else { return };
        let is_nowhere = pod.context.se_linux == OnNodes::None;
        let known = |finding: Finding<'p>| if is_nowhere { finding.why(NO_NODE) } else { finding };
        let at = at.key("securityContext", true).key("seLinuxOptions", true);
        let kind = options.kind.as_deref().unwrap_or_default();
        if !kind.is_empty() && !self.allowed().any(|allowed| allowed == kind) {
            let wanted = self.allowed().collect::<Vec<_>>().join(", ");
            findings.add(known(Finding::new(at.key("type", true), display_value(Some(kind)), wanted)));
        }
        for (key, value) in [("user", &options.user), ("role", &options.role)] {
            if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
                findings.add(known(Finding::new(at.key(key, true), format!("{key} {value}"), "not set")));
            }
        }
    }

    fn allowed(&self) -> impl Iterator<Item = &'static str> {
        let standard = self.0.standard;
        let there = move |since| standard.is_none_or(|standard| standard.since(since));
        TYPES.iter().filter(move |(_, since)| there(*since)).map(|(kind, _)| *kind)
    }
}
