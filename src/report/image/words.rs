//! What a report says of an image in words, as text and as a page.

use super::{ImageReport, ImageViolation, LayerReport, PlatformReport};
use crate::image::facts::ContentFacts;
use crate::image::size_text;
use crate::outcome::Verdict;
use crate::report::style::plural;
use crate::text::clean;

/// What the policies say of the image.
pub fn verdict(report: &ImageReport) -> &'static str {
    match report.summary.verdict {
        Verdict::Deny => "podreeve denies this image",
        _ if !report.is_judged() => NOT_JUDGED,
        Verdict::Warn | Verdict::Allow if report.trust.as_ref().is_some_and(|trust| !trust.signed) => {
            "podreeve admits this image without a valid signature"
        }
        Verdict::Allow if report.summary.rules == 0 => {
            "podreeve admits the signatures of this image; no rule of the policies judges images"
        }
        Verdict::Warn => "podreeve admits this image, with warnings",
        Verdict::Allow | Verdict::Patch => "podreeve admits this image",
    }
}

/// What there is to say where no rule judges.
pub const NOT_JUDGED: &str = "not judged: no rule of the policies judges images; `--policy owasp` has such rules";

/// What builds write that give the same image each time, in place of a day.
const NO_DAYS: [&str; 3] = ["0001-01-01", "1970-01-01", "1980-01-01"];

/// The platform in a few words.
pub fn facts(platform: &PlatformReport) -> Vec<String> {
    let content = &platform.content;
    let mut facts = vec![platform.platform.clone()];
    facts.extend(
        platform
            .created
            .as_deref()
            .and_then(|created| created.get(..10))
            .filter(|day| !NO_DAYS.contains(day))
            .map(|day| format!("built {day}")),
    );
    facts.extend(content.os.as_ref().filter(|os| !os.name.is_empty()).map(|os| match content.end_of_life {
        Some(end) => format!("{}, updates until {end}", os.name),
        None => os.name.clone(),
    }));
    let user = clean(&platform.config.user, 64);
    // Windows has no root.
    let root = (!platform.platform.starts_with("windows/")).then(|| "runs as root".to_owned());
    facts.extend(if user.is_empty() { root } else { Some(format!("runs as {user}")) });
    let config = &platform.config;
    let command: Vec<String> = config.entrypoint.iter().chain(&config.cmd).map(|word| clean(word, 60)).collect();
    facts.extend((!command.is_empty()).then(|| clean(&command.join(" "), 80)));
    facts
}

/// The sizes of all layers.
pub fn total(platform: &PlatformReport, layers: usize) -> String {
    let wasted = platform.content.wasted;
    let unused = if wasted == 0 {
        String::new()
    } else {
        let files = platform.content.wasted_files.iter().take(3);
        let files = files.map(|file| format!("/{} {}", clean(&file.path, 80), size_text(file.bytes)));
        let files: Vec<String> = files.collect();
        format!("; {} (░) overwritten or deleted later: {}", size_text(wasted), files.join(", "))
    };
    let (stored, unpacked) = (size_text(platform.stored_size), size_text(platform.unpacked_size));
    format!("{}, {stored} stored, {unpacked} unpacked{unused}", plural(layers, "layer"))
}

/// The command without what every step begins and ends with.
pub fn step_in_short(step: &str) -> &str {
    let step = step.trim_end_matches("# buildkit").trim();
    let step = step.strip_prefix("/bin/sh -c #(nop)").map_or(step, str::trim_start);
    step.strip_prefix("/bin/sh -c ").unwrap_or(step)
}

/// What a layer adds to those below.
pub fn adds(layer: &LayerReport) -> String {
    let added = layer.added();
    let mut parts = Vec::new();
    if added.files > 0 {
        let largest =
            added.largest.iter().take(3).map(|one| format!("/{} {}", clean(&one.path, 60), size_text(one.bytes)));
        let largest = largest.collect::<Vec<_>>().join(", ");
        // Files without content have no largest one.
        let colon = if largest.is_empty() { "" } else { ": " };
        parts.push(format!("{}{colon}{largest}", plural(added.files, "file")));
    }
    if added.removed > 0 {
        parts.push(format!("removes {}", plural(added.removed, "path")));
    }
    if added.packages > 0 {
        parts.push(format!(
            "{}: {}",
            plural(added.packages, "package"),
            listed(&added.package_names, added.packages, 4)
        ));
    }
    parts.join("; ")
}

/// The first names, and that there are more.
pub fn listed(names: &[String], count: usize, most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| clean(name, 200)).collect();
    let more = if count > shown.len() { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// What an image has of something.
pub struct Row {
    pub what: &'static str,
    pub count: usize,
    pub names: Vec<String>,
}

/// What the image has; nothing that it does not have.
pub fn rows(content: &ContentFacts) -> Vec<Row> {
    let path = |path: &str| format!("/{}", clean(path, 100));
    let packages = content.packages.iter().map(|package| package.name.clone());
    let tools = content.build_tools.iter().map(|tool| tool.name.clone());
    let files = content.privileged_files.iter();
    let rights =
        files.map(|file| format!("{} {}", path(&file.path), file.capabilities.as_deref().unwrap_or(&file.mode)));
    let secrets = content.secrets.iter().map(|one| format!("layers[{}]{} {}", one.layer, path(&one.path), one.kind));
    let unverified = content.unverified.iter().map(|one| format!("{}:{}", path(&one.path), one.fault.line));
    let rows: [(&'static str, Vec<String>); 5] = [
        ("packages", packages.collect()),
        ("build tools", tools.collect()),
        ("setuid and capabilities", rights.collect()),
        ("secrets", secrets.collect()),
        ("unverified packages", unverified.collect()),
    ];
    let rows = rows.into_iter().filter(|(_, names)| !names.is_empty());
    rows.map(|(what, names)| Row { what, count: names.len(), names }).collect()
}

/// What the report does not know: a word, and the rest of the sentence.
pub fn gaps(platform: &PlatformReport) -> Vec<(&'static str, String)> {
    platform.gaps.iter().map(|gap| ("not read", format!(" {gap}"))).collect()
}

/// The platforms that have a violation, if that is only a part of them.
pub fn some_platforms(report: &ImageReport, violation: &ImageViolation) -> String {
    let has = |platform: &PlatformReport| violation.platforms.contains(&platform.platform);
    if report.platforms.iter().all(has) { String::new() } else { format!(" ({})", violation.platforms.join(", ")) }
}

/// How much is not known, at the end of the totals; nothing where all is.
pub fn gap_count(report: &ImageReport) -> String {
    match report.summary.gaps {
        0 => String::new(),
        count => format!("; not all of the image was read: {}", plural(count, "gap")),
    }
}
