//! The report of `why`, as text.

use super::changes::source;
use super::report::{Change, ExplainedDecision, RuleReport, WhyReport};
use crate::cli::explain::wrap;
use crate::decide::Effect;
use crate::manifest::to_yaml;
use crate::observe::decisions::record::{DecisionLine, HeldByWord, NoteWord, ViolationRecord};
use crate::outcome::Verdict;
use crate::policy::Mode;
use crate::report::style::{BOLD, DIM, holder, plural, style_of};
use crate::text::clean;
use std::fmt::Write;

const MAX: usize = 500;

/// All decisions in a line each where there are several, and the one that matters in full.
#[must_use]
pub fn render(report: &WhyReport) -> String {
    let mut text = String::new();
    let [.., newest] = report.decisions.as_slice() else { return text };
    if report.decisions.len() > 1 {
        let matching = report.read.matching;
        let _ = writeln!(text, "{} of {}, the newest last:", plural(matching, "decision"), clean(&report.wanted, MAX));
        if matching > report.decisions.len() {
            let _ = writeln!(text, "  ... ({} older)", matching - report.decisions.len());
        }
        report.decisions.iter().for_each(|decision| overview(&mut text, decision));
        text.push('\n');
    }
    // The newest that says something.
    let main = report.decisions.iter().rfind(|it| it.decision.verdict != Verdict::Allow).unwrap_or(newest);
    explain(&mut text, main);
    text
}

/// One decision in one line.
fn overview(text: &mut String, ExplainedDecision { decision, .. }: &ExplainedDecision) {
    let described = decision.rules.iter().filter(|r| r.effect != Effect::Audit);
    let rules: Vec<String> = described.map(|r| clean(&r.rule, 63)).collect();
    let id: String = decision.uid.chars().take(8).collect();
    let id = clean(&id, 8);
    let style = style_of(effect(decision.verdict));
    let _ = writeln!(
        text,
        "  {time:.0}  {id}  {style}{verdict:5}{style:#}  {hook:8}  {operation} {object}{rules}",
        time = decision.timestamp,
        verdict = decision.verdict,
        hook = decision.hook,
        operation = clean(&decision.operation, 20),
        object = object(decision),
        rules = if rules.is_empty() { String::new() } else { format!(": {}", rules.join(", ")) },
    );
}

const fn effect(verdict: Verdict) -> Effect {
    match verdict {
        Verdict::Allow => Effect::Audit,
        Verdict::Warn => Effect::Warn,
        Verdict::Patch => Effect::Patch,
        Verdict::Deny => Effect::Deny,
    }
}

/// `Deployment shop/web`, `Pod/exec shop/web`.
fn object(decision: &DecisionLine) -> String {
    let sub = decision.sub_resource.as_ref().map(|sub| format!("/{sub}")).unwrap_or_default();
    let space = if decision.namespace.is_empty() { "" } else { "/" };
    let object = format!("{}{sub} {}{space}{}", decision.kind, decision.namespace, decision.name);
    if object.trim().is_empty() { "an object that could not be read".to_owned() } else { clean(object.trim(), MAX) }
}

fn explain(text: &mut String, explained: &ExplainedDecision) {
    let ExplainedDecision { place, decision, rules, changes } = explained;
    let style = style_of(effect(decision.verdict));
    let verdict = match decision.verdict {
        Verdict::Allow => "was admitted",
        Verdict::Warn => "was admitted with warnings",
        Verdict::Patch => "was repaired",
        Verdict::Deny => "was denied",
    };
    let _ = writeln!(text, "{BOLD}{}{BOLD:#} {style}{verdict}{style:#}", object(decision));
    head(text, place, decision);
    let mut explained_rules = Vec::new();
    for violation in &decision.violations {
        describe(text, violation);
        let is_silent = matches!(violation.effect, Effect::Audit | Effect::Exempt) && !violation.is_denied();
        if is_silent || explained_rules.contains(&&violation.rule) {
            continue;
        }
        // A reason stands once.
        explained_rules.push(&violation.rule);
        if let Some(rule) = crate::rules::find(&violation.rule) {
            row(text, "why:", rule.why);
        }
    }
    if decision.left_out > 0 || decision.violations.is_empty() && !rules.is_empty() {
        counts(text, decision.left_out, rules);
    }
    if decision.violations.is_empty() && rules.is_empty() && decision.problem.is_none() {
        text.push_str("\n  No rule found anything.\n");
    }
    if !changes.is_empty() {
        let _ = writeln!(text, "\n{BOLD}What changes it{BOLD:#}");
        for change in changes {
            describe_change(text, change);
        }
    }
}

