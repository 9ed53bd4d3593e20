//! `automountServiceAccountToken` of the pod.

use super::finding::shown;
use super::{Check, ContainerKind, Example, Finding, Findings, Fix, Location, Rule, Scope, Severity, compile, params};
use crate::workload::Pod;
use crate::workload::volume::Volume;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "service-account-token",
    title: "Pods that do not call the Kubernetes API have no token for it",
    docs: "Kubernetes mounts a token of the pod's ServiceAccount into every container unless the pod says \
`automountServiceAccountToken: false`. Few programs call the API, so the pod must say it. Left alone are pods with a \
projected `serviceAccountToken` volume of their own, which names audience and lifetime and is the better way for a program that \
does call an API, and pods of the ServiceAccounts in `accounts`. What the ServiceAccount itself says is not seen here.\n\n\
The repair sets `false`, and takes the token out of the volume `kube-api-access-...` that the API server has put into the \
pod before webhooks see it; the cluster's certificate stays there.",
    why: "a token that nobody needs lets whoever takes over the program speak to the Kubernetes API as the pod",
    owasp: &[32],
    pss: None,
    severity: Severity::Medium,
    linux_only: false,
    lists: &ContainerKind::ALL,
    fixes: true,
    implied_by: &[],
    compile: compile::<ServiceAccountToken>,
    params: params::<ServiceAccountToken>,
    examples: &[
        Example::bad("not set", "", &["spec.automountServiceAccountToken"])
            .spec(r#"{"automountServiceAccountToken":null}"#),
        Example::bad("true", "", &["spec.automountServiceAccountToken"]).spec(r#"{"automountServiceAccountToken":true}"#),
        Example::bad("as the API server fills it in", "", &["spec.automountServiceAccountToken"]).spec(
            r#"{"automountServiceAccountToken":null,"serviceAccountName":"default","volumes":[{"name":"cache","emptyDir":{"sizeLimit":"1Mi"}},{"name":"kube-api-access-x7k2p","projected":{"sources":[{"serviceAccountToken":{"expirationSeconds":3607,"path":"token"}},{"configMap":{"name":"kube-root-ca.crt","items":[{"key":"ca.crt","path":"ca.crt"}]}}]}}]}"#,
        ),
        Example::bad("another account than the one that needs it", "", &["spec.automountServiceAccountToken"])
            .spec(r#"{"automountServiceAccountToken":null}"#)
            .params(r#"{"accounts":["operator"]}"#),
        Example::good("false", "").spec(r#"{"automountServiceAccountToken":false}"#),
        Example::good("an account that needs it", "")
            .spec(r#"{"automountServiceAccountToken":null,"serviceAccountName":"operator"}"#)
            .params(r#"{"accounts":["operator"]}"#),
        Example::good("a token of its own", "").spec(
            r#"{"automountServiceAccountToken":null,"volumes":[{"name":"token","projected":{"sources":[{"serviceAccountToken":{"audience":"vault","path":"token"}}]}}]}"#,
        ),
    ],
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
        let account = spec.service_account_name.as_deref().filter(|name| !name.is_empty()).unwrap_or("default");
        let value = spec.automount_service_account_token;
        if value == Some(false)
            || self.accounts.iter().any(|name| name == account)
            || spec.volumes.iter().any(|volume| volume.projects_token() && !is_injected(volume))
        {
            return;
        }
        let at = Location::spec().key("automountServiceAccountToken", value.is_some());
        findings.add(Finding::new(at, shown(value), "false"));
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        if fix.scope != Scope::Pod {
            return false;
        }
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
