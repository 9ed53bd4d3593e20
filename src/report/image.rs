//! The report of `podreeve image`. Its JSON schema, `docs/image-report.schema.json`, is generated from these types. Fields are added
//! but never changed.

mod gaps;
pub mod html;
mod judge;
mod object;
mod signatures;
pub mod text;
mod words;

use crate::decide::Effect;
use crate::image::facts::{Added, ContentFacts, LayerFacts};
use crate::image::{Digest, Gap, ImageFacts, OpenedImage};
use crate::outcome::Verdict;
use crate::policy::Action;
use crate::policy::document::API_VERSION;
use crate::rule::Severity;
use crate::rules::{SecretValues, has_secret, secrets_in_command};
use crate::text::{HIDDEN, clean};
use jiff::civil::Date;
pub use judge::{Identity, Judged, judge};
use schemars::JsonSchema;
use serde::Serialize;
pub use signatures::TrustReport;
pub use words::NOT_JUDGED;

/// What `podreeve image -o json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "podreeve image report")]
pub struct ImageReport {
    #[schemars(extend("const" = "podreeve.dev/v1alpha1"))]
    pub api_version: &'static str,
    #[schemars(extend("const" = "ImageReport"))]
    pub kind: &'static str,
    /// The name that the archive or folder has for the image, or else the path of the argument.
    pub image: String,
    /// The digest that a pod names: of the index, or of the only manifest.
    pub digest: Digest,
    pub platforms: Vec<PlatformReport>,
    /// Platforms that the index names, and whose content is not there.
    pub absent_platforms: Vec<String>,
    /// The layers of each platform in turn, the lowest first.
    pub layers: Vec<LayerReport>,
    /// Who signed it, where `--trust` names a trust document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust: Option<TrustReport>,
    /// Ordered by rule; what is unknown is behind what was found, each ordered by place.
    pub violations: Vec<ImageViolation>,
    pub summary: ImageSummary,
    /// The file or folder that was read.
    #[serde(skip)]
    pub source: String,
}

/// One platform: its configuration, and what its layers hold together.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformReport {
    /// `linux/amd64`, `windows/amd64:10.0.20348.2582`.
    pub platform: String,
    /// The digest of its manifest.
    pub digest: Digest,
    /// When it was built; null if the configuration says nothing.
    pub created: Option<String>,
    pub config: ConfigReport,
    /// Bytes of its layers as they are stored, and unpacked.
    pub stored_size: u64,
    pub unpacked_size: u64,
    /// What a container sees. Positions of layers are counted from 0.
    pub content: ContentFacts,
    /// What podreeve did not read of it, and why. Rules may have passed over violations there.
    pub gaps: Vec<Gap>,
}

/// How a container is started.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigReport {
    pub user: String,
    pub entrypoint: Vec<String>,
    pub cmd: Vec<String>,
    pub working_dir: String,
    /// The names of variables. Their values may be secrets.
    pub env: Vec<String>,
    /// `8080/tcp`.
    pub exposed_ports: Vec<String>,
    pub volumes: Vec<String>,
    /// The names of labels.
    pub labels: Vec<String>,
    /// Whether there is a HEALTHCHECK, which the kubelet does not run.
    pub healthcheck: bool,
}

/// A layer of one platform.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LayerReport {
    pub platform: String,
    /// The digest of the manifest that has it: two platforms of an index may have one name.
    pub manifest: Digest,
    /// The position of the platform in the report.
    #[serde(skip)]
    pub of: usize,
    /// Its position in the platform, from 0.
    pub index: usize,
    #[serde(flatten)]
    pub layer: LayerFacts,
}

