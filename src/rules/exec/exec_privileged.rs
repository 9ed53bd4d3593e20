//! Who enters a privileged container stands on the node.

use super::entered::{OnUnknown, unknown};
use crate::facts::FactKinds;
use crate::rule::{Check, Example, Finding, Findings, Judges, Location, PodRule, Rule, Severity, compile, params};
use crate::workload::{ContainerKind, Pod, PodFeatures};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "exec-privileged",
    title: "Nobody enters a privileged container",
    docs: "`kubectl exec` and `kubectl attach` are refused where the container that they enter is privileged, and so is a \
debug container that is privileged. `kubectl port-forward` and the API server's proxy (`pods/proxy`) name no container and reach all of \
them: they are refused where any is privileged. Exempt the namespaces and containers that are meant to be entered, or restrict the rule \
to some users with `match`.\n\n\
Connections need `serve --cluster`, and `CONNECT` on `pods/exec`, `pods/attach`, `pods/portforward` and `pods/proxy` in the webhook \
configuration. A pod that is not known yet is asked for once. When no answer comes in time, or what comes is no pod, `onUnknown` decides: \
`deny` (the default) keeps the caller out and says so, `warn` lets the caller in with a warning. Without `--cluster` nobody can be asked, \
and every caller gets in with a warning.",
    why: "a shell in a privileged container is a root shell on the node",
    owasp: &[66],
    severity: Severity::Critical,
    params: params::<ExecPrivileged>,
    judges: Judges::Exec(PodRule {
        linux_only: true,
        lists: &[ContainerKind::Ephemeral],
        compile: compile::<ExecPrivileged>,
        examples: &[
            Example::bad(
                "a privileged debug container",
                r#"{"securityContext":{"privileged":true}}"#,
                &["securityContext.privileged"],
            ),
            Example::bad("exec", r#"{"securityContext":{"privileged":true}}"#, &["securityContext.privileged"])
                .connect(),
            Example::good("a debug container like any other", r#"{"securityContext":{"privileged":false}}"#),
            Example::good("exec into a container like any other", r#"{"securityContext":{"privileged":false}}"#)
                .connect(),
            Example::good("Windows has no such field", r#"{"securityContext":{"privileged":true}}"#)
                .spec(r#"{"os":{"name":"windows"}}"#)
                .connect(),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `exec-privileged`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ExecPrivileged {
    /// Who connects to a pod of which the API server does not say in time what it is like: `deny` or `warn`.
    on_unknown: OnUnknown,
}

impl Default for ExecPrivileged {
    fn default() -> Self {
        Self { on_unknown: OnUnknown::Deny }
    }
}

impl Check for ExecPrivileged {
    fn requires(&self) -> PodFeatures {
        PodFeatures::PRIVILEGED | PodFeatures::CONNECT
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let why =
            "a shell in a privileged container is a root shell on the node, and nobody could see whether this is one";
        if let Some(finding) = pod.context.connect.as_ref().and_then(|connect| unknown(connect, why)) {
            return findings.add(finding);
        }
        for container in pod.all_containers() {
            let entered = match &pod.context.connect {
                Some(connect) => connect.reaches(&container.name),
                None => container.kind == ContainerKind::Ephemeral,
            };
            if entered && container.security_context.as_ref().is_some_and(|own| own.privileged == Some(true)) {
                let at = Location::security_context(container, "privileged", true);
                findings.add(Finding::new(at, "a privileged container", "a container that is not privileged"));
            }
        }
    }

    fn facts(&self) -> FactKinds {
        FactKinds::PODS
    }

    fn denies_unknown(&self) -> bool {
        self.on_unknown == OnUnknown::Deny
    }
}
