//! The picture of an image: its layers as bars, what they add and waste, what is in it, and what violates the policies.

use super::{ImageReport, ImageViolation, LayerReport, PlatformReport};
use crate::decide::Effect;
use crate::image::facts::ContentFacts;
use crate::image::size_text;
use crate::outcome::Verdict;
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
    for platform in &report.platforms {
        head(&mut text, platform);
        layers(&mut text, report, platform, width);
        contents(&mut text, &platform.content);
    }
    if !report.absent_platforms.is_empty() {
        let _ = writeln!(text, "\nNot there, so not judged: {}", report.absent_platforms.join(", "));
    }
    if let Some(trust) = &report.trust {
        trust.write(&mut text);
    }
    violations(&mut text, report, all);
    text
}

fn head(text: &mut String, platform: &PlatformReport) {
    let content = &platform.content;
    let mut facts = vec![platform.platform.clone()];
    facts.extend(platform.created.as_deref().and_then(|created| created.get(..10)).map(|day| format!("built {day}")));
    facts.extend(content.os.as_ref().filter(|os| !os.name.is_empty()).map(|os| match content.end_of_life {
        Some(end) => format!("{}, updates until {end}", os.name),
        None => os.name.clone(),
    }));
    let user = clean(&platform.config.user, 64);
    facts.push(if user.is_empty() { "runs as root".to_owned() } else { format!("runs as {user}") });
    let command: Vec<String> =
        platform.config.entrypoint.iter().chain(&platform.config.cmd).map(|word| clean(word, 60)).collect();
    facts.extend((!command.is_empty()).then(|| clean(&command.join(" "), 80)));
    let _ = writeln!(text, "\n{}", facts.join(" · "));
}

fn layers(text: &mut String, report: &ImageReport, platform: &PlatformReport, width: usize) {
    let of_platform: Vec<&LayerReport> = report.layers_of(&platform.platform).collect();
    let largest = of_platform.iter().map(|layer| layer.added().unpacked_size).max().unwrap_or_default().max(1);
    let _ = writeln!(text, "\n{BOLD}   {:BAR$}  {:>8}  {:>8}  LAYER{BOLD:#}", "", "STORED", "UNPACKED");
    for layer in &of_platform {
        let added = layer.added();
        let (used, wasted) = bar(added.unpacked_size, added.wasted, largest);
        let step = layer.layer.created_by.as_deref().unwrap_or_else(|| layer.layer.digest.short());
        let room = width.saturating_sub(BAR + 27);
        let _ = writeln!(
            text,
            "{:>2} {}{}{}{:pad$}  {:>8}  {:>8}  {}",
            layer.index,
            "█".repeat(used),
            "░".repeat(wasted),
            "",
            "",
            size_text(layer.layer.size),
            size_text(added.unpacked_size),
            clean(step_in_short(step), room),
            pad = BAR - used - wasted,
        );
        let adds = adds(layer);
        if !adds.is_empty() {
            let _ = writeln!(text, "   {DIM}{}{DIM:#}", clean(&adds, width.saturating_sub(3)));
        }
    }
    let wasted = platform.content.wasted;
    let unused = if wasted == 0 {
        String::new()
    } else {
        let files = platform.content.wasted_files.iter().take(3);
        let files: Vec<String> =
            files.map(|file| format!("/{} {}", clean(&file.path, 80), size_text(file.bytes))).collect();
        format!("; {} (░) overwritten or deleted later: {}", size_text(wasted), files.join(", "))
    };
    let (stored, unpacked) = (size_text(platform.stored_size), size_text(platform.unpacked_size));
    let _ = writeln!(text, "   {} layers, {stored} stored, {unpacked} unpacked{unused}", of_platform.len());
}

/// How many signs are for what is used and for what is of no use. Every layer with content has one.
fn bar(size: u64, wasted: u64, largest: u64) -> (usize, usize) {
    let signs =
        |bytes: u64| usize::try_from(u128::from(bytes) * BAR as u128 / u128::from(largest)).unwrap_or(BAR).min(BAR);
    let all = signs(size).max(usize::from(size > 0));
    let wasted = signs(wasted.min(size)).min(all);
    (all - wasted, wasted)
}

