//! Whether images are pinned by digest.

use super::image_used;
use crate::facts::images::pinned;
use crate::image::known::{ImageAnswer, UnknownEffect};
use crate::reference::is_pinned;
use crate::rule::{
    AtMost, Check, Example, Finding, Findings, Fix, Judges, NoParams, PodRule, Rule, Scope, Severity, display_value,
    params, without_params,
};
use crate::workload::{Pod, PodImage};

pub static RULE: Rule = Rule {
    id: "image-digest",
    title: "Images are pinned by digest",
    docs: "A tag can be moved to other content at any time; a digest (`@sha256:` and 64 hexadecimal digits) names the \
content itself, so every node runs what was tested and signed, even after a restart.\n\n\
The rule also judges images that are mounted as volumes.\n\n\
Where image facts are switched on, the repair writes the digest to which the tag leads, and keeps the name and the tag. That digest \
is the one that the other rules have judged. Only pods are repaired, never templates, so that no controller sees a difference. \
An image whose registry does not answer follows `onUnavailable`, and one that it does not have follows `onUnknown`.\n\n\
Let the pipeline write the digest (`crane digest`, kustomize `images`, Renovate). The tag may stay in front of it for \
people to read.",
    why: "a tag can be moved to other content after it was tested and signed",
    owasp: &[20],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        instead: "let the pipeline write the digest (`crane digest IMAGE`)",
        fixes: true,
        compile: without_params::<ImageDigest>,
        examples: &[
            // An example has no facts of its image, so no digest is known.
            Example::bad("a tag", r#"{"image":"registry.example.com/shop/web:1.4.2"}"#, &["image"]).no_repair(),
            Example::bad("no tag", r#"{"image":"nginx"}"#, &["image"]).no_repair(),
            Example::bad("a malformed digest", r#"{"image":"nginx@sha256:zz"}"#, &["image"]).no_repair(),
            Example::bad(
                "an unknown algorithm",
                r#"{"image":"nginx@md5:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#,
                &["image"],
            )
            .no_repair(),
            Example::bad("a tag of a volume", "", &["spec.volumes[1].image.reference"]).spec(
                r#"{"volumes":[{"name":"a","image":{"reference":"nginx@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}},{"name":"b","image":{"reference":"nginx:1"}}]}"#,
            )
            .no_repair(),
            Example::good(
                "a digest",
                r#"{"image":"nginx@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#,
            ),
            Example::good(
                "a tag and a digest",
                r#"{"image":"localhost:5000/web:1@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#,
            ),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct ImageDigest;

impl Check for ImageDigest {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        image_used::of_each(pod, findings, |used, findings| {
            let image = used.image;
            if !image.is_some_and(is_pinned) {
                let finding = Finding::new(used.image_at(), display_value(image), "a digest, as in name@sha256:...");
                findings.add(finding.at_most(unknown(pod, used.known)));
            }
        });
    }

    fn repairs_by_images(&self) -> bool {
        true
    }

    fn writes_digests(&self) -> bool {
        true
    }

    fn repairs_pods_only(&self) -> bool {
        true
    }

    fn fix(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        let found = match (finding.container(), finding.at.list_index()) {
            (Some(container), _) => Some((container.container.image.as_deref(), pod.image_of(container))),
            // The volumes of a pod that exists cannot be changed.
            (None, _) if fix.scope == Scope::Containers => None,
            (None, index) => index.and_then(|index| {
                let image = pod.spec.volumes.get(index)?.image.as_ref()?;
                Some((image.reference.as_deref(), pod.image_of_volume(index)))
            }),
        };
        let Some((Some(reference), Some(known))) = found.map(|(image, known)| (image, known.and_then(PodImage::own)))
        else {
            return false;
        };
        fix.set_with(&finding.at, || pinned(reference, &known.digest).into());
        true
    }
}

/// What happens where the digest cannot be written because nothing is known of the image.
fn unknown(pod: &Pod<'_>, known: Option<&PodImage>) -> Option<AtMost> {
    if pod.context.in_own_namespace {
        // podreeve does not look behind its own images, so it could not write their digest either.
        return Some(AtMost::AuditUnrepaired);
    }
    let ImageAnswer::Unknown(image) = &known?.answer else { return None };
    match pod.context.images.as_ref()?.settings.effect(image, image.must_be_signed) {
        UnknownEffect::Deny => None,
        UnknownEffect::Warn => Some(AtMost::WarnUnrepaired),
        UnknownEffect::Audit => Some(AtMost::AuditUnrepaired),
    }
}
