//! The answer on the wire. It is built from the outcome of one request and repeats nothing else of the request.

mod denial;
mod id;
mod status;
mod text;
mod warnings;

use super::request::{API_VERSION, KIND};
use crate::decide::Effect;
use crate::outcome::{HeldBack, Outcome, Verdict};
use crate::policy::Mode;
use crate::text::clean;
use base64::Engine;
pub use denial::{MAX_BYTES, MAX_LINES, edit};
use id::with_last_id;
use serde::Serialize;
use status::Status;
pub use text::{MAX_REPORTED, WARNING_MAX, WARNINGS_TOTAL, object_name};
pub use warnings::note_text;
use warnings::warnings;

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
    status: Option<Status<'o>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    audit_annotations: Vec<(&'static str, String)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

fn as_map<S: serde::Serializer>(pairs: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

/// Writes the reply into the outcome. Without a uid there can be no reply.
#[must_use]
pub fn finish(mut outcome: Outcome) -> Outcome {
    if outcome.about.uid.is_empty() {
        outcome.problem.get_or_insert_with(|| "the AdmissionReview has no `request.uid`".to_owned());
        return outcome;
    }
    if is_silent(&outcome) {
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
            status: (outcome.verdict == Verdict::Deny).then(|| Status::of(&outcome)),
            patch_type: patch.is_some().then_some("JSONPatch"),
            patch,
            audit_annotations: audit_annotations(&outcome),
            warnings: with_last_id(warnings(&outcome), &outcome.about),
        },
    };
    // Serialising strings cannot fail. If it did, the server would answer 500 to the empty reply.
    let room = review.response.status.as_ref().map_or(512, Status::room);
    let mut reply = Vec::with_capacity(room);
    if serde_json::to_writer(&mut reply, &review).is_ok() {
        outcome.reply = reply;
    }
    outcome
}

/// Whether the request is allowed without a warning or an annotation, as most requests are.
fn is_silent(outcome: &Outcome) -> bool {
    let Outcome { verdict, violations, tallies, patch, problem, pod_security, unmet, .. } = outcome;
    *verdict == Verdict::Allow
        && unmet.is_empty()
        && (violations.is_empty() && tallies.is_empty() && patch.is_empty() && problem.is_none())
        && (pod_security.warnings.is_empty() && pod_security.annotations.is_empty())
}

/// The reply to an allowed request. Written by hand, because serde takes ten times as long for it.
fn allowed(uid: &str) -> Vec<u8> {
    let mut reply = Vec::with_capacity(128 + uid.len());
    reply.extend_from_slice(ALLOWED.0.as_bytes());
    // JSON needs an escape for a quote, a backslash and a control character only.
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

/// Rule ids by effect. The API server puts the webhook's name in front of each key.
fn audit_annotations(outcome: &Outcome) -> Vec<(&'static str, String)> {
    let mut annotations = Vec::with_capacity(4);
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
        let rules = outcome.tallies.iter().filter(|t| t.effect == effect).map(|t| t.rule);
        annotations.extend(joined(rules).map(|rules| (key, rules)));
    }
    // In addition to the lists above: what mode deny would have done.
    let would_deny = |held_back: HeldBack| held_back.deny > 0;
    let would_patch = |held_back: HeldBack| held_back.patch > 0;
    annotations.extend(held_back(outcome, would_deny).map(|rules| ("would-deny", rules)));
    annotations.extend(held_back(outcome, would_patch).map(|rules| ("would-patch", rules)));
    if outcome.mode == Mode::Audit && !outcome.pod_security.warnings.is_empty() {
        annotations.push(("not-warned", clean(&outcome.pod_security.warnings.join("; "), 1000)));
    }
    annotations
}

/// The rules of which the mode holds back some violations.
fn held_back(outcome: &Outcome, is_held_back: impl Fn(HeldBack) -> bool) -> Option<String> {
    joined(outcome.tallies.iter().filter(|tally| is_held_back(tally.held_back)).map(|tally| tally.rule))
}

/// The rules, each once if equal ones follow each other, with commas between them. None if there is none.
fn joined<'r>(rules: impl Iterator<Item = &'r str>) -> Option<String> {
    let (mut text, mut last) = (String::new(), "");
    for rule in rules.filter(|rule| !rule.is_empty()) {
        if rule == last {
            continue;
        }
        if last.is_empty() {
            text.reserve(LISTED);
        } else {
            text.push(',');
        }
        text.push_str(rule);
        last = rule;
    }
    (!last.is_empty()).then_some(text)
}

/// Room for the names of a few rules.
const LISTED: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_written_by_hand_equals_the_one_of_serde() {
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
