//! The answer on the wire. It is built from the outcome of one request and echoes nothing else.

use super::request::{API_VERSION, KIND};
use crate::decide::{Effect, Note, Stage};
use crate::outcome::{Outcome, Verdict, Violation, displayed};
use crate::rule::Severity;
use crate::text::{clean, dotted};
use base64::Engine;
use serde::Serialize;
use std::fmt::Write;

/// A denial tells this many violations in full, then how many more there are.
pub const MAX_REPORTED: usize = 20;
/// The API server cuts a warning here, and all of them together at [`WARNINGS_TOTAL`].
pub const WARNING_MAX: usize = 256;
pub const WARNINGS_TOTAL: usize = 4096;
/// Longest value of a field that a denial repeats, in characters.
const FOUND_MAX: usize = 200;
/// Longest fault of an object that is invalid.
const FAULT_MAX: usize = 1000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Review<'o> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'o>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'o> {
    uid: &'o str,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    audit_annotations: Vec<(&'static str, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// A `metav1.Status`; without code 403 and reason Forbidden a denial reaches the user as 400.
#[derive(Serialize)]
#[allow(clippy::struct_field_names, reason = "the API's own names")]
struct Status {
    status: &'static str,
    message: String,
    reason: &'static str,
    code: u16,
    details: Details,
}

#[derive(Serialize)]
struct Details {
    #[serde(skip_serializing_if = "String::is_empty")]
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
    causes: Vec<Cause>,
}

/// A `metav1.StatusCause`.
#[derive(Serialize)]
struct Cause {
    reason: &'static str,
    message: String,
    field: String,
}

fn as_map<S: serde::Serializer>(pairs: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

/// Writes the reply into the outcome. Without a uid there is nothing to reply to.
#[must_use]
pub fn finish(mut outcome: Outcome) -> Outcome {
    if outcome.about.uid.is_empty() {
        outcome.problem.get_or_insert_with(|| "the AdmissionReview has no `request.uid`".to_owned());
        return outcome;
    }
    if says_nothing(&outcome) {
        outcome.reply = allowed(&outcome.about.uid);
        return outcome;
    }
    let patch = (!outcome.patch.is_empty())
        .then(|| serde_json::to_vec(&outcome.patch).ok())
        .flatten()
        .map(|json| base64::engine::general_purpose::STANDARD.encode(json));
    let review = Review {
        api_version: API_VERSION,
        kind: KIND,
        response: Response {
            uid: &outcome.about.uid,
            allowed: outcome.verdict != Verdict::Deny,
            status: (outcome.verdict == Verdict::Deny).then(|| status(&outcome)),
            patch_type: patch.is_some().then_some("JSONPatch"),
            patch,
            audit_annotations: audit_annotations(&outcome),
            warnings: warnings(&outcome),
        },
    };
    // Serialising strings cannot fail; were it to, an empty reply makes the server answer 500.
    let mut reply = Vec::with_capacity(512);
    if serde_json::to_writer(&mut reply, &review).is_ok() {
        outcome.reply = reply;
    }
    outcome
}

/// Let in without a word, as most requests are.
fn says_nothing(outcome: &Outcome) -> bool {
    let Outcome { verdict, violations, tallies, patch, problem, pod_security, unmet, .. } = outcome;
    *verdict == Verdict::Allow
        && unmet.is_empty()
        && (violations.is_empty() && tallies.is_empty() && patch.is_empty() && problem.is_none())
        && (pod_security.warnings.is_empty() && pod_security.annotations.is_empty())
}

/// By hand: serde takes ten times as long for it.
fn allowed(uid: &str) -> Vec<u8> {
    let mut reply = Vec::with_capacity(128 + uid.len());
    reply.extend_from_slice(ALLOWED.0.as_bytes());
    // Only a quote, a backslash or a control character is written otherwise than it is.
    if uid.bytes().fold(true, |plain, b| plain & !matches!(b, b'"' | b'\\' | ..b' ')) {
        reply.push(b'"');
        reply.extend_from_slice(uid.as_bytes());
        reply.push(b'"');
    } else if serde_json::to_writer(&mut reply, uid).is_err() {
        return Vec::new();
    }
    reply.extend_from_slice(ALLOWED.1.as_bytes());
    reply
}

const ALLOWED: (&str, &str) =
    (r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"#, r#","allowed":true}}"#);

/// The denied ones that are written out: the worst, in their order.
fn denied(outcome: &Outcome) -> impl Iterator<Item = &Violation> {
    displayed(&outcome.violations, MAX_REPORTED, |v| (v.effect, v.severity)).filter(|v| v.effect == Effect::Deny)
}

