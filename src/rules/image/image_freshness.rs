//! How old the signatures of an image are.

use crate::image::trust::Age;
use crate::image::{ImageFacts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-freshness",
    title: "Signatures of images are fresh",
    docs: "The rule reports an image whose valid signatures are all past the date that notation's `--expiry` gave them. With `maxSignatureAge`, \
here or in the trust document, it also reports an image whose newest signature is older, or whose signatures have no proof of their time. Only a time \
stamp authority, a transparency log or a signing service proves it: the time that a signer writes down is the signer's own.\n\n\
In a cluster, podreeve remembers of each tag when the newest image was signed to which the tag led. The rule reports a tag that went back to an image \
that was signed earlier, or without a proof of the time. An image that is named by its digest alone was chosen, and did not go back.\n\n\
The age in the trust document counts before that of the rule. An image without a valid signature is a matter of `image-signature`.",
    why: "an old image that was signed once keeps its signature, with the vulnerabilities that a newer one has no more",
    owasp: &[18, 19],
    severity: Severity::Medium,
    params: params::<ImageFreshness>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageFreshness>,
        instead: "build and sign the image again, with a time stamp or a transparency log",
        examples: &[
            ImageExample::bad("a signature that expired", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":"2026-11-20T00:00:00Z"}]}}"#, &["image"]),
            ImageExample::bad("a signature that expired earlier on this day", r#"{"trust":{"judgedAt":"2026-11-22T12:00:00Z","digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":"2026-11-22T11:59:59Z"}]}}"#, &["image"]),
            ImageExample::good("a signature that expires later on this day", r#"{"trust":{"judgedAt":"2026-11-22T12:00:00Z","digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":"2026-11-22T12:00:01Z"}]}}"#),
            ImageExample::bad("a signature that is too old", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":"2026-01-01T00:00:00Z","expiry":null}]}}"#, &["image"])
                .params(r#"{"maxSignatureAge":"180d"}"#),
            ImageExample::bad("no proof of its time", r#"{"trust":{"maxSignatureAge":"180d","digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":null}]}}"#, &["image"]),
            ImageExample::bad("a tag that went back", r#"{"trust":{"movedBack":"2026-11-10T00:00:00Z","digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":"2026-11-01T00:00:00Z","expiry":null}]}}"#, &["image"]),
            ImageExample::good("a tag that went back to an image that nobody signed, which is a matter of image-signature", r#"{"trust":{"movedBack":"2026-11-10T00:00:00Z","digest":"sha256:aa","wanted":["sha256:aa"]}}"#),
            ImageExample::good("one that has not expired next to one that has", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":"2026-11-20T00:00:00Z"},{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":"2026-12-20T00:00:00Z"}]}}"#),
            ImageExample::good("a fresh signature", r#"{"trust":{"maxSignatureAge":"180d","digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":"2026-11-01T00:00:00Z","expiry":null}]}}"#),
            ImageExample::good("no limit", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":null}]}}"#),
            ImageExample::good("no signature", r#"{"trust":{"maxSignatureAge":"180d","digest":"sha256:aa","wanted":["sha256:aa"]}}"#),
            ImageExample::good("no entry covers it", r#"{"trust":null}"#),
        ],
    }),
};

/// Parameters of `image-freshness`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ImageFreshness {
    /// The longest time since the newest signature, such as `180d`, for entries of the trust document without one.
    max_signature_age: Option<Age>,
}

impl ImageCheck for ImageFreshness {
    fn needs_trust(&self) -> bool {
        true
    }

    fn check<'i>(&self, image: &'i ImageFacts, today: Date, findings: &mut ImageFindings<'i>) {
        let Some((trust, now)) = image.trust.as_ref().and_then(|trust| Some((trust, trust.time(today)?))) else {
            return;
        };
        let problems = trust.freshness_problems(now, self.max_signature_age).into_iter();
        findings.extend(problems.map(|problem| Finding::new(Place::Image, problem.found, problem.wanted)));
    }
}
