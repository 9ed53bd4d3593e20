//! `imagePullPolicy` of images from private registries.

use super::image_pattern::Pattern;
use super::image_used;
use crate::rule::{
    Check, Example, Finding, Findings, Fix, Judges, PodRule, Rule, Severity, compile, display_value, params,
};
use crate::workload::Pod;
use crate::workload::image::{ImageRef, is_pinned, split};
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-pull-policy",
    title: "Private images are pulled with the credentials of the pod",
    docs: "With `IfNotPresent` or `Never` a node runs the copy of an image that it already has, even if another pod \
pulled it: a pod without credentials can run another team's private image. With `Always` the kubelet asks the registry \
each time. That costs little, since layers that the node has are not fetched again. Not set means `IfNotPresent`, or \
`Always` with the tag `latest`.\n\n\
The rule leaves alone images with a digest and images of the registries in `public`; all others count as private. It \
also judges images that are mounted as volumes. The repair sets `Always`.\n\n\
From Kubernetes 1.35 on, the kubelet itself checks the credentials of a pod for an image that another pod pulled with credentials \
(`imagePullCredentialsVerificationPolicy`, feature gate `KubeletEnsureSecretPulledImages`). By default it leaves out images that \
were on the node before the kubelet pulled anything. A cluster whose kubelets all do this needs the rule for older copies alone.",
    why: "a copy in the node's cache runs without a check whether this pod may have it; the kubelet checks that itself only from Kubernetes 1.35 on",
    owasp: &[31],
    severity: Severity::Low,
    params: params::<ImagePullPolicy>,
    judges: Judges::Pod(PodRule {
        fixes: true,
        compile: compile::<ImagePullPolicy>,
        examples: &[
            Example::bad(
                "not set",
                r#"{"image":"registry.example.com/web:1","imagePullPolicy":null}"#,
                &["imagePullPolicy"],
            ),
            Example::bad(
                "IfNotPresent",
                r#"{"image":"registry.example.com/web:1","imagePullPolicy":"IfNotPresent"}"#,
                &["imagePullPolicy"],
            ),
            Example::bad(
                "Never, and latest",
                r#"{"image":"registry.example.com/web:latest","imagePullPolicy":"Never"}"#,
                &["imagePullPolicy"],
            ),
            Example::bad(
                "a malformed digest",
                r#"{"image":"registry.example.com/web:1@sha256:zz","imagePullPolicy":"IfNotPresent"}"#,
                &["imagePullPolicy"],
            ),
            Example::bad(
                "a part of a public name",
                r#"{"image":"quay.io.evil.org/web:1","imagePullPolicy":null}"#,
                &["imagePullPolicy"],
            ),
            Example::bad(
                "nothing is public",
                r#"{"image":"nginx:1","imagePullPolicy":"IfNotPresent"}"#,
                &["imagePullPolicy"],
            )
            .params(r#"{"public":[]}"#),
            Example::bad("a private image in a volume", "", &["spec.volumes[0].image.pullPolicy"]).spec(
                r#"{"volumes":[{"name":"a","image":{"reference":"registry.example.com/data:1","pullPolicy":"IfNotPresent"}},{"name":"b","image":{"reference":"registry.example.com/data:1","pullPolicy":"Always"}}]}"#,
            ),
            Example::good("Always", r#"{"image":"registry.example.com/web:1","imagePullPolicy":"Always"}"#),
            Example::good("not set, and latest", r#"{"image":"registry.example.com/web","imagePullPolicy":null}"#),
            Example::good(
                "a digest",
                r#"{"image":"registry.example.com/web@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","imagePullPolicy":"IfNotPresent"}"#,
            ),
            Example::good("a public registry", r#"{"image":"nginx:1","imagePullPolicy":"IfNotPresent"}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

/// Parameters of `image-pull-policy`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImagePullPolicy {
    /// Registries and paths in them whose images everybody may pull; the large public registries when left out.
    public: Vec<Pattern>,
}

impl Default for ImagePullPolicy {
    fn default() -> Self {
        let hosts =
            ["docker.io", "gcr.io", "ghcr.io", "mcr.microsoft.com", "public.ecr.aws", "quay.io", "registry.k8s.io"];
        Self { public: hosts.into_iter().filter_map(|host| Pattern::try_from(host.to_owned()).ok()).collect() }
    }
}

impl Check for ImagePullPolicy {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        image_used::of_each(pod, findings, |used, findings| {
            let text = used.image.unwrap_or_default();
            let policy = used.pull_policy;
            if policy == Some("Always") || is_pinned(text) {
                return;
            }
            let is_latest = matches!(split(text), (_, None | Some("latest"), None));
            if policy.is_none() && is_latest {
                return;
            }
            let image = ImageRef::parse(text);
            if self.public.iter().any(|pattern| pattern.covers(&image)) {
                return;
            }
            findings.add(Finding::new(
                used.pull_policy_at(),
                display_value(policy),
                "Always, or an image with a digest",
            ));
        });
    }

    fn fix(&self, _pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.set_found(finding, "Always".into());
        true
    }
}
