//! A pod with two fields that contradict each other: the denial names both.

use super::common::{TODAY, review, snapshot};
use podreeve::admit::{Hook, admit};
use podreeve::outcome::Verdict;
use podreeve::rule::GOOD_POD;
use rstest::rstest;
use serde_json::{Value, json};

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The good pod with its spec and its container changed, and the container in this list.
fn pod(list: &str, spec: &Value, container: &Value) -> Value {
    let mut pod: Value = serde_json::from_str(GOOD_POD).expect("the good pod is JSON");
    json_patch::merge(&mut pod["spec"], spec);
    let mut changed = pod["spec"]["containers"][0].clone();
    json_patch::merge(&mut changed, container);
    changed["name"] = json!("torn");
    pod["spec"][list] = json!([changed]);
    pod
}

/// The causes of a denial by this rule alone: field and text.
fn causes(rule: &str, pod: &Value) -> Vec<(String, String)> {
    let snapshot = snapshot(json!({rule: {"action": "deny"}}));
    let outcome = admit(review("CREATE", pod, None).to_string().as_bytes(), Hook::Validate, &snapshot, TODAY);
    assert_eq!(outcome.verdict, Verdict::Deny, "{pod:#}");
    let reply: Value = serde_json::from_slice(&outcome.reply).expect("the reply is JSON");
    let status = &reply["response"]["status"];
    let causes = status["details"]["causes"].as_array().expect("causes").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let causes: Vec<_> = causes.map(|cause| (text(&cause["field"]), text(&cause["message"]))).collect();
    // The message shows the edit, and programs read all of the text in the causes.
    let message = text(&status["message"]);
    for violation in &outcome.violations {
        assert!(message.contains(violation.rule.id), "{message}");
        assert!(causes.iter().any(|(_, cause)| cause.contains(&*violation.found) && cause.contains(&*violation.why)));
    }
    causes
}

fn context(value: Value) -> Value {
    json!({ "securityContext": value })
}

