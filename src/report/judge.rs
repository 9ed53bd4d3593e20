//! Judges an object of a file as the webhooks would: mutates it, then validates it.

use super::file_error::FileError;
use super::fingerprint::fingerprint;
use super::images;
use super::passed_over::{PassedOver, without_template};
use super::types::{HintReport, ObjectReport, ViolationReport};
use crate::admit::{Hook, Snapshot, admit, admit_for_report};
use crate::decide::Effect;
use crate::json::Raw;
use crate::manifest::Object;
use crate::outcome::{self, Outcome, Verdict, Violation};
use crate::review::Creation;
use crate::review::response::{edit, note_text};
use crate::rule::Applicability;
use crate::text::dotted;
use crate::workload::fields::Hint;
use crate::workload::{Kind, NamedImages, Unmet, kinds};
use jiff::civil::Date;
use json_patch::PatchOperation;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// The user who creates the objects of a file, for policies that match users.
pub(super) const USER: &str = "podreeve-check";
pub(super) const GROUPS: &[&str] = &["system:authenticated"];

/// What objects are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Judge<'s> {
    pub snapshot: &'s Snapshot,
    /// The namespace of objects that name none.
    pub namespace: &'s str,
    pub today: Date,
    /// Whether the reports show the edit as a diff.
    pub diffs: bool,
    /// Whether the reports have the containers and images of each object.
    pub images: bool,
}

/// Why an object is not judged.
#[derive(Debug)]
pub enum NotJudged {
    /// The object should be judged, but cannot.
    Error(FileError),
    /// The object looks like a workload, so it may be a mistake that it is not judged.
    LooksLikeWorkload(Box<PassedOver>),
    /// The object has no pod.
    WithoutPod { api_version: String, kind: String },
}

impl Judge<'_> {
    /// The webhook's outcome for the creation of this object.
    ///
    /// # Errors
    /// Why it is not judged.
    pub fn object(&self, file: &str, object: &Object<'_>) -> Result<ObjectReport, NotJudged> {
        let policies = &self.snapshot.policies;
        let Some(kind) = policies.kind(object.group(), object.kind) else {
            let (api_version, kind) = (object.api_version.to_owned(), object.kind.to_owned());
            let passed_over =
                PassedOver::object(file, object, policies).map(|passed| NotJudged::LooksLikeWorkload(Box::new(passed)));
            return Err(passed_over.unwrap_or(NotJudged::WithoutPod { api_version, kind }));
        };
        // For a kind that a policy adds, it is unknown whether the pod template is optional.
        let built_in = kinds::find(object.group(), object.kind);
        if let Some(error) = built_in.and_then(|kind| without_template(file, object, kind)) {
            return Err(NotJudged::Error(error));
        }
        let json = object.node.to_json();
        let raw: &RawValue = match serde_json::from_str(&json) {
            Ok(raw) => raw,
            Err(error) => return Err(NotJudged::Error(FileError::whole(file, &error.to_string()))),
        };
        let namespace = object.namespace().unwrap_or(self.namespace);
        let written = self.validated(object, raw);
        let patch = written.repair.as_ref().map(|repair| repair.operations.clone()).unwrap_or_default();
        let diff = if self.diffs { edit(&written) } else { None };
        let (last, violations) = self.repaired(object, (&json, raw), namespace, written);
        let was_patched = violations.iter().any(|v: &ViolationReport| v.effect == Effect::Patch);
        let verdict = if was_patched { last.verdict.max(Verdict::Patch) } else { last.verdict };
        let problem_at = last.problem_at.as_ref().map(|pointer| object.position(pointer));
        let hints = hints(object, &kind, raw);
        let named = if self.images { NamedImages::of(&kind, Raw::new(raw.get())) } else { NamedImages::default() };
        Ok(ObjectReport {
            file: file.to_owned(),
            document: object.document,
            line: object.position("").line,
            api_version: object.api_version.to_owned(),
            kind: object.kind.to_owned(),
            namespace: namespace.to_owned(),
            name: object.name(),
            verdict,
            problem_line: problem_at.map(|at| at.line),
            problem_column: problem_at.map(|at| at.column),
            problem: last.problem,
            containers: images::containers(&named),
            image_volumes: named.volumes.into_iter().collect(),
            warnings: last.unmet.iter().map(Unmet::text).collect(),
            violations,
            patch,
            hints,
            diff,
        })
    }

    /// The outcome after the mutating webhook, and the violations before and after it.
    fn repaired(
        &self,
        object: &Object<'_>,
        (json, raw): (&str, &RawValue),
        namespace: &str,
        written: Outcome,
    ) -> (Outcome, Vec<ViolationReport>) {
        // Where validation finds nothing at all, there is nothing to repair.
        let mutated = (!written.violations.is_empty()).then(|| self.admit(object, raw, Hook::Mutate));
        let Some(mutated) = mutated.filter(|mutated| !mutated.patch.is_empty()) else {
            let violations = written.violations.iter().map(|v| report(object, namespace, v)).collect();
            return (written, violations);
        };
        match patched(json, &mutated.patch) {
            Ok(value) => {
                let after = self.admit(object, value, Hook::Validate);
                let violations = merged(object, namespace, &written, &mutated, &after);
                (after, violations)
            }
            Err(problem) => (Outcome { verdict: Verdict::Deny, problem: Some(problem), ..written }, Vec::new()),
        }
    }

    /// Judges the object as it is written, and makes the one edit that repairs it.
    fn validated(&self, object: &Object<'_>, value: impl Serialize) -> Outcome {
        let body = self.creation(object).of(value);
        admit_for_report(&body, self.snapshot, self.today, Applicability::Suggested)
    }

    fn admit(&self, object: &Object<'_>, value: impl Serialize, hook: Hook) -> Outcome {
        admit(&self.creation(object).of(value), hook, self.snapshot, self.today)
    }

    fn creation<'c>(&'c self, object: &'c Object<'_>) -> Creation<'c> {
        Creation {
            group: object.group(),
            version: object.version(),
            kind: object.kind,
            namespace: object.namespace().unwrap_or(self.namespace),
            name: object.own_name().unwrap_or_default(),
            user: USER,
            groups: GROUPS,
        }
    }
}

