//! `securityContext.procMount` of any container.

use crate::rule::pss::{Follows, FollowsParams, Level};
use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Severity, compile,
    display_value, params,
};
use crate::workload::{Pod, PodFeatures};
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "proc-mount",
    title: "Containers see /proc with the default masks",
    docs: "Runtimes hide parts of `/proc` (`/proc/kcore`, `/proc/keys`, `/proc/timer_list`) and make others read-only \
(`/proc/sys`, `/proc/sysrq-trigger`). `procMount: Unmasked` shows all of it and makes it writable. It must be \
`Default` or not set.\n\n\
With `pss: baseline` from version v1.35 on, `Unmasked` passes in a pod with `hostUsers: false`, as upstream does: \
nested containers need it, and the user namespace separates them from the node.",
    why: "with /proc unmasked a process reads kernel memory and keys and writes settings of the node's kernel",
    owasp: &[60],
    severity: Severity::High,
    params: params::<FollowsParams>,
    judges: Judges::Pod(PodRule {
        pss: Some(Pss::Both),
        implied_by: &[Cause::container("privileged")],
        compile: compile::<ProcMount>,
        examples: &[
            Example::bad(
                "Unmasked in a user namespace",
                r#"{"securityContext":{"procMount":"Unmasked"}}"#,
                &["securityContext.procMount"],
            ),
            Example::bad(
                "Unmasked on the node's users",
                r#"{"securityContext":{"procMount":"Unmasked"}}"#,
                &["securityContext.procMount"],
            )
            .spec(r#"{"hostUsers":null}"#)
            .params(r#"{"pss":"baseline","version":"v1.35"}"#),
            Example::bad(
                "baseline before v1.35",
                r#"{"securityContext":{"procMount":"Unmasked"}}"#,
                &["securityContext.procMount"],
            )
            .params(r#"{"pss":"baseline","version":"v1.34"}"#),
            Example::bad(
                "restricted",
                r#"{"securityContext":{"procMount":"Unmasked"}}"#,
                &["securityContext.procMount"],
            )
            .params(r#"{"pss":"restricted","version":"latest"}"#),
            Example::bad("empty", r#"{"securityContext":{"procMount":""}}"#, &["securityContext.procMount"]),
            Example::bad(
                "a value of the future",
                r#"{"securityContext":{"procMount":"Open"}}"#,
                &["securityContext.procMount"],
            ),
            Example::good("baseline in a user namespace", r#"{"securityContext":{"procMount":"Unmasked"}}"#)
                .params(r#"{"pss":"baseline","version":"v1.35"}"#),
            Example::good("Default", r#"{"securityContext":{"procMount":"Default"}}"#),
            Example::good("not set", r#"{"securityContext":{"procMount":null}}"#),
            Example::good("no securityContext", r#"{"securityContext":null}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The standard that the rule follows, if any.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct ProcMount(Follows);

impl Check for ProcMount {
    fn requires(&self) -> PodFeatures {
        PodFeatures::PROC_MOUNT
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let relaxed = self.0.standard.is_some_and(|s| s.level == Level::Baseline && s.since(35));
        if relaxed && pod.spec.host_users == Some(false) {
            return;
        }
        findings.of_each(pod.all_containers(), |container, findings| {
            let context = container.container.security_context.as_ref();
            let Some(value) = context.and_then(|context| context.proc_mount.as_deref()) else { return };
            if value != "Default" {
                let at = Location::security_context(container, "procMount", true);
                findings.add(Finding::new(at, display_value(Some(value)), "Default or not set"));
            }
        });
    }

    fn suggest(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.remove(&finding.at);
        true
    }
}
