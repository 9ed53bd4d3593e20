//! `securityContext.privileged` of any container.

use super::{Check, Example, Finding, Findings, Location, Pss, Rule, Severity, compile, params};
use crate::workload::{ContainerKind, Parts, Pod};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "privileged",
    title: "No container runs privileged",
    docs: "A privileged container has every capability, every device of the node and no seccomp, AppArmor or \
SELinux confinement. Judged in containers, init containers and ephemeral containers (`kubectl debug`).\n\n\
Instead, add the single capability that the program needs, or use a device plugin for a device.",
    why: "a privileged container has every capability and device of the node, so whoever controls it controls the node",
    owasp: &[59],
    pss: Some(Pss::Baseline),
    severity: Severity::Critical,
    linux_only: false,
    lists: &ContainerKind::ALL,
    fixes: false,
    implied_by: &[],
    compile: compile::<Privileged>,
    params: params::<Privileged>,
    examples: &[
        Example::bad(
            "privileged container",
            r#"{"securityContext":{"privileged":true,"allowPrivilegeEscalation":true}}"#,
            &["securityContext.privileged"],
        ),
        Example::good("privileged false", r#"{"securityContext":{"privileged":false}}"#),
        Example::good("privileged not set", r#"{"securityContext":{"privileged":null}}"#),
        Example::good("no securityContext", r#"{"securityContext":null}"#),
    ],
};

/// No parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Privileged {}

impl Check for Privileged {
    fn needs(&self) -> Parts {
        Parts::PRIVILEGED
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        for container in pod.all_containers() {
            if container.security_context.as_ref().and_then(|s| s.privileged) == Some(true) {
                let at = Location::security_context(container, "privileged", true);
                let finding = Finding::new(at, "true", "false or not set");
                let refused =
                    container.security_context.as_ref().and_then(|s| s.allow_privilege_escalation) == Some(false);
                findings.add(if refused { finding.why(WHY_REFUSED) } else { finding });
            }
        }
    }
}

const WHY_REFUSED: &str = "allowPrivilegeEscalation false contradicts it, so the API server refuses the pod; a privileged \
container can always gain privileges";