/// One violation of one rule at one place.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageViolation {
    pub rule: &'static str,
    /// The policy that is strictest about it.
    pub policy: String,
    /// The action of that policy.
    #[schemars(with = "String", extend("enum" = ["audit", "warn", "deny"]))]
    pub action: Action,
    /// The effect: a rollout or the mode may soften the action.
    pub effect: Effect,
    pub severity: Severity,
    /// The platforms that have it.
    pub platforms: Vec<String>,
    /// `config.User`, `history[3]`, `layers[2]/usr/bin/su`, `packages[sudo]`, `image`. Positions are counted from 0.
    pub place: String,
    pub found: String,
    pub wanted: String,
    /// What an attacker or a fault does with the violation.
    pub why: String,
    /// Why the violation is not denied, though its action is `deny`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The exemption that covers it, if `--namespace` names its namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exemption: Option<ImageExemptionReport>,
    /// Nothing was found: podreeve did not read what the rule judges.
    pub unknown: bool,
    /// Items of the OWASP list.
    pub owasp: &'static [u8],
    /// The same for this violation in every build of the image: 32 hexadecimal digits.
    pub fingerprint: String,
}

/// An exemption of the policy.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageExemptionReport {
    pub reason: String,
    /// The last day on which it holds.
    #[schemars(with = "Option<String>")]
    pub until: Option<Date>,
}

impl ImageViolation {
    /// Why it is not denied, in words: because of an exemption, or of what `note` says.
    #[must_use]
    pub fn note_or_exemption(&self) -> Option<String> {
        let until = |until: Date| format!(", until {until}");
        let exempt = self
            .exemption
            .as_ref()
            .map(|exemption| format!("exempt: {}{}", exemption.reason, exemption.until.map(until).unwrap_or_default()));
        exempt.or_else(|| self.note.clone())
    }
}

/// The totals.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageSummary {
    /// `Allow`, too, where nothing was judged: `rules` is 0 then, and there is no `trust`.
    pub verdict: Verdict,
    /// How many rules of the policies judge images.
    pub rules: usize,
    /// Violations by their effect.
    pub denied: usize,
    pub warned: usize,
    pub audited: usize,
    pub exempt: usize,
    pub platforms: usize,
    pub layers: usize,
    /// The packages of the platform with most.
    pub packages: usize,
    /// Package databases that podreeve cannot read, of all platforms: there are packages that are not listed.
    pub unknown_packages: usize,
    /// Secrets in layers, of all platforms; rules decide which of them count.
    pub secrets: usize,
    /// What podreeve did not read, of all platforms.
    pub gaps: usize,
}

impl ImageReport {
    /// `source` is the file or folder, `facts` those of each platform of the image.
    #[must_use]
    pub fn new(source: &str, image: &OpenedImage, facts: Vec<ImageFacts>, judged: Judged) -> Self {
        let Judged { violations, rules } = judged;
        let name = image.name.clone().unwrap_or_else(|| source.to_owned());
        let count = |effect: Effect| violations.iter().filter(|violation| violation.effect == effect).count();
        let most = |of: fn(&ContentFacts) -> usize| facts.iter().filter_map(|facts| facts.content.as_ref()).map(of);
        let (denied, warned, audited) = (count(Effect::Deny), count(Effect::Warn), count(Effect::Audit));
        let summary = ImageSummary {
            verdict: match (denied, warned) {
                (0, 0) => Verdict::Allow,
                (0, _) => Verdict::Warn,
                _ => Verdict::Deny,
            },
            rules,
            denied,
            warned,
            audited,
            exempt: count(Effect::Exempt),
            platforms: facts.len(),
            layers: facts.iter().map(|facts| facts.layers.len()).sum(),
            packages: most(|content| content.packages.len()).max().unwrap_or_default(),
            unknown_packages: most(|content| content.unknown_packages.len()).sum(),
            secrets: most(|content| content.secrets.len()).sum(),
            gaps: facts.iter().map(|facts| facts.all_gaps().len()).sum(),
        };
        let trust = facts.iter().find_map(|facts| facts.trust.as_ref()).map(TrustReport::new);
        let (mut platforms, mut layers) = (Vec::new(), Vec::new());
        for (of, (facts, opened)) in facts.into_iter().zip(&image.platforms).enumerate() {
            let platform = facts.platform.to_string();
            let secrets = SecretValues::of_image(&facts);
            let (config, gaps) = (config(&facts, &secrets), facts.all_gaps());
            let created = facts.created.map(|created| created.to_string());
            let stored_size = facts.layers.iter().map(|layer| layer.size).sum();
            let unpacked_size = facts.size();
            let of_platform = facts.layers.into_iter().enumerate();
            layers.extend(of_platform.map(|(index, mut layer)| {
                layer.created_by = layer.created_by.as_deref().map(|step| discreet_step(step, &secrets));
                LayerReport { platform: platform.clone(), manifest: opened.digest.clone(), of, index, layer }
            }));
            let (digest, content) = (opened.digest.clone(), facts.content.unwrap_or_default());
            platforms.push(PlatformReport {
                platform,
                digest,
                created,
                config,
                stored_size,
                unpacked_size,
                content,
                gaps,
            });
        }
        Self {
            api_version: API_VERSION,
            kind: "ImageReport",
            image: name,
            digest: image.digest.clone(),
            platforms,
            absent_platforms: image.absent.iter().map(|absent| absent.platform.to_string()).collect(),
            layers,
            trust,
            violations,
            summary,
            source: source.to_owned(),
        }
    }

