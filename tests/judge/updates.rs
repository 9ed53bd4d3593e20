//! An update that starts something new is judged as a creation. Any other update is judged by the violations it introduces.

use super::common::{TODAY, good_pod, policies, review, snapshot};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::{CompiledPolicy, PolicyDocument, PolicySet, builtin};
use rstest::rstest;
use serde_json::{Value, json};

/// A pod with a privileged container `agent` of this image.
fn agent(image: &str) -> Value {
    let mut pod = good_pod();
    let container = &mut pod["spec"]["containers"][0];
    container["name"] = json!("agent");
    container["image"] = json!(image);
    container["securityContext"]["privileged"] = json!(true);
    pod
}

fn with(object: &Value, change: impl FnOnce(&mut Value)) -> Value {
    let mut changed = object.clone();
    change(&mut changed);
    changed
}

fn send(hook: Hook, new: &Value, old: Option<&Value>, snapshot: &Snapshot) -> Outcome {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    admit(review(operation, new, old).to_string().as_bytes(), hook, snapshot, TODAY)
}

fn update(new: &Value, old: &Value, snapshot: &Snapshot) -> Outcome {
    send(Hook::Validate, new, Some(old), snapshot)
}

fn counts(outcome: &Outcome) -> (usize, usize, usize) {
    (outcome.count(Effect::Deny), outcome.count(Effect::Warn), outcome.count(Effect::Exempt))
}

fn message(outcome: &Outcome) -> String {
    let reply: Value = serde_json::from_slice(&outcome.reply).expect("the reply is JSON");
    reply["response"]["status"]["message"].as_str().unwrap_or_default().to_owned()
}

const AGENT: &str = "registry.example.com/mesh/agent:1";
const OTHER: &str = "registry.example.com/evil/miner:1";

/// A policy that denies privileged containers, except the agent's image.
fn exempting(until: &str) -> Snapshot {
    policies(&[json!({
        "rules": {"privileged": {"action": "deny"}, "host-path": {"action": "deny"}},
        "exemptions": [{
            "rules": ["privileged", "host-path"], "namespaces": ["default"], "images": ["registry.example.com/mesh/agent"],
            "reason": "the mesh agent", "until": until,
        }],
    })])
}

fn debugger(image: &str) -> Value {
    json!({
        "name": "debugger", "image": image, "targetContainerName": "agent",
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}},
    })
}

#[test]
fn the_image_of_an_exempt_pod_is_not_swapped_for_another() {
    let (snapshot, old) = (exempting("2027-06-30"), agent(AGENT));
    assert_eq!(counts(&send(Hook::Validate, &old, None, &snapshot)), (0, 0, 1));
    let swapped = update(&agent(OTHER), &old, &snapshot);
    assert_eq!((swapped.verdict, counts(&swapped)), (Verdict::Deny, (1, 0, 0)));
    assert!(message(&swapped).contains("The update changes an image"), "{}", message(&swapped));
    // The exemption still covers this.
    let newer = update(&agent("registry.example.com/mesh/agent:2"), &old, &snapshot);
    assert_eq!((newer.verdict, counts(&newer)), (Verdict::Allow, (0, 0, 1)));
}

#[test]
fn a_debug_container_in_a_pod_that_its_user_could_not_create_is_denied() {
    let snapshot = exempting("2027-06-30");
    let old = with(&agent(AGENT), |pod| {
        pod["spec"]["volumes"] = json!([{"name": "root", "hostPath": {"path": "/"}}]);
    });
    assert_eq!(counts(&send(Hook::Validate, &old, None, &snapshot)), (0, 0, 2));
    let debug = |image: &str, old: &Value| {
        let new = with(old, |pod| pod["spec"]["ephemeralContainers"] = json!([debugger(image)]));
        update(&new, old, &snapshot)
    };
    // The volume belongs to each container, and the exemption does not cover this one.
    let denied = debug(OTHER, &old);
    assert_eq!((denied.verdict, counts(&denied)), (Verdict::Deny, (1, 0, 1)));
    assert!(message(&denied).contains("The update adds a container"), "{}", message(&denied));
    assert_eq!(debug(AGENT, &old).verdict, Verdict::Allow);
    // The pod is older than podreeve and has no exemption.
    let grandfathered = with(&old, |pod| pod["metadata"]["namespace"] = json!("shop"));
    assert_eq!(counts(&debug(OTHER, &grandfathered)), (2, 0, 0));
}

