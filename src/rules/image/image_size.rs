//! How large an image is, and how much of it is of no use.

use crate::image::{ImageFacts, Part, Parts, Place, size_text};
use crate::rule::{
    Finding, ImageCheck, ImageExample, ImageFindings, ImageRule, Judges, Rule, Severity, compile_image, params,
};
use crate::rules::pod::limits::Amount;
use crate::workload::quantity;
use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

pub static RULE: Rule = Rule {
    id: "image-size",
    title: "Images are small, and later layers delete little of earlier ones",
    docs: "The rule reports an image whose unpacked layers have more than `max` bytes together, and one in which later layers overwrite or \
delete more than `waste` percent of all bytes: what a later layer deletes is still stored, pulled and scanned. Less than 10 MB of \
waste is never reported. Where the layers are not read, their stored size counts, and the waste is unknown.\n\n\
Delete in the step that creates (`RUN apt-get install ... && rm -rf /var/lib/apt/lists/*`), and build in a stage of its own. \
`podreeve image` shows what each layer adds, and the largest files that are of no use.",
    why: "a large image takes long to pull when a node fails, and all of it has to be scanned and kept free of vulnerabilities",
    owasp: &[9, 54],
    severity: Severity::Low,
    params: params::<ImageSize>,
    judges: Judges::Image(ImageRule {
        compile: compile_image::<ImageSize>,
        instead: "copy only what the program needs into the last stage, and delete files in the step that creates them",
        examples: &[
            ImageExample::bad("two layers that are too large", "{}", &["image"]).params(r#"{"max":"99999k"}"#),
            ImageExample::bad(
                "a fifth of no use",
                r#"{"content":{"wasted":20000000,"wastedFiles":[{"path":"tmp/big","bytes":20000000}]}}"#,
                &["image"],
            ),
            ImageExample::bad(
                "stored layers that are too large",
                r#"{"content":null,"layers":[{"digest":"sha256:1111111111111111111111111111111111111111111111111111111111111111","diffId":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","size":2000000000}]}"#,
                &["image"],
            ),
            ImageExample::good("a small image", "{}").params(r#"{"max":"100M"}"#),
            ImageExample::good("a little waste", r#"{"content":{"wasted":9000000}}"#),
            ImageExample::good("an allowed share of waste", r#"{"content":{"wasted":20000000}}"#)
                .params(r#"{"waste":30}"#),
        ],
    }),
};

/// Waste below it is not worth another build.
const LITTLE: u64 = 10_000_000;
/// The default of `max`.
const MAX: u64 = 1 << 30;

/// Parameters of `image-size`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ImageSize {
    /// The most bytes of all unpacked layers, as a Kubernetes quantity. Default: 1Gi.
    max: Option<Amount>,
    /// The most percent of the bytes that later layers overwrite or delete. Default: 10.
    #[schemars(range(max = 100))]
    waste: u8,
}

impl Default for ImageSize {
    fn default() -> Self {
        Self { max: None, waste: 10 }
    }
}

impl ImageCheck for ImageSize {
    fn parts(&self) -> Parts {
        Parts::of(&[Part::Waste])
    }

    fn check<'i>(&self, image: &'i ImageFacts, _: Date, findings: &mut ImageFindings<'i>) {
        let size = image.size();
        let max = self.max.as_ref().map_or(i128::from(MAX), |max| max.nano / quantity::UNIT);
        if i128::from(size) > max {
            let wanted = self.max.as_ref().map_or("1Gi", |max| max.text.as_str());
            findings.push(Finding::new(Place::Image, size_text(size), format!("at most {wanted}")));
        }
        let Some(content) = image.content.as_ref().filter(|content| content.wasted >= LITTLE) else { return };
        let written = image.layers.iter().filter_map(|layer| layer.added.as_ref()).map(|added| added.bytes);
        let written: u64 = written.fold(0, u64::saturating_add).max(content.wasted);
        let percent = u128::from(content.wasted) * 100 / u128::from(written.max(1));
        if percent > u128::from(self.waste) {
            let largest = content.wasted_files.first();
            let largest = largest.map(|file| format!(", most in /{}", crate::text::clean(&file.path, 200)));
            let found = format!(
                "{} ({percent} %) that later layers overwrite or delete{}",
                size_text(content.wasted),
                largest.unwrap_or_default()
            );
            findings.push(Finding::new(Place::Image, found, format!("at most {} %", self.waste)));
        }
    }
}
