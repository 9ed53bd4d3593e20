//! With an open endpoint, an answer has nothing about the cluster but the verdict. The log has the rest.

use super::common::{TODAY, review};
use podreeve::admit::{Audience, Hook, Snapshot, admit};
use podreeve::facts::ingress::IngressPolicy;
use podreeve::facts::pods::Texts;
use podreeve::facts::{FactAnswer, FactKinds, Facts, Labels, PodsByName};
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::{Cluster, CompiledPolicy, PolicyDocument, PolicySet};
use rstest::rstest;
use serde_json::{Value, json, value::to_raw_value};
use std::sync::Arc;

const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// A cluster whose objects have names that no request contains.
fn facts(level: &str) -> Facts {
    let labels: Labels = [(ENFORCE.to_owned(), level.to_owned())].into();
    let planted = json!({
        "metadata": {"name": "planted-pod", "namespace": "shop"},
        "spec": {"containers": [
            {"name": "planted-first", "image": "a"},
            {"name": "planted-second", "image": "planted-image", "securityContext": {"privileged": true, "runAsUser": 0}},
        ]},
    });
    let pod = Texts::default().keep(&to_raw_value(&planted).unwrap()).unwrap();
    let open = IngressPolicy::read(&json!({"spec": {"podSelector": {}, "ingress": [{}]}}).to_string()).unwrap();
    Facts {
        cluster: true,
        namespaces: Arc::new([("shop".to_owned(), Arc::new(labels))].into()),
        pods: Arc::new([("shop".to_owned(), Arc::new(PodsByName::from([("planted-pod".to_owned(), pod)])))].into()),
        ingress: Arc::new([("shop".to_owned(), Arc::new([("planted-policy".to_owned(), open)].into()))].into()),
        complete: FactKinds::PODS | FactKinds::NETWORK_POLICIES,
        ..Facts::default()
    }
}

fn snapshot(spec: &Value, level: &str, audience: Audience) -> Snapshot {
    let document =
        json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"}, "spec": spec});
    let document = PolicyDocument::from_json(&document.to_string()).expect("the policy loads");
    let policy = CompiledPolicy::compile(&document, Cluster::With).expect("the policy compiles");
    Snapshot { facts: facts(level), audience, ..Snapshot::new(PolicySet::new(vec![policy], 1), 20) }
}

fn judge(review: &Value, snapshot: &Snapshot) -> Outcome {
    admit(review.to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
}

fn reply(outcome: &Outcome) -> String {
    String::from_utf8(outcome.reply.clone()).unwrap()
}

fn pod(namespace: &str, spec: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": namespace}, "spec": spec})
}

fn bad(namespace: &str) -> Value {
    pod(namespace, &json!({"containers": [{"name": "app", "image": "a", "securityContext": {"privileged": true}}]}))
}

fn clean(namespace: &str) -> Value {
    let context = json!({
        "runAsNonRoot": true, "allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    });
    pod(namespace, &json!({"containers": [{"name": "app", "image": "a", "securityContext": context}]}))
}

fn deployment(namespace: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": namespace},
        "spec": {"template": {"spec": bad(namespace)["spec"]}},
    })
}

fn exec(sub_resource: &str) -> Value {
    let mut review = review("CONNECT", &json!({"apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"]}), None);
    let request = &mut review["request"];
    request["resource"] = json!({"group": "", "version": "v1", "resource": "pods"});
    request["subResource"] = json!(sub_resource);
    request["name"] = json!("planted-pod");
    request["namespace"] = json!("shop");
    review
}

fn stricter() -> Value {
    let namespace = |level: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {ENFORCE: level}}});
    let mut review = review("UPDATE", &namespace("restricted"), Some(&namespace("privileged")));
    review["request"]["name"] = json!("shop");
    review
}

fn labels() -> Value {
    json!({"podSecurityLabels": true, "rules": {}})
}

