//! The facts that are known of an incoming pod, of a template, and of an object in a file.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::facts::accounts::Accounts;
use podreeve::facts::nodes::{NodeFacts, Nodes};
use podreeve::outcome::Outcome;
use podreeve::rule::GOOD_POD;
use podreeve::text::dotted;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

fn pod(change: Value) -> Value {
    let mut pod: Value = serde_json::from_str(GOOD_POD).expect("the good pod is JSON");
    json_patch::merge(&mut pod, &change);
    pod
}

fn deployment(pod: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"template": {"spec": pod["spec"]}},
    })
}

fn run(hook: Hook, object: &Value, snapshot: &Snapshot) -> Outcome {
    let outcome = admit(review("CREATE", object, None).to_string().as_bytes(), hook, snapshot, TODAY);
    assert_eq!(outcome.problem, None, "{object:#}");
    outcome
}

fn has_finding(object: &Value, snapshot: &Snapshot) -> bool {
    let outcome = run(Hook::Validate, object, snapshot);
    assert!(outcome.violations.iter().all(|violation| violation.rule.id == "service-account-token"));
    !outcome.violations.is_empty()
}

/// Whether a pod has a token: by its own field, by the volume that admission adds, and by its ServiceAccount.
#[rstest]
#[case::nothing_said(json!(null), [false, true, true, true])]
#[case::wanted(json!(true), [false, true, true, true])]
#[case::not_wanted(json!(false), [false, false, false, false])]
fn an_incoming_pod_has_a_token_if_admission_added_one(#[case] automount: Value, #[case] wanted: [bool; 4]) {
    let token = json!([{"name": "kube-api-access-x7k2p", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}]);
    let snapshot = policies(&[json!({"rules": {"service-account-token": {"action": "deny"}}})]);
    let without = pod(json!({"spec": {"automountServiceAccountToken": automount, "serviceAccountName": "app"}}));
    let with = pod(json!({"spec": {"automountServiceAccountToken": automount, "volumes": token}}));
    let mut written = policies(&[json!({"rules": {"service-account-token": {"action": "deny"}}})]);
    written.facts.manifest_accounts = Some(Arc::default());
    let found = [
        has_finding(&without, &snapshot),
        has_finding(&with, &snapshot),
        has_finding(&deployment(&without), &snapshot),
        has_finding(&without, &written),
    ];
    assert_eq!(found, wanted);
    // An update is the same pod.
    let update = review("UPDATE", &without, Some(&without)).to_string();
    assert!(admit(update.as_bytes(), Hook::Validate, &snapshot, TODAY).violations.is_empty());
}

#[test]
fn the_service_account_of_the_same_files_decides_whether_a_token_is_mounted() {
    let mut accounts = Accounts::default();
    accounts.add("default", "quiet", false);
    accounts.add("default", "loud", true);
    accounts.add("other", "elsewhere", false);
    accounts.add("default", "default", false);
    let mut snapshot = policies(&[json!({"rules": {"service-account-token": {"action": "deny"}}})]);
    snapshot.facts.manifest_accounts = Some(Arc::new(accounts));
    let of = |account: Value, automount: Value| {
        pod(json!({"spec": {"automountServiceAccountToken": automount, "serviceAccountName": account}}))
    };
    for (account, automount, wanted) in [
        (json!("quiet"), json!(null), false),
        (json!("quiet"), json!(true), true),
        (json!("loud"), json!(null), true),
        (json!("elsewhere"), json!(null), true),
        (json!("unknown"), json!(null), true),
        (json!(null), json!(null), false),
        (json!(""), json!(null), false),
    ] {
        let pod = of(account.clone(), automount.clone());
        for object in [deployment(&pod), pod] {
            assert_eq!(has_finding(&object, &snapshot), wanted, "{account} {automount} {}", object["kind"]);
        }
    }
}

#[test]
fn a_pod_on_a_windows_node_without_an_os_gets_a_hint() {
    let mut nodes = Nodes::default();
    for (name, system) in [("win-1", "windows"), ("lin-1", "linux")] {
        nodes.add(name.to_owned(), &[("kubernetes.io/os".to_owned(), system.to_owned())].into(), NodeFacts::UNKNOWN);
    }
    let mut snapshot = policies(&[json!({"rules": {"read-only-root-filesystem": {"action": "patch"}}})]);
    snapshot.facts.cluster = true;
    snapshot.facts.nodes = Arc::new(nodes);
    let mut bare = pod(json!({}));
    bare["spec"]["containers"] = json!([{"name": "app", "image": "app:1"}]);
    for (node, wanted, patched) in
        [("win-1", "spec.os.name: windows", false), ("lin-1", "true", true), ("new", "true", true)]
    {
        bare["spec"]["nodeName"] = json!(node);
        let outcome = run(Hook::Validate, &bare, &snapshot);
        let violations: Vec<_> = outcome.violations.iter().map(|v| (dotted(&v.field), &*v.wanted)).collect();
        assert_eq!(violations, [("spec.containers[0].securityContext.readOnlyRootFilesystem".to_owned(), wanted)]);
        assert_eq!(!run(Hook::Mutate, &bare, &snapshot).patch.is_empty(), patched, "{node}");
    }
}
