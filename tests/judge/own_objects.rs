//! Policies and Exemptions are judged too. One that does not compile is denied when it is created.

use super::common::{TODAY, policies};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::outcome::{Outcome, Verdict};
use serde_json::{Value, json};

fn object(kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": kind, "metadata": {"name": "shop", "uid": "u"}, "spec": spec})
}

fn judged(operation: &str, sub: &str, new: &Value, old: &Value) -> Outcome {
    judged_by(&policies(&[]), operation, sub, new, old, "kubectl")
}

fn judged_by(snapshot: &Snapshot, operation: &str, sub: &str, new: &Value, old: &Value, manager: &str) -> Outcome {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": "u-1", "operation": operation, "subResource": sub, "name": "shop", "namespace": "team",
        "kind": {"group": "podreeve.dev", "version": "v1alpha1", "kind": if new.is_null() { &old["kind"] } else { &new["kind"] }},
        "object": new, "oldObject": old, "options": {"kind": "UpdateOptions", "fieldManager": manager},
    }});
    admit(review.to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
}

fn bad() -> Value {
    json!({"rules": {"privilegd": {"action": "deny"}}})
}

#[test]
fn one_that_does_not_compile_is_refused_with_the_error() {
    let wrong = json!({"rules": ["privilegd"], "reason": "a test"});
    for (new, says) in [
        (
            object("Policy", &bad()),
            "Policy \"shop\" is invalid: spec.rules.privilegd: there is no rule `privilegd`; did you mean",
        ),
        (
            object("Exemption", &wrong),
            "Exemption \"shop\" is invalid: spec.rules[0]: there is no rule `privilegd`; did you mean",
        ),
        (object("Policy", &Value::Null), "Policy \"shop\" is invalid: spec: is missing"),
        (
            object("Policy", &json!({"rules": {}, "mach": {"kinds": ["Pod"]}})),
            "Policy \"shop\" is invalid: spec.mach: there is no key `mach`; did you mean `match`?",
        ),
        (
            {
                let mut with = object("Policy", &json!({"rules": {}}));
                with["exemptions"] = json!([]);
                with
            },
            "Policy \"shop\" is invalid: exemptions: there is no key `exemptions` next to `spec`; if it belongs to `spec`, indent it",
        ),
    ] {
        let outcome = judged("CREATE", "", &new, &Value::Null);
        assert_eq!(outcome.verdict, Verdict::Deny);
        let reply: Value = serde_json::from_slice(&outcome.reply).unwrap();
        let status = &reply["response"]["status"];
        let message = status["message"].as_str().unwrap();
        assert!(message.starts_with(says), "{message}");
        assert_eq!((&status["code"], &status["reason"]), (&json!(422), &json!("Invalid")));
        assert!(message.contains(status["details"]["causes"][0]["field"].as_str().unwrap()), "{status}");
    }
}

#[test]
fn a_valid_or_unchanged_object_is_admitted() {
    // Keys that only load in a cluster.
    let good = object("Policy", &json!({"rules": {}, "podSecurityLabels": true}));
    let (wrong, mut labelled) = (object("Policy", &bad()), object("Policy", &bad()));
    labelled["metadata"]["labels"] = json!({"seen": "yes"});
    let exemption = object("Exemption", &json!({"rules": ["privileged"], "reason": "a test"}));
    for (operation, sub, new, old) in [
        ("CREATE", "", &good, &Value::Null),
        ("CREATE", "", &exemption, &Value::Null),
        ("UPDATE", "", &good, &wrong),
        ("UPDATE", "", &labelled, &wrong),
        ("UPDATE", "status", &wrong, &good),
        ("DELETE", "", &Value::Null, &wrong),
    ] {
        let outcome = judged(operation, sub, new, old);
        assert_eq!(outcome.verdict, Verdict::Allow, "{operation} {new}: {:?} {:?}", outcome.invalid, outcome.problem);
    }
    assert_eq!(judged("UPDATE", "", &wrong, &good).verdict, Verdict::Deny);
}

#[test]
fn deep_managed_fields_are_passed_over() {
    let mut new = object("Policy", &json!({"rules": {"privileged": {"action": "deny"}}}));
    new["metadata"]["managedFields"] = json!("DEEP");
    let deep = r#"{"f:a":"#.repeat(400) + "{}" + &"}".repeat(400);
    let review = json!({"request": {"uid": "u", "operation": "CREATE", "object": new,
        "kind": {"group": "podreeve.dev", "version": "v1alpha1", "kind": "Policy"}}});
    let review = review.to_string().replacen(
        "{\"request\"",
        "{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\"",
        1,
    );
    let outcome = admit(review.replace("\"DEEP\"", &deep).as_bytes(), Hook::Validate, &policies(&[]), TODAY);
    assert_eq!(outcome.verdict, Verdict::Allow, "{:?} {:?}", outcome.invalid, outcome.problem);
}

#[test]
fn the_name_of_a_policy_from_a_file_is_taken() {
    let snapshot = policies(&[json!({"rules": {}})]);
    let name = snapshot.policies.policies[0].name.clone();
    let mut new = object("Policy", &json!({"rules": {}}));
    assert_eq!(judged_by(&snapshot, "CREATE", "", &new, &Value::Null, "kubectl").verdict, Verdict::Allow);
    new["metadata"]["name"] = json!(&*name);
    let outcome = judged_by(&snapshot, "CREATE", "", &new, &Value::Null, "kubectl");
    assert_eq!((outcome.verdict, &*outcome.invalid[0].0), (Verdict::Deny, "metadata.name"));
    // One that was there before can be changed, until it is renamed.
    let mut old = new.clone();
    old["spec"] = json!({"rules": {"privileged": {"action": "warn"}}});
    assert_eq!(judged_by(&snapshot, "UPDATE", "", &new, &old, "kubectl").verdict, Verdict::Allow);
}

#[test]
fn only_the_leader_writes_a_copy() {
    let plain = object("Policy", &json!({"rules": {}}));
    let mut copied = plain.clone();
    copied["metadata"]["labels"] = json!({"podreeve.dev/copy-of-built-in": "podreeve"});
    let mut changed = copied.clone();
    changed["spec"] = json!({"rules": {"privileged": {"action": "off"}}});
    let mut annotated = copied.clone();
    annotated["metadata"]["annotations"] = json!({"seen": "yes"});
    for (operation, new, old, manager, verdict) in [
        ("CREATE", &copied, &Value::Null, "kubectl", Verdict::Deny),
        ("CREATE", &copied, &Value::Null, "podreeve-built-in", Verdict::Allow),
        ("UPDATE", &changed, &copied, "kubectl", Verdict::Deny),
        ("UPDATE", &plain, &copied, "kubectl", Verdict::Deny),
        ("UPDATE", &copied, &plain, "kubectl", Verdict::Deny),
        ("UPDATE", &changed, &copied, "podreeve-built-in", Verdict::Allow),
        ("UPDATE", &annotated, &copied, "kubectl", Verdict::Allow),
    ] {
        let outcome = judged_by(&policies(&[]), operation, "", new, old, manager);
        assert_eq!(outcome.verdict, verdict, "{operation} {new} {manager}: {:?}", outcome.invalid);
    }
}
