//! Where there is no room for all violations, the worst are displayed, and the others counted by severity.

use super::common::{TODAY, policies, response, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::outcome::Outcome;
use podreeve::review::response::{MAX_LINES, MAX_REPORTED};
use podreeve::rule::Severity;
use podreeve::sources::Sources;
use serde_json::{Value, json};

/// The limit of `serve`.
fn limited(rules: &Value) -> Snapshot {
    Snapshot { report_limit: MAX_REPORTED, ..policies(&[json!({"rules": rules})]) }
}

fn judge(pod: &Value, snapshot: &Snapshot) -> Outcome {
    admit(review("CREATE", pod, None).to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
}

fn pod(containers: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": containers}})
}

fn many(n: usize, last: Value) -> Value {
    let mut containers: Vec<Value> =
        (0..n).map(|n| json!({"name": format!("c{n}"), "image": "registry.example.com/x:1"})).collect();
    containers.push(last);
    pod(containers)
}

#[test]
fn the_critical_violation_of_the_last_container_is_displayed() {
    let owasp = Sources::new(&[]).load(1, MAX_REPORTED).expect("the built-in policy loads");
    let agent = json!({"name": "agent", "image": "registry.example.com/x:1", "securityContext": {"privileged": true}});
    // With room for all violations, as in `check` and `review`, and without.
    for snapshot in [Snapshot { report_limit: usize::MAX, ..owasp.clone() }, owasp] {
        let outcome = judge(&many(5, agent.clone()), &snapshot);
        let response = response(&outcome);
        let message = response["status"]["message"].as_str().expect("a message");
        assert!(message.lines().count() <= MAX_LINES, "{message}");
        let agent = message.split_once("    - name: agent\n").expect("the container").1;
        assert!(agent.contains("# critical privileged"), "{message}");
        let causes = response["status"]["details"]["causes"].as_array().expect("causes");
        assert!(causes.len() >= MAX_REPORTED);
        assert!(causes.iter().any(|cause| cause["message"].as_str().unwrap().starts_with("privileged:")));
        // No violation of medium severity is displayed while one of high severity is not.
        let of = |severity: Severity| outcome.severities.of(Effect::Deny, severity);
        assert!(of(Severity::Critical) + of(Severity::High) <= MAX_REPORTED);
        assert!(message.contains("high capabilities") && message.contains("high run-as-non-root"), "{message}");
        // The displayed ones keep their order.
        let places: Vec<_> =
            outcome.violations.iter().map(|v| v.subject.container().map(|(_, name)| name.to_owned())).collect();
        assert_eq!(places.first(), Some(&None));
        assert_eq!(places.last(), Some(&Some("agent".to_owned())));
    }
}

/// Of thousands of equal violations only some are kept, and a severe one among them is.
#[test]
fn a_severe_violation_is_displayed_before_others_of_its_rule() {
    let mut volumes: Vec<Value> =
        (0..2000).map(|n| json!({"name": format!("v{n}"), "hostPath": {"path": format!("/srv/{n}")}})).collect();
    volumes.push(json!({"name": "last", "hostPath": {"path": "/etc"}}));
    let mut pod = pod(vec![json!({"name": "app"})]);
    pod["spec"]["volumes"] = Value::Array(volumes);
    let outcome = judge(&pod, &limited(&json!({"host-path": {"action": "deny"}})));
    let response = response(&outcome);
    let message = response["status"]["message"].as_str().expect("a message");
    assert!(message.contains("2001 violations (1 critical) of policy p0"), "{message}");
    assert!(message.contains("\n* critical host-path: spec.volumes[2000].hostPath.path\n"), "{message}");
}

#[test]
fn audit_findings_push_no_warning_out() {
    let rules = json!({
        "privileged": {"action": "audit"}, "host-ports": {"action": "audit"}, "image-tag": {"action": "warn"},
        "cpu-request": {"action": "warn"},
    });
    let bad = |n: usize| {
        json!({
            "name": format!("c{n}"), "image": "registry.example.com/x:1", "ports": [{"containerPort": 1, "hostPort": 1}],
            "securityContext": {"privileged": true},
        })
    };
    let mut pod = pod((0..40).map(bad).collect());
    pod["spec"]["containers"][39]["image"] = json!("registry.example.com/x:latest");
    let outcome = judge(&pod, &limited(&rules));
    let warned = outcome.violations.iter().filter(|v| v.effect == Effect::Warn).count();
    assert_eq!((warned, outcome.violations.len()), (MAX_REPORTED, MAX_REPORTED));
    let response = response(&outcome);
    let warnings: Vec<&str> = response["warnings"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    // The only one of medium severity is in the last container.
    assert!(warnings.iter().any(|warning| warning.starts_with("podreeve: image-tag ")), "{warnings:?}");
    let hidden = 41 - (warnings.len() - 1);
    let last = format!("podreeve: +{hidden} more warnings: {hidden} low (id 11111111)");
    assert_eq!(warnings.last().copied(), Some(last.as_str()));
    // Denials and warnings have a limit each.
    let mut rules = rules.clone();
    rules["capabilities"] = json!({"action": "deny"});
    let outcome = judge(&pod, &limited(&rules));
    let of = |effect| outcome.violations.iter().filter(|v| v.effect == effect).count();
    assert_eq!((of(Effect::Deny), of(Effect::Warn), of(Effect::Audit)), (MAX_REPORTED, MAX_REPORTED, 0));
}

#[test]
fn what_an_exemption_lets_in_comes_last() {
    let exemption = json!([{"rules": ["privileged"], "namespaces": ["shop"], "reason": "r"}]);
    let rules = json!({"privileged": {"action": "deny"}, "image-tag": {"action": "audit"}});
    let snapshot = Snapshot { report_limit: 3, ..policies(&[json!({"rules": rules, "exemptions": exemption})]) };
    let container =
        |n: usize| json!({"name": format!("c{n}"), "image": "a/b", "securityContext": {"privileged": true}});
    let outcome = judge(&pod((0..4).map(container).collect()), &snapshot);
    assert!(outcome.violations.iter().all(|v| v.effect == Effect::Audit), "{:?}", outcome.violations);
    assert_eq!((outcome.count(Effect::Exempt), outcome.violations.len()), (4, 3));
}
