//! The effect of a violation: policies, exemptions and updates.

use super::common::{TODAY, good_pod, policies, response, review, snapshot};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::{CompiledPolicy, PolicyDocument, PolicyError};
use rstest::rstest;
use serde_json::{Value, json};

fn privileged(namespace: &str, container: &str, image: &str) -> Value {
    let mut pod = good_pod();
    pod["metadata"]["namespace"] = json!(namespace);
    let mut bad = pod["spec"]["containers"][0].clone();
    bad["name"] = json!(container);
    bad["image"] = json!(image);
    bad["securityContext"]["privileged"] = json!(true);
    pod["spec"]["containers"] = json!([pod["spec"]["containers"][0], bad]);
    pod
}

fn validate(object: &Value, old: Option<&Value>, snapshot: &Snapshot) -> Outcome {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    admit(review(operation, object, old).to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
}

#[rstest]
#[case("deny", Verdict::Deny)]
#[case("warn", Verdict::Warn)]
#[case("audit", Verdict::Allow)]
#[case("off", Verdict::Allow)]
fn each_action_has_its_verdict(#[case] action: &str, #[case] verdict: Verdict) {
    let snapshot = snapshot(json!({"privileged": {"action": action}}));
    let outcome = validate(&privileged("default", "x", "a/b"), None, &snapshot);
    assert_eq!(outcome.verdict, verdict);
    let response = response(&outcome);
    assert_eq!(response["allowed"], json!(verdict != Verdict::Deny));
    assert_eq!(response["warnings"].is_array(), action == "warn");
    let annotation = match action {
        "deny" => "denied",
        "warn" => "warned",
        "audit" => "audited",
        _ => return assert_eq!(response["auditAnnotations"], Value::Null),
    };
    assert_eq!(response["auditAnnotations"], json!({annotation: "privileged"}));
}

#[test]
fn the_strictest_of_several_policies_decides() {
    let rules = |action: &str| json!({"rules": {"privileged": {"action": action}}});
    for (actions, verdict, policy) in [
        (["warn", "deny"], Verdict::Deny, "p1"),
        (["deny", "warn"], Verdict::Deny, "p0"),
        (["off", "audit"], Verdict::Allow, "p1"),
    ] {
        let outcome = validate(&privileged("default", "x", "a/b"), None, &policies(&actions.map(rules)));
        assert_eq!(outcome.verdict, verdict, "{actions:?}");
        assert_eq!(outcome.violations.len(), 1, "{actions:?}");
        assert_eq!(*outcome.violations[0].policy, *policy);
    }
}

#[test]
fn an_exemption_weakens_only_its_own_policy() {
    let exempt = json!({
        "rules": {"privileged": {"action": "deny"}},
        "exemptions": [{"rules": ["privileged"], "namespaces": ["default"], "reason": "test"}],
    });
    let strict = json!({"rules": {"privileged": {"action": "deny"}}});
    let pod = privileged("default", "x", "a/b");
    let alone = validate(&pod, None, &policies(std::slice::from_ref(&exempt)));
    assert_eq!(alone.verdict, Verdict::Allow);
    assert_eq!(alone.count(Effect::Exempt), 1);
    assert_eq!(response(&alone)["auditAnnotations"]["exempted"], "privileged");
    assert_eq!(validate(&pod, None, &policies(&[exempt, strict])).verdict, Verdict::Deny);
}

#[rstest]
#[case::all_match("kube-infra", "agent", "registry.example.com/mesh/agent:1", "2026-11-22", true)]
#[case::other_namespace("default", "agent", "registry.example.com/mesh/agent:1", "2026-12-31", false)]
#[case::namespace_prefix("kube-infra-2", "agent", "registry.example.com/mesh/agent:1", "2026-12-31", false)]
#[case::other_container("kube-infra", "agent2", "registry.example.com/mesh/agent:1", "2026-12-31", false)]
#[case::other_image("kube-infra", "agent", "registry.example.com/meshed/agent:1", "2026-12-31", false)]
#[case::image_elsewhere("kube-infra", "agent", "evil.org/registry.example.com/mesh/agent:1", "2026-12-31", false)]
#[case::over("kube-infra", "agent", "registry.example.com/mesh/agent:1", "2026-11-21", false)]
fn an_exemption_covers_only_its_own_match(
    #[case] namespace: &str,
    #[case] container: &str,
    #[case] image: &str,
    #[case] until: &str,
    #[case] exempt: bool,
) {
    let snapshot = policies(&[json!({
        "rules": {"privileged": {"action": "deny"}},
        "exemptions": [{
            "rules": ["privileged"], "namespaces": ["kube-infra"], "containers": ["agent"],
            "images": ["registry.example.com/mesh"], "reason": "the mesh agent", "until": until,
        }],
    })]);
    let outcome = validate(&privileged(namespace, container, image), None, &snapshot);
    assert_eq!(outcome.verdict != Verdict::Deny, exempt);
}

#[test]
fn a_policy_applies_where_it_matches() {
    let with = |matching: Value| {
        let policy = json!({"match": matching, "rules": {"privileged": {"action": "deny"}}});
        validate(&privileged("shop", "x", "a/b"), None, &policies(&[policy])).verdict == Verdict::Deny
    };
    // The review's user is jane, in the groups dev and system:authenticated.
    assert!(with(json!({})));
    assert!(with(json!({"namespaces": ["shop"], "kinds": ["Pod"], "users": ["jane"], "groups": ["ops", "dev"]})));
    for other in [
        json!({"namespaces": ["sho", "shop2"]}),
        json!({"excludeNamespaces": ["shop"]}),
        json!({"kinds": ["Deployment"]}),
        json!({"users": ["Jane"]}),
        json!({"groups": ["ops"]}),
        json!({"namespaces": ["shop"], "users": ["joe"]}),
    ] {
        assert!(!with(other.clone()), "{other}");
    }
}

#[test]
fn an_update_denies_new_violations_and_warns_of_old_ones() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}, "host-ports": {"action": "deny"}}));
    let old = privileged("default", "old", "a/b");
    let mut new = old.clone();
    new["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8080, "hostPort": 8080}]);
    let outcome = validate(&new, Some(&old), &snapshot);
    assert_eq!(outcome.verdict, Verdict::Deny);
    assert_eq!((outcome.count(Effect::Deny), outcome.count(Effect::Warn)), (1, 1));
    let response = response(&outcome);
    assert_eq!(response["status"]["details"]["causes"][0]["field"], "spec.containers[0].ports[0].hostPort");
    let warning = response["warnings"][0].as_str().expect("a warning");
    assert!(warning.contains("was there before this change"), "{warning}");
}

