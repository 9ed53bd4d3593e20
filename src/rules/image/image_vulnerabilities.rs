//! What a scanner found in an image.

use crate::image::trust::{Age, start_of};
use crate::image::{ImageFacts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-vulnerabilities",
    title: "Images have no critical vulnerabilities with a fix",
    docs: "The rule reads the vulnerability report that one of the authorities of the trust document signed for this digest (`cosign attest --type \
vuln`, with the JSON of Trivy or Grype). It reports more than `maxCritical` critical vulnerabilities that have a fix, and a scan that is older than \
`maxAge`. What a signed OpenVEX document calls `not_affected` or `fixed` does not count. Of several reports the newest counts.\n\n\
An image without a report is reported where the trust document requires one (`require: [{predicate: vuln}]`). The limits there count before those of the rule.",
    why: "attackers have programs for known critical vulnerabilities, and an update of the image would close them",
    owasp: &[15, 23],
    severity: Severity::High,
    params: params::<ImageVulnerabilities>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageVulnerabilities>,
        instead: "update the packages and build the image again, or attest a VEX document for what does not affect it",
        examples: &[
            ImageExample::bad("a critical vulnerability with a fix", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}}]}}"#, &["image"]),
            ImageExample::bad("an old scan", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-10-01T00:00:00Z","critical":[]}}}]}}"#, &["image"])
                .params(r#"{"maxAge":"30d"}"#),
            ImageExample::bad("a report that the trust document requires", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"require":[{"predicate":"vulnerabilities"}]}}"#, &["image"]),
            ImageExample::good("one that does not affect it", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}},{"digest":"sha256:aa","predicate":"openVex","authority":"a","evidence":"sha256:ee","provedAt":null,"facts":{"vex":[{"names":["CVE-2026-1"],"packages":[]}]}}]}}"#),
            ImageExample::good("as many as are allowed", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}}]}}"#)
                .params(r#"{"maxCritical":1}"#),
            ImageExample::good("no report", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"]}}"#),
            ImageExample::good("no entry covers it", r#"{"trust":null}"#),
        ],
    }),
};

/// Parameters of `image-vulnerabilities`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ImageVulnerabilities {
    /// How many critical vulnerabilities with a fix an image may have. Default: 0.
    max_critical: u32,
    /// The longest time since the scan, such as `30d`. Default: any.
    max_age: Option<Age>,
}

impl ImageCheck for ImageVulnerabilities {
    fn check<'i>(&self, image: &'i ImageFacts, today: Date, findings: &mut ImageFindings<'i>) {
        let Some((trust, now)) = image.trust.as_ref().zip(start_of(today)) else { return };
        let problems = trust.vulnerability_problems(now, self.max_age, self.max_critical).into_iter();
        findings.extend(problems.map(|problem| Finding::new(Place::Image, problem.found, problem.wanted)));
    }
}