/// The denial names the whole contradiction at this field.
#[track_caller]
fn assert_named(rule: &str, pod: &Value, field: &str, words: &[&str]) {
    let causes = causes(rule, pod);
    let (_, text) =
        causes.iter().find(|(at, _)| at == field).unwrap_or_else(|| panic!("nothing at {field}: {causes:#?}"));
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[rstest]
#[case::both_on_the_pod(json!({"runAsNonRoot": true, "runAsUser": 0}), json!({"runAsNonRoot": null, "runAsUser": null}), true)]
#[case::both_on_the_container(json!({"runAsNonRoot": null, "runAsUser": 1000}), json!({"runAsNonRoot": true, "runAsUser": 0}), false)]
#[case::the_user_on_the_container(json!({"runAsNonRoot": true, "runAsUser": 1000}), json!({"runAsNonRoot": null, "runAsUser": 0}), false)]
#[case::the_user_on_the_pod(json!({"runAsNonRoot": false, "runAsUser": 0}), json!({"runAsNonRoot": true, "runAsUser": null}), true)]
fn non_root_as_root(#[case] of_pod: Value, #[case] of_container: Value, #[case] on_pod: bool) {
    for list in LISTS {
        let mut torn = pod(list, &context(of_pod.clone()), &context(of_container.clone()));
        if list != "containers" {
            // Only one container has the contradiction.
            torn["spec"]["containers"][0]["securityContext"]["runAsUser"] = json!(1000);
            torn["spec"]["containers"][0]["securityContext"]["runAsNonRoot"] = json!(true);
        }
        let field = if on_pod {
            "spec.securityContext.runAsUser".to_owned()
        } else {
            format!("spec.{list}[0].securityContext.runAsUser")
        };
        let words =
            ["found 0 (root), wanted a user other than 0:", "runAsNonRoot true contradicts it", "refuse to start"];
        assert_named("run-as-non-root", &torn, &field, &words);
    }
}

#[rstest]
#[case::root_and_nothing(json!({"runAsNonRoot": null, "runAsUser": 0}))]
#[case::root_and_false(json!({"runAsNonRoot": false, "runAsUser": 0}))]
#[case::false_over_true(json!({"runAsNonRoot": false, "runAsUser": 0, "runAsGroup": 1}))]
fn a_root_user_without_a_contradiction_is_reported_without_one(#[case] of_container: Value) {
    let of_pod =
        if of_container["runAsGroup"] == 1 { json!({"runAsNonRoot": true}) } else { json!({"runAsNonRoot": null}) };
    let causes = causes("run-as-non-root", &pod("containers", &context(of_pod), &context(of_container)));
    assert_eq!(causes.len(), 1, "{causes:?}");
    assert!(causes[0].1.contains("a user other than 0, and runAsNonRoot true"), "{causes:?}");
    assert!(!causes[0].1.contains("contradicts"), "{causes:?}");
}

#[test]
fn no_escalation_of_a_privileged_container() {
    for list in LISTS {
        let torn = pod(list, &json!({}), &context(json!({"privileged": true, "allowPrivilegeEscalation": false})));
        let field = format!("spec.{list}[0].securityContext.privileged");
        let words = ["found true", "allowPrivilegeEscalation false contradicts it", "the API server refuses the pod"];
        assert_named("privileged", &torn, &field, &words);
        for escalation in [json!(true), json!(null)] {
            let whole = context(json!({"privileged": true, "allowPrivilegeEscalation": escalation}));
            let causes = causes("privileged", &pod(list, &json!({}), &whole));
            assert!(causes.iter().all(|(_, text)| !text.contains("contradicts")), "{causes:?}");
        }
    }
}

#[test]
fn no_escalation_with_every_right() {
    for list in LISTS {
        for (name, words) in [
            (
                "CAP_SYS_ADMIN",
                &["refuses it together with allowPrivilegeEscalation false", "contradict each other"][..],
            ),
            ("SYS_ADMIN", &["allowPrivilegeEscalation false contradicts it", "has no effect"]),
            ("cap_sys_admin", &["allowPrivilegeEscalation false contradicts it", "has no effect"]),
        ] {
            let capabilities = json!({"add": ["NET_BIND_SERVICE", name], "drop": ["ALL"]});
            let torn = context(json!({"allowPrivilegeEscalation": false, "capabilities": capabilities}));
            let field = format!("spec.{list}[0].securityContext.capabilities.add[1]");
            assert_named(
                "capabilities",
                &pod(list, &json!({}), &torn),
                &field,
                &[words, &["as good as root"]].concat(),
            );
            // The other way round: the wanted value cannot be set.
            let other = context(json!({"allowPrivilegeEscalation": true, "capabilities": capabilities}));
            let field = format!("spec.{list}[0].securityContext.allowPrivilegeEscalation");
            if name != "cap_sys_admin" {
                let words = ["found true, wanted false", "together with privileged or SYS_ADMIN", "remove that first"];
                assert_named("allow-privilege-escalation", &pod(list, &json!({}), &other), &field, &words);
            }
            let causes = causes("capabilities", &pod(list, &json!({}), &other));
            assert!(causes.iter().all(|(_, text)| !text.contains("contradiction")), "{causes:?}");
        }
    }
}

#[rstest]
#[case("memory-limit", "memory", "128Mi", "256Mi")]
#[case("memory-limit", "memory", "8000000", "8Mi")]
#[case("cpu-request", "cpu", "500m", "1")]
#[case("ephemeral-storage-limit", "ephemeral-storage", "1Gi", "1.5Gi")]
fn a_limit_below_its_request(#[case] rule: &str, #[case] resource: &str, #[case] limit: &str, #[case] request: &str) {
    for list in ["containers", "initContainers"] {
        let resources = |limit: &str, request: &str| json!({"resources": {"limits": {resource: limit}, "requests": {resource: request}}});
        let torn = pod(list, &json!({}), &resources(limit, request));
        let field = format!("spec.{list}[0].resources.limits.{resource}");
        let found = format!("found {limit}, wanted at least the request of {request}");
        assert_named(
            rule,
            &torn,
            &field,
            &[&found, "limit and request contradict each other", "the API server refuses"],
        );
        // Equal values do not contradict each other, and there is no other violation.
        let snapshot = snapshot(json!({rule: {"action": "deny"}}));
        let whole = review("CREATE", &pod(list, &json!({}), &resources(request, request)), None).to_string();
        let outcome = admit(whole.as_bytes(), Hook::Validate, &snapshot, TODAY);
        assert_eq!(outcome.verdict, Verdict::Allow, "{:?}", outcome.violations);
    }
}

#[rstest]
#[case("memory-limit", "memory", "1Gi", "2Gi")]
#[case("cpu-request", "cpu", "1", "1.5")]
fn a_limit_of_the_pod_below_its_request(
    #[case] rule: &str,
    #[case] resource: &str,
    #[case] limit: &str,
    #[case] request: &str,
) {
    let resources = |limit: &str| json!({"resources": {"limits": {resource: limit}, "requests": {resource: request}}});
    // There is one violation, whatever the containers have.
    for own in [json!({}), json!({"resources": null})] {
        let torn = pod("containers", &resources(limit), &own);
        let causes = causes(rule, &torn);
        assert_eq!(causes.len(), 1, "{causes:?}");
        let field = format!("spec.resources.limits.{resource}");
        let found = format!("found {limit}, wanted at least the request of {request}");
        assert_named(rule, &torn, &field, &[&found, "limit and request contradict each other"]);
    }
}

#[test]
fn everything_dropped_and_an_unknown_name_added() {
    for list in LISTS {
        for drop in ["ALL", "all"] {
            let torn = context(json!({"capabilities": {"add": ["NET_BIND"], "drop": [drop]}}));
            let field = format!("spec.{list}[0].securityContext.capabilities.add[0]");
            let words = ["found NET_BIND, wanted NET_BIND_SERVICE", "Linux has no such capability", "with drop ALL"];
            assert_named("capabilities", &pod(list, &json!({}), &torn), &field, &words);
        }
        let other = context(json!({"capabilities": {"add": ["NET_BIND"], "drop": ["NET_RAW"]}}));
        let causes = causes("capabilities", &pod(list, &json!({}), &other));
        assert!(causes.iter().all(|(_, text)| !text.contains("with drop ALL")), "{causes:?}");
    }
}
