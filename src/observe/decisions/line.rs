//! The log line of a decision, as JSON or text. [`super::record`] describes its fields.

mod json;
mod pair;
mod text;
mod violations;

use super::caller::Caller;
use super::record::TARGET;
use crate::admit::Hook;
use crate::observe::format::Format;
use crate::observe::times::Times;
use crate::outcome::{HeldBack, Outcome, Tally};
use crate::text::{clean, cleaned};
use jiff::Timestamp;
use std::borrow::Cow;
use violations::Violations;

/// Longest field of a line, in bytes. Names in the API are not longer than 253.
const FIELD_MAX: usize = 320;
/// Longest field that is a word of the API, in bytes.
const WORD_MAX: usize = 128;
/// Longest reason why the request could not be judged, in bytes.
const PROBLEM_MAX: usize = 500;
/// Longest text of what the rules do not say, in bytes.
const DETAIL_MAX: usize = 1000;

/// What follows the rules needs so many bytes: the problem and the detail, each twice as long where all of it is escaped.
const AFTER_RULES: usize = 2 * (PROBLEM_MAX + DETAIL_MAX) + 256;
/// What follows the violations, at most.
const END: usize = 48;

/// The fields of a line. The request's body is never one of them.
struct Line<'o> {
    timestamp: Timestamp,
    hook: &'static str,
    caller: &'static str,
    uid: Cow<'o, str>,
    user: Cow<'o, str>,
    operation: Cow<'o, str>,
    kind: Cow<'o, str>,
    sub_resource: Cow<'o, str>,
    namespace: Cow<'o, str>,
    name: Cow<'o, str>,
    dry_run: bool,
    mode: &'static str,
    verdict: &'static str,
    rules: &'o [Tally],
    labels: bool,
    violations: Violations<'o>,
    problem: Cow<'o, str>,
    detail: Cow<'o, str>,
    micros: u64,
    /// The most bytes.
    max: usize,
}

/// How a line is written.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub format: Format,
    /// The most bytes of the line; [`super::record::LINE_MAX`], or somewhat less.
    pub max: usize,
}

/// Appends the line of one decision.
pub fn write(
    out: &mut String,
    style: Style,
    caller: Caller,
    timestamp: Timestamp,
    hook: Hook,
    outcome: &Outcome,
    times: Times,
) {
    let about = &outcome.about;
    let line = Line {
        max: style.max,
        timestamp,
        hook: hook.as_str(),
        caller: caller.mark(),
        uid: bounded(&about.uid, WORD_MAX),
        user: bounded(&about.user, FIELD_MAX),
        operation: bounded(about.operation.as_str(), WORD_MAX),
        kind: bounded(&about.kind, WORD_MAX),
        sub_resource: bounded(&about.sub_resource, WORD_MAX),
        namespace: bounded(&about.namespace, WORD_MAX),
        name: bounded(&about.name, FIELD_MAX),
        dry_run: about.dry_run,
        mode: outcome.mode.as_str(),
        verdict: outcome.verdict.as_str(),
        rules: &outcome.tallies,
        labels: outcome.pod_security.denied.is_some() || !outcome.pod_security.warnings.is_empty(),
        violations: Violations { described: &outcome.violations, count: outcome.tallies.iter().map(|t| t.count).sum() },
        problem: problem(outcome),
        detail: detail(outcome),
        micros: u64::try_from(times.total.as_micros()).unwrap_or(u64::MAX),
    };
    let start = out.len();
    match style.format {
        Format::Json => json::write(out, &line),
        Format::Text => text::write(out, &line),
    }
    debug_assert!(out.len() - start <= style.max, "a line of {} bytes", out.len() - start);
}

/// What mode deny would have done, as far as the running mode held it back.
fn would(held_back: HeldBack) -> impl Iterator<Item = (&'static str, usize)> {
    [("would_deny", held_back.deny), ("would_patch", held_back.patch)].into_iter().filter(|(_, count)| *count > 0)
}

/// Why the request was not judged, or why the object is invalid.
fn problem(outcome: &Outcome) -> Cow<'_, str> {
    match &outcome.problem {
        Some(problem) => bounded(problem, PROBLEM_MAX),
        None if outcome.invalid.is_empty() => Cow::Borrowed(""),
        None => {
            let faults = outcome.invalid.iter().take(10).map(|(field, fault)| {
                if field.is_empty() {
                    clean(fault, PROBLEM_MAX)
                } else {
                    format!("{field}: {}", clean(fault, PROBLEM_MAX))
                }
            });
            bounded(&faults.collect::<Vec<_>>().join("; "), PROBLEM_MAX).into_owned().into()
        }
    }
}

/// What the answer did not say. Where it said all, and no rule has the reason of a warning, that reason.
fn detail(outcome: &Outcome) -> Cow<'_, str> {
    let silent =
        outcome.unmet.is_empty() && (!outcome.violations.is_empty() || outcome.pod_security.warnings.is_empty());
    match (outcome.hidden.is_empty(), silent) {
        (false, _) => bounded(&outcome.hidden, DETAIL_MAX),
        (true, true) => Cow::Borrowed(""),
        (true, false) => {
            let warnings = outcome.pod_security.warnings.iter().map(|text| clean(text, DETAIL_MAX));
            let unmet = outcome.unmet.iter().map(|unmet| clean(&unmet.text(), DETAIL_MAX));
            bounded(&warnings.chain(unmet).take(10).collect::<Vec<_>>().join("; "), DETAIL_MAX).into_owned().into()
        }
    }
}

/// The text without what could break a line, and with at most `max` bytes. Borrowed if the text is harmless.
fn bounded(text: &str, max: usize) -> Cow<'_, str> {
    let text = cleaned(text, max);
    if text.len() <= max {
        return text;
    }
    let mut text = text.into_owned();
    let end = (0..=max - '…'.len_utf8()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.truncate(end);
    text.push('…');
    Cow::Owned(text)
}

#[cfg(test)]
mod tests;