#[rstest]
#[case::a_pod_denied_by_labels(labels(), review("CREATE", &bad("shop"), None), &["restricted", "pss-"])]
#[case::a_template_warned_by_labels(labels(), review("CREATE", &deployment("shop"), None), &["restricted", "pss-"])]
#[case::a_pod_let_in_by_labels(labels(), review("CREATE", &clean("shop"), None), &["restricted"])]
#[case::pods_that_are_there(labels(), stricter(), &["planted", "privileged ", "securityContext"])]
#[case::exec_denied(json!({"rules": {"exec-privileged": {"action": "deny"}}}), exec("exec"), &["planted-second", "containers[1]", "containers/1"])]
#[case::attach_denied(json!({"rules": {"exec-root": {"action": "deny"}}}), exec("attach"), &["planted-first", "planted-second", "containers"])]
#[case::exec_warned(json!({"rules": {"exec-root": {"action": "warn"}}}), exec("exec"), &["planted-first", "planted-second", "containers"])]
#[case::network_policy(json!({"rules": {"network-policy": {"action": "deny"}}}), review("CREATE", &clean("shop"), None), &["lets everything in", "planted"])]
fn an_answer_of_an_open_endpoint_names_nothing_of_the_cluster(
    #[case] spec: Value,
    #[case] review: Value,
    #[case] secret: &[&str],
) {
    let known = judge(&review, &snapshot(&spec, "restricted", Audience::ApiServer));
    let said = judge(&review, &snapshot(&spec, "restricted", Audience::AnyClient));
    assert_eq!(known.verdict, said.verdict);
    let (known, text) = (reply(&known), reply(&said));
    assert!(secret.iter().any(|word| known.contains(word)), "the API server is told of it: {known}");
    for word in secret {
        assert!(!text.contains(word), "`{word}` is in {text}");
    }
    let response: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(response["response"]["uid"], review["request"]["uid"]);
    assert_eq!(response["response"]["allowed"], json!(said.verdict != Verdict::Deny));
    // The log has the name where there is a finding.
    let logged = secret.iter().any(|word| said.hidden.contains(word) || word.contains("containers"));
    assert!(logged || said.verdict == Verdict::Allow, "{}", said.hidden);
}

#[test]
fn the_object_that_was_sent_is_still_named() {
    let snapshot = snapshot(&labels(), "restricted", Audience::AnyClient);
    let text = reply(&judge(&review("CREATE", &bad("shop"), None), &snapshot));
    let wanted = "violates the Pod Security level of its namespace: privileged (container \\\"app\\\" must not set \
                  securityContext.privileged=true)";
    assert!(text.contains(wanted), "{text}");
    assert!(text.contains("policy the Pod Security level of its namespace"), "{text}");
}

/// Whether there is such a namespace: the answers are the same, byte by byte.
#[test]
fn a_namespace_that_is_not_there_looks_like_a_strict_one() {
    let mut there = snapshot(&labels(), "restricted", Audience::AnyClient);
    let mut absent = there.clone();
    absent.facts.namespaces = Arc::default();
    absent.facts.answers = vec![FactAnswer::Namespace("shop".to_owned(), None)];
    there.facts.answers = vec![FactAnswer::Namespace("shop".to_owned(), there.facts.namespaces.get("shop").cloned())];
    for object in [bad("shop"), clean("shop")] {
        let review = review("CREATE", &object, None);
        assert_eq!(reply(&judge(&review, &absent)), reply(&judge(&review, &there)));
    }
    // The API server gets the text that upstream has.
    absent.audience = Audience::ApiServer;
    let outcome = judge(&review("CREATE", &clean("shop"), None), &absent);
    assert_eq!(outcome.problem.as_deref(), Some("failed to lookup namespace \"shop\""));
}

#[test]
fn an_answer_without_facts_of_the_cluster_is_unchanged() {
    let spec = json!({"rules": {"privileged": {"action": "deny"}}});
    let review = review("CREATE", &bad("shop"), None);
    let [known, anybody] = [Audience::ApiServer, Audience::AnyClient]
        .map(|audience| judge(&review, &snapshot(&spec, "baseline", audience)));
    assert_eq!(reply(&known), reply(&anybody));
    assert_eq!(anybody.hidden, "");
}
