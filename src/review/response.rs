//! The answer on the wire. It is built from the outcome of one request and repeats nothing else of the request.

mod denial;
mod id;
mod status;
mod text;
mod warnings;

use super::request::{API_VERSION, KIND};
use crate::decide::Effect;
use crate::json::write::{Object, string};
use crate::outcome::{HeldBack, Outcome, Verdict};
use crate::policy::Mode;
use crate::text::clean;
use base64::Engine;
pub use denial::{MAX_BYTES, MAX_LINES, edit};
use id::with_last_id;
use status::Status;
pub use text::{MAX_REPORTED, WARNING_MAX, WARNINGS_TOTAL, object_name};
pub use warnings::note_text;
use warnings::warnings;

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
    outcome.reply = reply(&outcome);
    outcome
}

/// An AdmissionReview. It is written by hand, because serde looks at each byte of a denial.
fn reply(outcome: &Outcome) -> Vec<u8> {
    let status = (outcome.verdict == Verdict::Deny).then(|| Status::of(outcome));
    let mut out = Vec::with_capacity(status.as_ref().map_or(512, Status::room));
    let mut review = Object::new(&mut out);
    review.string("apiVersion", API_VERSION);
    review.string("kind", KIND);
    let mut response = review.object("response");
    response.string("uid", &outcome.about.uid);
    response.literal("allowed", if status.is_none() { "true" } else { "false" });
    if let Some(status) = status {
        status.write(response.object("status"));
    }
    if !outcome.patch.is_empty() {
        // Writing to memory cannot fail.
        let json = serde_json::to_vec(&outcome.patch).unwrap_or_default();
        response.string("patch", &base64::engine::general_purpose::STANDARD.encode(json));
        response.string("patchType", "JSONPatch");
    }
    let annotations = audit_annotations(outcome);
    if !annotations.is_empty() {
        let mut object = response.object("auditAnnotations");
        for (key, value) in &annotations {
            object.string(key, value);
        }
    }
    let warnings = with_last_id(warnings(outcome), &outcome.about);
    if !warnings.is_empty() {
        response.list("warnings", warnings.iter(), |out, warning| string(out, warning));
    }
    drop(response);
    drop(review);
    out
}

/// Whether the request is allowed without a warning or an annotation, as most requests are.
fn is_silent(outcome: &Outcome) -> bool {
    let Outcome { verdict, violations, tallies, patch, problem, pod_security, unmet, .. } = outcome;
    *verdict == Verdict::Allow
        && unmet.is_empty()
        && (violations.is_empty() && tallies.is_empty() && patch.is_empty() && problem.is_none())
        && (pod_security.warnings.is_empty() && pod_security.annotations.is_empty())
}

/// The reply to an allowed request.
fn allowed(uid: &str) -> Vec<u8> {
    let mut reply = Vec::with_capacity(128 + uid.len());
    reply.extend_from_slice(ALLOWED.0.as_bytes());
    string(&mut reply, uid);
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
    use crate::outcome::About;

    #[test]
    fn the_short_reply_equals_the_one_of_the_other_function() {
        for uid in ["705ab4f5-6393-11e8-b7cc-42010a800002", "é", "a\"b", "a\\b", "a\nb\u{1}"] {
            let outcome = Outcome::allow(About { uid: uid.to_owned(), ..About::default() });
            assert_eq!(String::from_utf8(allowed(uid)), String::from_utf8(reply(&outcome)));
        }
    }
}
