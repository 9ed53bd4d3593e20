//! Objects with thousands of violations: a few are described, the others are counted, and none is missed.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::effort::{FINDING, MEMORY};
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::builtin;
use serde_json::{Value, json};

fn send(new: &Value, old: Option<&Value>, snapshot: &Snapshot) -> Outcome {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    admit(review(operation, new, old).to_string().as_bytes(), Hook::Validate, snapshot, TODAY)
}

fn with(object: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut changed = object.clone();
    change(&mut changed);
    changed
}

/// The built-in policy, for a kind that it gets from `workloads`.
fn owasp_with_rollouts() -> Snapshot {
    let yaml = builtin("owasp").expect("the policy loads").expect("it exists");
    let mut policy: Value = serde_saphyr::from_str(&yaml).expect("YAML");
    policy["spec"]["workloads"] =
        json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "path": "spec.template"}]);
    Snapshot { report_limit: 20, ..policies(&[policy["spec"].take()]) }
}

/// An object cannot be deleted while it has a finalizer. Only the violations that are reported take memory.
#[test]
fn a_finalizer_can_be_removed_from_an_object_with_any_number_of_violations() {
    const CONTAINERS: usize = 13_000;
    let snapshot = owasp_with_rollouts();
    let containers: Vec<Value> = (0..CONTAINERS).map(|n| json!({"name": format!("c{n}"), "image": "a"})).collect();
    let old = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": "r", "namespace": "default", "finalizers": ["example.com/wait"]},
        "spec": {"template": {"spec": {"containers": containers}}},
    });
    let new = with(&old, |object| object["metadata"]["finalizers"] = json!([]));
    let outcome = send(&new, Some(&old), &snapshot);
    assert_eq!((outcome.ended, outcome.verdict), (None, Verdict::Warn), "{:?}", outcome.problem);
    let everywhere = outcome.tallies.iter().filter(|tally| tally.count == CONTAINERS).count();
    assert!(CONTAINERS * everywhere * FINDING > MEMORY, "all of them would not fit: {everywhere} rules");
    assert!(outcome.violations.len() <= 2 * snapshot.report_limit, "{}", outcome.violations.len());
    // A change of the template is judged as a creation.
    let changed = with(&new, |object| object["spec"]["template"]["spec"]["hostPID"] = json!(true));
    let outcome = send(&changed, Some(&old), &snapshot);
    assert_eq!((outcome.ended, outcome.verdict), (None, Verdict::Deny), "{:?}", outcome.problem);
}

#[test]
fn a_denial_is_found_behind_many_violations_that_are_exempt() {
    let exemption = json!({
        "rules": ["privileged"], "namespaces": ["default"], "images": ["registry.example.com/mesh/agent"],
        "reason": "the mesh agent",
    });
    let policy = json!({"rules": {"privileged": {"action": "deny"}}, "exemptions": [exemption]});
    let snapshot = Snapshot { report_limit: 2, ..policies(&[policy]) };
    let (agent, other) = ("registry.example.com/mesh/agent:1", "registry.example.com/evil/miner:1");
    let pod = |last: &str| {
        let images = std::iter::repeat_n(agent, 50).chain([last]).enumerate();
        let containers: Vec<Value> = images
            .map(|(n, image)| json!({"name": format!("c{n}"), "image": image, "securityContext": {"privileged": true}}))
            .collect();
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": containers}})
    };
    let counts = |outcome: &Outcome| [Effect::Deny, Effect::Warn, Effect::Exempt].map(|effect| outcome.count(effect));
    let created = send(&pod(other), None, &snapshot);
    assert_eq!((created.verdict, counts(&created)), (Verdict::Deny, [1, 0, 50]));
    let names = |outcome: &Outcome| -> Vec<String> {
        outcome.violations.iter().map(|violation| violation.subject.to_string()).collect()
    };
    assert_eq!(names(&created), ["container \"c0\"", "container \"c1\"", "container \"c50\""]);
    let swapped = send(&pod(other), Some(&pod(agent)), &snapshot);
    assert_eq!((swapped.verdict, counts(&swapped)), (Verdict::Deny, [1, 0, 50]));
    let labelled = with(&pod(other), |pod| pod["metadata"]["labels"] = json!({"by": "jane"}));
    let outcome = send(&labelled, Some(&pod(other)), &snapshot);
    assert_eq!((outcome.verdict, counts(&outcome)), (Verdict::Warn, [0, 1, 50]));
}
