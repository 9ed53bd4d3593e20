//! The tags of images.

use super::image_used;
use crate::rule::{
    Check, Example, Finding, Findings, Judges, NoParams, PodRule, Rule, Severity, display_value, params, without_params,
};
use crate::workload::Pod;
use crate::workload::image::{is_pinned, is_tag, split};

pub static RULE: Rule = Rule {
    id: "image-tag",
    title: "Images have a tag other than latest, or a digest",
    docs: "Without a tag an image is `latest`, and `latest` is the image that was pushed last: nodes run different \
versions of one pod, and it is unknown which version runs, how to go back to it, and whether it was scanned.\n\n\
The rule also judges images that are mounted as volumes.\n\n\
Use the tag of a release, or better the digest (rule `image-digest`); with a digest the tag is only for people to \
read.",
    why: "it is unknown which version of the image runs, and the version can change without a change of the manifest",
    owasp: &[1],
    severity: Severity::Medium,
    params: params::<NoParams>,
    judges: Judges::Pod(PodRule {
        instead: "name the release that was tested, or its digest (`crane digest IMAGE`)",
        compile: without_params::<ImageTag>,
        examples: &[
            Example::bad("latest", r#"{"image":"registry.example.com/shop/web:latest"}"#, &["image"]),
            Example::bad("no tag", r#"{"image":"nginx"}"#, &["image"]),
            Example::bad("a port is no tag", r#"{"image":"localhost:5000/web"}"#, &["image"]),
            Example::bad("an empty tag", r#"{"image":"nginx:"}"#, &["image"]),
            Example::bad("a tag that no registry can have", r#"{"image":"nginx:1 \u001b[31m"}"#, &["image"]),
            Example::bad("a malformed digest", r#"{"image":"nginx@sha256:zz"}"#, &["image"]),
            Example::bad("no image", r#"{"image":null}"#, &["image"]),
            Example::bad("latest in a volume", "", &["spec.volumes[1].image.reference"]).spec(
                r#"{"volumes":[{"name":"a","image":{"reference":"nginx:1"}},{"name":"b","image":{"reference":"nginx:latest"}}]}"#,
            ),
            Example::good("a tag", r#"{"image":"registry.example.com:5000/shop/web:1.4.2"}"#),
            Example::good(
                "latest with a digest",
                r#"{"image":"nginx:latest@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#,
            ),
        ],
        ..PodRule::DEFAULT
    }),
};

/// The rule has no parameters.
#[derive(Default)]
struct ImageTag;

impl Check for ImageTag {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        image_used::of_each(pod, findings, |used, findings| {
            let text = used.image;
            let names_a_version = text.is_some_and(|text| is_pinned(text) || has_version(text));
            if !names_a_version {
                findings.add(Finding::new(
                    used.image_at(),
                    display_value(text),
                    "a tag other than latest, or a digest",
                ));
            }
        });
    }
}

fn has_version(image: &str) -> bool {
    matches!(split(image), (_, Some(tag), None) if tag != "latest" && is_tag(tag))
}
