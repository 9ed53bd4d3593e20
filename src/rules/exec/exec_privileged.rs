//! Connections to privileged containers: a shell there is a shell on the node.

use super::unknown_pod::{OnUnknown, unknown};
use crate::facts::FactKinds;
use crate::rule::{
    Check, Example, ExecExample, ExecRule, Finding, Findings, Judges, Location, PodRule, Rule, Severity, compile,
    params,
};
use crate::workload::{ContainerKind, Pod, PodFeatures};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "exec-privileged",
    title: "No connection enters a privileged container",
    docs: "`kubectl exec` and `kubectl attach` are denied if the container that they enter is privileged, and so is a privileged \
debug container. `kubectl port-forward` and the API server's proxy (`pods/proxy`) name no container and reach all of them: they are \
denied if any container is privileged. Exempt the namespaces and containers that people must enter, or restrict the rule to some users \
with `match`.\n\n\
Connections need `serve --cluster`, and `CONNECT` on `pods/exec`, `pods/attach`, `pods/portforward` and `pods/proxy` in the webhook \
configuration. podreeve looks up a pod that it does not know yet, once. If the API server does not answer in time, or answers with \
something that is no pod, `onUnknown` decides: `deny` (the default) denies the connection and says why, `warn` admits it with a warning. \
Without `--cluster` no pod can be looked up, and every connection is admitted with a warning.",
    why: "a shell in a privileged container is a root shell on the node",
    owasp: &[66],
    severity: Severity::Critical,
    params: params::<ExecPrivileged>,
    judges: Judges::Exec(ExecRule {
        pod: PodRule {
            instead: "use `kubectl logs`, or a debug container that is not privileged",
            linux_only: true,
            lists: &[ContainerKind::Ephemeral],
            compile: compile::<ExecPrivileged>,
            examples: &[
                Example::bad(
                    "a privileged debug container",
                    r#"{"securityContext":{"privileged":true}}"#,
                    &["securityContext.privileged"],
                ),
                Example::good("a debug container like any other", r#"{"securityContext":{"privileged":false}}"#),
            ],
            ..PodRule::DEFAULT
        },
        entered: &[
            ExecExample::bad("exec", r#"{"securityContext":{"privileged":true}}"#, &["securityContext.privileged"]),
            ExecExample::good("exec into a container like any other", r#"{"securityContext":{"privileged":false}}"#),
            ExecExample::good("Windows has no such field", r#"{"securityContext":{"privileged":true}}"#)
                .spec(r#"{"os":{"name":"windows"}}"#),
        ],
    }),
};

/// Parameters of `exec-privileged`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ExecPrivileged {
    /// What becomes of a connection to a pod that the API server does not show in time: `deny` or `warn`.
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
        let why = "a shell in a privileged container is a root shell on the node, and it is unknown whether this one is privileged";
        if let Some(finding) = pod.context.connect.as_ref().and_then(|connect| unknown(connect, why)) {
            return findings.add(finding);
        }
        for container in pod.all_containers() {
            let entered = match &pod.context.connect {
                Some(connect) => connect.reaches(container.name),
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
