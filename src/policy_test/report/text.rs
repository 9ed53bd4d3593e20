//! The results as text: a line for each test, and for each case that failed what was expected and what was found.

use super::super::compare::EFFECTS;
use super::super::compare::Mismatch;
use super::super::document::Expect;
use super::super::judge::Found;
use super::super::render::flow;
use super::super::run::{CaseResult, SuiteResult};
use super::Results;
use crate::outcome::Violation;
use crate::report::style::{BOLD, DIM, FOUND_MAX, plural, style_of};
use crate::text::{clean, dotted};
use anstyle::{AnsiColor, Style};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fmt::Write;

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
/// The longest name of a case that is printed.
const NAME_MAX: usize = 200;
/// Most violations that explain one failure.
const MOST_REASONS: usize = 10;

#[derive(Debug, Clone, Copy)]
pub struct TextOptions {
    /// Whether each case has a line, also one that passed.
    pub verbose: bool,
    /// Whether what was found was written into the files.
    pub blessed: bool,
}

#[must_use]
pub fn text(results: &Results<'_>, options: TextOptions) -> String {
    let mut out = String::new();
    for result in &results.suites {
        suite(&mut out, result, options);
    }
    for result in &results.suites {
        for case in result.cases.iter().filter(|case| !case.passed()) {
            failure(&mut out, result, case);
        }
    }
    if let Some(uncovered) = results.uncovered.as_ref().filter(|uncovered| !uncovered.is_empty()) {
        let _ = writeln!(out, "\n{BOLD}no case violates{BOLD:#}");
        for (policy, rule) in uncovered {
            let _ = writeln!(out, "  {rule} of {}", clean(policy, 63));
        }
    }
    end(&mut out, results, options);
    out
}

fn suite(out: &mut String, result: &SuiteResult<'_>, options: TextOptions) {
    let failed = result.cases.iter().filter(|case| !case.passed()).count();
    let place = clean(&result.suite.file, NAME_MAX);
    let (style, word) = if failed == 0 { (GREEN, "ok    ") } else { (RED, "FAILED") };
    let counts = if failed == 0 {
        plural(result.cases.len(), "case")
    } else {
        format!("{failed} of {}", plural(result.cases.len(), "case"))
    };
    let _ = writeln!(out, "{style}{word}{style:#} {place} ({}): {counts}", clean(&result.suite.name, 63));
    if options.verbose {
        for case in &result.cases {
            let (style, word) = if case.passed() { (GREEN, "ok    ") } else { (RED, "FAILED") };
            let _ = writeln!(out, "  {style}{word}{style:#} {}", clean(&case.case.name, NAME_MAX));
        }
    }
}

/// What is wrong with a case, without styles.
#[must_use]
pub fn failure_text(result: &SuiteResult<'_>, case: &CaseResult<'_>) -> String {
    let mut out = String::new();
    failure(&mut out, result, case);
    anstream::adapter::strip_str(out.trim_start()).to_string()
}

fn failure(out: &mut String, result: &SuiteResult<'_>, case: &CaseResult<'_>) {
    let (file, name) = (clean(&result.suite.file, NAME_MAX), clean(&case.case.name, NAME_MAX));
    let _ = writeln!(out, "\n{BOLD}{file}:{}: {name}{BOLD:#}", case.line);
    match (&case.outcome, &case.case.expect) {
        (Err(error), _) => {
            let _ = writeln!(out, "  {RED}error{RED:#}: {}", clean(error, 1000));
        }
        (Ok((found, _)), None) => {
            let _ = writeln!(out, "  it has no `expect`; `podreeve test --bless` writes what was found:");
            let whole = super::super::compare::expectation(found);
            for (key, value) in whole.entries() {
                let _ = writeln!(out, "{GREEN}+   {key}: {}{GREEN:#}", flow(&value, false));
            }
            reasons(out, found, &|_| true);
        }
        (Ok((found, mismatches)), Some(expect)) => {
            diff(out, expect, mismatches);
            let wrong = |violation: &Violation| is_part(violation, expect, mismatches);
            reasons(out, found, &wrong);
        }
    }
}