/// `+7 more: 2 high, 5 low`, where not all with this effect are written out.
fn more<'v>(
    outcome: &Outcome,
    effect: Effect,
    noun: &str,
    written: impl Iterator<Item = &'v Violation>,
) -> Option<String> {
    let (mut hidden, mut count) = (outcome.severities, outcome.count(effect));
    for violation in written {
        hidden.take(effect, violation.severity);
        count = count.saturating_sub(1);
    }
    (count > 0).then(|| format!("+{count} more{noun}: {}", hidden.listed(effect)))
}

fn status(outcome: &Outcome) -> Status {
    let invalid = &outcome.invalid;
    let faults = invalid.iter().map(|(field, message)| Cause {
        reason: "FieldValueInvalid",
        message: clean(message, FAULT_MAX),
        field: clean(field, FAULT_MAX),
    });
    Status {
        status: "Failure",
        message: denial(outcome),
        reason: if invalid.is_empty() { "Forbidden" } else { "Invalid" },
        code: if invalid.is_empty() { 403 } else { 422 },
        details: Details {
            name: clean(&outcome.about.name, 253),
            kind: clean(&outcome.about.kind, 63),
            causes: denied(outcome).map(cause).chain(faults).collect(),
        },
    }
}

fn cause(violation: &Violation) -> Cause {
    let container = violation.subject.container_text().map(|text| text + ": ").unwrap_or_default();
    Cause {
        reason: if violation.pointer == violation.field { "FieldValueForbidden" } else { "FieldValueRequired" },
        message: format!(
            "{}: {container}found {}, wanted {}: {} ({})",
            violation.rule.id,
            clean(&violation.found, FOUND_MAX),
            clean(&violation.wanted, FOUND_MAX),
            clean(&violation.why, FOUND_MAX * 2),
            owasp(violation),
        ),
        field: dotted(&violation.field),
    }
}

/// The object as the user knows it: `Deployment default/web`.
#[must_use]
pub fn object_name(outcome: &Outcome) -> String {
    let about = &outcome.about;
    let part = |text: &str| clean(text, 253);
    match (about.namespace.is_empty(), about.name.is_empty()) {
        (_, true) if about.kind.is_empty() => "the object".to_owned(),
        (_, true) => part(&about.kind),
        (true, false) => format!("{} {}", part(&about.kind), part(&about.name)),
        (false, false) => format!("{} {}/{}", part(&about.kind), part(&about.namespace), part(&about.name)),
    }
}

/// The denial that a developer reads.
fn denial(outcome: &Outcome) -> String {
    let object = object_name(outcome);
    if let Some(problem) = &outcome.problem {
        return format!(
            "podreeve denied {object}, because it could not be judged: {}. What cannot be read is not let in; \
             repair the field, or report it to whoever runs podreeve.",
            clean(problem, 1000)
        );
    }
    if !outcome.invalid.is_empty() {
        let faults = outcome.invalid.iter().map(|(field, fault)| {
            if field.is_empty() { clean(fault, FAULT_MAX) } else { format!("{field}: {}", clean(fault, FAULT_MAX)) }
        });
        let (kind, name) = (clean(&outcome.about.kind, 63), clean(&outcome.about.name, 253));
        return format!("{kind} \"{name}\" is invalid: {}", faults.collect::<Vec<_>>().join(", "));
    }
    let count = outcome.count(Effect::Deny);
    let rules: Vec<&str> = outcome.tallies.iter().filter(|t| t.effect == Effect::Deny).map(|t| t.rule).collect();
    let lead = outcome.pod_security.denied.as_ref().map(|text| format!("{text}\n")).unwrap_or_default();
    let mut text = format!(
        "{lead}podreeve denied {object}: {count} violation{} of {}.\n",
        if count == 1 { "" } else { "s" },
        rules.join(", ")
    );
    if let Some(change) = outcome.change {
        let _ = writeln!(text, "{}", change.sentence());
    }
    for violation in denied(outcome) {
        describe(&mut text, violation, outcome.stage);
    }
    if let Some(more) = more(outcome, Effect::Deny, "", denied(outcome)) {
        let _ = writeln!(text, "\n{more}");
    }
    for hint in &outcome.hints {
        let _ = writeln!(text, "\nnote: {}: {}", dotted(&hint.pointer), hint.message);
    }
    let _ = write!(text, "\nTo see the repair: podreeve explain {}", rules.join(" "));
    text
}

fn describe(text: &mut String, violation: &Violation, stage: Stage) {
    let _ = write!(
        text,
        "\n* {rule} ({severity}), {subject}\n  field:  {field}\n  found:  {found}\n  wanted: {wanted}\n  why:    {why}\n  \
         rule:   {owasp}, policy {policy}\n",
        rule = violation.rule.id,
        severity = violation.severity,
        subject = violation.subject,
        field = dotted(&violation.field),
        found = clean(&violation.found, FOUND_MAX),
        wanted = clean(&violation.wanted, FOUND_MAX),
        why = clean(&violation.why, FOUND_MAX * 2),
        owasp = owasp(violation),
        policy = clean(&violation.policy, 63),
    );
    if violation.action == crate::policy::Action::Patch && !violation.repair.is_empty() && stage == Stage::Pod {
        text.push_str(
            "  note:   podreeve repairs this on creation; its mutating webhook did not run, or another one undid it\n",
        );
    }
}

