//! The sentences of an answer: the denial, and the warnings that kubectl prints.

use crate::decide::{Effect, Note};
use crate::outcome::{Outcome, Violation};
use crate::rule::Severity;
use crate::text::{clean, dotted};

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
pub(super) fn denials(outcome: &Outcome) -> impl Iterator<Item = &Violation> {
    outcome.violations.iter().filter(|violation| violation.effect == Effect::Deny)
}

/// `+7 more: 2 high, 5 low`, for the violations of this effect that are not described in full.
fn not_displayed<'v>(
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

/// `OWASP item 59`, `OWASP items 49, 69`.
#[must_use]
pub fn owasp(violation: &Violation) -> String {
    let items: Vec<String> = violation.rule.owasp.iter().map(ToString::to_string).collect();
    format!("OWASP item{} {}", if items.len() == 1 { "" } else { "s" }, items.join(", "))
}

/// The warnings that fit, in their order. Where not all fit, the worst do.
pub(super) fn warnings(outcome: &Outcome) -> Vec<String> {
    let mut room = WARNINGS_TOTAL - WARNING_MAX;
    let mut fits = |warning: &String| {
        let left = room.checked_sub(warning.len());
        room = left.unwrap_or(room);
        left.is_some()
    };
    let upstream = outcome.pod_security.warnings.iter().map(|warning| cut(clean(warning, WARNING_MAX), WARNING_MAX));
    let unmet = outcome.unmet.iter().map(|unmet| cut(format!("podreeve: {}", unmet.text()), WARNING_MAX));
    let mut warnings: Vec<String> = upstream.chain(unmet).take_while(&mut fits).collect();
    let warned = || outcome.violations.iter().enumerate().filter(|(_, v)| v.effect == Effect::Warn);
    let worst_first = Severity::WORST_FIRST.into_iter().flat_map(|s| warned().filter(move |(_, v)| v.severity == s));
    let written = worst_first.map(|(place, violation)| (place, violation, warning(violation)));
    let mut written: Vec<(usize, &Violation, String)> = written.take_while(|(.., text)| fits(text)).collect();
    written.sort_by_key(|(place, ..)| *place);
    let more = not_displayed(outcome, Effect::Warn, " warnings", written.iter().map(|(_, violation, _)| *violation));
    warnings.extend(written.into_iter().map(|(.., text)| text));
    warnings.extend(more.map(|more| format!("podreeve: {more}")));
    warnings
}

fn warning(violation: &Violation) -> String {
    let lead = match violation.note {
        None => "should be repaired".to_owned(),
        Some(Note::Preexisting) => "was there before this change".to_owned(),
        Some(Note::WillBePatched) => "will be patched in its pods".to_owned(),
        Some(Note::WarnedUntil(last)) => format!("will be denied after {last}"),
        Some(Note::ExemptUntil(last)) => format!("is exempt until {last}, then denied"),
    };
    let text = format!(
        "podreeve: {} {lead}: {}: found {}, wanted {}",
        violation.rule.id,
        dotted(&violation.field),
        clean(&violation.found, FOUND_MAX),
        clean(&violation.wanted, FOUND_MAX),
    );
    cut(text, WARNING_MAX)
}

/// At most `max` bytes, as the API server counts.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max - '…'.len_utf8()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}
