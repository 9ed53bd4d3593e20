//! Judges a Dockerfile by the policies.

use super::fingerprint::of_text;
use super::judge::Judge;
use super::types::{EditReport, ObjectReport, ViolationReport};
use crate::decide::{Effect, Note, calls_for_repair, effect_on_file};
use crate::dockerfile::{Arguments, Dockerfile, Place};
use crate::manifest::TextEdit;
use crate::policy::{CompiledPolicy, SubjectRule};
use crate::report::fix::hidden::Hidden;
use crate::review::response::note_text;
use crate::rule::{Applicability, FileCheck, FileEdit, Finding};
use crate::rules::SecretValues;
use std::collections::HashMap;
use std::fmt::Write;

/// The kind of a Dockerfile in a report, where objects of Kubernetes have theirs.
pub const KIND: &str = "Dockerfile";

/// A finding, and what one policy does about it.
struct Judged<'j> {
    finding: Finding<'j, Place>,
    rule: &'j SubjectRule<dyn FileCheck>,
    policy: &'j CompiledPolicy,
    effect: Effect,
    note: Option<Note>,
}

impl Judge<'_> {
    /// The report of a Dockerfile.
    #[must_use]
    pub fn dockerfile(&self, name: &str, file: &Dockerfile<'_>) -> ObjectReport {
        let judged = self.judged(file);
        let edits: Vec<(FileEdit, usize)> = judged.iter().filter_map(|one| edit(one, file)).collect();
        let mut report = ObjectReport {
            violations: judged.iter().map(|one| violation(name, file, one)).collect(),
            diff: if self.diffs { diff(file, &edits, judged.len()) } else { None },
            ..ObjectReport::other(name.to_owned(), KIND, String::new())
        };
        report.judge_again();
        report
    }

    /// The edits of this applicability at most, in the order of the file, for what is denied or warned of.
    #[must_use]
    pub fn dockerfile_edits(&self, file: &Dockerfile<'_>, most: Applicability) -> Vec<TextEdit> {
        let mut edits: Vec<TextEdit> = Vec::new();
        for judged in self.judged(file) {
            let severity = judged.finding.severity.unwrap_or(judged.rule.rule.severity);
            if severity < self.severity || !calls_for_repair(judged.effect, judged.note) {
                continue;
            }
            let Some((edit, _)) = edit(&judged, file).filter(|(edit, _)| edit.applicability <= most) else { continue };
            // Of two edits of one place, the second is made by the next run, if it is still needed.
            if edits.last().is_none_or(|last| last.range.end <= edit.span.start) {
                edits.push(TextEdit { range: edit.span, text: edit.text.into_owned() });
            }
        }
        edits
    }

    /// The findings in the order of the file; what several policies find is there once, for the strictest.
    fn judged<'j>(&'j self, file: &'j Dockerfile<'j>) -> Vec<Judged<'j>> {
        let mut judged: Vec<Judged<'j>> = Vec::new();
        let mut known: HashMap<(usize, usize, String), usize> = HashMap::new();
        for policy in &self.snapshot.policies.policies {
            for rule in &policy.files {
                let mut findings = Vec::new();
                rule.check.check(file, &mut findings);
                for finding in findings {
                    let severity = finding.severity.unwrap_or(rule.rule.severity);
                    let cap = self.snapshot.ceiling.cap(severity, self.today);
                    let (effect, note) = effect_on_file(rule.action, finding.most, policy.warn_until, self.today, cap);
                    let key = (rule.order, finding.at.span.start, finding.found.to_string());
                    let one = Judged { finding, rule, policy, effect, note };
                    match known.get(&key).and_then(|index| judged.get_mut(*index)) {
                        Some(other) if other.effect >= one.effect => {}
                        Some(other) => *other = one,
                        None => {
                            known.insert(key, judged.len());
                            judged.push(one);
                        }
                    }
                }
            }
        }
        judged.sort_by_key(|one| (one.finding.at.span.start, one.rule.order));
        let of_secrets = judged.iter().filter(|one| one.rule.rule.id == "dockerfile-secrets");
        let found: Vec<_> = of_secrets.map(|one| one.finding.at.span.clone()).collect();
        let secrets = SecretValues::of_dockerfile(file, &found);
        for Judged { finding, .. } in &mut judged {
            finding.found = secrets.hide(&finding.found).into();
            finding.wanted = secrets.hide(&finding.wanted).into();
        }
        judged
    }
}