/// What was expected (`-`) and what was found (`+`), in the words of the test.
fn diff(out: &mut String, expect: &Expect, mismatches: &[Mismatch]) {
    let _ = writeln!(out, "{DIM}  expect (- expected, + found){DIM:#}");
    for (key, value) in expect.entries() {
        let below = format!("/{key}");
        let own: Vec<&Mismatch> = mismatches
            .iter()
            .filter(|mismatch| mismatch.pointer == below || mismatch.pointer.starts_with(&format!("{below}/")))
            .collect();
        match (own.as_slice(), &value) {
            ([], Value::Object(_)) => {}
            ([], value) => {
                let _ = writeln!(out, "{DIM}    {key}: {}{DIM:#}", flow(value, false));
            }
            ([mismatch], Value::Array(_)) if mismatch.pointer == below => list(out, key, mismatch),
            (own, _) => own.iter().for_each(|mismatch| single(out, mismatch)),
        }
    }
}

fn list(out: &mut String, key: &str, mismatch: &Mismatch) {
    let words = |value: &Value| -> BTreeSet<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let (expected, found) = (words(&mismatch.expected), words(&mismatch.found));
    let _ = writeln!(out, "    {key}:");
    for word in expected.union(&found) {
        let _ = match (expected.contains(word), found.contains(word)) {
            (true, true) => writeln!(out, "{DIM}    - {word}{DIM:#}"),
            (true, false) => writeln!(out, "{RED}-   - {word}{RED:#}"),
            _ => writeln!(out, "{GREEN}+   - {word}{GREEN:#}"),
        };
    }
}

fn single(out: &mut String, mismatch: &Mismatch) {
    let key = dotted(&mismatch.pointer);
    let line = |value: &Value| clean(&flow(value, false), 500);
    if mismatch.pointer.starts_with("/messages/") {
        let _ = writeln!(out, "{RED}-   {key}: {}{RED:#}   (no message has this text)", line(&mismatch.expected));
        return;
    }
    let _ = writeln!(out, "{RED}-   {key}: {}{RED:#}", line(&mismatch.expected));
    let _ = writeln!(out, "{GREEN}+   {key}: {}{GREEN:#}", line(&mismatch.found));
}

/// Whether the violation is one that was not expected, so that it explains the difference.
fn is_part(violation: &Violation, expect: &Expect, mismatches: &[Mismatch]) -> bool {
    let key = EFFECTS.iter().find(|(_, effect)| *effect == violation.effect).map(|(key, _)| *key).unwrap_or_default();
    let listed =
        super::super::read::rule_lists(expect).into_iter().find(|(known, _)| *known == key).and_then(|(_, list)| list);
    if let Some(rules) = listed {
        return !rules.iter().any(|rule| rule == violation.rule.id);
    }
    // Without a list the verdict alone is wrong.
    let verdict = mismatches.iter().any(|mismatch| mismatch.pointer == "/verdict");
    verdict && matches!(key, "denied" | "warned" | "patched")
}

fn reasons(out: &mut String, found: &Found, is_reason: &dyn Fn(&Violation) -> bool) {
    if let Some(problem) = &found.problem {
        let _ = writeln!(out, "  {RED}not judged{RED:#}: {}", clean(problem, 1000));
    }
    for hint in &found.hints {
        let _ = writeln!(out, "  {BOLD}note{BOLD:#}: {}", clean(hint, 500));
    }
    let reasons: Vec<&Violation> = found.violations.iter().filter(|violation| is_reason(violation)).collect();
    for violation in reasons.iter().take(MOST_REASONS) {
        let style = style_of(violation.effect);
        let Violation { rule, effect, subject, field, found, wanted, .. } = violation;
        let found = clean(found, FOUND_MAX);
        let _ = writeln!(
            out,
            "  {style}{} {effect}{style:#}: {subject}: {}: found {found}, wanted {wanted}",
            rule.id,
            dotted(field)
        );
    }
    if reasons.len() > MOST_REASONS {
        let _ = writeln!(out, "  and {} more", reasons.len() - MOST_REASONS);
    }
}

fn end(out: &mut String, results: &Results<'_>, options: TextOptions) {
    let summary = results.summary();
    let style = if summary.failed + summary.errors == 0 { GREEN } else { RED };
    let mut parts = vec![format!("{} passed", summary.passed)];
    if summary.failed > 0 {
        parts.push(format!("{} failed", summary.failed));
    }
    if summary.errors > 0 {
        parts.push(plural(summary.errors, "error"));
    }
    let _ = writeln!(out, "\n{style}{}: {}{style:#}", plural(summary.cases, "case"), parts.join(", "));
    if summary.failed > 0 && !options.blessed {
        let _ = writeln!(out, "If what was found is right, `podreeve test --bless` writes it into the files.");
    }
}
