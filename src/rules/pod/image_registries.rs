//! Where the images of containers come from.

use super::image_pattern::{self, Pattern};
use super::image_used;
use crate::rule::{Check, Example, Finding, Findings, Judges, PodRule, Rule, Severity, compile, display_value, params};
use crate::workload::Pod;
use crate::workload::image::ImageRef;
use schemars::JsonSchema;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

pub static RULE: Rule = Rule {
    id: "image-registries",
    title: "Images come from allowed registries",
    docs: "Each image must be under an entry of `allow`: a registry (`registry.example.com:5000`), a path in it \
(`registry.example.com/shop`) or a repository, compared by whole segments. Short names are expanded as runtimes do: \
`nginx` is `docker.io/library/nginx`. An entry with a tag or a digest is one image; a tag covers no reference that has \
a digest, since the digest decides what runs. A reference that no runtime accepts is under no entry.\n\n\
The rule also judges images that are mounted as volumes.\n\n\
Mirror what you need into your own registry, where it is scanned and signed. A policy without `allow`, or with an empty one, \
does not load: it would deny every image.",
    why: "an attacker who controls a registry decides what its images run in the cluster",
    owasp: &[31],
    severity: Severity::High,
    params: params::<ImageRegistries>,
    judges: Judges::Pod(PodRule {
        instead: "mirror the image into an allowed registry, and name it there",
        compile: compile::<ImageRegistries>,
        needs: Some(("allow", "without it every image would be denied")),
        examples: &[
            Example::bad("another registry", r#"{"image":"nginx"}"#, &["image"]).params(ALLOW),
            Example::bad("a longer host", r#"{"image":"registry.example.com.evil.org/shop/web"}"#, &["image"])
                .params(ALLOW),
            Example::bad("the host as a path", r#"{"image":"evil.org/registry.example.com/shop/web"}"#, &["image"])
                .params(ALLOW),
            Example::bad("another port", r#"{"image":"registry.example.com:5000/shop/web"}"#, &["image"]).params(ALLOW),
            Example::bad("a longer segment", r#"{"image":"registry.example.com/shopping/web"}"#, &["image"])
                .params(r#"{"allow":["registry.example.com/shop","registry.example.com/shop/*"]}"#),
            Example::bad("a path that climbs", r#"{"image":"registry.example.com/shop/../evil/web"}"#, &["image"])
                .params(ALLOW),
            Example::bad("a newline", r#"{"image":"registry.example.com/shop/web\n"}"#, &["image"]).params(ALLOW),
            Example::bad("a digest behind the tag that is allowed", r#"{"image":"registry.example.com/web:1@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}"#, &["image"])
                .params(r#"{"allow":["registry.example.com/shop","registry.example.com/web:1","registry.example.com/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}"#),
            Example::bad("no image", r#"{"image":null}"#, &["image"]).params(ALLOW),
            Example::bad("another registry in a volume", "", &["spec.volumes[1].image.reference"])
                .params(ALLOW)
                .spec(r#"{"volumes":[{"name":"a","image":{"reference":"registry.example.com/data:1"}},{"name":"b","image":{"reference":"nginx:1"}}]}"#),
            Example::good("under the registry", r#"{"image":"registry.example.com/tools/web:1"}"#).params(ALLOW),
            Example::good("the digest that is allowed, whatever its tag", r#"{"image":"registry.example.com/web:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}"#)
                .params(r#"{"allow":["registry.example.com/shop","registry.example.com/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}"#),
            Example::good("in capitals", r#"{"image":"Registry.Example.com/tools/web:1"}"#).params(ALLOW),
            Example::good("a short name, written out", r#"{"image":"redis:8"}"#)
                .params(r#"{"allow":["registry.example.com","docker.io/library"]}"#),
        ],
        ..PodRule::DEFAULT
    }),
};

const ALLOW: &str = r#"{"allow":["registry.example.com"]}"#;

/// Parameters of `image-registries`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImageRegistries {
    /// Registries, paths and repositories, by whole segments; the last one may be `*`. With a tag or a digest, one image.
    #[serde(deserialize_with = "patterns")]
    #[schemars(length(min = 1))]
    allow: Vec<Pattern>,
}

/// An empty list would deny every image.
fn patterns<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Pattern>, D::Error> {
    let patterns = Vec::deserialize(deserializer)?;
    if patterns.is_empty() {
        return Err(D::Error::custom(
            "is an empty list, so every image would be denied; name your registries, or set `action: off`",
        ));
    }
    Ok(patterns)
}

impl Check for ImageRegistries {
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>) {
        image_used::of_each(pod, findings, |used, findings| {
            let text = used.image;
            let image = text.map(ImageRef::parse).filter(ImageRef::is_well_formed);
            if image.is_some_and(|image| self.allow.iter().any(|pattern| pattern.covers(&image))) {
                return;
            }
            let wanted = format!("an image under {}", image_pattern::listed(&self.allow));
            findings.add(Finding::new(used.image_at(), display_value(text), wanted));
        });
    }
}
