//! The property of a repair: it applies, the result is judged as the denial says, and nothing else changes.
#![allow(dead_code, reason = "each test binary uses its own part")]

use super::common::{TODAY, response, review};
use podreeve::admit::{Hook, Snapshot, admit, admit_for_report};
use podreeve::decide::Effect;
use podreeve::outcome::{Outcome, Verdict, Violation};
use podreeve::review::response::{MAX_BYTES, MAX_LINES};
use podreeve::rule::Applicability;
use serde_json::Value;

/// A violation, for comparisons.
fn key(violation: &Violation) -> (String, String, String) {
    (violation.rule.id.to_owned(), violation.field.to_string(), violation.found.to_string())
}

fn denied<'v>(violations: impl IntoIterator<Item = &'v Violation>) -> Vec<(String, String, String)> {
    let mut keys: Vec<_> = violations.into_iter().filter(|v| v.effect == Effect::Deny).map(key).collect();
    keys.sort();
    keys
}

/// The message of a denial.
pub fn message(outcome: &Outcome) -> String {
    response(outcome)["status"]["message"].as_str().expect("a message").to_owned()
}

/// Checks the property for the creation of an object. The repaired object and what is left; none for an object that is
/// admitted.
pub fn repaired(case: &str, object: &Value, snapshot: &Snapshot) -> Option<(Value, Vec<Violation>)> {
    repaired_request(case, &review("CREATE", object, None), snapshot)
}

/// As [`repaired`], for any request.
pub fn repaired_request(case: &str, review: &Value, snapshot: &Snapshot) -> Option<(Value, Vec<Violation>)> {
    let (body, object) = (review.to_string(), &review["request"]["object"]);
    let denial = admit(body.as_bytes(), Hook::Validate, snapshot, TODAY);
    assert_eq!(denial.problem, None, "{case}");
    if denial.verdict != Verdict::Deny {
        return None;
    }
    shape(case, &denial);
    let said = denied(&denial.repair.as_ref().unwrap_or_else(|| panic!("{case}: no repair")).left);
    let report = admit_for_report(body.as_bytes(), snapshot, TODAY, Applicability::Suggested);
    let repair = report.repair.unwrap_or_else(|| panic!("{case}: no repair in the report"));
    let mut edited = object.clone();
    json_patch::patch(&mut edited, &repair.operations)
        .unwrap_or_else(|error| panic!("{case}: {error}: {:#?}", repair.operations));
    let mut second = review.clone();
    second["request"]["object"] = edited.clone();
    let again = admit(second.to_string().as_bytes(), Hook::Validate, snapshot, TODAY);
    assert_eq!(again.problem, None, "{case}: {edited:#}");
    let left = denied(&again.violations);
    assert_eq!(denied(&repair.left), left, "{case}: what the report says is left\n{edited:#}");
    assert_eq!(said, left, "{case}: what the denial says is left\n{edited:#}");
    assert_eq!(denial.repair.is_some_and(|repair| repair.is_empty()), repair.operations.is_empty(), "{case}");
    unchanged(case, object, &edited);
    Some((edited, again.violations))
}

/// The limits of a message, and that it names every rule that denies.
pub fn shape(case: &str, denial: &Outcome) {
    let text = message(denial);
    let lines = text.lines().count();
    assert!(lines <= MAX_LINES && text.len() <= MAX_BYTES, "{case}: {lines} lines, {} bytes\n{text}", text.len());
    for violation in denial.violations.iter().filter(|v| v.effect == Effect::Deny) {
        assert!(text.contains(violation.rule.id), "{case}: {} is left out\n{text}", violation.rule.id);
    }
    assert!(text.starts_with('\n') || denial.pod_security.denied.is_some(), "{case}: {text}");
}

/// What no edit has to do with is what it was.
fn unchanged(case: &str, before: &Value, after: &Value) {
    for pointer in ["/apiVersion", "/kind", "/metadata/name", "/spec/replicas", "/spec/selector"] {
        assert_eq!(before.pointer(pointer), after.pointer(pointer), "{case}: {pointer}");
    }
    let (mut images, mut kept) = (Vec::new(), Vec::new());
    collect(before, &mut images);
    collect(after, &mut kept);
    assert_eq!(images, kept, "{case}: names, images and keys that no rule knows");
}

/// Each container's name and image, and each key that no rule knows.
fn collect(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            if let (Some(name), Some(Value::String(image))) = (members.get("name"), members.get("image")) {
                found.push(format!("{name} {image}"));
            }
            if let Some(future) = members.get("fieldOfTheFuture") {
                found.push(future.to_string());
            }
            members.values().for_each(|value| collect(value, found));
        }
        Value::Array(elements) => elements.iter().for_each(|value| collect(value, found)),
        _ => {}
    }
}
