//! What an image is built on.

use super::allowed_base::AllowedBase;
use crate::image::{ImageFacts, Part, Parts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-base",
    title: "Images are built on allowed bases that still get security updates",
    docs: "The first layers of an image are those of its base. `allow` names the bases that may be used, each by the digests of its \
unpacked layers (`diffId` in `podreeve image -o json`). Unlike a label, these cannot be forged: who changes a layer changes its digest. \
Without `allow`, any base passes.\n\n\
The rule also reports a distribution without security updates: by the date in the image's own `os-release`, or by a list in \
podreeve. Extended support that is paid for does not count; switch this off with `endOfLife: false`.\n\n\
Rebuild the image on a current release of its base.",
    why: "nobody repairs the vulnerabilities of a distribution that is no longer supported, and an unknown base may bring anything",
    owasp: &[1],
    severity: Severity::High,
    params: params::<ImageBase>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageBase>,
        instead: "rebuild the image on an allowed base, in a release that gets security updates",
        examples: &[
            ImageExample::bad(
                "a distribution past its end of life",
                r#"{"content":{"os":{"id":"debian","version":"11","name":"Debian GNU/Linux 11"},"endOfLife":"2026-08-31"}}"#,
                &["image"],
            ),
            ImageExample::bad("another base", "{}", &["image"]).params(OTHER),
            ImageExample::bad("a base that is longer than the image", "{}", &["image"]).params(LONGER),
            ImageExample::good("an allowed base", "{}").params(ALLOWED),
            ImageExample::good("the last day of support", r#"{"content":{"endOfLife":"2026-11-22"}}"#),
            ImageExample::good("an end of life that does not count", r#"{"content":{"endOfLife":"2020-01-01"}}"#)
                .params(r#"{"endOfLife":false}"#),
            ImageExample::good(
                "a distribution that podreeve does not know",
                r#"{"content":{"os":null,"endOfLife":null}}"#,
            ),
            ImageExample::good("layers that are not read", r#"{"content":null}"#),
        ],
    }),
};

const ALLOWED: &str = r#"{"allow":[{"name":"alpine","layers":["sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"]},{"name":"debian-13","layers":["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}]}"#;
const OTHER: &str = r#"{"allow":[{"name":"debian-13","layers":["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]}]}"#;
const LONGER: &str = r#"{"allow":[{"name":"debian-13","layers":["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"]}]}"#;

/// Parameters of `image-base`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ImageBase {
    /// Bases that may be used. Default: any.
    allow: Vec<AllowedBase>,
    /// Whether a distribution without security updates violates the rule. Default: true.
    end_of_life: bool,
}

impl Default for ImageBase {
    fn default() -> Self {
        Self { allow: Vec::new(), end_of_life: true }
    }
}

impl ImageCheck for ImageBase {
    fn parts(&self) -> Parts {
        if self.end_of_life { Parts::of(&[Part::Distribution]) } else { Parts::NONE }
    }

    fn check<'i>(&self, image: &'i ImageFacts, today: Date, findings: &mut ImageFindings<'i>) {
        if !self.allow.is_empty() && !self.allow.iter().any(|base| base.layers_below(image).is_some()) {
            let names: Vec<&str> = self.allow.iter().map(|base| base.name.as_str()).collect();
            findings.push(Finding::new(
                Place::Image,
                "the layers of another base",
                format!("one of {}", names.join(", ")),
            ));
        }
        let Some(content) = image.content.as_ref().filter(|_| self.end_of_life) else { return };
        if let Some(end) = content.end_of_life.filter(|end| *end < today) {
            let name = match &content.os {
                Some(os) if !os.name.is_empty() => os.name.clone(),
                Some(os) if !os.id.is_empty() => format!("{} {}", os.id, os.version).trim_end().to_owned(),
                _ => "a distribution".to_owned(),
            };
            let found = format!("{name}, without security updates since {end}");
            findings.push(Finding::new(Place::Image, found, "a distribution with security updates"));
        }
    }
}
