//! `securityContext.seccompProfile` of the pod and of any container.

use crate::rule::pss::{Level, Standard, Version};
use crate::rule::{
    Cause, Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Scope, Severity, compile,
    display_value, params,
};
use crate::workload::Pod;
use crate::workload::pod::SeccompProfile as Profile;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

pub static RULE: Rule = Rule {
    id: "seccomp-profile",
    title: "Containers run under the runtime's seccomp profile or one of their own",
    docs: "Each container needs a `seccompProfile` of type `RuntimeDefault`, or `Localhost` with the path of a \
profile, set on the container or on the pod. Not set means `Unconfined` on most nodes: every system call of the kernel \
is open.\n\n\
The repair sets `RuntimeDefault` on the pod for containers without a profile (on the container itself for a debug \
container of a running pod). An explicit `Unconfined` is the author's choice, so the rule denies it and does not change it.\n\n\
`pss` and `version` make the rule judge as that Pod Security Standard does: `baseline` refuses only an explicit \
`Unconfined`, and versions before v1.19 judge annotations.",
    why: "without seccomp an attacker who takes over a program can try every system call of the node's kernel",
    owasp: &[50],
    severity: Severity::Medium,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        instead: "set the profile RuntimeDefault",
        pss: Some(Pss::Both),
        fixes: true,
        implied_by: &[Cause::container("privileged")],
        compile: compile::<SeccompProfile>,
        examples: &[
            Example::bad(
                "not set anywhere",
                r#"{"securityContext":{"seccompProfile":null}}"#,
                &["securityContext.seccompProfile"],
            )
            .spec(r#"{"securityContext":{"seccompProfile":null}}"#),
            Example::bad("no securityContext anywhere", r#"{"securityContext":null}"#, &["securityContext.seccompProfile"])
                .spec(r#"{"securityContext":null}"#),
            Example::bad(
                "Unconfined on the container overrides the pod",
                r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}"#,
                &["securityContext.seccompProfile.type"],
            )
            .no_repair(),
            Example::bad(
                "Unconfined on the pod and nothing on the container",
                r#"{"securityContext":{"seccompProfile":null}}"#,
                &["spec.securityContext.seccompProfile.type"],
            )
            .spec(r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}"#)
            .no_repair(),
            Example::bad(
                "Unconfined on the pod, overridden by all",
                "",
                &["spec.securityContext.seccompProfile.type"],
            )
            .spec(r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}"#)
            .no_repair(),
            Example::bad(
                "a profile without a type",
                r#"{"securityContext":{"seccompProfile":{"type":null}}}"#,
                &["securityContext.seccompProfile.type"],
            )
            .no_repair(),
            Example::bad(
                "a type in another spelling",
                r#"{"securityContext":{"seccompProfile":{"type":"runtime/default"}}}"#,
                &["securityContext.seccompProfile.type"],
            )
            .no_repair(),
            Example::bad(
                "Localhost with an empty profile",
                r#"{"securityContext":{"seccompProfile":{"type":"Localhost","localhostProfile":""}}}"#,
                &["securityContext.seccompProfile.localhostProfile"],
            )
            .no_repair(),
            Example::bad(
                "Localhost without a profile",
                r#"{"securityContext":{"seccompProfile":{"type":"Localhost"}}}"#,
                &["securityContext.seccompProfile.localhostProfile"],
            )
            .no_repair(),
            Example::bad(
                "baseline refuses Unconfined",
                r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}"#,
                &["securityContext.seccompProfile.type"],
            )
            .params(r#"{"pss":"baseline"}"#)
            .no_repair(),
            Example::bad(
                "restricted requires a profile",
                r#"{"securityContext":{"seccompProfile":null}}"#,
                &["securityContext.seccompProfile"],
            )
            .spec(r#"{"securityContext":{"seccompProfile":null}}"#)
            .params(r#"{"pss":"restricted","version":"v1.19"}"#),
            Example::bad(
                "restricted judged Windows before v1.25",
                r#"{"securityContext":{"seccompProfile":null}}"#,
                &["securityContext.seccompProfile"],
            )
            .spec(r#"{"securityContext":{"seccompProfile":null},"os":{"name":"windows"}}"#)
            .params(r#"{"pss":"restricted","version":"v1.24"}"#)
            .no_repair(),
            Example::bad(
                "annotations before v1.19",
                "",
                &[
                    r#"metadata.annotations["seccomp.security.alpha.kubernetes.io/pod"]"#,
                    r#"metadata.annotations["container.seccomp.security.alpha.kubernetes.io/app"]"#,
                ],
            )
            .annotations(
                r#"{"seccomp.security.alpha.kubernetes.io/pod":"unconfined","container.seccomp.security.alpha.kubernetes.io/app":"","container.seccomp.security.alpha.kubernetes.io/other":"unconfined"}"#,
            )
            .params(r#"{"pss":"restricted","version":"v1.18"}"#)
            .no_repair(),
            Example::good("the container inherits RuntimeDefault", r#"{"securityContext":{"seccompProfile":null}}"#),
            Example::good(
                "a profile of its own",
                r#"{"securityContext":{"seccompProfile":{"type":"Localhost","localhostProfile":"profiles/web.json"}}}"#,
            ),
            Example::good(
                "RuntimeDefault on the container and nothing on the pod",
                r#"{"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}"#,
            )
            .spec(r#"{"securityContext":{"seccompProfile":null}}"#),
            Example::good("Windows has no such field", r#"{"securityContext":{"seccompProfile":null}}"#)
                .spec(r#"{"securityContext":{"seccompProfile":null},"os":{"name":"windows"}}"#),
            Example::good("baseline does not require a profile", r#"{"securityContext":{"seccompProfile":null}}"#)
                .spec(r#"{"securityContext":{"seccompProfile":null}}"#)
                .params(r#"{"pss":"baseline"}"#),
            Example::good(
                "the standards accept any Localhost profile",
                r#"{"securityContext":{"seccompProfile":{"type":"Localhost","localhostProfile":""}}}"#,
            )
            .params(r#"{"pss":"restricted"}"#),
            Example::good(
                "before v1.19 fields do not count",
                r#"{"securityContext":{"seccompProfile":{"type":"Unconfined"}}}"#,
            )
            .annotations(r#"{"seccomp.security.alpha.kubernetes.io/pod":"localhost/a","other":"unconfined"}"#)
            .params(r#"{"pss":"baseline","version":"v1.18"}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `seccomp-profile`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// Judge as this level of the Pod Security Standards does.
    pss: Option<Level>,
    /// The version of that standard; the latest when left out.
    version: Option<Version>,
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct SeccompProfile {
    pss: Option<Standard>,
}

impl TryFrom<Params> for SeccompProfile {
    type Error = String;
    fn try_from(Params { pss, version }: Params) -> Result<Self, String> {
        Ok(Self { pss: Standard::new(pss, version)? })
    }
}

impl Check for SeccompProfile {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        if self.pss.is_some_and(|standard| !standard.since(19)) {
            return annotations(pod, findings);
        }
        let spares_windows = self.pss.is_none_or(|standard| standard.restricted_since(25));
        if pod.is_windows() && spares_windows {
            return;
        }
        let of_linux = |finding: Finding<'p>| if spares_windows { finding.of_linux(pod) } else { finding };
        let required = self.pss.is_none_or(|standard| standard.level == Level::Restricted);
        let pods = pod.spec.security_context.as_ref().and_then(|s| s.seccomp_profile.as_ref());
        let on_pod = Location::spec().key("securityContext", true).key("seccompProfile", true);
        let bad_pod = pods.and_then(|profile| self.fault(on_pod, profile));
        let mut inherited = false;
        findings.of_each(pod.all_containers(), |container, findings| {
            let own = container.container.security_context.as_ref().and_then(|s| s.seccomp_profile.as_ref());
            let at = Location::security_context(container, "seccompProfile", own.is_some());
            match (own, &bad_pod) {
                (Some(profile), _) => {
                    if let Some(finding) = self.fault(at, profile) {
                        findings.add(of_linux(finding));
                    }
                }
                (None, Some(finding)) => {
                    inherited = true;
                    findings.add(of_linux(finding.clone().inherited_by(container)));
                }
                (None, None) if pods.is_none() && required => {
                    findings.add(of_linux(Finding::new(at, display_value(None), "RuntimeDefault, here or on the pod")));
                }
                (None, None) => {}
            }
        });
        if let Some(finding) = bad_pod.filter(|_| !inherited) {
            findings.add(of_linux(finding));
        }
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        // The repair is for an absent profile. One that is set has its fault in a field of the profile.
        let Some(container) = finding.container().filter(|_| finding.at.last_key() == Some("seccompProfile")) else {
            return false;
        };
        if pod.is_windows() || pod.chooses_windows() {
            return false;
        }
        let at = match fix.scope {
            Scope::Pod => Location::spec()
                .key("securityContext", pod.spec.security_context.is_some())
                .key("seccompProfile", false),
            Scope::Containers => Location::security_context(container, "seccompProfile", false),
        };
        fix.set_with(&at, || json!({"type": "RuntimeDefault"}));
        true
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        if finding.at.has_key("annotations") {
            fix.set_found(finding, "runtime/default".into());
            return true;
        }
        if pod.is_windows() || pod.chooses_windows() {
            return false;
        }
        let at = match finding.at.container_ref() {
            Some(container) => Location::security_context(container, "seccompProfile", true),
            None if fix.scope == Scope::Pod => {
                Location::spec().key("securityContext", true).key("seccompProfile", true)
            }
            // A debug container cannot change the pod, and its own profile counts.
            None => match finding.container() {
                Some(container) => Location::security_context(container, "seccompProfile", false),
                None => return false,
            },
        };
        fix.set_with(&at, || json!({"type": "RuntimeDefault"}));
        true
    }
}

impl SeccompProfile {
    /// What is wrong with a profile that is set.
    fn fault<'p>(&self, at: Location<'p>, profile: &'p Profile<'p>) -> Option<Finding<'p>> {
        let path = profile.localhost_profile.as_deref();
        match profile.kind.as_deref() {
            Some("RuntimeDefault") => None,
            Some("Localhost") if self.pss.is_some() || path.is_some_and(|path| !path.trim().is_empty()) => None,
            Some("Localhost") => Some(
                Finding::new(at.key("localhostProfile", path.is_some()), display_value(path), "the path of a profile")
                    .why("the kubelet cannot start it, and before CVE-2023-2431 was fixed it ran unconfined"),
            ),
            kind => {
                Some(Finding::new(at.key("type", kind.is_some()), display_value(kind), "RuntimeDefault or Localhost"))
            }
        }
    }
}

/// The check of upstream before v1.19, which judges annotations.
fn annotations<'p>(pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
    let mut judge = |key: &str| {
        let Some((key, value)) = pod.metadata.annotations.get(key) else { return };
        if !(matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/")) {
            let at = Location::pod().key("metadata", true).key("annotations", true).key(key, true);
            findings.add(Finding::new(at, display_value(Some(value)), "runtime/default"));
        }
    };
    judge("seccomp.security.alpha.kubernetes.io/pod");
    for container in pod.all_containers() {
        judge(&format!("container.seccomp.security.alpha.kubernetes.io/{}", container.name));
    }
}