#[test]
fn an_image_in_any_list_counts() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let old = with(&agent(AGENT), |pod| {
        pod["spec"]["initContainers"] = json!([{"name": "init", "image": "a/init:1"}]);
        pod["spec"]["ephemeralContainers"] = json!([{"name": "debug", "image": "a/debug:1"}]);
    });
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        let image = with(&old, |pod| pod["spec"][list][0]["image"] = json!("a/other:1"));
        let more = with(&old, |pod| {
            pod["spec"][list].as_array_mut().expect("a list").push(json!({"name": "more", "image": "a/more:1"}));
        });
        for new in [image, more] {
            assert_eq!(counts(&update(&new, &old, &snapshot)), (1, 0, 0), "{list}");
        }
    }
    let fewer = with(&old, |pod| pod["spec"]["initContainers"] = json!(null));
    assert_eq!(counts(&update(&fewer, &old, &snapshot)), (1, 0, 0));
    // Moved to another list.
    let moved = with(&old, |pod| {
        pod["spec"]["initContainers"] = pod["spec"]["containers"].take();
        pod["spec"]["containers"] = json!([{"name": "init", "image": "a/init:1"}]);
    });
    assert_eq!(counts(&update(&moved, &old, &snapshot)), (1, 0, 0));
    // A missing image and an empty one are equal.
    let (none, empty) = (agent(""), with(&agent(""), |pod| pod["spec"]["containers"][0]["image"] = json!(null)));
    assert_eq!(counts(&update(&none, &empty, &snapshot)), (0, 1, 0));
    // Debug containers are compared by name.
    let two = |first: &str, second: &str| {
        with(&agent(AGENT), |pod| {
            let debug = |name: &str| json!({"name": name, "image": format!("a/{name}:1")});
            pod["spec"]["ephemeralContainers"] = json!([debug(first), debug(second)]);
        })
    };
    assert_eq!(counts(&update(&two("b", "a"), &two("a", "b"), &snapshot)), (0, 1, 0));
}

#[rstest]
#[case::label(|pod: &mut Value| pod["metadata"]["labels"] = json!({"by": "jane"}))]
#[case::finalizers(|pod: &mut Value| pod["metadata"]["finalizers"] = json!(null))]
#[case::status(|pod: &mut Value| pod["status"] = json!({"phase": "Failed"}))]
#[case::tolerations(|pod: &mut Value| pod["spec"]["tolerations"] = json!([{"operator": "Exists"}]))]
#[case::deadline(|pod: &mut Value| pod["spec"]["activeDeadlineSeconds"] = json!(5))]
fn an_update_that_runs_nothing_new_is_never_denied(#[case] change: fn(&mut Value)) {
    let old = with(&agent(AGENT), |pod| {
        pod["metadata"]["finalizers"] = json!(["example.com/hold"]);
        pod["metadata"]["deletionTimestamp"] = json!("2026-11-22T00:00:00Z");
    });
    let new = with(&old, change);
    for (snapshot, expected) in [
        (snapshot(json!({"privileged": {"action": "deny"}})), (0, 1, 0)),
        (exempting("2027-06-30"), (0, 0, 1)),
        // The exemption has ended or was removed, so the violations count as preexisting.
        (exempting("2026-11-21"), (0, 1, 0)),
    ] {
        let outcome = update(&new, &old, &snapshot);
        assert_eq!(counts(&outcome), expected);
        assert_ne!(outcome.verdict, Verdict::Deny);
    }
    // A pod that is being deleted gets no exception.
    let worse = with(&new, |pod| pod["spec"]["hostNetwork"] = json!(true));
    let rules = json!({"privileged": {"action": "deny"}, "host-network": {"action": "deny"}});
    assert_eq!(counts(&update(&worse, &old, &snapshot(rules))), (1, 1, 0));
}

