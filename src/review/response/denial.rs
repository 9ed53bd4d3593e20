//! The message of a denial: the sender's own object as a diff that passes, each reason once, and the way to an exemption.

mod annotate;
mod body;
mod foot;
mod list;

use super::text::{FAULT_MAX, object_name};
use crate::decide::Effect;
use crate::outcome::{Outcome, Repair};
use crate::rule::Severity;
use crate::text::{clean, dotted};
use annotate::Reasons;
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
    let (head, foot) = (head(outcome), foot::foot(outcome));
    let fits = |text: &String| text.len() <= MAX_BYTES && text.lines().count() <= MAX_LINES;
    // Of too many violations some are only counted, and there is no edit.
    let is_described = outcome.repair.is_some() || list::denied(outcome).len() >= outcome.count(Effect::Deny);
    for detail in DETAILS.into_iter().filter(|_| is_described) {
        let text = format!("{head}{}{foot}", body::body(outcome, detail));
        if fits(&text) {
            return text;
        }
    }
    let room = MAX_LINES.saturating_sub(head.lines().count() + foot.lines().count());
    format!("{head}{}{foot}", list::by_rule(outcome, room, MAX_BYTES.saturating_sub(head.len() + foot.len())))
}

/// The whole edit of an object and what it leaves, however long; none where nothing needs an edit.
#[must_use]
pub fn edit(outcome: &Outcome) -> Option<String> {
    let repair = outcome.repair.as_ref()?;
    let mut text = object_name(outcome);
    text.push_str(if repair.is_empty() { ": no edit repairs it." } else { ":" });
    says(&mut text, repair);
    text.push('\n');
    Some(text + &body::body(outcome, ALL))
}

/// What the edit does, if there is one.
fn says(text: &mut String, repair: &Repair) {
    if repair.is_empty() {
        return;
    }
    let at = if repair.at.is_empty() { "it".to_owned() } else { dotted(&repair.at) };
    let _ = match repair.left.len() {
        0 => write!(text, " This edit of {at} passes:"),
        1 => write!(text, " This edit of {at} leaves one of them, which is below:"),
        left => write!(text, " This edit of {at} leaves {left} of them, which are below:"),
    };
}

/// The first line: what was denied, and what the edit does. Upstream's line comes before it where labels deny; any other denial
/// begins on a line of its own.
fn head(outcome: &Outcome) -> String {
    let count = outcome.count(Effect::Deny);
    let mut text = outcome.pod_security.denied.clone().unwrap_or_default();
    let _ = write!(
        text,
        "\n{} denied: {count} violation{}{} of {}.",
        object_name(outcome),
        if count == 1 { "" } else { "s" },
        worst(outcome),
        policies(outcome),
    );
    if let Some(repair) = &outcome.repair {
        says(&mut text, repair);
    }
    text.push('\n');
    if let Some(change) = outcome.change {
        let _ = writeln!(text, "{}", change.sentence());
    }
    text
}

/// ` (4 critical)`: how many violations are of the worst severity, if that is a serious one.
fn worst(outcome: &Outcome) -> String {
    for severity in [Severity::Critical, Severity::High] {
        match outcome.severities.of(Effect::Deny, severity) {
            0 => {}
            count => return format!(" ({count} {severity})"),
        }
    }
    String::new()
}

fn policies(outcome: &Outcome) -> String {
    let mut names: Vec<String> = Vec::new();
    for violation in outcome.violations.iter().filter(|violation| violation.effect == Effect::Deny) {
        let name = clean(&violation.policy, 63);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    format!("{} {}", if names.len() == 1 { "policy" } else { "policies" }, names.join(", "))
}
