//! The warnings of an answer, which kubectl prints.

use super::denial::counted;
use super::text::{FOUND_MAX, WARNING_MAX, WARNINGS_TOTAL, cut, not_displayed, object_name};
use crate::decide::{Effect, Note};
use crate::outcome::{Outcome, Verdict, Violation};
use crate::policy::{HeldBy, Mode};
use crate::rule::Severity;
use crate::text::{clean, dotted};
use std::collections::HashMap;
use std::fmt::Write;

/// The longest name of an object in the first warning, in bytes, so that there is room for what to do.
const OBJECT_MAX: usize = 100;

/// The warnings that fit, in their order. Where not all fit, the worst do. In mode audit there is none.
pub(super) fn warnings(outcome: &Outcome) -> Vec<String> {
    if outcome.mode == Mode::Audit {
        return Vec::new();
    }
    let mut room = WARNINGS_TOTAL - WARNING_MAX;
    let mut fits = |warning: &String| {
        let left = room.checked_sub(warning.len());
        room = left.unwrap_or(room);
        left.is_some()
    };
    let upstream = outcome.pod_security.warnings.iter().map(|warning| cut(clean(warning, WARNING_MAX), WARNING_MAX));
    let unmet = outcome.unmet.iter().map(|unmet| cut(format!("podreeve: {}", unmet.text()), WARNING_MAX));
    let first = not_denied(outcome).map(|warning| cut(warning, WARNING_MAX));
    let mut warnings: Vec<String> = first.into_iter().chain(upstream).chain(unmet).take_while(&mut fits).collect();
    let groups = groups(outcome);
    let worst_first = Severity::WORST_FIRST
        .into_iter()
        .flat_map(|severity| groups.iter().enumerate().filter(move |(_, group)| group.first.severity == severity));
    let written = worst_first.map(|(place, group)| (place, group, group.warning()));
    let mut written: Vec<(usize, &Group<'_>, String)> = written.take_while(|(.., text)| fits(text)).collect();
    written.sort_by_key(|(place, ..)| *place);
    let displayed = written.iter().flat_map(|(_, group, _)| group.all());
    let more = not_displayed(outcome, Effect::Warn, " warnings", displayed);
    warnings.extend(written.into_iter().map(|(.., text)| text));
    warnings.extend(more.map(|more| format!("podreeve: {more}")));
    warnings
}

/// Violations that one warning is about: the first one, and those that are like it.
struct Group<'v> {
    first: &'v Violation,
    others: Vec<&'v Violation>,
}

/// The warnings in the order of their first violations. What would be denied has one warning for each rule and severity.
fn groups(outcome: &Outcome) -> Vec<Group<'_>> {
    let (mut groups, mut known): (Vec<Group<'_>>, HashMap<_, usize>) = (Vec::new(), HashMap::new());
    for violation in outcome.violations.iter().filter(|violation| violation.effect == Effect::Warn) {
        let new = groups.len();
        let place = match violation.note {
            Some(Note::WouldBeDenied(held)) => {
                *known.entry((violation.rule.id, violation.severity, held)).or_insert(new)
            }
            _ => new,
        };
        match groups.get_mut(place) {
            Some(group) => group.others.push(violation),
            None => groups.push(Group { first: violation, others: Vec::new() }),
        }
    }
    groups
}

/// What would be denied and is not: the first line of the denial.
fn not_denied(outcome: &Outcome) -> Option<String> {
    if outcome.verdict == Verdict::Deny {
        return None;
    }
    if let Some(problem) = &outcome.problem {
        let object = object_name(outcome);
        return Some(format!(
            "podreeve could not judge {object}, and will refuse it once it denies: {}",
            clean(problem, 200)
        ));
    }
    let held = || {
        outcome.violations.iter().filter_map(|violation| match violation.note {
            Some(Note::WouldBeDenied(held)) => Some((violation, held)),
            _ => None,
        })
    };
    let (_, first) = held().next()?;
    let mut text = String::with_capacity(2 * WARNING_MAX);
    text.push_str("podreeve would deny ");
    text.push_str(&cut(object_name(outcome), OBJECT_MAX));
    // Writing to a string cannot fail.
    let _ = match first {
        _ if held().any(|(_, other)| other != first) => write!(text, " once their severity is denied: "),
        HeldBy::Mode => write!(text, " in mode deny: "),
        HeldBy::Until(last) => write!(text, " after {last}: "),
        HeldBy::Severity => write!(text, " once their severity is denied: "),
    };
    let count = outcome.would_be_denied();
    let is_described = held().count() == count;
    let severities = held().map(|(violation, _)| violation.severity).filter(|_| is_described);
    let worst = severities.clone().max().filter(|worst| *worst >= Severity::High);
    let worst = worst.map(|worst| (severities.filter(|severity| *severity == worst).count(), worst));
    counted(&mut text, count, worst, held().map(|(violation, _)| violation));
    let rules = outcome.tallies.iter().filter(|tally| tally.held_back.deny > 0);
    edit_size(&mut text, outcome, rules.map(|tally| tally.rule).next().unwrap_or_default());
    Some(text)
}

/// How large the edit is, and how to see it.
fn edit_size(text: &mut String, outcome: &Outcome, rule: &str) {
    let Some(repair) = &outcome.repair else {
        let _ = write!(text, " To see what to do: podreeve explain {rule}");
        return;
    };
    let lines = repair.changed_lines();
    let _ = match (lines, repair.left.len()) {
        (0, _) => write!(text, " No edit repairs it; to see what to do: podreeve explain {rule}"),
        (1, 0) => write!(text, " An edit of one line passes; to see it: podreeve explain -f FILE"),
        (_, 0) => write!(text, " An edit of {lines} lines passes; to see it: podreeve explain -f FILE"),
        (_, left) => {
            write!(text, " An edit of {lines} lines leaves {left} of them; to see it: podreeve explain -f FILE")
        }
    };
}

/// Why a violation is not denied.
#[must_use]
pub fn note_text(note: Note, severity: Severity) -> String {
    match note {
        Note::Preexisting => "was there before this change".to_owned(),
        Note::WillBePatched => "will be patched in its pods".to_owned(),
        Note::WarnedUntil(last) | Note::WouldBeDenied(HeldBy::Until(last)) => format!("will be denied after {last}"),
        Note::ExemptUntil(last) => format!("is exempt until {last}, then denied"),
        Note::WouldBeDenied(HeldBy::Mode) => "would be denied in mode deny".to_owned(),
        Note::WouldBeDenied(HeldBy::Severity) => format!("would be denied with denyFrom {severity}"),
        Note::WouldBePatched => "would be patched in mode deny".to_owned(),
    }
}

impl<'v> Group<'v> {
    fn all(&self) -> impl Iterator<Item = &'v Violation> {
        std::iter::once(self.first).chain(self.others.iter().copied())
    }

    fn warning(&self) -> String {
        let Self { first, others } = self;
        let lead = first.note.map_or_else(|| "should be repaired".to_owned(), |note| note_text(note, first.severity));
        let (rule, wanted) = (first.rule.id, clean(&first.wanted, FOUND_MAX));
        let text = if others.is_empty() {
            let found = clean(&first.found, FOUND_MAX);
            format!("podreeve: {rule} {lead}: {}: found {found}, wanted {wanted}", dotted(&first.field))
        } else {
            let mut subjects: Vec<String> = self.all().map(|violation| violation.subject.to_string()).collect();
            subjects.dedup();
            format!("podreeve: {rule} {lead}: {}: wanted {wanted}", subjects.join(", "))
        };
        cut(text, WARNING_MAX)
    }
}
