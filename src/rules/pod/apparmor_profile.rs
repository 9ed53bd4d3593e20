//! `appArmorProfile` of the pod and of any container, and the annotations that came before the field.

use crate::facts::FactKinds;
use crate::rule::pss::{Level, Standard, Version};
use crate::rule::{
    AtMost, Cause, Check, Example, Finding, Findings, Fix, Judges, Location, PodRule, Pss, Rule, Severity, compile,
    display_value, params,
};
use crate::workload::pod::AppArmorProfile;
use crate::workload::{ContainerRef, OnNodes, Pod, PodFeatures};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;

/// The annotation that named a container's profile before v1.30, without the container's name.
const ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

pub static RULE: Rule = Rule {
    id: "apparmor-profile",
    title: "AppArmor confines containers",
    docs: "The AppArmor profile of the pod and of every container must be `RuntimeDefault`, `Localhost` or not set, \
which means the runtime's default on nodes that have AppArmor. `Unconfined` removes the confinement. The annotations \
`container.apparmor.security.beta.kubernetes.io/<container>`, which nodes before v1.30 read, may say `runtime/default` \
or `localhost/<profile>`.\n\n\
With `required: true` every container must have a profile: its own, the pod's, or one by annotation. A pod for Windows \
needs none. With `pss`, the rule judges as upstream does.\n\n\
A node without AppArmor refuses a pod that names a profile. Which nodes have AppArmor is known where the agents of `nodes.enabled` report it. If \
no node that the pod may run on has AppArmor, the rule warns of a profile, and says of a violation that the profile has no effect there. Where \
nothing is known of a node, the rule says nothing of nodes.",
    why: "without AppArmor nothing but capabilities and seccomp keeps root in the container off the node's files and mounts",
    owasp: &[56],
    severity: Severity::Medium,
    params: params::<Params>,
    judges: Judges::Pod(PodRule {
        instead: "set the profile RuntimeDefault",
        pss: Some(Pss::Baseline),
        implied_by: &[Cause::container("privileged")],
        compile: compile::<ApparmorProfile>,
        examples: &[
            Example::bad(
                "Unconfined",
                r#"{"securityContext":{"appArmorProfile":{"type":"Unconfined"}}}"#,
                &["securityContext.appArmorProfile.type"],
            ),
            Example::bad("on the pod", "", &["spec.securityContext.appArmorProfile.type"])
                .spec(r#"{"securityContext":{"appArmorProfile":{"type":"Unconfined"}}}"#),
            Example::bad(
                "on the pod, and confined on a container",
                r#"{"securityContext":{"appArmorProfile":{"type":"RuntimeDefault"}}}"#,
                &["spec.securityContext.appArmorProfile.type"],
            )
            .spec(r#"{"securityContext":{"appArmorProfile":{"type":"Unconfined"}}}"#),
            Example::bad(
                "on a container, and confined on the pod",
                r#"{"securityContext":{"appArmorProfile":{"type":"Unconfined"}}}"#,
                &["securityContext.appArmorProfile.type"],
            )
            .spec(r#"{"securityContext":{"appArmorProfile":{"type":"RuntimeDefault"}}}"#),
            Example::bad(
                "no type",
                r#"{"securityContext":{"appArmorProfile":{"type":null,"localhostProfile":"x"}}}"#,
                &["securityContext.appArmorProfile.type"],
            ),
            Example::bad("a type in small letters", "", &["spec.securityContext.appArmorProfile.type"])
                .spec(r#"{"securityContext":{"appArmorProfile":{"type":"unconfined"}}}"#),
            Example::bad(
                "by annotation",
                r#"{"securityContext":{"appArmorProfile":null}}"#,
                &["metadata.annotations[\"container.apparmor.security.beta.kubernetes.io/app\"]"],
            )
            .annotations(r#"{"container.apparmor.security.beta.kubernetes.io/app":"unconfined","example.com/app":"x"}"#),
            Example::bad(
                "annotations of containers that are not there",
                "",
                &[
                    "metadata.annotations[\"container.apparmor.security.beta.kubernetes.io/b\"]",
                    "metadata.annotations[\"container.apparmor.security.beta.kubernetes.io/c\"]",
                ],
            )
            .annotations(
                r#"{"container.apparmor.security.beta.kubernetes.io/a":"runtime/default","container.apparmor.security.beta.kubernetes.io/b":"unconfined","container.apparmor.security.beta.kubernetes.io/c":"Localhost/x"}"#,
            ),
            Example::bad(
                "required and not set",
                r#"{"securityContext":{"appArmorProfile":null}}"#,
                &["securityContext.appArmorProfile"],
            )
            .params(r#"{"required":true}"#),
            Example::good("required, and set on the pod", r#"{"securityContext":null}"#)
                .spec(r#"{"securityContext":{"appArmorProfile":{"type":"RuntimeDefault"}}}"#)
                .params(r#"{"required":true}"#),
            Example::good("required, on Windows", r#"{"securityContext":{"appArmorProfile":null}}"#)
                .spec(r#"{"os":{"name":"windows"}}"#)
                .params(r#"{"required":true}"#),
            Example::good(
                "a profile of the node",
                r#"{"securityContext":{"appArmorProfile":{"type":"Localhost","localhostProfile":"k8s-nginx"}}}"#,
            ),
            Example::good("a profile of the node by annotation", r#"{"securityContext":{"appArmorProfile":null}}"#)
                .annotations(r#"{"container.apparmor.security.beta.kubernetes.io/app":"localhost/k8s-nginx"}"#)
                .params(r#"{"pss":"baseline","version":"v1.20"}"#),
            Example::good("an empty annotation", r#"{"securityContext":{"appArmorProfile":null}}"#)
                .annotations(r#"{"container.apparmor.security.beta.kubernetes.io/app":""}"#),
            Example::good("not set", r#"{"securityContext":{"appArmorProfile":null}}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `apparmor-profile`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct Params {
    /// Every container of a Linux pod must have a profile. Default: false, for nodes without AppArmor.
    required: bool,
    /// Judge as this Pod Security Standard does, which requires no profile.
    pss: Option<Level>,
    /// The version of that standard. All versions say the same of AppArmor.
    version: Option<Version>,
}

/// The compiled form of [`Params`].
#[derive(Debug, Deserialize)]
#[serde(try_from = "Params")]
struct ApparmorProfile {
    required: bool,
}

impl TryFrom<Params> for ApparmorProfile {
    type Error = String;
    fn try_from(Params { required, pss, version }: Params) -> Result<Self, String> {
        if Standard::new(pss, version)?.is_some() && required {
            return Err("`pss` requires no profile, so it cannot be combined with `required`".to_owned());
        }
        Ok(Self { required })
    }
}

impl Check for ApparmorProfile {
    fn requires(&self) -> PodFeatures {
        if self.required { PodFeatures::SPEC } else { PodFeatures::APP_ARMOR | PodFeatures::ANNOTATIONS }
    }

    fn facts(&self) -> FactKinds {
        FactKinds::SECURITY_MODULES
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let on_pod = pod.spec.security_context.as_ref().and_then(|context| context.app_armor_profile.as_ref());
        findings.extend(fault(pod, Location::spec(), on_pod));
        for (key, value) in pod.metadata.annotations.under(ANNOTATION) {
            if !(value.is_empty() || value == "runtime/default" || value.starts_with("localhost/")) {
                let at = Location::pod().key("metadata", true).key("annotations", true).key(key, true);
                let container = key.strip_prefix(ANNOTATION).unwrap_or_default();
                let found = format!("{} (container {container})", display_value(Some(value)));
                findings.add(Finding::new(at, found, "runtime/default or localhost/<profile>"));
            }
        }
        let required = self.required && on_pod.is_none() && !pod.is_windows();
        for container in pod.all_containers() {
            let own = container.container.security_context.as_ref().and_then(|s| s.app_armor_profile.as_ref());
            findings.extend(fault(pod, Location::container(container), own));
            if required && own.is_none() && !is_annotated(pod, container) {
                let at = Location::security_context(container, "appArmorProfile", false);
                let mut finding =
                    Finding::new(at, display_value(None), "RuntimeDefault or Localhost, here or on the pod");
                if is_nowhere(pod) {
                    finding = finding.why(NO_NODE_REQUIRED);
                }
                findings.add(finding.of_linux(pod));
            }
        }
    }

    fn suggest(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        if finding.at.has_key("annotations") {
            fix.set_found(finding, "runtime/default".into());
            return true;
        }
        let at = match finding.at.container_ref() {
            Some(container) => Location::security_context(container, "appArmorProfile", true),
            None => Location::spec().key("securityContext", true).key("appArmorProfile", true),
        };
        if is_nowhere(pod) {
            if !self.required {
                // A denial gives no reason for the edit of a medium violation, but remarks.
                fix.remark(NO_NODE);
                fix.remove(&at);
            }
            return !self.required;
        }
        if pod.context.app_armor != OnNodes::All {
            fix.remark("nodes without AppArmor refuse a pod that names a profile: there, leave it out");
        }
        fix.set_with(&at, || json!({"type": "RuntimeDefault"}));
        true
    }
}

const NO_NODE: &str = "no node that the pod may run on has AppArmor, so the profile has no effect: leave it out";
const NO_NODE_REFUSES: &str =
    "no node that the pod may run on has AppArmor, and such a node refuses a pod that names a profile";
const NO_NODE_REQUIRED: &str = "no node that the pod may run on has AppArmor, so a pod with a profile does not start there: the operators of the \
policy have to leave `required` out";

/// Whether no node that the pod can run on has AppArmor.
fn is_nowhere(pod: &Pod<'_>) -> bool {
    pod.context.app_armor == OnNodes::None && !pod.is_windows()
}

/// What is wrong with the profile of the pod or of a container.
fn fault<'p>(pod: &Pod<'_>, at: Location<'p>, profile: Option<&'p AppArmorProfile<'p>>) -> Option<Finding<'p>> {
    let kind = profile?.kind.as_deref();
    let confines = matches!(kind, Some("RuntimeDefault" | "Localhost"));
    let is_nowhere = is_nowhere(pod);
    if confines && !is_nowhere {
        return None;
    }
    let at = at.key("securityContext", true).key("appArmorProfile", true).key("type", kind.is_some());
    let fault = |wanted: &'static str| Finding::new(at, display_value(kind), wanted);
    Some(match (confines, is_nowhere) {
        // The pod is no danger, but it does not start.
        (true, _) => {
            let refused = fault("no profile, or nodes that have AppArmor").why(NO_NODE_REFUSES);
            refused.severity(Severity::Low).at_most(AtMost::Warn)
        }
        (false, true) => fault("RuntimeDefault, Localhost, or no profile").why(NO_NODE),
        (false, false) => fault("RuntimeDefault, Localhost, or no profile"),
    })
}

fn is_annotated(pod: &Pod<'_>, container: ContainerRef<'_>) -> bool {
    let key = format!("{ANNOTATION}{}", container.name);
    pod.metadata.annotations.get(&key).is_some_and(|(_, value)| !value.is_empty())
}