/// Keys that have no meaning at their position.
fn hints(object: &Object<'_>, kind: &Kind, raw: &RawValue) -> Vec<HintReport> {
    let report = |hint: Hint| {
        let at = object.position(&hint.pointer);
        let field = dotted(&hint.pointer);
        HintReport { pointer: hint.pointer, field, line: at.line, column: at.column, message: hint.message }
    };
    outcome::hints(Raw::new(raw.get()), kind).into_iter().map(report).collect()
}

/// The object after the mutating webhook.
fn patched(json: &str, patch: &[PatchOperation]) -> Result<Value, String> {
    let mut value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    json_patch::patch(&mut value, patch).map_err(|error| format!("its repair does not apply: {error}"))?;
    Ok(value)
}

/// The violations that were patched, and those that are left. Pointers and repairs are those of the object as it is written, if it
/// had the violation itself.
fn merged(
    object: &Object<'_>,
    namespace: &str,
    written: &Outcome,
    mutated: &Outcome,
    after: &Outcome,
) -> Vec<ViolationReport> {
    let same = |a: &Violation, b: &Violation| a.rule.id == b.rule.id && a.field == b.field && a.found == b.found;
    let mut violations = Vec::new();
    let mut known: Vec<&Violation> = Vec::new();
    for violation in &written.violations {
        let patched = mutated.violations.iter().find(|m| m.effect == Effect::Patch && same(m, violation));
        let left = after.violations.iter().find(|a| same(a, violation));
        known.extend(left);
        if let Some(now) = left.or(patched) {
            violations.push(ViolationReport { effect: now.effect, ..report(object, namespace, violation) });
        }
    }
    // These violations exist only in the repaired object.
    let new = after.violations.iter().filter(|a| !known.iter().any(|k| std::ptr::eq(*k, *a)));
    violations.extend(new.map(|violation| report(object, namespace, violation)));
    violations
}

fn report(object: &Object<'_>, namespace: &str, violation: &Violation) -> ViolationReport {
    let (pointer, at) = object.node.resolve(&violation.field);
    let field = dotted(&violation.field);
    let Violation { rule, found, wanted, why, .. } = violation;
    let (kind, name) = violation.subject.container().map(|(kind, name)| (kind.field(), name.to_owned())).unzip();
    ViolationReport {
        rule: rule.id,
        policy: violation.policy.to_string(),
        action: violation.action,
        effect: violation.effect,
        severity: violation.severity,
        container: name,
        container_kind: kind,
        pointer: pointer.to_owned(),
        line: at.line,
        column: at.column,
        found: found.to_string(),
        wanted: wanted.to_string(),
        message: format!("{field}: found {found}, wanted {wanted}: {why}"),
        field,
        why: why.to_string(),
        note: violation.note.map(|note| note_text(note, violation.severity)),
        owasp: rule.owasp,
        fingerprint: fingerprint(object, namespace, violation),
        edit: None,
    }
}
