//! The end of a denial: misspelt keys, and the way to an exemption.

use crate::decide::Effect;
use crate::outcome::Outcome;
use crate::rule::Severity;
use crate::rules::find;
use crate::text::{clean, dotted};
use std::fmt::Write;

/// How many misspelt keys are named.
const HINTS: usize = 3;

pub(super) fn foot(outcome: &Outcome) -> String {
    let mut text = String::new();
    for hint in outcome.hints.iter().take(HINTS) {
        let _ = writeln!(text, "note: {}: {}", dotted(&hint.pointer), hint.message);
    }
    let denied = || outcome.tallies.iter().filter(|tally| tally.effect == Effect::Deny).map(|tally| tally.rule);
    let is_serious = |rule: &&str| {
        let of_rule = |violation: &&crate::outcome::Violation| violation.rule.id == *rule;
        let mut described = outcome.violations.iter().filter(of_rule).filter(|v| v.effect == Effect::Deny).peekable();
        match described.peek() {
            Some(_) => described.any(|violation| violation.severity >= Severity::High),
            None => find(rule).is_some_and(|rule| rule.severity >= Severity::High),
        }
    };
    let serious: Vec<&str> = denied().filter(is_serious).collect();
    let rules = if serious.is_empty() { denied().collect() } else { serious };
    let first = rules.first().copied().unwrap_or_default();
    let contact = outcome.help.contact.as_deref().map_or("the operators of podreeve".into(), |text| clean(text, 200));
    let reasons = match outcome.help.docs.as_deref() {
        Some(docs) => format!("{}/{first}", clean(docs, 200).trim_end_matches('/')),
        None => format!("podreeve explain {}", rules.join(" ")),
    };
    let _ =
        write!(text, "Needed as it is? Ask {contact} for an exemption of: {}. Reasons: {reasons}", rules.join(", "));
    text
}
