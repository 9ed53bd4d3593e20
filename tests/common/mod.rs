//! Snapshots of policies, and reviews, for most tests.
#![allow(dead_code, reason = "each test binary uses its own part")]

use jiff::civil::{Date, date};
use podreeve::admit::Snapshot;
use podreeve::outcome::Outcome;
use podreeve::policy::{CompiledPolicy, PolicyDocument, PolicySet};
use podreeve::rule::GOOD_POD;
use serde_json::{Value, json};

pub const TODAY: Date = date(2026, 11, 22);

/// A snapshot of one policy with these `rules`.
pub fn snapshot(rules: Value) -> Snapshot {
    policies(&[json!({ "rules": rules })])
}

/// A snapshot of policies with these `spec`s, named p0, p1 and so on.
pub fn policies(specs: &[Value]) -> Snapshot {
    let policies = specs
        .iter()
        .enumerate()
        .map(|(n, spec)| {
            let document = json!({
                "apiVersion": "podreeve.dev/v1alpha1",
                "kind": "Policy",
                "metadata": {"name": format!("p{n}")},
                "spec": spec,
            });
            let document = PolicyDocument::from_json(&document.to_string()).expect("the policy loads");
            CompiledPolicy::new(&document).expect("the policy compiles")
        })
        .collect();
    Snapshot::new(PolicySet::new(policies, 1), usize::MAX)
}

/// An AdmissionReview of this object, as the API server would send it.
pub fn review(operation: &str, object: &Value, old: Option<&Value>) -> Value {
    let api_version = object["apiVersion"].as_str().unwrap_or("v1");
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "11111111-2222-3333-4444-555555555555",
            "kind": {"group": group, "version": version, "kind": object["kind"]},
            "resource": {"group": group, "version": version, "resource": object["kind"].as_str().unwrap_or("").to_lowercase() + "s"},
            "name": object["metadata"]["name"],
            "namespace": object["metadata"]["namespace"].as_str().unwrap_or("default"),
            "operation": operation,
            "userInfo": {"username": "jane", "groups": ["dev", "system:authenticated"]},
            "object": object,
            "oldObject": old,
            "dryRun": false,
        }
    })
}

/// The text of the same review, written at once: tests that judge thousands of objects spend their time elsewhere.
pub fn review_text(operation: &str, object: &Value, old: Option<&Value>) -> String {
    let none = json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": {
        "name": object["metadata"]["name"], "namespace": object["metadata"]["namespace"],
    }});
    let mut review = review(operation, &none, None);
    let request = review["request"].as_object_mut().expect("a request");
    request.remove("object");
    request.remove("oldObject");
    let old = old.map_or_else(|| "null".to_owned(), Value::to_string);
    let head = review["request"].to_string();
    let head = head.strip_suffix('}').expect("an object");
    format!(
        r#"{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","request":{head},"object":{object},"oldObject":{old}}}}}"#
    )
}

/// A pod in which no rule finds anything.
pub fn good_pod() -> Value {
    serde_json::from_str(GOOD_POD).expect("the good pod is JSON")
}

/// The `response` of the reply.
pub fn response(outcome: &Outcome) -> Value {
    serde_json::from_slice::<Value>(&outcome.reply).expect("the reply is JSON")["response"].clone()
}
