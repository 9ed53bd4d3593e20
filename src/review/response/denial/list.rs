//! Violations without an edit, one a line.

use crate::decide::{Effect, Stage};
use crate::outcome::{Outcome, Violation};
use crate::policy::Action;
use crate::review::response::text::FOUND_MAX;
use crate::rule::Severity;
use crate::rules::find;
use crate::text::{Dotted, cleaned, dotted};
use smallvec::SmallVec;
use std::fmt::Write;

/// How many containers or fields are named for one rule.
const PLACES: usize = 8;

/// The violations that deny, in their order.
pub(super) fn denied(outcome: &Outcome) -> impl Iterator<Item = &Violation> {
    outcome.violations.iter().filter(|violation| violation.effect == Effect::Deny)
}

/// Appends what no edit repairs: what was found, what is wanted, and, once, why that is wrong and what to do.
pub(super) fn left<'v>(text: &mut String, violations: impl Iterator<Item = &'v Violation>) {
    let mut said: SmallVec<[(&str, &str); 8]> = SmallVec::new();
    for violation in violations {
        let _ = write!(
            text,
            "* {severity} {rule}, {subject}: {field}: found {found}, wanted {wanted}",
            severity = violation.severity,
            rule = violation.rule.id,
            subject = violation.subject,
            field = Dotted(&violation.field),
            found = cleaned(&violation.found, FOUND_MAX),
            wanted = cleaned(&violation.wanted, FOUND_MAX),
        );
        if !said.contains(&(violation.rule.id, &*violation.why)) {
            said.push((violation.rule.id, &violation.why));
            let _ = write!(text, ": {}", cleaned(&violation.why, FOUND_MAX * 2));
            if !violation.instead.is_empty() {
                let _ = write!(text, "; {}", violation.instead);
            }
        }
        if violation.action == Action::Patch && violation.repairable && violation.stage == Stage::Pod {
            text.push_str(
                "; podreeve repairs this on creation, but its mutating webhook did not run, or another one undid it",
            );
        }
        text.push('\n');
    }
}

/// How many violations of the rule deny, if all of them have one severity.
fn count(outcome: &Outcome, rule: &str, severities: usize) -> usize {
    let denied = outcome.tallies.iter().filter(|tally| tally.effect == Effect::Deny && tally.rule == rule);
    if severities == 1 { denied.map(|tally| tally.count).sum() } else { 0 }
}

/// Appends one line for each rule, the worst first, with its containers: for a denial that would be too long.
pub(super) fn by_rule(text: &mut String, outcome: &Outcome, lines: usize, bytes: usize) {
    let mut rules: Vec<(Severity, &str, Vec<String>)> = Vec::new();
    for violation in denied(outcome) {
        let place = match violation.subject.container() {
            Some((_, name)) => cleaned(name, 63).into_owned(),
            None => dotted(&violation.field),
        };
        let key = (violation.severity, violation.rule.id);
        match rules.iter_mut().find(|(severity, rule, _)| (*severity, *rule) == key) {
            Some((.., places)) if places.contains(&place) => {}
            Some((.., places)) => places.push(place),
            None => rules.push((key.0, key.1, vec![place])),
        }
    }
    // The worst violations may fill all the room that there is for descriptions.
    for tally in outcome.tallies.iter().filter(|tally| tally.effect == Effect::Deny) {
        if let Some(rule) = find(tally.rule).filter(|_| !rules.iter().any(|(_, rule, _)| *rule == tally.rule)) {
            rules.push((rule.severity, rule.id, vec![format!("{} violations", tally.count)]));
        }
    }
    rules.sort_by_key(|(severity, ..)| std::cmp::Reverse(*severity));
    let (begin, mut written, mut hidden) = (text.len(), 0, Vec::new());
    for (severity, rule, places) in &rules {
        let mut line =
            format!("* {severity} {rule}: {}", places.iter().take(PLACES).cloned().collect::<Vec<_>>().join(", "));
        let named = places.len().min(PLACES);
        let severities = rules.iter().filter(|(_, other, _)| other == rule).count();
        let is_described = denied(outcome).any(|violation| violation.rule.id == *rule);
        let all = if is_described { count(outcome, rule, severities) } else { 0 };
        let more = all.max(places.len()) - named;
        if more > 0 {
            let _ = write!(line, " and {more} more");
        }
        let fits = written + 2 < lines && text.len() - begin + line.len() + 200 < bytes;
        if fits || *severity >= Severity::High {
            text.push_str(&line);
            text.push('\n');
            written += 1;
        } else {
            hidden.push(*rule);
        }
    }
    if !hidden.is_empty() {
        let _ = writeln!(text, "* and {}", hidden.join(", "));
    }
    text.push_str("This is too much for one message. The whole edit: podreeve explain -f FILE\n");
}
