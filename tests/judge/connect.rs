//! A user who enters a pod, forwards a port of it or uses its proxy is judged by the pod. An unknown pod is not taken for
//! an absent one.

use super::common::{TODAY, policies, response};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::facts::pods::{Pods, Texts};
use podreeve::facts::{FactAnswer, FactKinds, FactQuery, KeptPod, PodsByName};
use podreeve::outcome::{Outcome, Verdict};
use rstest::rstest;
use serde_json::{Value, json, value::to_raw_value};
use std::sync::Arc;

/// A pod of two containers. `agent` is privileged, or neither is.
fn pod(privileged: bool) -> Value {
    json!({"metadata": {"name": "web", "namespace": "shop"}, "spec": {
        "securityContext": {"runAsUser": 1000},
        "containers": [{"name": "app"}, {"name": "agent", "securityContext": {"privileged": privileged}}],
    }})
}

pub fn connect(sub_resource: &str, kind: &str, options: Value) -> Value {
    json!({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "u", "operation": "CONNECT", "namespace": "shop", "name": "web", "subResource": sub_resource,
            "kind": {"group": "", "version": "v1", "kind": kind},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "userInfo": {"username": "somebody"}, "object": options,
        },
    })
}

fn exec() -> Value {
    connect("exec", "PodExecOptions", json!({"container": "agent", "command": ["sh"]}))
}

