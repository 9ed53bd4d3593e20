//! `securityContext.privileged` of any container.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, NoParams, PodRule, Pss, Rule, Severity, params,
    without_params,
};
use crate::workload::{Pod, PodFeatures};

pub static RULE: Rule = Rule {
    id: "privileged",
    title: "No container runs privileged",
    docs: "A privileged container has every capability, every device of the node and no seccomp, AppArmor or SELinux \
confinement. The rule judges containers, init containers and ephemeral containers (`kubectl debug`).\n\n\
Instead, add the single capability that the program needs, or use a device plugin for a device.",
    why: "a privileged container has every capability and device of the node, so an attacker who controls it controls \
the node",
    owasp: &[59],
    severity: Severity::Critical,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        pss: Some(Pss::Baseline),
        compile: without_params::<Privileged>,
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
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct Privileged;

impl Check for Privileged {
    fn requires(&self) -> PodFeatures {
        PodFeatures::PRIVILEGED
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        findings.of_each(pod.all_containers(), |container, findings| {
            if container.security_context.as_ref().and_then(|s| s.privileged) == Some(true) {
                let at = Location::security_context(container, "privileged", true);
                let finding = Finding::new(at, "true", "false or not set");
                let refused =
                    container.security_context.as_ref().and_then(|s| s.allow_privilege_escalation) == Some(false);
                findings.add(if refused { finding.why(WHY_REFUSED) } else { finding });
            }
        });
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remark("a single capability, or a device plugin, may do what the program needs");
        fix.remove(&finding.at);
        true
    }
}

const WHY_REFUSED: &str = "allowPrivilegeEscalation false contradicts it, so the API server refuses the pod; a privileged \
container can always gain privileges";