/// The command without what every step begins and ends with.
fn step_in_short(step: &str) -> &str {
    let step = step.trim_end_matches("# buildkit").trim();
    let step = step.strip_prefix("/bin/sh -c #(nop)").map_or(step, str::trim_start);
    step.strip_prefix("/bin/sh -c ").unwrap_or(step)
}

fn adds(layer: &LayerReport) -> String {
    let added = layer.added();
    let mut parts = Vec::new();
    if added.files > 0 {
        let largest =
            added.largest.iter().take(3).map(|one| format!("/{} {}", clean(&one.path, 60), size_text(one.bytes)));
        parts.push(format!("{} files: {}", added.files, largest.collect::<Vec<_>>().join(", ")));
    }
    if added.removed > 0 {
        parts.push(format!("removes {} paths", added.removed));
    }
    if added.packages > 0 {
        parts.push(format!("{} packages: {}", added.packages, listed(&added.package_names, added.packages, 4)));
    }
    parts.join("; ")
}

/// The first names, and that there are more.
fn listed(names: &[String], count: usize, most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| clean(name, 60)).collect();
    let more = if count > shown.len() { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn contents(text: &mut String, content: &ContentFacts) {
    let mut rows: Vec<(&str, usize, Vec<String>)> = Vec::new();
    let path = |path: &str| format!("/{}", clean(path, 100));
    rows.push(("packages", content.packages.len(), content.packages.iter().map(|one| one.name.clone()).collect()));
    let tools = content.build_tools.iter().map(|tool| tool.name.clone());
    rows.push(("build tools", content.build_tools.len(), tools.collect()));
    let files = content.privileged_files.iter();
    let more_rights =
        files.map(|file| format!("{} {}", path(&file.path), file.capabilities.as_deref().unwrap_or(&file.mode)));
    rows.push(("setuid and capabilities", content.privileged_files.len(), more_rights.collect()));
    let secrets = content.secrets.iter().map(|one| format!("layers[{}]{} {}", one.layer, path(&one.path), one.kind));
    rows.push(("secrets", content.secrets.len(), secrets.collect()));
    let unverified = content.unverified.iter().map(|one| format!("{}:{}", path(&one.path), one.fault.line));
    rows.push(("unverified packages", content.unverified.len(), unverified.collect()));
    text.push('\n');
    for (what, count, names) in rows.iter().filter(|(_, count, _)| *count > 0) {
        let _ = writeln!(text, "{BOLD}{what}{BOLD:#} {count}: {}", listed(names, *count, NAMES));
    }
    for unknown in &content.unknown_packages {
        let _ = writeln!(text, "{BOLD}unknown{BOLD:#} packages in {}: {}", path(&unknown.path), unknown.why);
    }
    if content.truncated {
        let _ = writeln!(text, "{BOLD}incomplete{BOLD:#}: the image has more of something than podreeve lists");
    }
}

fn violations(text: &mut String, report: &ImageReport, all: bool) {
    let shown = |violation: &&ImageViolation| all || violation.effect >= Effect::Warn;
    let mut last = None;
    for violation in report.violations.iter().filter(shown) {
        if last.replace(violation.rule) != Some(violation.rule) {
            let _ = writeln!(text, "\n{BOLD}{}{BOLD:#}: {}", violation.rule, violation.why);
        }
        let (word, colour) = (violation.effect, style_of(violation.effect));
        let some = if violation.platforms.len() == report.platforms.len() {
            String::new()
        } else {
            format!(" ({})", violation.platforms.join(", "))
        };
        let note = violation.note.as_deref().map(|note| format!(" ({note})")).unwrap_or_default();
        let ImageViolation { severity, place, found, wanted, .. } = violation;
        let _ = writeln!(
            text,
            "  {colour}{word}{colour:#} {severity}  {place}{some}: found {}, wanted {}{note}",
            clean(found, 300),
            clean(wanted, 300)
        );
    }
    let summary = &report.summary;
    let verdict = match summary.verdict {
        Verdict::Deny => "podreeve denies this image",
        Verdict::Warn => "podreeve admits this image, with warnings",
        _ => "podreeve admits this image",
    };
    let hint = if all || summary.audited == 0 { "" } else { " (--all shows them)" };
    let _ = writeln!(
        text,
        "\n{verdict}: {} denied, {} warned, {} for audit{hint}",
        summary.denied, summary.warned, summary.audited
    );
}
