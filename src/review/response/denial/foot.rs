//! The end of a denial: misspelt keys, and the way to an exemption.

use super::list;
use crate::decide::Effect;
use crate::outcome::Outcome;
use crate::rule::Severity;
use crate::rules::find;
use crate::text::{Dotted, cleaned};
use std::fmt::Write;

/// How many misspelt keys are named.
const HINTS: usize = 3;

pub(super) fn foot(outcome: &Outcome) -> String {
    let mut text = String::with_capacity(512);
    for hint in outcome.hints.iter().take(HINTS) {
        let _ = writeln!(text, "note: {}: {}", Dotted(&hint.pointer), hint.message);
    }
    let denied = || outcome.tallies.iter().filter(|tally| tally.effect == Effect::Deny).map(|tally| tally.rule);
    let has_serious = denied().any(|rule| is_serious(outcome, rule));
    let rules = || denied().filter(|rule| !has_serious || is_serious(outcome, rule));
    text.push_str("Needed as it is? Ask ");
    match outcome.help.contact.as_deref() {
        Some(contact) => text.push_str(&cleaned(contact, 200)),
        None => text.push_str("the operators of podreeve"),
    }
    text.push_str(" for an exemption of: ");
    push_joined(&mut text, rules(), ", ");
    text.push_str(". Reasons: ");
    if let Some(docs) = outcome.help.docs.as_deref() {
        text.push_str(cleaned(docs, 200).trim_end_matches('/'));
        text.push('/');
        text.push_str(rules().next().unwrap_or_default());
    } else {
        text.push_str("podreeve explain ");
        push_joined(&mut text, rules(), " ");
    }
    text
}

/// Whether a violation of the rule is high or critical.
fn is_serious(outcome: &Outcome, rule: &str) -> bool {
    let mut described = list::denied(outcome).filter(|violation| violation.rule.id == rule).peekable();
    match described.peek() {
        Some(_) => described.any(|violation| violation.severity >= Severity::High),
        None => find(rule).is_some_and(|rule| rule.severity >= Severity::High),
    }
}

/// Appends the texts with a separator between them.
pub(super) fn push_joined<'t>(text: &mut String, parts: impl Iterator<Item = &'t str>, separator: &str) {
    for (index, part) in parts.enumerate() {
        text.push_str(if index > 0 { separator } else { "" });
        text.push_str(part);
    }
}