pub fn judge(review: &Value, snapshot: &Snapshot) -> Outcome {
    admit(review.to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
}

fn wanted() -> FactQuery {
    FactQuery::Pod { namespace: "shop".to_owned(), name: "web".to_owned() }
}

pub fn kept(pod: &Value) -> KeptPod {
    Texts::default().keep_any(&to_raw_value(pod).unwrap())
}

/// These rules, and a cluster that has answered with this pod.
pub fn asked(spec: &Value, pod: Option<KeptPod>) -> Snapshot {
    let mut snapshot = policies(std::slice::from_ref(spec));
    snapshot.facts.cluster = true;
    snapshot.facts.answers = vec![FactAnswer::Pod { namespace: "shop".to_owned(), name: "web".to_owned(), pod }];
    snapshot
}

fn unanswered(spec: &Value) -> Snapshot {
    let mut snapshot = asked(spec, None);
    snapshot.facts.answers = vec![FactAnswer::Nothing(wanted())];
    snapshot
}

pub fn rules(rules: Value) -> Value {
    json!({ "rules": rules })
}

#[rstest]
#[case("exec", "PodExecOptions", json!({"container": "agent"}), true)]
#[case("exec", "PodExecOptions", json!({"container": "app"}), false)]
#[case("exec", "PodExecOptions", json!({}), true)]
#[case("exec", "PodExecOptions", json!({"container": 7}), true)]
#[case("exec", "PodExecOptions", Value::Null, true)]
#[case("attach", "PodAttachOptions", json!({"container": "agent"}), true)]
#[case("attach", "PodAttachOptions", json!({"container": "app"}), false)]
#[case("portforward", "PodPortForwardOptions", json!({"ports": [80]}), true)]
#[case("portforward", "PodPortForwardOptions", Value::Null, true)]
// A port belongs to all containers, whatever the options are called.
#[case("portforward", "PodExecOptions", json!({"container": "app", "stdin": true, "command": ["sh"]}), true)]
#[case("proxy", "PodProxyOptions", json!({"path": "/"}), true)]
#[case("proxy", "PodProxyOptions", json!({"container": "app"}), true)]
fn what_reaches_a_privileged_container_is_denied(
    #[case] sub_resource: &str,
    #[case] kind: &str,
    #[case] options: Value,
    #[case] denied: bool,
) {
    let spec = rules(json!({"exec-privileged": {"action": "deny"}}));
    let review = connect(sub_resource, kind, options);
    let outcome = judge(&review, &asked(&spec, Some(kept(&pod(true)))));
    assert_eq!(outcome.verdict, if denied { Verdict::Deny } else { Verdict::Allow });
    assert_eq!(judge(&review, &asked(&spec, Some(kept(&pod(false))))).verdict, Verdict::Allow);
    // There is no such pod, and the API server answers so itself.
    assert_eq!(judge(&review, &asked(&spec, None)).verdict, Verdict::Allow);
}

/// An operation that podreeve does not know may do anything, so it is judged as a connection is.
#[rstest]
#[case("CONNECT", Verdict::Deny)]
#[case("WHATEVER", Verdict::Deny)]
#[case("connect", Verdict::Deny)]
#[case("", Verdict::Deny)]
#[case("CREATE", Verdict::Deny)]
#[case("UPDATE", Verdict::Deny)]
#[case("DELETE", Verdict::Allow)]
fn an_unknown_operation_on_a_sub_resource_of_a_pod_is_judged(#[case] operation: &str, #[case] verdict: Verdict) {
    let spec = rules(json!({"exec-privileged": {"action": "deny"}}));
    for sub_resource in ["exec", "attach", "portforward", "proxy"] {
        let mut review = connect(sub_resource, "PodExecOptions", json!({"container": "agent", "command": ["sh"]}));
        review["request"]["operation"] = json!(operation);
        let privileged = judge(&review, &asked(&spec, Some(kept(&pod(true)))));
        assert_eq!(privileged.verdict, verdict, "{operation} on pods/{sub_resource}");
        let good = judge(&review, &asked(&spec, Some(kept(&pod(false)))));
        assert_eq!(good.verdict, Verdict::Allow, "{operation} on pods/{sub_resource}");
    }
}

#[test]
fn other_proxies_name_no_pod_and_pass() {
    let snapshot = unanswered(&rules(json!({"exec-privileged": {"action": "deny"}})));
    for resource in ["services", "nodes"] {
        let mut review = connect("proxy", "ServiceProxyOptions", json!({"path": "/"}));
        review["request"]["resource"]["resource"] = json!(resource);
        let outcome = judge(&review, &snapshot);
        assert_eq!((outcome.verdict, outcome.missing_fact), (Verdict::Allow, None), "{resource}");
    }
}

/// Objects that podreeve cannot read as a pod.
fn unreadable() -> [Value; 4] {
    let mut list = pod(true);
    list["spec"]["containers"] = json!({"name": "agent"});
    let mut flag = pod(true);
    flag["spec"]["containers"][1]["securityContext"]["privileged"] = json!("yes");
    [json!([]), json!({"spec": 7}), list, flag]
}

/// Pods with a list in place of an object, or the other way round, and a pod with nothing in it.
fn odd() -> [Value; 3] {
    let mut context = pod(true);
    context["spec"]["containers"][1]["securityContext"] = json!([true]);
    [context, json!({"spec": []}), json!({"metadata": {}, "spec": {"containers": []}})]
}

#[rstest]
// The rule's action, its `onUnknown`, and the verdict.
#[case("exec-privileged", "deny", None, Verdict::Deny)]
#[case("exec-privileged", "deny", Some("deny"), Verdict::Deny)]
#[case("exec-privileged", "deny", Some("warn"), Verdict::Warn)]
#[case("exec-privileged", "warn", None, Verdict::Warn)]
#[case("exec-privileged", "audit", None, Verdict::Allow)]
#[case("exec-root", "deny", None, Verdict::Warn)]
#[case("exec-root", "deny", Some("deny"), Verdict::Deny)]
#[case("exec-root", "warn", Some("deny"), Verdict::Warn)]
#[case("exec-root", "audit", Some("deny"), Verdict::Allow)]
fn of_a_pod_that_is_unknown_the_rule_decides(
    #[case] rule: &str,
    #[case] action: &str,
    #[case] on_unknown: Option<&str>,
    #[case] verdict: Verdict,
) {
    let params = on_unknown.map_or(json!({}), |word| json!({ "onUnknown": word }));
    let spec = rules(json!({rule: {"action": action, "params": params}}));
    let no_answer = (unanswered(&spec), "the API server did not say in time what this pod is like");
    let others = unreadable().into_iter().chain(odd()).map(|pod| (asked(&spec, Some(kept(&pod))), "cannot be read"));
    for (snapshot, says) in std::iter::once(no_answer).chain(others) {
        for sub_resource in ["exec", "attach", "portforward", "proxy"] {
            let outcome = judge(&connect(sub_resource, "Options", json!({"container": "agent"})), &snapshot);
            assert_eq!((outcome.verdict, &outcome.missing_fact), (verdict, &None), "{sub_resource} {says}");
            let reply = response(&outcome);
            let text = match verdict {
                Verdict::Deny => reply["status"]["message"].as_str().unwrap(),
                Verdict::Warn => reply["warnings"][0].as_str().unwrap(),
                _ => reply["auditAnnotations"]["unjudged"].as_str().unwrap(),
            };
            assert!(text.contains(says) && text.contains(rule), "{text}");
            assert_eq!(text.contains("try again"), verdict == Verdict::Deny, "{text}");
        }
    }
}

#[test]
fn without_a_cluster_the_user_gets_in_with_a_warning() {
    let params = json!({"onUnknown": "deny"});
    let rule = json!({"action": "deny", "params": params});
    let snapshot = policies(&[rules(json!({"exec-privileged": rule, "exec-root": rule}))]);
    let outcome = judge(&exec(), &snapshot);
    assert_eq!((outcome.verdict, &outcome.missing_fact), (Verdict::Warn, &None));
    let reply = response(&outcome);
    let warning = reply["warnings"][0].as_str().unwrap();
    assert!(warning.contains("without a cluster") && warning.contains("exec-privileged, exec-root"), "{warning}");
    assert_eq!(reply["warnings"].as_array().unwrap().len(), 1);
    // Without a rule for exec there is no warning.
    let outcome = judge(&exec(), &policies(&[rules(json!({"privileged": {"action": "deny"}}))]));
    assert_eq!((outcome.verdict, outcome.missing_fact), (Verdict::Allow, None));
}

#[test]
fn a_rule_that_denies_the_unknown_is_reported_with_one_that_warns() {
    let snapshot = unanswered(&rules(json!({"exec-privileged": {"action": "deny"}, "exec-root": {"action": "deny"}})));
    let outcome = judge(&exec(), &snapshot);
    assert_eq!((outcome.verdict, outcome.tallies.len()), (Verdict::Deny, 1));
    let reply = response(&outcome);
    let message = reply["status"]["message"].as_str().unwrap();
    assert!(message.contains(" denied: 1 violation ") && message.contains("exec-privileged"), "{reply}");
    assert_eq!(reply["auditAnnotations"]["denied"], "exec-privileged");
    assert!(reply["auditAnnotations"]["unjudged"].as_str().unwrap().ends_with(": exec-root"), "{reply}");
}

#[rstest]
#[case(json!({}), Verdict::Allow)]
#[case(json!({"containers": ["agent"]}), Verdict::Allow)]
#[case(json!({"containers": ["app"]}), Verdict::Deny)]
// Which image runs is not known.
#[case(json!({"images": ["docker.io/library"]}), Verdict::Deny)]
fn an_exemption_covers_an_unknown_pod_as_far_as_it_is_named(#[case] narrowed: Value, #[case] verdict: Verdict) {
    let mut exemption = json!({"rules": ["exec-privileged"], "namespaces": ["shop"], "reason": "a test"});
    json_patch::merge(&mut exemption, &narrowed);
    let spec = json!({"rules": {"exec-privileged": {"action": "deny"}}, "exemptions": [exemption]});
    assert_eq!(judge(&exec(), &unanswered(&spec)).verdict, verdict);
    // A port belongs to no single container, so only the whole pod can be exempt.
    let whole = if narrowed == json!({}) { Verdict::Allow } else { Verdict::Deny };
    let forward = connect("portforward", "PodPortForwardOptions", json!({"container": "agent"}));
    assert_eq!(judge(&forward, &unanswered(&spec)).verdict, whole);
}

/// While the watch is broken, another pod may have taken the name.
#[test]
fn a_pod_from_a_broken_watch_is_looked_up_again() {
    let mut snapshot = asked(&rules(json!({"exec-privileged": {"action": "deny"}})), None);
    let pods = PodsByName::from([("web".to_owned(), kept(&pod(false)))]);
    snapshot.facts.pods = Arc::new([("shop".to_owned(), Arc::new(pods))].into());
    snapshot.facts.answers.clear();
    snapshot.facts.complete |= FactKinds::PODS;
    assert_eq!(judge(&exec(), &snapshot).verdict, Verdict::Allow);
    snapshot.facts.complete -= FactKinds::PODS;
    assert_eq!(judge(&exec(), &snapshot).missing_fact, Some(wanted()));
    snapshot.facts.answers = vec![FactAnswer::Nothing(wanted())];
    assert_eq!(judge(&exec(), &snapshot).verdict, Verdict::Deny);
}

/// The watch may not have seen a new debug container yet.
#[test]
fn a_pod_without_the_named_container_is_looked_up_again() {
    let mut snapshot = asked(&rules(json!({"exec-privileged": {"action": "deny"}})), None);
    let pods = PodsByName::from([("web".to_owned(), kept(&pod(false)))]);
    snapshot.facts.pods = Arc::new([("shop".to_owned(), Arc::new(pods))].into());
    snapshot.facts.answers.clear();
    snapshot.facts.complete |= FactKinds::PODS;
    let attach = connect("attach", "PodAttachOptions", json!({"container": "debug"}));
    assert_eq!(judge(&attach, &snapshot).missing_fact, Some(wanted()));
    snapshot.facts.answers = vec![FactAnswer::Nothing(wanted())];
    assert_eq!(judge(&attach, &snapshot).verdict, Verdict::Deny);
    let mut debugged = pod(false);
    let there =
        |pod: &Value| FactAnswer::Pod { namespace: "shop".to_owned(), name: "web".to_owned(), pod: Some(kept(pod)) };
    snapshot.facts.answers = vec![there(&debugged)];
    assert_eq!(judge(&attach, &snapshot).verdict, Verdict::Allow, "the API server says that there is none");
    debugged["spec"]["ephemeralContainers"] = json!([{"name": "debug", "securityContext": {"privileged": true}}]);
    snapshot.facts.answers = vec![there(&debugged)];
    assert_eq!(judge(&attach, &snapshot).verdict, Verdict::Deny);
}

/// A known pod that changes into something unreadable is neither the old pod nor absent.
#[test]
fn a_pod_that_becomes_unreadable_stays_there_unknown() {
    let mut pods = Pods::default();
    assert!(pods.apply("shop", "web", &to_raw_value(&pod(false)).unwrap()));
    for unreadable in &unreadable()[..2] {
        pods.apply("shop", "web", &to_raw_value(unreadable).unwrap());
        assert_eq!(pods.snapshot()["shop"]["web"], KeptPod::unreadable(), "{unreadable}");
    }
    assert!(pods.remove("shop", "web"));
}
