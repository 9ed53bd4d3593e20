//! Connections to containers that run as root: a shell there is a root shell.

use super::unknown_pod::{OnUnknown, unknown};
use crate::facts::FactKinds;
use crate::image::known::{ImageTraits, ImageUser};
use crate::rule::{
    Check, ExecExample, ExecRule, Finding, Findings, Judges, Location, PodRule, Rule, Severity, compile, params,
};
use crate::text::clean;
use crate::workload::{ContainerRef, Pod, PodFeatures};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "exec-root",
    title: "No connection enters a container as root",
    docs: "`kubectl exec` and `kubectl attach` run as the container's user: `runAsUser` of the container or, if that is not set, of \
the pod. The rule is violated if that user is 0, and if the user is unknown, because neither `runAsUser` nor `runAsNonRoot: true` is set \
and the image decides. `kubectl port-forward` and the API server's proxy (`pods/proxy`) name no container and reach all of them: the rule \
judges each.\n\n\
Where podreeve knows the image that the container runs, the `USER` of that image decides. The image is known by its digest: the one in the \
pod, or the one that the node reports of the running container. A tag may lead to another image today.\n\n\
Connections need `serve --cluster`, and `CONNECT` on `pods/exec`, `pods/attach`, `pods/portforward` and `pods/proxy` in the webhook \
configuration. podreeve looks up a pod that it does not know yet, once. If the API server does not answer in time, or answers with \
something that is no pod, `onUnknown` decides: `warn` (the default) admits the connection with a warning, `deny` does what the action \
says. Without `--cluster` no pod can be looked up, and every connection is admitted with a warning.",
    why: "root can change the running container unseen, and needs one fault less to get out of it",
    owasp: &[67],
    severity: Severity::Medium,
    params: params::<ExecRoot>,
    judges: Judges::Exec(ExecRule {
        pod: PodRule {
            instead: "use `kubectl debug` with a user of its own",
            linux_only: true,
            judges_image: true,
            compile: compile::<ExecRoot>,
            ..PodRule::DEFAULT
        },
        entered: &[
            ExecExample::bad("user 0", r#"{"securityContext":{"runAsUser":0}}"#, &["securityContext.runAsUser"])
                .spec(r#"{"securityContext":{"runAsUser":1000}}"#),
            ExecExample::bad(
                "user 0 of the pod",
                r#"{"securityContext":{"runAsUser":null}}"#,
                &["spec.securityContext.runAsUser"],
            )
            .spec(r#"{"securityContext":{"runAsUser":0}}"#),
            ExecExample::bad(
                "the image decides",
                r#"{"securityContext":{"runAsUser":null,"runAsNonRoot":null}}"#,
                &["securityContext.runAsUser"],
            )
            .spec(r#"{"securityContext":{"runAsUser":null,"runAsNonRoot":null}}"#),
            ExecExample::good("another user", r#"{"securityContext":{"runAsUser":1000}}"#)
                .spec(r#"{"securityContext":{"runAsUser":0}}"#),
            ExecExample::good(
                "the image's user, and not root",
                r#"{"securityContext":{"runAsUser":null,"runAsNonRoot":null}}"#,
            )
            .spec(r#"{"securityContext":{"runAsUser":null,"runAsNonRoot":true}}"#),
            ExecExample::good(
                "Windows has no such user",
                r#"{"securityContext":{"runAsUser":null,"runAsNonRoot":null}}"#,
            )
            .spec(r#"{"os":{"name":"windows"},"securityContext":{"runAsUser":null,"runAsNonRoot":null}}"#),
        ],
    }),
};

/// Parameters of `exec-root`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ExecRoot {
    /// What becomes of a connection to a pod that the API server does not show in time: `deny` or `warn`.
    on_unknown: OnUnknown,
}

impl Default for ExecRoot {
    fn default() -> Self {
        Self { on_unknown: OnUnknown::Warn }
    }
}

impl Check for ExecRoot {
    fn requires(&self) -> PodFeatures {
        PodFeatures::CONNECT
    }

    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        let Some(connect) = &pod.context.connect else { return };
        let why = "root can change the running container unseen, and it is unknown whether this user is root";
        if let Some(finding) = unknown(connect, why) {
            return findings.add(finding);
        }
        for container in pod.all_containers().filter(|container| connect.reaches(container.name)) {
            findings.extend(root(pod, container));
        }
    }

    fn facts(&self) -> FactKinds {
        FactKinds::PODS
    }

    fn denies_unknown(&self) -> bool {
        self.on_unknown == OnUnknown::Deny
    }
}

fn root<'p>(pod: &'p Pod<'p>, container: ContainerRef<'p>) -> Option<Finding<'p>> {
    let (own, pods) = (container.container.security_context.as_ref(), pod.spec.security_context.as_ref());
    let own_user = own.and_then(|own| own.run_as_user);
    let pods_user = pods.and_then(|pods| pods.run_as_user);
    let wanted = "a user other than 0";
    match (own_user, pods_user) {
        (Some(0), _) => {
            Some(Finding::new(Location::security_context(container, "runAsUser", true), "0 (root)", wanted))
        }
        (None, Some(0)) => {
            let at = Location::spec().key("securityContext", true).key("runAsUser", true);
            Some(Finding::new(at, "0 (root)", wanted).inherited_by(container))
        }
        (None, None) if pod.image_decides_user(container) => {
            let at = Location::security_context(container, "runAsUser", false);
            Some(Finding::new(at, of_image(pod.traits_of(container))?, wanted))
        }
        _ => None,
    }
}

/// What is found where the image decides; none if its user is known and is not root. A program that changes the user as it starts
/// does not count: a shell that enters runs as the user from before.
fn of_image(image: Option<&ImageTraits>) -> Option<String> {
    let named = |name: &str, what: &str| Some(format!("the image's user {}, which {what} root", clean(name, 64)));
    match image.map(|traits| &traits.user) {
        Some(ImageUser::Number(_) | ImageUser::Numbers | ImageUser::Named(_, Some(1..))) => None,
        Some(ImageUser::Named(name, None)) => named(name, "may be"),
        Some(ImageUser::Named(name, Some(0))) => named(name, "is"),
        Some(ImageUser::Root { written, .. }) if written.is_empty() => {
            Some("root, because the image names no user".to_owned())
        }
        Some(ImageUser::Root { written, .. }) if written.split(':').next() == Some("root") => {
            Some("the image's user root".to_owned())
        }
        Some(ImageUser::Root { written, .. }) => named(written, "is"),
        Some(ImageUser::Unknown) | None => Some("the image's user, which may be root".to_owned()),
    }
}
