//! The report as a page: one file that needs no other, with the layers as bars.

use super::{ImageReport, ImageViolation, LayerReport, PlatformReport, words};
use crate::decide::Effect;
use crate::image::size_text;
use crate::outcome::Verdict;
use crate::report::format::rule_url;
use crate::rules;
use crate::text::clean;
use askama::Template;

/// The most names of one kind.
const NAMES: usize = 500;

#[derive(Template)]
#[template(path = "image-report.html")]
struct Page<'p> {
    verdict: &'static str,
    style: &'static str,
    name: String,
    digest: &'p str,
    tiles: Vec<(&'static str, String)>,
    platforms: Vec<Platform>,
    absent: String,
    /// The prefix of the entry that counts, and who signed.
    signatures: Option<(String, Vec<String>)>,
    rules: Vec<Rule>,
    version: &'static str,
}

struct Platform {
    facts: String,
    layers: Vec<Layer>,
    total: String,
    rows: Vec<(&'static str, usize, String)>,
    gaps: Vec<(&'static str, String)>,
}

struct Layer {
    index: usize,
    used: u64,
    wasted: u64,
    stored: String,
    unpacked: String,
    step: String,
    adds: String,
}

struct Rule {
    id: &'static str,
    title: &'static str,
    why: String,
    url: String,
    rows: Vec<Row>,
}

struct Row {
    place: String,
    message: String,
    style: &'static str,
    effect: Effect,
    severity: String,
}

/// The page. `all` also shows what an author need not act on.
#[must_use]
pub fn html(report: &ImageReport, all: bool) -> String {
    let summary = &report.summary;
    let mut of_rules: Vec<Rule> = Vec::new();
    for violation in report.violations.iter().filter(|violation| all || violation.effect >= Effect::Warn) {
        let row = row(report, violation);
        match of_rules.last_mut().filter(|rule| rule.id == violation.rule && rule.why == violation.why) {
            Some(rule) => rule.rows.push(row),
            None => of_rules.push(Rule {
                id: violation.rule,
                title: rules::find(violation.rule).map_or("", |rule| rule.title),
                why: violation.why.clone(),
                url: rule_url(violation.rule),
                rows: vec![row],
            }),
        }
    }
    let page = Page {
        verdict: words::verdict(report),
        style: match summary.verdict {
            Verdict::Deny => "denied",
            Verdict::Warn => "warning",
            Verdict::Allow | Verdict::Patch if !report.is_judged() => "warning",
            Verdict::Allow | Verdict::Patch => "good",
        },
        name: clean(&report.image, 300),
        digest: report.digest.as_str(),
        tiles: vec![
            ("denied", summary.denied.to_string()),
            ("warnings", summary.warned.to_string()),
            ("for audit", summary.audited.to_string()),
            ("layers", summary.layers.to_string()),
            ("packages", summary.packages.to_string()),
            ("gaps", summary.gaps.to_string()),
            (
                "stored",
                size_text(report.platforms.iter().map(|platform| platform.stored_size).max().unwrap_or_default()),
            ),
        ],
        platforms: report.platforms.iter().enumerate().map(|(position, one)| platform(report, position, one)).collect(),
        absent: report.absent_platforms.join(", "),
        signatures: report.trust.as_ref().map(|trust| (trust.prefix.clone(), trust.lines())),
        rules: of_rules,
        version: env!("CARGO_PKG_VERSION"),
    };
    // Rendering to a string cannot fail.
    page.render().unwrap_or_default()
}

fn platform(report: &ImageReport, position: usize, platform: &PlatformReport) -> Platform {
    let layers: Vec<&LayerReport> = report.layers_of(position).collect();
    let largest = layers.iter().map(|layer| layer.added().unpacked_size).max().unwrap_or_default().max(1);
    let shown = |row: words::Row| (row.what, row.count, words::listed(&row.names, row.count, NAMES));
    Platform {
        facts: words::facts(platform).join(" · "),
        total: words::total(platform, layers.len()).replace(" (░)", ""),
        layers: layers.into_iter().map(|one| layer(one, largest)).collect(),
        rows: words::rows(&platform.content).into_iter().map(shown).collect(),
        gaps: words::gaps(platform),
    }
}

fn layer(report: &LayerReport, largest: u64) -> Layer {
    let added = report.added();
    let percent = |bytes: u64| u64::try_from(u128::from(bytes) * 100 / u128::from(largest)).unwrap_or(100).min(100);
    let wasted = percent(added.wasted.min(added.unpacked_size));
    let step = report.layer.created_by.as_deref().unwrap_or_else(|| report.layer.digest.short());
    Layer {
        index: report.index,
        used: percent(added.unpacked_size) - wasted,
        wasted,
        stored: size_text(report.layer.size),
        unpacked: size_text(added.unpacked_size),
        step: clean(words::step_in_short(step), 300),
        adds: words::adds(report),
    }
}

fn row(report: &ImageReport, violation: &ImageViolation) -> Row {
    let note = violation.note_or_exemption().map(|note| format!(" ({note})")).unwrap_or_default();
    Row {
        place: format!("{}{}", violation.place, words::some_platforms(report, violation)),
        message: format!("found {}, wanted {}{note}", violation.found, violation.wanted),
        style: match violation.effect {
            Effect::Deny => "denied",
            Effect::Warn => "warning",
            _ => "other",
        },
        effect: violation.effect,
        severity: violation.severity.to_string(),
    }
}