#[test]
fn an_object_that_is_being_deleted_gets_no_exemption() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let mut old = good_pod();
    old["metadata"]["deletionTimestamp"] = json!("2026-11-22T00:00:00Z");
    let mut new = privileged("default", "x", "a/b");
    new["metadata"]["deletionTimestamp"] = old["metadata"]["deletionTimestamp"].clone();
    assert_eq!(validate(&new, Some(&old), &snapshot).verdict, Verdict::Deny);
}

#[test]
fn an_old_object_that_cannot_be_read_excuses_nothing() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let new = privileged("default", "x", "a/b");
    let mut old = new.clone();
    old["spec"]["containers"] = json!("broken");
    assert_eq!(validate(&new, Some(&old), &snapshot).verdict, Verdict::Deny);
}

#[test]
fn a_template_is_judged_and_its_owned_pod_again() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let mut pod = privileged("default", "x", "a/b");
    pod["metadata"]["ownerReferences"] = json!([{"controller": true, "kind": "ReplicaSet", "name": "x"}]);
    assert_eq!(validate(&pod, None, &snapshot).verdict, Verdict::Deny);
    // Any user can set the mirror-pod annotation.
    pod["metadata"]["annotations"] = json!({"kubernetes.io/config.mirror": "x"});
    assert_eq!(validate(&pod, None, &snapshot).verdict, Verdict::Deny);
}