/// `OWASP item 59`, `OWASP items 49, 69`.
#[must_use]
pub fn owasp(violation: &Violation) -> String {
    let items: Vec<String> = violation.rule.owasp.iter().map(ToString::to_string).collect();
    format!("OWASP item{} {}", if items.len() == 1 { "" } else { "s" }, items.join(", "))
}

/// Warnings as kubectl shows them: the worst of what there is room for, in their order.
fn warnings(outcome: &Outcome) -> Vec<String> {
    let mut room = WARNINGS_TOTAL - WARNING_MAX;
    let mut fits = |warning: &String| {
        let left = room.checked_sub(warning.len());
        room = left.unwrap_or(room);
        left.is_some()
    };
    let upstream = outcome.pod_security.warnings.iter().map(|warning| cut(clean(warning, WARNING_MAX), WARNING_MAX));
    let unmet = outcome.unmet.iter().map(|unmet| cut(format!("podreeve: {}", unmet.text()), WARNING_MAX));
    let mut warnings: Vec<String> = upstream.chain(unmet).take_while(&mut fits).collect();
    let warned = || outcome.violations.iter().enumerate().filter(|(_, v)| v.effect == Effect::Warn);
    let worst_first = Severity::WORST_FIRST.into_iter().flat_map(|s| warned().filter(move |(_, v)| v.severity == s));
    let written = worst_first.map(|(place, violation)| (place, violation, warning(violation)));
    let mut written: Vec<(usize, &Violation, String)> = written.take_while(|(.., text)| fits(text)).collect();
    written.sort_by_key(|(place, ..)| *place);
    let more = more(outcome, Effect::Warn, " warnings", written.iter().map(|(_, violation, _)| *violation));
    warnings.extend(written.into_iter().map(|(.., text)| text));
    warnings.extend(more.map(|more| format!("podreeve: {more}")));
    warnings
}

fn warning(violation: &Violation) -> String {
    let lead = match violation.note {
        None => "should be repaired".to_owned(),
        Some(Note::Preexisting) => "was there before this change".to_owned(),
        Some(Note::WillBePatched) => "will be patched in its pods".to_owned(),
        Some(Note::WarnedUntil(last)) => format!("will be denied after {last}"),
        Some(Note::ExemptUntil(last)) => format!("is exempt until {last}, then denied"),
    };
    let text = format!(
        "podreeve: {} {lead}: {}: found {}, wanted {}",
        violation.rule.id,
        dotted(&violation.field),
        clean(&violation.found, FOUND_MAX),
        clean(&violation.wanted, FOUND_MAX),
    );
    cut(text, WARNING_MAX)
}

/// The API server counts bytes.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max - '…'.len_utf8()).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Rule ids by effect; the API server puts the webhook's name before each key.
fn audit_annotations(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let mut annotations = Vec::new();
    if let Some(problem) = &outcome.problem {
        annotations.push(("unreadable", clean(problem, 500)));
    }
    annotations.extend(outcome.pod_security.annotations.iter().map(|(key, value)| (*key, clean(value, 1000))));
    if !outcome.unmet.is_empty() {
        let paths: Vec<&str> = outcome.unmet.iter().map(|unmet| &*unmet.path).collect();
        annotations.push(("no-pod-template", clean(&paths.join(","), 1000)));
    }
    for (key, effect) in [
        ("denied", Effect::Deny),
        ("patched", Effect::Patch),
        ("warned", Effect::Warn),
        ("audited", Effect::Audit),
        ("exempted", Effect::Exempt),
    ] {
        let rules: Vec<&str> = outcome.tallies.iter().filter(|t| t.effect == effect).map(|t| t.rule).collect();
        if !rules.is_empty() {
            annotations.push((key, rules.join(",")));
        }
    }
    annotations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_by_hand_is_what_serde_writes() {
        for uid in ["705ab4f5-6393-11e8-b7cc-42010a800002", "é", "a\"b", "a\\b", "a\nb\u{1}"] {
            let response = Response {
                uid,
                allowed: true,
                status: None,
                patch: None,
                patch_type: None,
                audit_annotations: Vec::new(),
                warnings: Vec::new(),
            };
            let review = Review { api_version: API_VERSION, kind: KIND, response };
            assert_eq!(String::from_utf8(allowed(uid)), String::from_utf8(serde_json::to_vec(&review).unwrap()));
        }
    }
}