/// The API server refuses a rename of a container, but an exemption must cover the object as it is now.
#[test]
fn a_violation_under_an_exemption_is_not_preexisting() {
    let rules = json!({"host-path": {"action": "deny"}});
    let path = |container: &str| {
        with(&good_pod(), |pod| {
            pod["spec"]["containers"][0]["name"] = json!(container);
            pod["spec"]["volumes"] = json!([{"name": "logs", "hostPath": {"path": "/var/log"}}]);
        })
    };
    let exemption =
        json!([{"rules": ["host-path"], "namespaces": ["default"], "containers": ["agent"], "reason": "r"}]);
    let exempting = json!({"rules": rules, "exemptions": exemption});
    let strict = json!({"rules": rules});
    let (old, new) = (path("agent"), path("other"));
    assert_eq!(update(&new, &old, &policies(std::slice::from_ref(&strict))).verdict, Verdict::Warn);
    assert_eq!(update(&new, &old, &policies(std::slice::from_ref(&exempting))).verdict, Verdict::Deny);
    assert_eq!(update(&new, &old, &policies(&[exempting, strict])).verdict, Verdict::Deny);
}

#[test]
fn an_old_object_that_is_missing_or_cannot_be_read_excuses_nothing() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let pod = agent(AGENT);
    let broken = with(&pod, |pod| pod["spec"]["containers"] = json!("broken"));
    assert_eq!(update(&pod, &broken, &snapshot).verdict, Verdict::Deny);
    assert_eq!(update(&pod, &json!(null), &snapshot).verdict, Verdict::Deny);
}

fn builtin_policy(name: &str) -> Snapshot {
    let yaml = builtin(name).expect("the policy loads").expect("it is there");
    let document: Value = serde_saphyr::from_str(&yaml).expect("YAML");
    let document = PolicyDocument::from_json(&document.to_string()).expect("a policy");
    Snapshot::new(PolicySet::new(vec![CompiledPolicy::new(&document).expect("it compiles")], 1), usize::MAX)
}

#[rstest]
fn under_a_standard_an_update_is_judged_as_upstream_judges_it(
    #[values("pss-baseline", "pss-restricted")] policy: &str,
) {
    let snapshot = builtin_policy(policy);
    let old = agent(AGENT);
    assert_eq!(update(&agent(OTHER), &old, &snapshot).verdict, Verdict::Deny);
    let debugged = with(&old, |pod| pod["spec"]["ephemeralContainers"] = json!([debugger(OTHER)]));
    assert_eq!(update(&debugged, &old, &snapshot).verdict, Verdict::Deny);
    let labelled = with(&old, |pod| pod["metadata"]["labels"] = json!({"by": "jane"}));
    assert_eq!(update(&labelled, &old, &snapshot).verdict, Verdict::Warn);
}

/// A Deployment, or another kind with its template in the same place.
fn workload(api_version: &str, kind: &str, path: &[&str], pod: &Value) -> Value {
    let template = json!({"metadata": {"labels": {"app": "a"}}, "spec": pod["spec"]});
    let inner = path.iter().rev().fold(template, |inner, key| json!({*key: inner}));
    let mut object =
        json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "w", "namespace": "default"}});
    object.as_object_mut().expect("an object").extend(inner.as_object().expect("an object").clone());
    object
}

#[rstest]
#[case("v1", "PodTemplate", &["template"])]
#[case("v1", "ReplicationController", &["spec", "template"])]
#[case("apps/v1", "Deployment", &["spec", "template"])]
#[case("apps/v1", "StatefulSet", &["spec", "template"])]
#[case("apps/v1", "DaemonSet", &["spec", "template"])]
#[case("apps/v1", "ReplicaSet", &["spec", "template"])]
#[case("batch/v1", "Job", &["spec", "template"])]
#[case("batch/v1", "CronJob", &["spec", "jobTemplate", "spec", "template"])]
#[case("argoproj.io/v1alpha1", "Rollout", &["spec", "template"])]
fn a_template_that_changes_at_all_is_judged_as_if_it_were_created(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] path: &[&str],
) {
    let rollout = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "path": "spec.template"}]);
    let snapshot = policies(&[json!({"rules": {"privileged": {"action": "deny"}}, "workloads": rollout})]);
    let old = workload(api_version, kind, path, &agent(AGENT));
    let template =
        |change: fn(&mut Value)| with(&old, |object| change(path.iter().fold(object, |object, key| &mut object[*key])));
    let restarted =
        template(|t| t["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-22"}));
    let image = template(|t| t["spec"]["containers"][0]["image"] = json!(OTHER));
    let grace = template(|t| t["spec"]["terminationGracePeriodSeconds"] = json!(5));
    let unset = template(|t| t["metadata"] = json!(null));
    for new in [&restarted, &image, &grace, &unset] {
        let outcome = update(new, &old, &snapshot);
        assert_eq!(counts(&outcome), (1, 0, 0), "{new}");
        assert!(message(&outcome).contains("The update changes the pod template"), "{}", message(&outcome));
    }
    let scaled = with(&old, |object| {
        object["spec"]["replicas"] = json!(7);
        object["spec"]["suspend"] = json!(true);
        object["metadata"]["finalizers"] = json!([]);
        object["status"] = json!({"replicas": 7});
    });
    for new in [&scaled, &old] {
        let outcome = update(new, &old, &snapshot);
        assert_eq!((outcome.verdict, counts(&outcome)), (Verdict::Warn, (0, 1, 0)), "{new}");
    }
}