#[test]
fn a_request_without_a_pod_passes_and_an_unknown_sub_resource_is_denied() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let verdict = |kind: &str, resource: &str, sub: Option<&str>, operation: &str| {
        let mut review = review(operation, &json!({"apiVersion": "v1", "kind": kind, "metadata": {}}), None);
        review["request"]["resource"]["resource"] = json!(resource);
        review["request"]["subResource"] = json!(sub);
        admit(review.to_string().as_bytes(), Hook::Validate, &snapshot, TODAY).verdict
    };
    assert_eq!(verdict("Service", "services", None, "CREATE"), Verdict::Allow);
    assert_eq!(verdict("Binding", "pods", Some("binding"), "CREATE"), Verdict::Allow);
    assert_eq!(verdict("PodExecOptions", "pods", Some("exec"), "CONNECT"), Verdict::Allow);
    assert_eq!(verdict("Pod", "pods", Some("status"), "UPDATE"), Verdict::Allow);
    assert_eq!(verdict("PodFuture", "pods", Some("future"), "CREATE"), Verdict::Deny);
    let mut bad = review("UPDATE", &privileged("default", "x", "a/b"), Some(&good_pod()));
    bad["request"]["subResource"] = json!("future");
    assert_eq!(admit(bad.to_string().as_bytes(), Hook::Validate, &snapshot, TODAY).verdict, Verdict::Deny);
}

#[test]
fn a_delete_is_admitted() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let mut review = review("DELETE", &privileged("default", "x", "a/b"), None);
    review["request"]["oldObject"] = review["request"]["object"].take();
    assert_eq!(admit(review.to_string().as_bytes(), Hook::Validate, &snapshot, TODAY).verdict, Verdict::Allow);
}

#[test]
fn a_denial_has_the_worst_hundred_causes_and_a_short_message() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let mut pod = privileged("default", "x", "a/b");
    let bad = pod["spec"]["containers"][1].clone();
    pod["spec"]["containers"] = Value::Array(vec![bad; 130]);
    let response = response(&validate(&pod, None, &snapshot));
    let message = response["status"]["message"].as_str().expect("a message");
    assert!(message.contains("130 violations (130 critical) of policy p0"), "{message}");
    assert!(message.lines().count() <= 40, "{message}");
    assert_eq!(response["status"]["details"]["causes"].as_array().map(Vec::len), Some(100));
}

