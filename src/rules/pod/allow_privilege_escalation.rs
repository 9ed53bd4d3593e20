//! `securityContext.allowPrivilegeEscalation` of any container (`no_new_privs`).

use crate::rule::pss::{Level, Standard, Version};
use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Severity, compile,
    display_flag, params,
};
use crate::workload::{Pod, pod::SecurityContext};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "allow-privilege-escalation",
    title: "allowPrivilegeEscalation is false",
    docs: "Sets `no_new_privs`: a setuid binary or file capability in the image cannot give a process more rights than \
its parent has. It must be `false` on every container; not set means `true`.\n\n\
The repair sets `false`, except if the container is privileged or adds `SYS_ADMIN`: then `false` has no effect, and \
the API server refuses it together with privileged or `CAP_SYS_ADMIN`, so such a container is denied instead. A pod \
that can run on Windows nodes alone (by `nodeSelector`, affinity or its node) but lacks `spec.os.name: windows` is \
judged as a Linux pod, as the API server does; the rule repairs nothing in it, and the finding says to set that name.\n\n\
`pss` and `version` make the rule judge as that Pod Security Standard does.",
    why: "without no_new_privs a setuid binary in the image turns any process into root inside the container",
    owasp: &[49, 69],
    severity: Severity::Medium,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        instead: "set it to false after privileged and SYS_ADMIN are gone",
        pss: Some(Pss::Restricted),
        fixes: true,
        implied_by: &[Cause::container("privileged")],
        compile: compile::<AllowPrivilegeEscalation>,
        examples: &[
            Example::bad(
                "not set",
                r#"{"securityContext":{"allowPrivilegeEscalation":null}}"#,
                &["securityContext.allowPrivilegeEscalation"],
            ),
            Example::bad(
                "no securityContext",
                r#"{"securityContext":null}"#,
                &["securityContext.allowPrivilegeEscalation"],
            )
            .spec(r#"{"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}"#),
            Example::bad(
                "true",
                r#"{"securityContext":{"allowPrivilegeEscalation":true}}"#,
                &["securityContext.allowPrivilegeEscalation"],
            ),
            Example::bad(
                "not set, with SYS_ADMIN",
                r#"{"securityContext":{"allowPrivilegeEscalation":null,"capabilities":{"add":["SYS_ADMIN"]}}}"#,
                &["securityContext.allowPrivilegeEscalation"],
            )
            .no_repair(),
            Example::good("false", r#"{"securityContext":{"allowPrivilegeEscalation":false}}"#),
            Example::good("Windows has no such field", r#"{"securityContext":{"allowPrivilegeEscalation":null}}"#)
                .spec(r#"{"os":{"name":"windows"}}"#),
            Example::bad(
                "the standard judged Windows before v1.25",
                r#"{"securityContext":{"allowPrivilegeEscalation":null}}"#,
                &["securityContext.allowPrivilegeEscalation"],
            )
            .spec(r#"{"os":{"name":"windows"}}"#)
            .params(r#"{"pss":"restricted","version":"v1.24"}"#),
            Example::good("the standard has it since v1.8", r#"{"securityContext":{"allowPrivilegeEscalation":null}}"#)
                .params(r#"{"pss":"restricted","version":"v1.7"}"#),
            Example::good("baseline does not require it", r#"{"securityContext":{"allowPrivilegeEscalation":null}}"#)
                .params(r#"{"pss":"baseline"}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `allow-privilege-escalation`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Params {
    /// Judge as this Pod Security Standard does.
    pss: Option<Level>,
    /// The version of that standard; `latest` when left out.
    version: Option<Version>,
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct AllowPrivilegeEscalation {
    standard: Option<Standard>,
}

impl TryFrom<Params> for AllowPrivilegeEscalation {
    type Error = String;
    fn try_from(params: Params) -> Result<Self, String> {
        Ok(Self { standard: Standard::new(params.pss, params.version)? })
    }
}

impl AllowPrivilegeEscalation {
    /// Upstream has this check since v1.8, at restricted, and leaves Windows pods alone since v1.25.
    fn applies(&self, pod: &Pod<'_>) -> bool {
        match self.standard {
            None => !pod.is_windows(),
            Some(standard) => standard.restricted_since(8) && !(standard.since(25) && pod.is_windows()),
        }
    }
}

impl Check for AllowPrivilegeEscalation {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        if !self.applies(pod) {
            return;
        }
        let spares_windows = self.standard.is_none_or(|standard| standard.since(25));
        findings.of_each(pod.all_containers(), |container, findings| {
            let value = container.security_context.as_ref().and_then(|s| s.allow_privilege_escalation);
            if value == Some(false) {
                return;
            }
            let at = Location::security_context(container, "allowPrivilegeEscalation", value.is_some());
            let finding = Finding::new(at, display_flag(value), "false");
            let barred = container.container.security_context.as_deref().is_some_and(needs_escalation);
            let finding = if barred { finding.why(WHY_BARRED) } else { finding };
            findings.add(if spares_windows { finding.of_linux(pod) } else { finding });
        });
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let context = finding.container().and_then(|c| c.container.security_context.as_deref());
        if context.is_some_and(needs_escalation) || pod.chooses_windows() {
            return false;
        }
        fix.set_found(finding, false.into());
        true
    }
}

const WHY_BARRED: &str = "false has no effect together with privileged or SYS_ADMIN, and the API server refuses it together with \
privileged or CAP_SYS_ADMIN, so remove that first; without no_new_privs a setuid binary turns any process into root inside the container";

/// Whether the API server refuses `allowPrivilegeEscalation: false` in this context.
fn needs_escalation(context: &SecurityContext<'_>) -> bool {
    let adds = |cap: &str| matches!(cap, "SYS_ADMIN" | "CAP_SYS_ADMIN");
    context.privileged == Some(true) || context.capabilities.as_ref().is_some_and(|c| c.add.iter().any(|cap| adds(cap)))
}
