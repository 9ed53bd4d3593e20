//! What is known of the nodes that a pod may run on: user namespaces, `AppArmor`, `SELinux`.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::facts::FactKinds;
use podreeve::facts::nodes::{NodeFacts, Nodes};
use podreeve::outcome::{Outcome, Verdict};
use podreeve::repair::Sign;
use podreeve::rule::GOOD_POD;
use rstest::rstest;
use serde_json::{Value, json};
use std::sync::Arc;

/// A good pod with this change, on nodes of this pool.
fn pod(pool: &str, change: &Value) -> Value {
    let mut pod: Value = serde_json::from_str(GOOD_POD).expect("the good pod is JSON");
    json_patch::merge(&mut pod, &json!({"spec": {"nodeSelector": {"pool": pool}}}));
    json_patch::merge(&mut pod, change);
    pod
}

/// Nodes of which nothing is known, all that have the features, some, and none.
fn nodes() -> Nodes {
    let mut nodes = Nodes::default();
    for (name, pool, has) in [
        ("a", "new", None),
        ("b", "all", Some(true)),
        ("c", "some", Some(true)),
        ("d", "some", Some(false)),
        ("e", "none", Some(false)),
    ] {
        let node = NodeFacts {
            user_namespaces: has.into(),
            app_armor: has.into(),
            se_linux: has.into(),
            ..NodeFacts::UNKNOWN
        };
        nodes.add(name.to_owned(), &[("pool".to_owned(), pool.to_owned())].into(), node);
    }
    nodes
}

fn snapshot(rule: &str, action: &str, params: &Value) -> Snapshot {
    let mut snapshot = policies(&[json!({"rules": {rule: {"action": action, "params": params}}})]);
    snapshot.facts.cluster = true;
    snapshot.facts.nodes = Arc::new(nodes());
    snapshot
}

fn run(hook: Hook, pod: &Value, snapshot: &Snapshot) -> Outcome {
    let outcome = admit(review("CREATE", pod, None).to_string().as_bytes(), hook, snapshot, TODAY);
    assert_eq!((outcome.problem.as_deref(), outcome.missing_fact.is_none()), (None, true), "{pod:#}");
    outcome
}

/// The edit is offered, and made, where no node is known to lack user namespaces. Where one does, a warning takes the place of the repair.
#[rstest]
#[case::unknown("new", true, "without a user namespace")]
#[case::all("all", true, "without a user namespace")]
#[case::some("some", false, "some nodes that the pod may run on")]
#[case::none("none", false, "no node that the pod may run on")]
fn host_users_is_repaired_where_the_nodes_can(#[case] pool: &str, #[case] repaired: bool, #[case] why: &str) {
    let shares = pod(pool, &json!({"spec": {"hostUsers": true}}));
    let patch = snapshot("host-users", "patch", &json!({}));
    assert_eq!(!run(Hook::Mutate, &shares, &patch).patch.is_empty(), repaired);
    let outcome = run(Hook::Validate, &shares, &patch);
    // In the test the mutating webhook has repaired nothing.
    assert_eq!(outcome.verdict, if repaired { Verdict::Deny } else { Verdict::Warn });
    assert!(outcome.violations[0].why.starts_with(why), "{}", outcome.violations[0].why);

    let denied = run(Hook::Validate, &shares, &snapshot("host-users", "deny", &json!({})));
    assert_eq!((denied.verdict, denied.violations[0].repairable), (Verdict::Deny, repaired));
}

#[test]
fn another_runtime_may_have_user_namespaces() {
    let other = pod("none", &json!({"spec": {"hostUsers": true, "runtimeClassName": "kata"}}));
    assert!(!run(Hook::Mutate, &other, &snapshot("host-users", "patch", &json!({}))).patch.is_empty());
}

/// A profile is warned of where no node has `AppArmor`: in mode deny, too, because the pod is no danger.
#[rstest]
#[case::unknown("new", None)]
#[case::all("all", None)]
#[case::some("some", None)]
#[case::none("none", Some("such a node refuses a pod that names a profile"))]
fn a_profile_of_apparmor_needs_a_node_that_has_it(#[case] pool: &str, #[case] why: Option<&str>) {
    let snapshot = snapshot("apparmor-profile", "deny", &json!({}));
    let context = json!({"appArmorProfile": {"type": "RuntimeDefault"}});
    for asks in [
        pod(pool, &json!({"spec": {"securityContext": context}})),
        pod(
            pool,
            &json!({"spec": {"containers": [{"name": "app", "image": "a.example/b:1", "securityContext": context}]}}),
        ),
    ] {
        let outcome = run(Hook::Validate, &asks, &snapshot);
        assert_eq!(outcome.verdict, if why.is_some() { Verdict::Warn } else { Verdict::Allow });
        let found: Vec<&str> = outcome.violations.iter().map(|violation| &*violation.why).collect();
        assert_eq!(found.is_empty(), why.is_none(), "{found:?}");
        assert!(found.iter().all(|found| why.is_some_and(|why| found.contains(why))), "{found:?}");
    }
    let unconfined = pod(pool, &json!({"spec": {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}}));
    let outcome = run(Hook::Validate, &unconfined, &snapshot);
    assert_eq!((outcome.verdict, outcome.violations[0].why.contains("leave it out")), (Verdict::Deny, why.is_some()));
}

#[rstest]
#[case::unknown("new", false)]
#[case::all("all", false)]
#[case::some("some", false)]
#[case::none("none", true)]
fn options_of_selinux_are_denied_whatever_the_nodes_have(#[case] pool: &str, #[case] nowhere: bool) {
    let context = json!({"seLinuxOptions": {"type": "spc_t", "user": "root"}});
    let outcome = run(
        Hook::Validate,
        &pod(pool, &json!({"spec": {"securityContext": context}})),
        &snapshot("selinux-options", "deny", &json!({})),
    );
    assert_eq!((outcome.verdict, outcome.violations.len()), (Verdict::Deny, 2));
    for violation in &outcome.violations {
        assert_eq!(violation.why.starts_with("no node that the pod may run on enforces"), nowhere, "{}", violation.why);
    }
}

/// The edit of a denial: a profile where nodes may have `AppArmor`, and none where no node has it.
#[rstest]
#[case::unknown("new", true)]
#[case::all("all", true)]
#[case::none("none", false)]
fn the_edit_of_a_denial_fits_the_nodes(#[case] pool: &str, #[case] sets_profile: bool) {
    let snapshot = snapshot("apparmor-profile", "deny", &json!({}));
    let unconfined = pod(pool, &json!({"spec": {"securityContext": {"appArmorProfile": {"type": "Unconfined"}}}}));
    let repair = run(Hook::Validate, &unconfined, &snapshot).repair.expect("there is an edit");
    let added = repair.diff.lines.iter().filter(|line| line.sign == Sign::Added);
    let added: Vec<&str> = added.map(|line| repair.diff.text(line)).collect();
    let sets = added.iter().any(|line| line.contains("RuntimeDefault"));
    assert_eq!((sets, repair.left.len()), (sets_profile, 0), "{added:?}");
}

/// Facts that only a repair needs are read where one is made or shown.
#[rstest]
#[case("audit", FactKinds::empty())]
#[case("warn", FactKinds::empty())]
#[case("patch", FactKinds::USER_NAMESPACES)]
#[case("deny", FactKinds::USER_NAMESPACES)]
fn nobody_reads_facts_for_a_repair_that_is_not_made(#[case] action: &str, #[case] wanted: FactKinds) {
    assert_eq!(snapshot("host-users", action, &json!({})).policies.facts(), wanted);
}
