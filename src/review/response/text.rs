//! The sentences of a denial.

use crate::decide::Effect;
use crate::outcome::{About, Outcome, Violation, displayed};
use crate::text::cleaned;
use std::fmt;

/// A denial describes this many violations in full and counts the rest.
pub const MAX_REPORTED: usize = 20;
/// The API server cuts a warning to this length, and all warnings together to [`WARNINGS_TOTAL`].
pub const WARNING_MAX: usize = 256;
pub const WARNINGS_TOTAL: usize = 4096;
/// Longest value of a field that a denial repeats, in characters.
pub(super) const FOUND_MAX: usize = 200;
/// Longest fault of an invalid object, in characters.
pub(super) const FAULT_MAX: usize = 1000;

/// The causes that one answer has at most. No pod that people write has as many violations.
const MAX_CAUSES: usize = 100;

/// The violations that deny, in their order: the worst, where there are more than an answer holds.
pub(super) fn denials(outcome: &Outcome) -> impl Iterator<Item = &Violation> {
    displayed(&outcome.violations, MAX_CAUSES, |violation| (violation.effect, violation.severity))
        .filter(|violation| violation.effect == Effect::Deny)
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
    let mut text = String::new();
    push_object_name(&mut text, outcome);
    text
}

/// Appends [`object_name`].
pub(super) fn push_object_name(text: &mut String, outcome: &Outcome) {
    let About { kind, namespace, name, .. } = &outcome.about;
    if kind.is_empty() && name.is_empty() {
        text.push_str("the object");
        return;
    }
    text.push_str(&cleaned(kind, 253));
    if name.is_empty() {
        return;
    }
    text.push(' ');
    if !namespace.is_empty() {
        text.push_str(&cleaned(namespace, 253));
        text.push('/');
    }
    text.push_str(&cleaned(name, 253));
}

/// `OWASP item 59`, `OWASP items 49, 69`.
#[derive(Debug, Clone, Copy)]
pub struct Owasp(pub &'static [u8]);

impl fmt::Display for Owasp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.len() == 1 { "OWASP item" } else { "OWASP items" })?;
        for (index, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if index == 0 { " " } else { ", " })?;
        }
        Ok(())
    }
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