#[test]
fn the_order_of_keys_is_no_change_of_a_template() {
    let snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let deployment = |template: &str| {
        format!(
            r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"d"}},"spec":{{"template":{template}}}}}"#
        )
    };
    let old = r#"{"metadata":{"labels":{"a":"1","b":"2"}},"spec":{"containers":[{"name":"a","image":"a/b:1","securityContext":{"privileged":true}}]}}"#;
    let same = r#"{ "spec": {"containers": [ {"image":"a/b:1", "securityContext":{"privileged":true}, "name":"\u0061"} ]},
        "metadata": {"labels":{"b":"2","a":"1"}} }"#;
    let other = old.replace(r#""a":"1""#, r#""a":"3""#);
    let verdict = |new: &str| {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}});
        let review = review("UPDATE", &object, Some(&json!("before"))).to_string();
        let review = review.replace(&format!("\"object\":{object}"), &format!("\"object\":{}", deployment(new)));
        let review = review.replace("\"oldObject\":\"before\"", &format!("\"oldObject\":{}", deployment(old)));
        admit(review.as_bytes(), Hook::Validate, &snapshot, TODAY).verdict
    };
    assert_eq!(verdict(old), Verdict::Warn);
    assert_eq!(verdict(same), Verdict::Warn);
    assert_eq!(verdict(&other), Verdict::Deny);
}

