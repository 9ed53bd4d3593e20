//! Whether an image has a signed list of what is in it.

use crate::image::trust::Verdict;
use crate::image::{ImageFacts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-sbom",
    title: "Images have a signed SBOM",
    docs: "The rule reports an image below a prefix of the trust document without an SBOM, in CycloneDX or SPDX, that one of the authorities signed \
as an attestation for this digest. Attestations of every platform's manifest stand in for one of the index. Where the document requires one of the \
two formats, only that one counts. An image that no entry covers needs no SBOM.\n\n\
`cosign attest --type cyclonedx --predicate sbom.json` attaches one; Syft, Trivy and builders write it.",
    why: "without a list of what is in the image, no search finds the images that a new vulnerability affects",
    owasp: &[14],
    severity: Severity::Low,
    params: params::<ImageSbom>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageSbom>,
        instead: "attach an SBOM when you sign the image (`cosign attest --type cyclonedx`)",
        examples: &[
            ImageExample::bad("no SBOM", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"]}}"#, &["image"]),
            ImageExample::bad(
                "the other format",
                r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"require":[{"predicate":"spdx"}],"attested":[{"digest":"sha256:aa","predicate":"cycloneDx","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"sbom":{"components":7}}}]}}"#,
                &["image"],
            ),
            ImageExample::bad(
                "one that cannot be read",
                r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"cycloneDx","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"unreadable":"it is no CycloneDX document"}}]}}"#,
                &["image"],
            ),
            ImageExample::bad(
                "one of one platform",
                r#"{"trust":{"digest":"sha256:aa","leaves":["sha256:bb","sha256:cc"],"wanted":["sha256:aa"],"attested":[{"digest":"sha256:bb","predicate":"spdx","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"sbom":{"components":7}}}]}}"#,
                &["image"],
            ),
            ImageExample::good(
                "a CycloneDX document",
                r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"cycloneDx","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"sbom":{"components":7}}}]}}"#,
            ),
            ImageExample::good("no entry covers it", r#"{"trust":null}"#),
        ],
    }),
};

/// `image-sbom` has no parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ImageSbom {}

impl ImageCheck for ImageSbom {
    fn check<'i>(&self, image: &'i ImageFacts, _today: Date, findings: &mut ImageFindings<'i>) {
        let problems = image.trust.iter().flat_map(Verdict::sbom_problems);
        findings.extend(problems.map(|problem| Finding::new(Place::Image, problem.found, problem.wanted)));
    }
}
