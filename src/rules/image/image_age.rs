//! How long ago an image was built.

use crate::image::{ImageFacts, Place};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-age",
    title: "Images are rebuilt regularly",
    docs: "Security updates reach an image when it is built again. The rule reports an image that was built more than `maxDays` ago, by \
the date in its configuration. Reproducible builds write the year 1970 or 1980 there; then the newest proved signing time counts, and \
without one the age is unknown, which is no violation.\n\n\
Rebuild images regularly without a cache, on the newest release of their base.",
    why: "an old image has the known vulnerabilities that a rebuild would have repaired",
    owasp: &[23],
    severity: Severity::Low,
    params: params::<ImageAge>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageAge>,
        instead: "build the image again, without a cache and on the newest release of its base",
        examples: &[
            ImageExample::bad("built 91 days ago", r#"{"created":"2026-08-23T10:00:00Z"}"#, &["config.created"]),
            ImageExample::bad("a shorter time", r#"{"created":"2026-11-10T00:00:00Z"}"#, &["config.created"])
                .params(r#"{"maxDays":10}"#),
            ImageExample::bad(
                "a reproducible build that was signed long ago",
                r#"{"created":"1970-01-01T00:00:00Z","signed":"2026-01-01T00:00:00Z"}"#,
                &["config.created"],
            ),
            ImageExample::good("built 90 days ago", r#"{"created":"2026-08-24T10:00:00Z"}"#),
            ImageExample::good("a reproducible build", r#"{"created":"1970-01-01T00:00:00Z"}"#),
            ImageExample::good("a clock that is fast", r#"{"created":"2027-01-01T00:00:00Z"}"#),
            ImageExample::good("no date", r#"{"created":null}"#),
        ],
    }),
};

/// Dates before this one are those of reproducible builds.
const FIRST: Date = date(1990, 1, 1);

/// Parameters of `image-age`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct ImageAge {
    /// The most days since the build. Default: 90.
    #[schemars(range(min = 1))]
    max_days: u16,
}

impl Default for ImageAge {
    fn default() -> Self {
        Self { max_days: 90 }
    }
}

impl ImageCheck for ImageAge {
    fn check<'i>(&self, image: &'i ImageFacts, today: Date, findings: &mut ImageFindings<'i>) {
        let date = |time: jiff::Timestamp| time.to_zoned(TimeZone::UTC).date();
        let created = image.created.map(date).filter(|created| *created >= FIRST);
        let Some(built) = created.or(image.signed.map(date)) else { return };
        let age = today.since(built).map_or(0, |age| age.get_days());
        if age > i32::from(self.max_days) {
            let what = if created.is_some() { "built" } else { "signed" };
            let found = format!("{what} {age} days ago, on {built}");
            let wanted = format!("a build of the last {} days", self.max_days);
            findings.push(Finding::new(Place::Config("created"), found, wanted));
        }
    }
}
