//! The message of a denial: the sender's own object as a diff that passes, each reason once, and the way to an exemption.

mod annotate;
mod body;
mod foot;
mod list;

use super::text::{FAULT_MAX, object_name, push_object_name};
use crate::decide::Effect;
use crate::outcome::{Outcome, Repair, Violation};
use crate::rule::Severity;
use crate::text::{clean, cleaned, push_dotted};
use annotate::Reasons;
use smallvec::SmallVec;
use std::fmt::Write;

/// The most lines and bytes of a denial. The first line is empty, and one is left for the number of the request.
pub const MAX_LINES: usize = 40;
pub const MAX_BYTES: usize = 4000;

/// How much a denial contains. A denial that is too long contains less; critical and high violations stay.
#[derive(Debug, Clone, Copy)]
struct Detail {
    reasons: Reasons,
    /// Containers with the same edit are shown once.
    folds: bool,
    /// Edits without which the object passes, too.
    optional: bool,
    /// Milder violations are summed up.
    least: Severity,
}

/// Everything.
const ALL: Detail = Detail { reasons: Reasons::Serious, folds: false, optional: true, least: Severity::Low };

const DETAILS: [Detail; 7] = {
    let needed = Detail { optional: false, ..ALL };
    let folded = Detail { reasons: Reasons::Critical, folds: true, ..needed };
    let serious = Detail { least: Severity::High, ..folded };
    [
        ALL,
        Detail { reasons: Reasons::Critical, ..ALL },
        needed,
        Detail { reasons: Reasons::Critical, ..needed },
        folded,
        serious,
        Detail { reasons: Reasons::None, ..serious },
    ]
};

/// The message of a denial.
pub(super) fn denial(outcome: &Outcome) -> String {
    if let Some(problem) = &outcome.problem {
        return format!(
            "podreeve denied {}, because it could not be judged: {}. What cannot be read is not let in; \
             repair the field, or report it to the operator of podreeve.",
            object_name(outcome),
            clean(problem, 1000)
        );
    }
    if !outcome.invalid.is_empty() {
        let faults = outcome.invalid.iter().map(|(field, fault)| {
            if field.is_empty() { clean(fault, FAULT_MAX) } else { format!("{field}: {}", clean(fault, FAULT_MAX)) }
        });
        let (kind, name) = (clean(&outcome.about.kind, 63), clean(&outcome.about.name, 253));
        return format!("{kind} \"{name}\" is invalid: {}", faults.collect::<Vec<_>>().join(", "));
    }
    described(outcome)
}

/// The first level of detail that fits.
fn described(outcome: &Outcome) -> String {
    // Also room for the id behind it.
    let mut text = String::with_capacity(MAX_BYTES + 64);
    head(&mut text, outcome, outcome.repair.as_ref());
    let (begin, head_lines, foot) = (text.len(), lines(&text), foot::foot(outcome));
    let (room, bytes) = (MAX_LINES - head_lines.min(MAX_LINES), MAX_BYTES.saturating_sub(begin + foot.len()));
    let room = room.saturating_sub(lines(&foot));
    // Of too many violations some are only counted, and there is no edit.
    let is_described = outcome.repair.is_some() || list::denied(outcome).count() >= outcome.count(Effect::Deny);
    let mut shown = Vec::with_capacity(2 * MAX_LINES);
    for detail in DETAILS.into_iter().filter(|_| is_described) {
        if body::body(&mut text, outcome, detail, &mut shown, Some((room, bytes))) {
            text.push_str(&foot);
            return text;
        }
        text.truncate(begin);
    }
    // The edit is not shown, so the first line does not announce it.
    text.clear();
    head(&mut text, outcome, None);
    list::by_rule(&mut text, outcome, room, bytes);
    text.push_str(&foot);
    text
}

/// As many as [`str::lines`] finds.
fn lines(text: &str) -> usize {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    ends + usize::from(!text.is_empty() && !text.ends_with('\n'))
}

/// The whole edit of an object and what it leaves, however long; none where nothing needs an edit.
#[must_use]
pub fn edit(outcome: &Outcome) -> Option<String> {
    let repair = outcome.repair.as_ref()?;
    let mut text = object_name(outcome);
    text.push_str(if repair.is_empty() { ": no edit repairs it." } else { ":" });
    says(&mut text, repair);
    text.push('\n');
    body::body(&mut text, outcome, ALL, &mut Vec::new(), None);
    Some(text)
}

/// What the edit does, if there is one.
fn says(text: &mut String, repair: &Repair) {
    if repair.is_empty() {
        return;
    }
    text.push_str(" This edit of ");
    if repair.at.is_empty() {
        text.push_str("it");
    } else {
        push_dotted(text, &repair.at);
    }
    let _ = match repair.left.len() {
        0 => write!(text, " passes:"),
        1 => write!(text, " leaves one of them, which is below:"),
        left => write!(text, " leaves {left} of them, which are below:"),
    };
}

/// The first line: what was denied, and what the edit does. Upstream's line comes before it where labels deny; any other denial
/// begins on a line of its own.
fn head(text: &mut String, outcome: &Outcome, edit: Option<&Repair>) {
    let count = outcome.count(Effect::Deny);
    text.push_str(outcome.pod_security.denied.as_deref().unwrap_or_default());
    text.push('\n');
    push_object_name(text, outcome);
    text.push_str(" denied: ");
    let severities = [Severity::Critical, Severity::High].into_iter();
    let mut counts = severities.map(|severity| (outcome.severities.of(Effect::Deny, severity), severity));
    counted(text, count, counts.find(|(count, _)| *count > 0), list::denied(outcome));
    if let Some(repair) = edit {
        says(text, repair);
    }
    text.push('\n');
    if let Some(change) = outcome.change {
        let _ = writeln!(text, "{}", change.sentence());
    }
}

/// Appends `13 violations (4 critical) of policy owasp.`: how many there are of the worst severity is said of serious ones.
pub(super) fn counted<'v>(
    text: &mut String,
    count: usize,
    worst: Option<(usize, Severity)>,
    violations: impl Iterator<Item = &'v Violation>,
) {
    let _ = write!(text, "{count} violation{}", if count == 1 { "" } else { "s" });
    if let Some((count, severity)) = worst {
        let _ = write!(text, " ({count} {severity})");
    }
    let mut names: SmallVec<[&str; 4]> = SmallVec::new();
    for violation in violations {
        if !names.contains(&&*violation.policy) {
            names.push(&violation.policy);
        }
    }
    text.push_str(if names.len() == 1 { " of policy " } else { " of policies " });
    for (index, name) in names.iter().enumerate() {
        text.push_str(if index > 0 { ", " } else { "" });
        text.push_str(&cleaned(name, 63));
    }
    text.push('.');
}