    /// Whether a rule or a trust document judged the image.
    #[must_use]
    pub const fn is_judged(&self) -> bool {
        self.summary.rules > 0 || self.trust.is_some()
    }

    /// The layers of the platform at this position.
    pub fn layers_of(&self, platform: usize) -> impl Iterator<Item = &LayerReport> {
        self.layers.iter().filter(move |layer| layer.of == platform)
    }
}

impl LayerReport {
    /// What it adds; nothing if it is not read.
    #[must_use]
    pub fn added(&self) -> Added {
        self.layer.added.clone().unwrap_or_default()
    }
}

fn config(facts: &ImageFacts, secrets: &SecretValues) -> ConfigReport {
    let run = &facts.run;
    let mut entrypoint = discreet(run.entrypoint.iter().chain(&run.cmd), secrets);
    let cmd = entrypoint.split_off(run.entrypoint.len());
    let name = |pair: &String| pair.split('=').next().unwrap_or_default().to_owned();
    ConfigReport {
        user: run.user.clone(),
        entrypoint,
        cmd,
        working_dir: secrets.hide(&run.working_dir),
        env: run.env.iter().map(name).collect(),
        exposed_ports: run.exposed_ports.clone(),
        volumes: run.volumes.clone(),
        labels: run.labels.keys().cloned().collect(),
        healthcheck: run
            .healthcheck
            .as_ref()
            .is_some_and(|check| check.test.first().is_some_and(|first| first != "NONE")),
    }
}

/// Words of a command, without those that hold a secret.
fn discreet<'w>(words: impl Iterator<Item = &'w String>, values: &SecretValues) -> Vec<String> {
    let words: Vec<&str> = words.map(String::as_str).collect();
    let secrets = secrets_in_command(&words);
    let shown = |(index, word): (usize, &&str)| {
        if secrets.contains(&index) { HIDDEN.to_owned() } else { values.hide(word) }
    };
    words.iter().enumerate().map(shown).collect()
}

/// A command of the history, as it may be shown: without the values of variables that are secrets, and without its words if one holds
/// another secret.
fn discreet_step(step: &str, secrets: &SecretValues) -> String {
    if secrets.hides_all(step, has_secret) {
        return clean(&secrets.hide(step), 1000);
    }
    let first = step.split_whitespace().next().unwrap_or_default();
    // An argument of the build may be the first word.
    let first = first.split('=').next().unwrap_or_default();
    format!("{} {HIDDEN}", clean(first, 40))
}