#[test]
fn a_template_that_comes_or_goes() {
    let rollout = json!([{"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "path": "spec.template"}]);
    let snapshot = policies(&[json!({"rules": {"privileged": {"action": "deny"}}, "workloads": rollout})]);
    let with_template = workload("argoproj.io/v1alpha1", "Rollout", &["spec", "template"], &agent(AGENT));
    let without = with(&with_template, |object| object["spec"] = json!({"workloadRef": {"name": "d"}}));
    assert_eq!(update(&with_template, &without, &snapshot).verdict, Verdict::Deny);
    // Nothing is judged, and the audit annotation says so.
    assert_eq!(update(&without, &with_template, &snapshot).verdict, Verdict::Warn);
}

#[test]
fn a_resize_is_judged_by_the_resources_that_it_raises() {
    let snapshot = snapshot(json!({"memory-limit": {"action": "deny", "params": {"max": "1Gi"}}}));
    let limited = |memory: &str| {
        with(&good_pod(), |pod| pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = json!(memory))
    };
    let resize = |new: &str, old: &str| {
        let mut review = review("UPDATE", &limited(new), Some(&limited(old)));
        review["request"]["subResource"] = json!("resize");
        admit(review.to_string().as_bytes(), Hook::Validate, &snapshot, TODAY).verdict
    };
    assert_eq!(resize("4Gi", "2Gi"), Verdict::Deny);
    assert_eq!(resize("1536Mi", "2Gi"), Verdict::Warn);
    assert_eq!(resize("512Mi", "2Gi"), Verdict::Allow);
    assert_eq!(resize("2Gi", "512Mi"), Verdict::Deny);
}

/// The API server refuses every other change of an existing pod, so a repair would only hide the violation.
#[test]
fn the_mutating_hook_repairs_only_the_container_that_is_added() {
    let rules = json!({"allow-privilege-escalation": {"action": "patch"}, "seccomp-profile": {"action": "patch"}});
    let snapshot = snapshot(rules);
    let loose = |name: &str| json!({"name": name, "image": "a/b:1"});
    let pod = |spec: Value| with(&good_pod(), |pod| pod["spec"] = spec);
    let old = pod(json!({"containers": [loose("app")]}));
    let debugged = pod(json!({"containers": [loose("app")], "ephemeralContainers": [loose("debug")]}));
    let paths = |new: &Value| -> Vec<String> {
        let patch = send(Hook::Mutate, new, Some(&old), &snapshot).patch;
        patch.iter().map(|operation| operation.path().to_string()).collect()
    };
    let patched = paths(&debugged);
    assert!(
        !patched.is_empty() && patched.iter().all(|path| path.starts_with("/spec/ephemeralContainers/0")),
        "{patched:?}"
    );
    // The existing part cannot be repaired, so it is denied.
    let swapped = pod(json!({"containers": [{"name": "app", "image": "a/c:1"}]}));
    assert_eq!(paths(&swapped), Vec::<String>::new());
    let outcome = update(&swapped, &old, &snapshot);
    assert_eq!(outcome.verdict, Verdict::Deny);
    assert!(outcome.violations.iter().all(|violation| !violation.repairable));
    assert!(!message(&outcome).contains("podreeve repairs this on creation"), "{}", message(&outcome));
    // A change of labels repairs nothing.
    let labelled = with(&old, |pod| pod["metadata"]["labels"] = json!({"by": "jane"}));
    assert_eq!(paths(&labelled), Vec::<String>::new());
    assert_eq!(update(&labelled, &old, &snapshot).verdict, Verdict::Warn);
}

#[test]
fn a_template_is_repaired_when_it_changes_and_left_alone_when_it_does_not() {
    let spec = json!({"rules": {"allow-privilege-escalation": {"action": "patch"}}, "patchTemplates": true});
    let snapshot = policies(&[spec]);
    let pod = with(&good_pod(), |pod| pod["spec"]["containers"] = json!([{"name": "app", "image": "a/b:1"}]));
    let old = workload("apps/v1", "Deployment", &["spec", "template"], &pod);
    let scaled = with(&old, |object| object["spec"]["replicas"] = json!(7));
    let image = with(&scaled, |o| o["spec"]["template"]["spec"]["containers"][0]["image"] = json!("a/c:1"));
    assert_eq!(send(Hook::Mutate, &scaled, Some(&old), &snapshot).patch.len(), 0);
    assert_ne!(send(Hook::Mutate, &image, Some(&old), &snapshot).patch.len(), 0);
}

#[rstest]
fn an_unknown_operation_is_judged_as_a_creation(
    #[values("", "create", "Update", "PATCH", "delete", "CREATE ")] operation: &str,
    #[values(true, false)] named: bool,
) {
    let snapshot =
        snapshot(json!({"privileged": {"action": "deny"}, "allow-privilege-escalation": {"action": "patch"}}));
    let verdict = |object: &Value, hook: Hook| {
        // The old object is unknown, so no violation is preexisting.
        let mut review = review(operation, object, Some(object));
        if !named {
            review["request"].as_object_mut().expect("an object").remove("operation");
        }
        admit(review.to_string().as_bytes(), hook, &snapshot, TODAY).verdict
    };
    let deployment = workload("apps/v1", "Deployment", &["spec", "template"], &agent(AGENT));
    assert_eq!(verdict(&agent(AGENT), Hook::Validate), Verdict::Deny);
    assert_eq!(verdict(&deployment, Hook::Validate), Verdict::Deny);
    let loose = with(&good_pod(), |pod| {
        pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = json!(null);
    });
    assert_eq!(verdict(&loose, Hook::Mutate), Verdict::Patch);
    let policy = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
        "spec": {"rules": {"privilegd": {"action": "deny"}}},
    });
    assert_eq!(verdict(&policy, Hook::Validate), Verdict::Deny);
    assert_eq!(
        verdict(&json!({"apiVersion": "v1", "kind": "Service", "metadata": {}}), Hook::Validate),
        Verdict::Allow
    );
}
