//! `automountServiceAccountToken` of the pod.

use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Rule, Scope, Severity, compile, display_flag,
    params,
};
use crate::workload::Pod;
use crate::workload::volume::Volume;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "service-account-token",
    title: "Pods that do not call the Kubernetes API have no token for it",
    docs: "Kubernetes mounts a token of the pod's ServiceAccount into every container unless the pod or its \
ServiceAccount says `automountServiceAccountToken: false`. Few programs call the API, so the pod or the ServiceAccount \
must say it. In the request for a pod, the rule looks for the token that the API server has mounted; in a template it \
looks at the template's own field, and `podreeve check` reads the ServiceAccounts among the files as well. The rule \
leaves alone pods with a projected `serviceAccountToken` volume of their own, which names audience and lifetime and is \
the better way for a program that does call an API, and pods of the ServiceAccounts in `accounts`.\n\n\
The repair sets `false`, and removes the token from the volume `kube-api-access-...` that the API server adds to the \
pod before it calls webhooks; the cluster's certificate stays in the volume.",
    why: "with a token that the pod does not need, an attacker who takes over the program can use the Kubernetes API \
as the pod",
    owasp: &[32],
    severity: Severity::Medium,
    params: params::<ServiceAccountToken>,
    judges: Judges::Pod(PodRule {
        instead: "set it to false if the program does not call the Kubernetes API",
        fixes: true,
        compile: compile::<ServiceAccountToken>,
        examples: &[
            Example::bad("not set", "", &["spec.automountServiceAccountToken"])
                .spec(r#"{"automountServiceAccountToken":null}"#)
                .written(),
            Example::bad("true", "", &["spec.automountServiceAccountToken"])
                .spec(r#"{"automountServiceAccountToken":true}"#)
                .written(),
            Example::bad("as the API server fills it in", "", &["spec.automountServiceAccountToken"]).spec(
                r#"{"automountServiceAccountToken":null,"serviceAccountName":"default","volumes":[{"name":"cache","emptyDir":{"sizeLimit":"1Mi"}},{"name":"kube-api-access-x7k2p","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}}]}}]}"#,
            ),
            Example::bad("another account than the one that needs it", "", &["spec.automountServiceAccountToken"])
                .spec(r#"{"automountServiceAccountToken":null}"#)
                .params(r#"{"accounts":["operator"]}"#)
                .written(),
            Example::good("false", "").spec(r#"{"automountServiceAccountToken":false}"#),
            Example::good("an account that needs it", "")
                .spec(r#"{"automountServiceAccountToken":null,"serviceAccountName":"operator"}"#)
                .params(r#"{"accounts":["operator"]}"#)
                .written(),
            Example::good("a token of its own", "").spec(
                r#"{"automountServiceAccountToken":null,"volumes":[{"name":"token","projected":{"sources":[{"serviceAccountToken":{"audience":"vault","path":"token"}}]}}]}"#,
            ),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `service-account-token`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ServiceAccountToken {
    /// ServiceAccounts, by exact name, whose pods call the API; `default` is the one of a pod that names none.
    accounts: Vec<String>,
}

impl Check for ServiceAccountToken {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let spec = &pod.spec;
        let value = spec.automount_service_account_token;
        // For a pod in a request, the API server has mounted the token already if the pod gets one at all.
        let has_arrived = pod.kind == "Pod" && pod.context.written.is_none();
        let automounts = match (has_arrived, value) {
            (true, _) => spec.volumes.iter().any(is_injected),
            (false, None) => pod.context.written.and_then(|written| written.account_automounts) != Some(false),
            (false, Some(_)) => true,
        };
        if value == Some(false)
            || !automounts
            || self.accounts.iter().any(|name| name == spec.account())
            || spec.volumes.iter().any(|volume| volume.projects_token() && !is_injected(volume))
        {
            return;
        }
        let at = Location::spec().key("automountServiceAccountToken", value.is_some());
        findings.add(Finding::new(at, display_flag(value), "false"));
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        if fix.scope != Scope::Pod {
            return false;
        }
        fix.suggest_only();
        fix.remark("only if the program does not call the Kubernetes API");
        fix.set_found(finding, false.into());
        for (index, volume) in pod.spec.volumes.iter().enumerate().filter(|(_, volume)| is_injected(volume)) {
            let sources =
                Location::spec().key("volumes", true).index(index).key("projected", true).key("sources", true);
            for token in volume.token_sources().rev() {
                fix.remove(&sources.index(token));
            }
        }
        true
    }
}

/// The volume that the API server's ServiceAccount admission adds.
fn is_injected(volume: &Volume<'_>) -> bool {
    volume.name.starts_with("kube-api-access-") && volume.projects_token()
}
