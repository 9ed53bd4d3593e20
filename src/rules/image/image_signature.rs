//! Who signed an image.

use crate::image::trust::Verdict;
use crate::image::{ImageFacts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-signature",
    title: "Images are signed by whom you trust",
    docs: "A trust document names the authorities of each prefix: keys of cosign, certificates of notation, identities of a Sigstore \
instance. The rule reports an image below such a prefix without a valid signature by one of them, and an attestation that the document \
requires (provenance, VEX, a type of your own) and that none of them signed. An image that no entry covers needs no signature.\n\n\
A valid signature is for this digest, for this repository where its format names one, and says that it is a signature: an attestation by the \
same key is none. For an image of several platforms the index must be signed, or with `signed: leaves` the manifest of each platform.\n\n\
[Verify signatures](../signatures.md) describes the document.",
    why: "without a signature, everyone who can push to the registry decides what runs in the cluster",
    owasp: &[13, 17, 20, 21, 22, 31],
    severity: Severity::Critical,
    params: params::<ImageSignature>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageSignature>,
        instead: "sign the image with one of the authorities (`cosign sign`, `notation sign`), or correct the trust document",
        examples: &[
            ImageExample::bad(
                "no signature",
                r#"{"trust":{"prefix":"registry.example.com","authorities":[{"name":"cosignKey 0123456789ab","tool":"cosign with this key"}],"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","wanted":["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]}}"#,
                &["image"],
            ),
            ImageExample::bad(
                "a signature by another key",
                r#"{"trust":{"prefix":"registry.example.com","authorities":[{"name":"cosignKey 0123456789ab","tool":"cosign with this key"}],"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","wanted":["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"],"refusals":[{"digest":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","authority":"cosignKey 0123456789ab","evidence":"sha256:0123456789ab","why":"it is signed by another key"}]}}"#,
                &["image"],
            ),
            ImageExample::bad(
                "a platform without a signature",
                r#"{"trust":{"digest":"sha256:aa","leaves":["sha256:bb","sha256:cc"],"wanted":["sha256:bb","sha256:cc"],"signatures":[{"digest":"sha256:bb","authority":"cosignKey 0123456789ab","signer":"cosignKey 0123456789ab","provedAt":null,"expiry":null}]}}"#,
                &["image"],
            ),
            ImageExample::bad(
                "provenance of another builder",
                r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":null}],"require":[{"predicate":"provenance","builder":"https://ci.example.com/*"}],"attested":[{"digest":"sha256:aa","predicate":"provenance","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"provenance":{"builder":"https://ci.example.org/1"}}}]}}"#,
                &["image"],
            ),
            ImageExample::good(
                "signed",
                r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"signatures":[{"digest":"sha256:aa","authority":"a","signer":"a","provedAt":null,"expiry":null}]}}"#,
            ),
            ImageExample::good("no entry covers it", r#"{"trust":null}"#),
        ],
    }),
};

/// `image-signature` has no parameters: the trust document says what it needs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImageSignature {}

impl ImageCheck for ImageSignature {
    fn check<'i>(&self, image: &'i ImageFacts, _today: Date, findings: &mut ImageFindings<'i>) {
        let problems = image.trust.iter().flat_map(Verdict::signature_problems);
        findings.extend(problems.map(|problem| Finding::new(Place::Image, problem.found, problem.wanted)));
    }
}
