//! Whether images are pinned by digest.

use super::image_used;
use crate::rule::{
    Check, Example, Finding, Findings, Judges, NoParams, PodRule, Rule, Severity, display_value, params, without_params,
};
use crate::workload::Pod;
use crate::workload::image::is_pinned;

pub static RULE: Rule = Rule {
    id: "image-digest",
    title: "Images are pinned by digest",
    docs: "A tag can be moved to other content at any time; a digest (`@sha256:` and 64 hexadecimal digits) names the \
content itself, so every node runs what was tested and signed, even after a restart.\n\n\
The rule also judges images that are mounted as volumes.\n\n\
Let the pipeline write the digest (`crane digest`, kustomize `images`, Renovate). The tag may stay in front of it for \
people to read.",
    why: "a tag can be moved to other content after it was tested and signed",
    owasp: &[20],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        instead: "let the pipeline write the digest (`crane digest IMAGE`)",
        compile: without_params::<ImageDigest>,
        examples: &[
            Example::bad("a tag", r#"{"image":"registry.example.com/shop/web:1.4.2"}"#, &["image"]),
            Example::bad("no tag", r#"{"image":"nginx"}"#, &["image"]),
            Example::bad("a malformed digest", r#"{"image":"nginx@sha256:zz"}"#, &["image"]),
            Example::bad(
                "an unknown algorithm",
                r#"{"image":"nginx@md5:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#,
                &["image"],
            ),
            Example::bad("a tag of a volume", "", &["spec.volumes[1].image.reference"]).spec(
                r#"{"volumes":[{"name":"a","image":{"reference":"nginx@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}},{"name":"b","image":{"reference":"nginx:1"}}]}"#,
            ),
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
                findings.add(Finding::new(used.image_at(), display_value(image), "a digest, as in name@sha256:..."));
            }
        });
    }
}
