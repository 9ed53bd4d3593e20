//! The report as text: what is wrong, where it is, and what to write instead.

mod passed_over;
pub mod scan;
pub mod scan_rules;
pub(crate) mod style;
mod waivers;

use super::{CheckReport, FileError, ObjectReport, Summary, ViolationReport};
use crate::decide::Effect;
use crate::outcome::Verdict;
use crate::text::{clean, dotted};
use anstyle::AnsiColor;
use json_patch::PatchOperation;
use serde_json::Value;
use std::fmt::Write;
use style::{BOLD, DIM, FOUND_MAX, holder, plural, style_of};

/// The report in lines. The writer drops the styles if the output is no terminal.
#[must_use]
pub fn render(report: &CheckReport) -> String {
    let mut text = String::new();
    let mut file = None;
    for object in &report.objects {
        if file != Some(&object.file) {
            file = Some(&object.file);
            let _ = writeln!(text, "{BOLD}{}{BOLD:#}", clean(&object.file, 4096));
        }
        render_object(&mut text, object);
    }
    let rules = denying(report);
    if !rules.is_empty() {
        let _ = writeln!(text, "\nTo see the repair: podreeve explain {}", rules.join(" "));
    }
    if let Some(found) = &report.waivers {
        waivers::render(&mut text, found);
    }
    passed_over::render(&mut text, report);
    if !text.is_empty() {
        text.push('\n');
    }
    text + &summary(report.summary) + "\n"
}

/// The rules that deny, in the order of their first violations.
fn denying(report: &CheckReport) -> Vec<&'static str> {
    let mut rules = Vec::new();
    for violation in report.objects.iter().flat_map(|object| &object.violations) {
        if violation.effect == Effect::Deny && !rules.contains(&violation.rule) {
            rules.push(violation.rule);
        }
    }
    rules
}

fn render_object(text: &mut String, object: &ObjectReport) {
    let (style, verdict) = match object.verdict {
        Verdict::Deny => (AnsiColor::Red.on_default().bold(), "denied"),
        Verdict::Patch => (AnsiColor::Cyan.on_default().bold(), "patched"),
        Verdict::Warn => (AnsiColor::Yellow.on_default().bold(), "admitted with warnings"),
        Verdict::Allow => (AnsiColor::Green.on_default().bold(), "admitted"),
    };
    let name = if object.name.is_empty() { "(no name)".to_owned() } else { clean(&object.name, 253) };
    let _ = writeln!(
        text,
        "  {kind} {namespace}/{name}: {style}{verdict}{style:#}",
        kind = clean(&object.kind, 63),
        namespace = clean(&object.namespace, 63),
    );
    if let Some(problem) = &object.problem {
        let file = clean(&object.file, 4096);
        let place = match (object.problem_line, object.problem_column) {
            (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
            _ => format!("{file}:{}", object.line),
        };
        let _ = writeln!(text, "    {place}  it could not be judged: {}", clean(problem, 1000));
    }
    for warning in &object.warnings {
        let place = format!("{}:{}", clean(&object.file, 4096), object.line);
        let style = style_of(Effect::Warn);
        let _ = writeln!(text, "    {place}  {style}warn{style:#}  {}", clean(warning, 1000));
    }
    for hint in &object.hints {
        let place = format!("{}:{}:{}", clean(&object.file, 4096), hint.line, hint.column);
        let _ = writeln!(text, "    {place}  {BOLD}note{BOLD:#}  {}: {}", hint.field, hint.message);
    }
    for violation in &object.violations {
        render_violation(text, object, violation);
    }
}

fn render_violation(text: &mut String, object: &ObjectReport, violation: &ViolationReport) {
    let style = style_of(violation.effect);
    let owner = holder(violation.container.as_deref(), violation.container_kind);
    let _ = writeln!(
        text,
        "    {file}:{line}:{column}  {style}{effect}{style:#}  {BOLD}{rule}{BOLD:#} ({severity}), {owner}",
        file = clean(&object.file, 4096),
        line = violation.line,
        column = violation.column,
        effect = violation.effect,
        rule = violation.rule,
        severity = violation.severity,
    );
    let mut row = |label: &str, value: &str| {
        let _ = writeln!(text, "      {DIM}{label:7}{DIM:#} {value}");
    };
    row("field:", &violation.field);
    row("found:", &clean(&violation.found, FOUND_MAX));
    row("wanted:", &clean(&violation.wanted, FOUND_MAX));
    if let Some(note) = &violation.note {
        row("note:", note);
    }
    // A violation that is exempt or audited on purpose needs no explanation.
    if matches!(violation.effect, Effect::Exempt | Effect::Audit) {
        return;
    }
    row("why:", &clean(&violation.why, FOUND_MAX * 2));
}

/// `spec.securityContext.runAsNonRoot: true`; flow style, so that any value stays on one line.
#[must_use]
pub fn repair(operation: &PatchOperation) -> String {
    match operation {
        PatchOperation::Add(add) => {
            let path = add.path.to_string();
            match path.strip_suffix("/-") {
                Some(list) => format!("{}: add {}", dotted(list), flow(&add.value)),
                None => format!("{}: {}", dotted(&path), flow(&add.value)),
            }
        }
        other => clean(&other.to_string(), FOUND_MAX),
    }
}

/// YAML in flow style.
#[must_use]
pub fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) if text.chars().all(|c| c.is_alphanumeric() || "-_/.".contains(c)) && !text.is_empty() => {
            clean(text, FOUND_MAX)
        }
        other => clean(&other.to_string(), FOUND_MAX),
    }
}

fn summary(summary: Summary) -> String {
    let Summary { objects, denied, patched, warned, allowed, errors, passed_over } = summary;
    let mut text = plural(objects, "object");
    if objects > 0 {
        let _ = write!(text, ": {denied} denied, {patched} patched, {warned} with warnings, {allowed} admitted");
    }
    if passed_over > 0 {
        let _ = write!(text, "; {passed_over} passed over");
    }
    if errors > 0 {
        let _ = write!(text, "; {}", plural(errors, "error"));
    }
    text
}

/// An error for stderr: `file:line:column: message`.
#[must_use]
pub fn error(error: &FileError) -> String {
    match (error.line, error.column) {
        (Some(line), Some(column)) => format!("{}:{line}:{column}: {}", error.file, error.message),
        _ => format!("{}: {}", error.file, error.message),
    }
}