#[test]
fn warnings_stay_inside_the_limits_of_the_api_server() {
    let snapshot = snapshot(json!({"privileged": {"action": "warn"}}));
    let mut pod = privileged("default", &"n".repeat(60), "a/b");
    let bad = pod["spec"]["containers"][1].clone();
    pod["spec"]["containers"] = Value::Array(vec![bad; 100]);
    let response = response(&validate(&pod, None, &snapshot));
    let warnings: Vec<&str> =
        response["warnings"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert!(warnings.iter().all(|w| w.len() <= 256));
    assert!(warnings.iter().map(|w| w.len()).sum::<usize>() <= 4096);
    let displayed = warnings.len() - 1;
    assert_eq!(
        warnings.last().copied(),
        Some(format!("podreeve: +{0} more warnings: {0} critical (id 11111111)", 100 - displayed).as_str())
    );
}

#[test]
fn texts_of_the_object_are_cleaned_before_they_are_printed() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let mut pod = privileged("default", "evil\u{1b}[31m\n\u{202e}\0", "a/b");
    pod["metadata"]["name"] = json!("name\u{1b}[31m");
    let response = response(&validate(&pod, None, &snapshot));
    let message = response["status"]["message"].as_str().expect("a message");
    assert!(message.contains(r#""evil\u{1b}[31m\u{a}\u{202e}\u{0}""#), "{message}");
    assert!(!message.replace('\n', "").chars().any(podreeve::text::is_unsafe), "{message}");
    for text in texts(&response) {
        assert!(!text.replace('\n', "").chars().any(podreeve::text::is_unsafe), "{text:?}");
    }
}

/// Every text of a JSON value.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(map) => map.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

fn refused(spec: Value) -> PolicyError {
    let document =
        json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"}, "spec": spec});
    match PolicyDocument::from_json(&document.to_string()) {
        Err(error) => error,
        Ok(document) => CompiledPolicy::new(&document).expect_err("the policy is refused").0.remove(0),
    }
}

#[rstest]
#[case(json!({"rules": {"privilegd": {"action": "deny"}}}), "spec.rules.privilegd", "did you mean `privileged`?")]
#[case(json!({"rules": {"privileged": {"action": "denied"}}}), "spec.rules.privileged.action", "`denied` is no action")]
#[case(json!({"rules": {"privileged": {}}}), "spec.rules.privileged.action", "missing")]
#[case(json!({"rules": {"privileged": {"action": "deny", "parms": {}}}}), "spec.rules.privileged.parms", "no key")]
#[case(json!({"rules": {"privileged": {"action": "patch"}}}), "spec.rules.privileged.action", "has no repair")]
#[case(json!({"rules": {"read-only-root-filesystem": {"action": "off", "params": {"writable": "/tmp"}}}}), "spec.rules.read-only-root-filesystem.params.writable", "must be a list")]
#[case(json!({"rules": {}, "exemption": []}), "spec.exemption", "no key `exemption`")]
#[case(json!({"rules": {}, "match": {"namespaceSelector": {}}}), "spec.match.namespaceSelector", "needs a cluster")]
#[case(json!({"rules": {}, "match": {"kinds": ["Service"]}}), "spec.match.kinds[0]", "carries no pod")]
#[case(json!({"rules": {}, "exemptions": [{"rules": [], "namespaces": ["a"], "reason": "r"}]}), "spec.exemptions[0].rules", "at least one")]
#[case(json!({"rules": {}, "exemptions": [{"rules": ["privileged"], "namespaces": [], "reason": "r"}]}), "spec.exemptions[0].namespaces", "at least one")]
#[case(json!({"rules": {}, "exemptions": [{"rules": ["privileged"], "namespaces": ["kube-*"], "reason": "r"}]}), "spec.exemptions[0].namespaces[0]", "not a name")]
#[case(json!({"rules": {}, "exemptions": [{"rules": ["x"], "namespaces": ["a"], "reason": "r"}]}), "spec.exemptions[0].rules[0]", "no rule `x`")]
#[case(json!({"rules": {}, "exemptions": [{"rules": ["privileged"], "namespaces": ["a"], "reason": " "}]}), "spec.exemptions[0].reason", "why")]
#[case(json!({"rules": {}, "exemptions": [{"rules": ["privileged"], "namespaces": ["a"]}]}), "spec.exemptions[0].reason", "missing")]
#[case(json!({"rules": {}, "exemptions": [{"rules": ["privileged"], "namespaces": ["a"], "reason": "r", "labels": []}]}), "spec.exemptions[0].labels", "no key")]
#[case(json!({"rules": {}, "exemptions": [{"rules": ["privileged"], "namespaces": ["a"], "reason": "r", "until": "soon"}]}), "spec.exemptions[0].until", "")]
#[case(json!({"rules": {}, "exemptions": [{"rules": ["privileged"], "namespaces": ["a"], "reason": "r", "images": ["*"]}]}), "spec.exemptions[0].images[0]", "registry")]
fn a_policy_with_a_fault_does_not_load(#[case] spec: Value, #[case] key: &str, #[case] message: &str) {
    let error = refused(spec);
    assert_eq!(error.key, key, "{error}");
    assert!(error.message.contains(message), "{error}");
}

fn rollout(privileged: bool) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r", "namespace": "default"},
        "spec": {"template": {"spec": {"containers": [{"name": "a", "securityContext": {"privileged": privileged}}]}}},
    })
}

#[test]
fn a_policy_may_add_kinds() {
    let spec = json!({
        "rules": {"privileged": {"action": "deny"}},
        "workloads": [{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "path": "spec.template"}],
        "match": {"kinds": ["Rollout"]},
    });
    let added = policies(&[spec]);
    let outcome = validate(&rollout(true), None, &added);
    assert_eq!(outcome.verdict, Verdict::Deny);
    assert_eq!(outcome.violations[0].field, "/spec/template/spec/containers/0/securityContext/privileged");
    assert_eq!(validate(&rollout(false), None, &added).verdict, Verdict::Allow);
    // A Rollout that refers to a Deployment has no template.
    let mut reference = rollout(true);
    reference["spec"] = json!({"workloadRef": {"kind": "Deployment", "name": "d"}});
    assert_eq!(validate(&reference, None, &added).verdict, Verdict::Warn);
    let unknown = snapshot(json!({"privileged": {"action": "deny"}}));
    assert_eq!(validate(&rollout(true), None, &unknown).verdict, Verdict::Allow);
}