fn head(text: &mut String, place: &str, decision: &DecisionLine) {
    let mut row = |label: &str, value: &str| {
        let _ = writeln!(text, "  {DIM}{label:9}{DIM:#} {}", clean(value, 2000));
    };
    row("request:", &format!("{} by {}, uid {}", decision.operation, decision.user, decision.uid));
    row("decided:", &format!("{} by the hook {}, in {} us", decision.timestamp, decision.hook, decision.micros));
    let would: usize = decision.rules.iter().map(|rule| rule.would_deny).sum();
    if decision.mode != Mode::Deny || would > 0 {
        let would =
            if would > 0 { format!("; mode deny would deny {}", plural(would, "violation")) } else { String::new() };
        row("mode:", &format!("{}{would}", decision.mode));
    }
    if decision.dry_run {
        row("dry run:", "the API server stores nothing of this request");
    }
    if decision.caller.is_some() {
        row("caller:", "without a certificate, so all names here are the caller's words");
    }
    row("line:", place);
    for (label, value) in [("problem:", &decision.problem), ("detail:", &decision.detail)] {
        if let Some(value) = value {
            row(label, value);
        }
    }
}

fn describe(text: &mut String, violation: &ViolationRecord) {
    let style = style_of(violation.effect);
    let _ = writeln!(
        text,
        "\n  {style}{effect:6}{style:#} {BOLD}{rule}{BOLD:#} ({severity}), {whose}, policy {policy}",
        effect = violation.effect,
        rule = clean(&violation.rule, 63),
        severity = violation.severity,
        whose = holder(violation.container.as_deref(), violation.container_kind.as_deref()),
        policy = clean(&violation.policy, 63),
    );
    row(text, "field:", &violation.field);
    row(text, "found:", &violation.found);
    row(text, "wanted:", &violation.wanted);
    if violation.exemption.is_some() {
        let until = violation.until.as_ref().map(|until| format!(", until {until}")).unwrap_or_default();
        row(text, "exemption:", &(source(violation) + &until));
    }
    if let Some(note) = violation.note {
        row(text, "note:", &note_text(note, violation));
    }
}

fn row(text: &mut String, label: &str, value: &str) {
    let _ = writeln!(text, "    {DIM}{label:10}{DIM:#} {}", clean(value, MAX));
}

fn note_text(note: NoteWord, violation: &ViolationRecord) -> String {
    let until = violation.until.as_deref().unwrap_or_default();
    match note {
        NoteWord::Preexisting => "was there before this change".to_owned(),
        NoteWord::WillBePatched => "is repaired in its pods".to_owned(),
        NoteWord::WarnedUntil => format!("is denied after {until}"),
        NoteWord::ExemptUntil => format!("is exempt until {until}, then denied"),
        NoteWord::WouldBeDenied => match violation.held_by {
            Some(HeldByWord::Severity) => format!("would be denied with denyFrom {}", violation.severity),
            Some(HeldByWord::Date) => format!("will be denied after {until}"),
            Some(HeldByWord::Mode) | None => "would be denied in mode deny".to_owned(),
        },
        NoteWord::WouldBePatched => "would be repaired in mode deny".to_owned(),
    }
}

/// What the line only counts.
fn counts(text: &mut String, left_out: usize, rules: &[RuleReport]) {
    let all: Vec<String> = rules.iter().map(|r| format!("{} {} ({})", r.count, clean(&r.rule, 63), r.effect)).collect();
    let left =
        if left_out > 0 { format!("{} without details. ", plural(left_out, "more violation")) } else { String::new() };
    let _ = writeln!(text, "\n  {left}Counted by rule: {}", all.join(", "));
}

fn describe_change(text: &mut String, change: &Change) {
    let mut sentence = String::new();
    wrap(&mut sentence, "    ", &clean(&change.text, 4 * MAX));
    let _ = writeln!(text, "  * {}", sentence.trim());
    if let Some(command) = &change.command {
        let _ = writeln!(text, "      {}", clean(command, MAX));
    }
    for (number, object) in change.objects.iter().enumerate() {
        if number > 0 {
            text.push_str("      ---\n");
        }
        for line in to_yaml(object).lines() {
            let _ = writeln!(text, "      {}", clean(line, MAX));
        }
    }
}