/// The edit that repairs a finding, and its line.
fn edit(judged: &Judged<'_>, file: &Dockerfile<'_>) -> Option<(FileEdit, usize)> {
    let edit = judged.rule.check.suggest(file, &judged.finding)?;
    let line = file.place(edit.span.clone()).line;
    Some((edit, line))
}

fn violation(name: &str, file: &Dockerfile<'_>, judged: &Judged<'_>) -> ViolationReport {
    let Judged { finding, rule: compiled, policy, effect, note } = judged;
    let rule = compiled.rule;
    let severity = finding.severity.unwrap_or(rule.severity);
    let (field, stage) = place_in_words(file, &finding.at);
    let (found, wanted) = (finding.found.to_string(), finding.wanted.to_string());
    let why = finding.why.as_deref().unwrap_or(rule.why).to_owned();
    let path = name.strip_prefix("./").unwrap_or(name);
    let edit = edit(judged, file).map(|(edit, _)| {
        let end = file.place(edit.span.end..edit.span.end);
        let begin = file.place(edit.span);
        EditReport {
            line: begin.line,
            column: begin.column,
            end_line: end.line,
            end_column: end.column,
            text: edit.text.into_owned(),
        }
    });
    ViolationReport {
        rule: rule.id,
        policy: policy.name.to_string(),
        action: compiled.action,
        effect: *effect,
        severity,
        container: None,
        container_kind: None,
        pointer: String::new(),
        line: finding.at.line,
        column: finding.at.column,
        message: format!("{field}: found {found}, wanted {wanted}: {why}"),
        fingerprint: of_text(&[path, KIND, &stage, field, rule.id, &found]),
        field: field.to_owned(),
        found,
        wanted,
        why,
        note: note.map(|note| note_text(note, severity)),
        calls_for_repair: calls_for_repair(*effect, *note),
        owasp: finding.items.unwrap_or(rule.owasp),
        edit,
    }
}

/// The instruction of a place, and what its stage begins with: a fingerprint needs what stays when lines move.
fn place_in_words(file: &Dockerfile<'_>, place: &Place) -> (&'static str, String) {
    let Some((index, instruction)) = file.instruction_at(place.span.start) else { return ("", String::new()) };
    let stage = file.stages.iter().find(|stage| stage.instructions.contains(&index));
    let from = stage.and_then(|stage| file.instructions.get(stage.instructions.start));
    let text = match from.map(|from| &from.arguments) {
        Some(Arguments::From(image)) => image.raw.clone(),
        _ => String::new(),
    };
    (instruction.keyword.as_str(), text)
}

/// The lines that the edits change, before and after.
fn diff(file: &Dockerfile<'_>, edits: &[(FileEdit, usize)], findings: usize) -> Option<String> {
    if findings == 0 {
        return None;
    }
    let mut text = match (edits.len(), findings) {
        (0, _) => return Some("Dockerfile: no edit repairs it.".to_owned()),
        (repaired, all) if repaired == all => "Dockerfile: this edit repairs it:\n".to_owned(),
        (repaired, all) => format!("Dockerfile: this edit repairs {repaired} of {all} findings:\n"),
    };
    let mut lines: Vec<usize> = edits.iter().map(|(_, line)| *line).collect();
    lines.dedup();
    let hidden = Hidden::of_dockerfile(file.text());
    for line in lines {
        let range = file.line(line);
        let before = file.text().get(range.clone()).unwrap_or_default();
        let mut after = before.to_owned();
        for (edit, _) in edits.iter().filter(|(_, at)| *at == line).rev() {
            let (start, end) = (edit.span.start - range.start, edit.span.end - range.start);
            if after.get(start..end).is_some() {
                after.replace_range(start..end, &edit.text);
            }
        }
        if hidden.has(line.saturating_sub(1)) {
            let (before, after) = (Hidden::shown(before), Hidden::shown(&after));
            let _ = write!(text, "- {before}\n+ {after}\n");
        } else {
            let _ = write!(text, "- {before}\n+ {after}\n");
        }
    }
    Some(text)
}