#[rstest]
#[case("apps/v1", "Deployment", "spec.other", "kind", "known already")]
#[case("argoproj.io", "Rollout", "spec.template", "apiVersion", "group/version")]
#[case("argoproj.io/v1alpha1", "", "spec.template", "kind", "name the kind")]
#[case("argoproj.io/v1alpha1", "Rollout", "spec..template", "path", "a key is missing")]
fn a_kind_that_cannot_be_added_is_refused(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] path: &str,
    #[case] key: &str,
    #[case] message: &str,
) {
    let error = refused(json!({"rules": {}, "workloads": [{"apiVersion": api_version, "kind": kind, "path": path}]}));
    assert_eq!(error.key, format!("spec.workloads[0].{key}"));
    assert!(error.message.contains(message), "{error}");
}

#[test]
fn a_warning_says_when_it_will_deny() {
    let warning = |spec: Value| {
        let outcome = validate(&privileged("default", "x", "a/b"), None, &policies(&[spec]));
        assert_eq!(outcome.verdict, Verdict::Warn);
        response(&outcome)["warnings"][0].as_str().expect("a warning").to_owned()
    };
    let rules = json!({"privileged": {"action": "deny"}});
    let text = warning(json!({"rules": rules, "rollout": {"warnUntil": "2026-11-22"}}));
    assert!(text.contains("will be denied after 2026-11-22"), "{text}");
    let exemption =
        |until: &str| json!({"rules": ["privileged"], "namespaces": ["default"], "reason": "r", "until": until});
    // Of two exemptions that cover the violation the later date counts.
    let text = warning(json!({"rules": rules, "exemptions": [exemption("2026-11-23"), exemption("2026-11-30")]}));
    assert!(text.contains("is exempt until 2026-11-30, then denied"), "{text}");
    let over = json!({"rules": rules, "rollout": {"warnUntil": "2026-11-21"}});
    assert_eq!(validate(&privileged("default", "x", "a/b"), None, &policies(&[over])).verdict, Verdict::Deny);
}

#[test]
fn denials_leave_room_for_warnings() {
    let mut snapshot = snapshot(json!({"privileged": {"action": "deny"}, "run-as-non-root": {"action": "warn"}}));
    snapshot.report_limit = 5;
    let mut pod = privileged("default", "x", "a/b");
    let mut bad = pod["spec"]["containers"][1].clone();
    bad["securityContext"]["runAsNonRoot"] = json!(false);
    pod["spec"]["containers"] = Value::Array(vec![bad; 10]);
    let outcome = validate(&pod, None, &snapshot);
    let told = |effect| outcome.violations.iter().filter(|v| v.effect == effect).count();
    assert_eq!((told(Effect::Deny), told(Effect::Warn)), (5, 5));
    assert_eq!((outcome.count(Effect::Deny), outcome.count(Effect::Warn)), (10, 10));
}

#[test]
fn the_mutating_hook_repairs_and_gives_no_warnings() {
    let rules = json!({"privileged": {"action": "deny"}, "allow-privilege-escalation": {"action": "patch"}});
    let mut pod = privileged("default", "x", "a/b");
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    pod["spec"]["containers"][1]["securityContext"]["allowPrivilegeEscalation"] = json!(true);
    let outcome = admit(review("CREATE", &pod, None).to_string().as_bytes(), Hook::Mutate, &snapshot(rules), TODAY);
    assert_eq!((outcome.verdict, outcome.patch.len()), (Verdict::Patch, 1));
    let response = response(&outcome);
    assert_eq!(response["allowed"], true);
    assert_eq!(response["warnings"], Value::Null);
    // A privileged container has no repair, and the validating hook denies it.
    assert_eq!(response["auditAnnotations"], json!({"patched": "allow-privilege-escalation"}));
    assert_eq!(outcome.tallies.iter().map(|t| t.count).sum::<usize>(), 1);
}

#[test]
fn a_standard_without_groups_refuses_the_parameter() {
    let with = |params: Value| json!({"rules": {"run-as-non-root": {"action": "deny", "params": params}}});
    let error = refused(with(json!({"groups": true, "pss": "restricted"})));
    assert!(error.message.contains("`pss` does not judge `groups`"), "{error}");
    policies(&[with(json!({"groups": true})), with(json!({"groups": false, "pss": "restricted"}))]);
}
