//! The picture of an image: its layers as bars, what they add and waste, what is in it, and what violates the policies.

use super::{ImageReport, ImageViolation, LayerReport, PlatformReport, words};
use crate::decide::Effect;
use crate::image::size_text;
use crate::report::style::{BOLD, DIM, style_of};
use crate::text::clean;
use std::fmt::Write;

/// The bar of the largest layer.
const BAR: usize = 24;
/// The most names in one line of what is found.
const NAMES: usize = 12;
/// The widest line where no terminal says how wide it is.
const WIDTH: usize = 120;

/// The report as text. `all` also shows what an author need not act on; `width` is that of the terminal.
#[must_use]
pub fn text(report: &ImageReport, all: bool, width: Option<usize>) -> String {
    let width = width.unwrap_or(WIDTH).max(60);
    let mut text = format!("{BOLD}{}{BOLD:#}  {DIM}{}{DIM:#}\n", clean(&report.image, 300), report.digest);
    for (position, platform) in report.platforms.iter().enumerate() {
        head(&mut text, platform);
        layers(&mut text, platform, &report.layers_of(position).collect::<Vec<_>>(), width);
        contents(&mut text, platform);
    }
    if !report.absent_platforms.is_empty() {
        let _ = writeln!(text, "\nNot there, so not judged: {}", report.absent_platforms.join(", "));
    }
    if let Some(trust) = &report.trust {
        let _ = writeln!(text, "\n{BOLD}   SIGNATURES{BOLD:#}  {DIM}by the entry {}{DIM:#}", trust.prefix);
        for line in trust.lines() {
            let _ = writeln!(text, "   {line}");
        }
    }
    violations(&mut text, report, all);
    text
}

fn head(text: &mut String, platform: &PlatformReport) {
    let _ = writeln!(text, "\n{}", words::facts(platform).join(" · "));
}

fn layers(text: &mut String, platform: &PlatformReport, of_platform: &[&LayerReport], width: usize) {
    let largest = of_platform.iter().map(|layer| layer.added().unpacked_size).max().unwrap_or_default().max(1);
    let _ = writeln!(text, "\n{BOLD}   {:BAR$}  {:>8}  {:>8}  LAYER{BOLD:#}", "", "STORED", "UNPACKED");
    for layer in of_platform {
        let added = layer.added();
        let bar = bar(added.unpacked_size, added.wasted, largest);
        let step = layer.layer.created_by.as_deref().unwrap_or_else(|| layer.layer.digest.short());
        let room = width.saturating_sub(BAR + 27);
        let _ = writeln!(
            text,
            "{:>2} {bar:BAR$}  {:>8}  {:>8}  {}",
            layer.index,
            size_text(layer.layer.size),
            size_text(added.unpacked_size),
            clean(words::step_in_short(step), room),
        );
        let adds = words::adds(layer);
        if !adds.is_empty() {
            let _ = writeln!(text, "   {DIM}{}{DIM:#}", clean(&adds, width.saturating_sub(3)));
        }
    }
    let _ = writeln!(text, "   {}", words::total(platform, of_platform.len()));
}

/// The bar of a layer: what is used, and what is of no use. Every layer with content has a sign.
fn bar(size: u64, wasted: u64, largest: u64) -> String {
    let signs =
        |bytes: u64| usize::try_from(u128::from(bytes) * BAR as u128 / u128::from(largest)).unwrap_or(BAR).min(BAR);
    let all = signs(size).max(usize::from(size > 0));
    let wasted = signs(wasted.min(size)).min(all);
    "█".repeat(all - wasted) + &"░".repeat(wasted)
}

fn contents(text: &mut String, platform: &PlatformReport) {
    let (rows, gaps) = (words::rows(&platform.content), words::gaps(platform));
    if !rows.is_empty() || !gaps.is_empty() {
        text.push('\n');
    }
    for words::Row { what, count, names } in rows {
        let _ = writeln!(text, "{BOLD}{what}{BOLD:#} {count}: {}", words::listed(&names, count, NAMES));
    }
    for (what, why) in gaps {
        let _ = writeln!(text, "{BOLD}{what}{BOLD:#}{why}");
    }
}

fn violations(text: &mut String, report: &ImageReport, all: bool) {
    let shown = |violation: &&ImageViolation| all || violation.effect >= Effect::Warn;
    let mut last = None;
    for violation in report.violations.iter().filter(shown) {
        let heading = (violation.rule, violation.why.as_str());
        if last.replace(heading) != Some(heading) {
            let _ = writeln!(text, "\n{BOLD}{}{BOLD:#}: {}", violation.rule, violation.why);
        }
        let (word, colour) = (violation.effect, style_of(violation.effect));
        let some = words::some_platforms(report, violation);
        let note = violation.note_or_exemption().map(|note| format!(" ({note})")).unwrap_or_default();
        let ImageViolation { severity, place, found, wanted, .. } = violation;
        let _ = writeln!(
            text,
            "  {colour}{word}{colour:#} {severity}  {place}{some}: found {}, wanted {}{note}",
            clean(found, 300),
            clean(wanted, 300)
        );
    }
    let summary = &report.summary;
    let verdict = words::verdict(report);
    let hint = if all || summary.audited + summary.exempt == 0 { "" } else { " (--all shows them)" };
    let exempt = if summary.exempt == 0 { String::new() } else { format!(", {} exempt", summary.exempt) };
    let _ = writeln!(
        text,
        "\n{verdict}: {} denied, {} warned, {} for audit{exempt}{hint}{}",
        summary.denied,
        summary.warned,
        summary.audited,
        words::gap_count(report)
    );
}
