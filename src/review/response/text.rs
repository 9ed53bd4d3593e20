//! The sentences of a denial.

use crate::decide::{Effect, Stage};
use crate::outcome::{Outcome, Violation, displayed};
use crate::text::{clean, dotted};
use std::fmt::Write;

/// A denial describes this many violations in full and counts the rest.
pub const MAX_REPORTED: usize = 20;
/// The API server cuts a warning to this length, and all warnings together to [`WARNINGS_TOTAL`].
pub const WARNING_MAX: usize = 256;
pub const WARNINGS_TOTAL: usize = 4096;
/// Longest value of a field that a denial repeats, in characters.
pub(super) const FOUND_MAX: usize = 200;
/// Longest fault of an invalid object, in characters.
pub(super) const FAULT_MAX: usize = 1000;

/// The denying violations that are described in full: the worst, in their order.
pub(super) fn displayed_denials(outcome: &Outcome) -> impl Iterator<Item = &Violation> {
    displayed(&outcome.violations, MAX_REPORTED, |v| (v.effect, v.severity)).filter(|v| v.effect == Effect::Deny)
}

/// `+7 more: 2 high, 5 low`, for the violations of this effect that are not described in full.
pub(super) fn not_displayed<'v>(
    outcome: &Outcome,
    effect: Effect,
    noun: &str,
    displayed: impl Iterator<Item = &'v Violation>,
) -> Option<String> {
    let (mut hidden, mut count) = (outcome.severities, outcome.count(effect));
    for violation in displayed {
        hidden.take(effect, violation.severity);
        count = count.saturating_sub(1);
    }
    (count > 0).then(|| format!("+{count} more{noun}: {}", hidden.listed(effect)))
}

/// The object in a sentence: `Deployment default/web`.
#[must_use]
pub fn object_name(outcome: &Outcome) -> String {
    let about = &outcome.about;
    let part = |text: &str| clean(text, 253);
    match (about.namespace.is_empty(), about.name.is_empty()) {
        (_, true) if about.kind.is_empty() => "the object".to_owned(),
        (_, true) => part(&about.kind),
        (true, false) => format!("{} {}", part(&about.kind), part(&about.name)),
        (false, false) => format!("{} {}/{}", part(&about.kind), part(&about.namespace), part(&about.name)),
    }
}

/// The message of a denial.
pub(super) fn denial(outcome: &Outcome) -> String {
    let object = object_name(outcome);
    if let Some(problem) = &outcome.problem {
        return format!(
            "podreeve denied {object}, because it could not be judged: {}. What cannot be read is not let in; \
             repair the field, or report it to the operator of podreeve.",
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
    let count = outcome.count(Effect::Deny);
    let rules: Vec<&str> = outcome.tallies.iter().filter(|t| t.effect == Effect::Deny).map(|t| t.rule).collect();
    let lead = outcome.pod_security.denied.as_ref().map(|text| format!("{text}\n")).unwrap_or_default();
    let mut text = format!(
        "{lead}podreeve denied {object}: {count} violation{} of {}.\n",
        if count == 1 { "" } else { "s" },
        rules.join(", ")
    );
    if let Some(change) = outcome.change {
        let _ = writeln!(text, "{}", change.sentence());
    }
    for violation in displayed_denials(outcome) {
        describe(&mut text, violation, outcome.stage);
    }
    if let Some(more) = not_displayed(outcome, Effect::Deny, "", displayed_denials(outcome)) {
        let _ = writeln!(text, "\n{more}");
    }
    for hint in &outcome.hints {
        let _ = writeln!(text, "\nnote: {}: {}", dotted(&hint.pointer), hint.message);
    }
    let _ = write!(text, "\nTo see the repair: podreeve explain {}", rules.join(" "));
    text
}

fn describe(text: &mut String, violation: &Violation, stage: Stage) {
    let _ = write!(
        text,
        "\n* {rule} ({severity}), {subject}\n  field:  {field}\n  found:  {found}\n  wanted: {wanted}\n  why:    {why}\n  \
         rule:   {owasp}, policy {policy}\n",
        rule = violation.rule.id,
        severity = violation.severity,
        subject = violation.subject,
        field = dotted(&violation.field),
        found = clean(&violation.found, FOUND_MAX),
        wanted = clean(&violation.wanted, FOUND_MAX),
        why = clean(&violation.why, FOUND_MAX * 2),
        owasp = owasp(violation),
        policy = clean(&violation.policy, 63),
    );
    if violation.action == crate::policy::Action::Patch && !violation.repair.is_empty() && stage == Stage::Pod {
        text.push_str(
            "  note:   podreeve repairs this on creation; its mutating webhook did not run, or another one undid it\n",
        );
    }
}

/// `OWASP item 59`, `OWASP items 49, 69`.
#[must_use]
pub fn owasp(violation: &Violation) -> String {
    let items: Vec<String> = violation.rule.owasp.iter().map(ToString::to_string).collect();
    format!("OWASP item{} {}", if items.len() == 1 { "" } else { "s" }, items.join(", "))
}

/// At most `max` bytes, as the API server counts.
pub(super) fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max - '…'.len_utf8()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}
