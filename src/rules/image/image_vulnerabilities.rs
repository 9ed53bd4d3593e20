//! What a scanner found in an image.

use crate::image::trust::{Age, Problem, Reported, ScanLimits, Verdict};
use crate::image::{ImageFacts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::Timestamp;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-vulnerabilities",
    title: "Images have no critical vulnerabilities with a fix",
    docs: "The rule reads the vulnerability report that one of the authorities of the trust document signed for this digest (`cosign attest --type \
vuln`, with the JSON of Trivy or Grype). It reports more than `maxCritical` critical vulnerabilities that have a fix, and a scan that is older than \
`maxAge`. Of several reports the newest counts.\n\n\
What a signed OpenVEX document calls `not_affected` or `fixed` does not count. The document must be attested for the same digest, or for the index that \
holds it. The newest statement about a vulnerability counts: a later `affected` takes an earlier `not_affected` back.\n\n\
In a cluster with `images.vulnerabilityReports`, the reports of trivy-operator count, too: a `VulnerabilityReport` for the pods of its own namespace, a \
`ClusterVulnerabilityReport` for all. They have no signatures, so they only add to what is signed: see \
[Reports of scanners in the cluster](../vulnerability-reports.md).\n\n\
An image without a report is reported where the trust document requires a signed one (`require: [{predicate: vuln}]`). The limits there count before those \
of the rule.",
    why: "attackers have programs for known critical vulnerabilities, and an update of the image would close them",
    owasp: &[15, 23],
    severity: Severity::High,
    params: params::<ImageVulnerabilities>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageVulnerabilities>,
        instead: "update the packages and build the image again, or attest a VEX document for what does not affect it",
        examples: &[
            ImageExample::bad("a critical vulnerability with a fix", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}}]}}"#, &["image"]),
            ImageExample::bad("an old scan", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-10-01T00:00:00Z","critical":[]}}}]}}"#, &["image"]),
            ImageExample::bad("a scan that became too old on this day", r#"{"trust":{"judgedAt":"2026-11-22T12:00:01Z","digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-22T00:00:00Z","critical":[]}}}]}}"#, &["image"])
                .params(r#"{"maxAge":"12h"}"#),
            ImageExample::good("a longer age", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-10-01T00:00:00Z","critical":[]}}}]}}"#)
                .params(r#"{"maxAge":"60d"}"#),
            ImageExample::bad("a report that the trust document requires", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"require":[{"predicate":"vulnerabilities"}]}}"#, &["image"]),
            ImageExample::good("one that does not affect it", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}},{"digest":"sha256:aa","predicate":"openVex","authority":"a","evidence":"sha256:ee","provedAt":null,"facts":{"openVex":[{"names":["CVE-2026-1"],"excludes":true}]}}]}}"#),
            ImageExample::bad("one that a later statement calls affected", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}},{"digest":"sha256:aa","predicate":"openVex","authority":"a","evidence":"sha256:ee","provedAt":null,"facts":{"openVex":[{"names":["CVE-2026-1"],"excludes":true,"issued":{"at":"2026-11-20T00:00:00Z"}},{"names":["CVE-2026-1"],"excludes":false,"issued":{"at":"2026-11-21T00:00:00Z"}}]}}]}}"#, &["image"]),
            ImageExample::bad("a VEX document of another platform", r#"{"trust":{"digest":"sha256:ff","wanted":["sha256:ff"],"leaves":["sha256:aa","sha256:bb"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}},{"digest":"sha256:bb","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}},{"digest":"sha256:aa","predicate":"openVex","authority":"a","evidence":"sha256:ee","provedAt":null,"facts":{"openVex":[{"names":["CVE-2026-1"],"excludes":true}]}}]}}"#, &["image"]),
            ImageExample::good("a VEX document of the index", r#"{"trust":{"digest":"sha256:ff","wanted":["sha256:ff"],"leaves":["sha256:aa","sha256:bb"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}},{"digest":"sha256:bb","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}},{"digest":"sha256:ff","predicate":"openVex","authority":"a","evidence":"sha256:ee","provedAt":null,"facts":{"openVex":[{"names":["CVE-2026-1"],"excludes":true}]}}]}}"#),
            ImageExample::good("as many as are allowed", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"],"attested":[{"digest":"sha256:aa","predicate":"vulnerabilities","authority":"a","evidence":"sha256:dd","provedAt":null,"facts":{"scan":{"scanner":"trivy","finished":"2026-11-20T00:00:00Z","critical":[{"id":"CVE-2026-1","package":"openssl","fixedIn":"3.1"}]}}}]}}"#)
                .params(r#"{"maxCritical":1}"#),
            ImageExample::good("no report", r#"{"trust":{"digest":"sha256:aa","wanted":["sha256:aa"]}}"#),
            ImageExample::good("no entry covers it", r#"{"trust":null}"#),
        ],
    }),
};

/// Parameters of `image-vulnerabilities`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ImageVulnerabilities {
    /// How many critical vulnerabilities with a fix an image may have. Default: 0.
    max_critical: u32,
    /// The longest time since the scan, such as `12h` or `30d`: an old scan does not know new vulnerabilities. Default: 30d.
    max_age: Age,
}

impl Default for ImageVulnerabilities {
    fn default() -> Self {
        Self { max_critical: 0, max_age: Age::days(30) }
    }
}

impl ImageVulnerabilities {
    const fn limits(&self) -> ScanLimits {
        ScanLimits { max_age: Some(self.max_age), max_critical: self.max_critical }
    }
}

impl ImageCheck for ImageVulnerabilities {
    fn needs_trust(&self) -> bool {
        true
    }

    fn check<'i>(&self, image: &'i ImageFacts, today: Date, findings: &mut ImageFindings<'i>) {
        let Some((trust, now)) = image.trust.as_ref().and_then(|trust| Some((trust, trust.time(today)?))) else {
            return;
        };
        let problems = trust.vulnerability_problems(now, self.limits()).into_iter();
        findings.extend(problems.map(|problem| Finding::new(Place::Image, problem.found, problem.wanted)));
    }

    fn judges_reports(&self) -> bool {
        true
    }

    fn check_reports(&self, reports: &[(&str, &Reported)], trust: Option<&Verdict>, now: Timestamp) -> Vec<Problem> {
        self.limits().reported_problems(reports, trust, now)
    }
}
