//! The picture of an image: its layers as bars, what they add and waste, what is in it, and what violates the policies.

use super::{ImageReport, ImageViolation, LayerReport, PlatformReport, words};
use crate::decide::Effect;
use crate::image::size_text;
use crate::report::style::{BOLD, DIM, style_of};
use crate::report::text::wrap::wrap;
use crate::rule::Rule;
use crate::rules;
use crate::text::clean;
use std::fmt::Write;

/// The bar of the largest layer, and that on a narrow terminal.
const BAR: usize = 24;
const SHORT_BAR: usize = 8;
/// The narrowest terminal with the longer bar.
const NARROW: usize = 72;
/// The most names in one line of what is found.
const NAMES: usize = 12;
/// The longest text of a violation: as much as the report keeps of it.
const TEXT: usize = 1000;
/// The widest line where no terminal says how wide it is.
const WIDTH: usize = 120;

/// The report as text. `all` also shows what an author need not act on; `width` is that of the terminal.
#[must_use]
pub fn text(report: &ImageReport, all: bool, width: Option<usize>) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}  {DIM}{}{DIM:#}\n", clean(&report.image, 300), report.digest);
    for (position, platform) in report.platforms.iter().enumerate() {
        head(&mut text, platform, width);
        layers(&mut text, platform, &report.layers_of(position).collect::<Vec<_>>(), width);
        contents(&mut text, platform, width);
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
    violations(&mut text, report, all, width);
    text
}

fn head(text: &mut String, platform: &PlatformReport, width: Option<usize>) {
    let _ = writeln!(text, "\n{}", wrapped(words::facts(platform).join(" · "), width, 2));
}

fn layers(text: &mut String, platform: &PlatformReport, of_platform: &[&LayerReport], terminal: Option<usize>) {
    let width = terminal.unwrap_or(WIDTH).max(40);
    let largest = of_platform.iter().map(|layer| layer.added().unpacked_size).max().unwrap_or_default().max(1);
    let length = if width < NARROW { SHORT_BAR } else { BAR };
    let _ = writeln!(text, "\n{BOLD}   {:length$}  {:>8}  {:>8}  LAYER{BOLD:#}", "", "STORED", "UNPACKED");
    for layer in of_platform {
        let added = layer.added();
        let bar = bar(added.unpacked_size, added.wasted, largest, length);
        let step = layer.layer.created_by.as_deref().unwrap_or_else(|| layer.layer.digest.short());
        let room = width.saturating_sub(length + 27);
        let _ = writeln!(
            text,
            "{:>2} {bar:length$}  {:>8}  {:>8}  {}",
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
    let _ = writeln!(text, "{}", wrapped(format!("   {}", words::total(platform, of_platform.len())), terminal, 3));
}

/// The bar of a layer: what is used, and what is of no use. Every layer with content has a sign.
fn bar(size: u64, wasted: u64, largest: u64, length: usize) -> String {
    let signs = |bytes: u64| {
        usize::try_from(u128::from(bytes) * length as u128 / u128::from(largest)).unwrap_or(length).min(length)
    };
    let all = signs(size).max(usize::from(size > 0));
    let wasted = signs(wasted.min(size)).min(all);
    "█".repeat(all - wasted) + &"░".repeat(wasted)
}

fn contents(text: &mut String, platform: &PlatformReport, width: Option<usize>) {
    let (rows, gaps) = (words::rows(&platform.content), words::gaps(platform));
    if !rows.is_empty() || !gaps.is_empty() {
        text.push('\n');
    }
    for words::Row { what, count, names } in rows {
        let line = format!("{BOLD}{what}{BOLD:#} {count}: {}", words::listed(&names, count, NAMES));
        let _ = writeln!(text, "{}", wrapped(line, width, 2));
    }
    for (what, why) in gaps {
        let _ = writeln!(text, "{}", wrapped(format!("{BOLD}{what}{BOLD:#}{why}"), width, 2));
    }
}

/// The most lines that are alike but for their place, of what is not denied.
const ALIKE: usize = 3;

fn violations(text: &mut String, report: &ImageReport, all: bool, width: Option<usize>) {
    let shown = |violation: &&ImageViolation| all || violation.effect >= Effect::Warn;
    let shown: Vec<&ImageViolation> = report.violations.iter().filter(shown).collect();
    for of_rule in shown.chunk_by(|one, next| (one.rule, &one.why) == (next.rule, &next.why)) {
        let Some(first) = of_rule.first() else { continue };
        let heading = format!("{BOLD}{}{BOLD:#}: {}", first.rule, first.why);
        let _ = writeln!(text, "\n{}", wrapped(heading, width, 2));
        let is_alike = |one: &&ImageViolation, next: &&ImageViolation| {
            (one.effect, one.severity, &one.found) == (next.effect, next.severity, &next.found)
        };
        for alike in of_rule.chunk_by(is_alike) {
            let is_short = !all && alike.iter().all(|violation| violation.effect < Effect::Deny);
            let most = if is_short && alike.len() > ALIKE { 1 } else { alike.len() };
            alike.iter().take(most).for_each(|violation| line(text, report, violation, width));
            if alike.len() > most {
                let _ = writeln!(text, "  and {} more like this (--all shows them)", alike.len() - most);
            }
        }
        let instead = rules::find(first.rule).map_or("", Rule::instead);
        if !instead.is_empty() && of_rule.iter().any(|violation| violation.effect >= Effect::Warn) {
            let _ = writeln!(text, "{}", wrapped(format!("  {DIM}to do:{DIM:#} {instead}"), width, 4));
        }
    }
    let _ = writeln!(text, "\n{}", summary(report, all));
}

/// One violation.
fn line(text: &mut String, report: &ImageReport, violation: &ImageViolation, width: Option<usize>) {
    let (word, colour) = (violation.effect, style_of(violation.effect));
    let some = words::some_platforms(report, violation);
    let note = violation.note_or_exemption().map(|note| format!(" ({note})")).unwrap_or_default();
    let ImageViolation { severity, place, found, wanted, .. } = violation;
    let line = format!(
        "  {colour}{word}{colour:#} {severity}  {place}{some}: found {}, wanted {}{note}",
        clean(found, TEXT),
        clean(wanted, TEXT)
    );
    let _ = writeln!(text, "{}", wrapped(line, width, 4));
}

/// In lines that fit a terminal.
fn wrapped(line: String, width: Option<usize>, indent: usize) -> String {
    match width {
        Some(width) => wrap(&line, width, indent),
        None => line,
    }
}

/// The verdict and the totals, in one line.
#[must_use]
pub fn summary(report: &ImageReport, all: bool) -> String {
    let summary = &report.summary;
    let verdict = words::verdict(report);
    if !report.is_judged() {
        return format!("{verdict}{}", words::gap_count(report));
    }
    let hint = if all || summary.audited + summary.exempt == 0 { "" } else { " (--all shows them)" };
    let exempt = if summary.exempt == 0 { String::new() } else { format!(", {} exempt", summary.exempt) };
    format!(
        "{verdict}: {} denied, {} warned, {} for audit{exempt}{hint}{}",
        summary.denied,
        summary.warned,
        summary.audited,
        words::gap_count(report)
    )
}
