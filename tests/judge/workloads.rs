//! Kinds that policies add: each pod template at each path is judged, and a path without a pod template gives a warning.

use super::common::{TODAY, policies, review};
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::outcome::{Outcome, Verdict};
use podreeve::policy::{CompiledPolicy, PolicyDocument};
use podreeve::workload::templates::Why;
use rstest::rstest;
use serde_json::{Value, json};

/// An object of a real kind with two templates. `second` is the pointer to the second one, which may be privileged.
struct Case {
    paths: &'static [&'static str],
    object: fn(Value, Value) -> Value,
    second: &'static str,
}

const JOB_SET: Case = Case {
    paths: &["spec.replicatedJobs[].template.spec.template"],
    object: |one, two| {
        let job = |name: &str, template: Value| json!({"name": name, "replicas": 2, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"backoffLimit": 3, "template": template}}});
        json!({"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": "train"},
            "spec": {"network": {"enableDNSHostnames": true}, "replicatedJobs": [job("driver", one), job("workers", two)]}})
    },
    second: "/spec/replicatedJobs/1/template/spec/template",
};
const RAY_CLUSTER: Case = Case {
    paths: &["spec.headGroupSpec.template", "spec.workerGroupSpecs[].template"],
    object: |one, two| {
        json!({"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": {"name": "ray"}, "spec": {
            "rayVersion": "2.52.0", "headGroupSpec": {"rayStartParams": {}, "template": one},
            "workerGroupSpecs": [{"groupName": "cpu", "replicas": 1, "template": two}]}})
    },
    second: "/spec/workerGroupSpecs/0/template",
};
const LEADER_WORKER_SET: Case = Case {
    paths: &["spec.leaderWorkerTemplate.leaderTemplate", "spec.leaderWorkerTemplate.workerTemplate"],
    object: |one, two| {
        json!({"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "metadata": {"name": "lws"}, "spec": {
            "replicas": 3, "leaderWorkerTemplate": {"size": 4, "leaderTemplate": one, "workerTemplate": two}}})
    },
    second: "/spec/leaderWorkerTemplate/workerTemplate",
};
/// A list in a list, whose elements are templates.
const NESTED: Case = Case {
    paths: &["spec.groups[].pods[]"],
    object: |one, two| {
        json!({"apiVersion": "example.com/v1", "kind": "Gang", "metadata": {"name": "g"}, "spec": {
            "groups": [{"pods": [one]}, {"pods": []}, {}, {"pods": [null, two]}]}})
    },
    second: "/spec/groups/3/pods/1",
};
const CASES: [Case; 4] = [JOB_SET, RAY_CLUSTER, LEADER_WORKER_SET, NESTED];

fn template(privileged: bool) -> Value {
    json!({"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [
        {"name": "app", "image": "x:1", "securityContext": {"privileged": privileged, "readOnlyRootFilesystem": true}},
    ]}})
}

fn workloads(object: &Value, paths: &[&str]) -> Value {
    let named = |path: &&str| json!({"apiVersion": object["apiVersion"], "kind": object["kind"], "path": path});
    paths.iter().map(named).collect()
}

fn spec(object: &Value, paths: &[&str]) -> Value {
    json!({"rules": {"privileged": {"action": "deny"}}, "workloads": workloads(object, paths)})
}

fn judge(hook: Hook, object: &Value, old: Option<&Value>, snapshot: &Snapshot) -> Outcome {
    let operation = if old.is_some() { "UPDATE" } else { "CREATE" };
    admit(review(operation, object, old).to_string().as_bytes(), hook, snapshot, TODAY)
}

fn validate(object: &Value, snapshot: &Snapshot) -> Outcome {
    judge(Hook::Validate, object, None, snapshot)
}

fn fields(outcome: &Outcome) -> Vec<&str> {
    outcome.violations.iter().map(|violation| &*violation.field).collect()
}

#[test]
fn every_template_is_judged_at_its_path() {
    for case in CASES {
        let object = (case.object)(template(false), template(true));
        let snapshot = policies(&[spec(&object, case.paths)]);
        let outcome = validate(&object, &snapshot);
        assert_eq!((outcome.verdict, &outcome.problem), (Verdict::Deny, &None), "{object}");
        let field = format!("{}/spec/containers/0/securityContext/privileged", case.second);
        assert_eq!(fields(&outcome), [&field]);
        assert_eq!(object.pointer(outcome.violations[0].pointer()), Some(&json!(true)));
        assert_eq!(validate(&(case.object)(template(false), template(false)), &snapshot).verdict, Verdict::Allow);
        // All violations, in the order of the object.
        let both = validate(&(case.object)(template(true), template(true)), &snapshot);
        assert_eq!((both.violations.len(), both.tallies[0].count), (2, 2));
        assert!(fields(&both)[1].starts_with(case.second), "{:?}", fields(&both));
        assert!(outcome.unmet.is_empty() && both.unmet.is_empty());
    }
}

/// The fields of a template are known, the other fields of the kind are not.
#[test]
fn a_misplaced_key_in_a_template_gets_a_hint() {
    let mut object = (RAY_CLUSTER.object)(template(false), template(true));
    object["spec"]["hostNetwrk"] = json!(true);
    object["spec"]["workerGroupSpecs"][0]["template"]["spec"]["securityContext"] =
        json!({"allowPrivilegeEscalation": false, "runAsUsr": 1});
    let outcome = validate(&object, &policies(&[spec(&object, RAY_CLUSTER.paths)]));
    let hints: Vec<_> = outcome.hints.iter().map(|hint| (&*hint.pointer, &*hint.message)).collect();
    let at = "/spec/workerGroupSpecs/0/template/spec/securityContext";
    assert_eq!(
        hints,
        [
            (
                &*format!("{at}/allowPrivilegeEscalation"),
                "`allowPrivilegeEscalation` means nothing here, and is ignored; \
                 it belongs to spec.workerGroupSpecs[].template.spec.containers[].securityContext"
            ),
            (&*format!("{at}/runAsUsr"), "there is no `runAsUsr` here, and it is ignored; did you mean `runAsUser`?"),
        ]
    );
}

#[test]
fn paths_of_several_policies_add_up() {
    let object = (RAY_CLUSTER.object)(template(false), template(true));
    let [one, two] = RAY_CLUSTER.paths else { unreachable!() };
    let alone = policies(&[spec(&object, &[one])]);
    assert_eq!(validate(&object, &alone).verdict, Verdict::Allow);
    // One policy may have the path and another one the rule. A path in both policies counts once.
    let silent = json!({"rules": {}, "workloads": workloads(&object, &[two, one])});
    for specs in [[spec(&object, &[one]), silent.clone()], [silent.clone(), spec(&object, &[one])]] {
        let snapshot = policies(&specs);
        let outcome = validate(&object, &snapshot);
        assert_eq!((outcome.verdict, outcome.violations.len()), (Verdict::Deny, 1));
        let kind = snapshot.policies.kind("ray.io", "RayCluster").unwrap();
        assert_eq!(kind.paths.len(), 2);
        assert_eq!(snapshot.policies.workloads().len(), 1);
    }
}

#[test]
fn templates_are_repaired_at_their_paths() {
    for case in CASES {
        let mut bad = template(false);
        bad["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"] = json!(false);
        let mut object = (case.object)(bad.clone(), bad);
        let rules = json!({"read-only-root-filesystem": {"action": "patch"}});
        let mut spec = json!({"rules": rules, "workloads": workloads(&object, case.paths)});
        // Both are in the audit annotations, and only their pods are repaired.
        let outcome = validate(&object, &policies(std::slice::from_ref(&spec)));
        assert_eq!((outcome.verdict, outcome.violations.len()), (Verdict::Allow, 2));
        assert_eq!(*outcome.violations[1].pod, *case.second);
        assert!(judge(Hook::Mutate, &object, None, &policies(std::slice::from_ref(&spec))).patch.is_empty());
        spec["patchTemplates"] = json!(true);
        let snapshot = policies(&[spec]);
        let patch = judge(Hook::Mutate, &object, None, &snapshot).patch;
        json_patch::patch(&mut object, &patch).expect("it applies");
        let set = format!("{}/spec/containers/0/securityContext/readOnlyRootFilesystem", case.second);
        assert_eq!(object.pointer(&set), Some(&json!(true)));
        assert_eq!(validate(&object, &snapshot).verdict, Verdict::Allow, "{object}");
        assert!(judge(Hook::Mutate, &object, None, &snapshot).patch.is_empty());
    }
}

#[test]
fn an_update_judges_the_templates_that_change() {
    for case in CASES {
        let object = (case.object)(template(true), template(true));
        let snapshot = policies(&[spec(&object, case.paths)]);
        let mut labelled = object.clone();
        labelled["metadata"]["labels"] = json!({"a": "b"});
        let outcome = judge(Hook::Validate, &labelled, Some(&object), &snapshot);
        assert_eq!((outcome.verdict, outcome.violations.len()), (Verdict::Warn, 2), "{object}");
        let mut changed = object.clone();
        changed.pointer_mut(case.second).unwrap()["metadata"]["annotations"] = json!({"restarted": "now"});
        let outcome = judge(Hook::Validate, &changed, Some(&object), &snapshot);
        assert_eq!(outcome.verdict, Verdict::Deny, "{object}");
        let denied = outcome.violations.iter().filter(|v| v.effect.as_str() == "deny");
        assert_eq!(denied.map(|v| &*v.pod).collect::<Vec<_>>(), [case.second]);
    }
    // A template that moves to another path counts as a new one.
    let old = (LEADER_WORKER_SET.object)(template(true), template(false));
    let swapped = (LEADER_WORKER_SET.object)(template(false), template(true));
    let snapshot = policies(&[spec(&old, LEADER_WORKER_SET.paths)]);
    assert_eq!(judge(Hook::Validate, &swapped, Some(&old), &snapshot).verdict, Verdict::Deny);
}

fn rollout(spec: &Value) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r"}, "spec": spec})
}

fn warnings(outcome: &Outcome) -> Vec<String> {
    let reply: Value = serde_json::from_slice(&outcome.reply).unwrap();
    let warnings = reply["response"]["warnings"].as_array().cloned().unwrap_or_default();
    warnings.iter().map(|warning| warning.as_str().unwrap().to_owned()).collect()
}

#[rstest]
#[case("spec.template", json!({"workloadRef": {"kind": "Deployment", "name": "d"}}), Why::Absent, None)]
#[case("spec.template", json!({"template": null}), Why::Absent, None)]
#[case("spec.templte", json!({"template": {"spec": {"containers": [{"name": "a"}]}}}), Why::Absent, None)]
#[case("spec.jobs[].template", json!({"jobs": []}), Why::Absent, None)]
#[case("spec.jobs[].template", json!({"jobs": [{}, null]}), Why::Absent, None)]
#[case("spec.jobs[].template", json!({}), Why::Absent, None)]
#[case("spec.template", json!({"template": {}}), Why::NoContainers, None)]
#[case("spec.template", json!({"template": {"spec": {"containers": []}}}), Why::NoContainers, None)]
// As for a JobSet, whose template is the template of a Job.
#[case("spec.jobs[].template",
    json!({"jobs": [{"template": {"spec": {"template": {"spec": {"containers": [{"name": "a", "securityContext": {"privileged": true}}]}}}}}]}),
    Why::NoContainers, Some("spec.jobs[].template.spec.template"))]
fn a_path_without_a_pod_gives_a_warning(
    #[case] path: &str,
    #[case] content: Value,
    #[case] why: Why,
    #[case] meant: Option<&str>,
) {
    let object = rollout(&content);
    let snapshot = policies(&[spec(&object, &[path])]);
    let outcome = validate(&object, &snapshot);
    assert_eq!((outcome.verdict, &outcome.problem), (Verdict::Warn, &None), "{content}");
    assert_eq!((outcome.unmet[0].why, outcome.unmet[0].meant.as_deref(), outcome.unmet.len()), (why, meant, 1));
    let warnings = warnings(&outcome);
    assert!(warnings.len() == 1 && warnings[0].contains(path), "{warnings:?}");
    assert!(meant.is_none_or(|meant| warnings[0].contains(meant)), "{warnings:?}");
    // Only the validating hook warns, so that there is one warning.
    assert!(judge(Hook::Mutate, &object, None, &snapshot).unmet.is_empty());
}

#[test]
fn a_path_without_a_pod_does_not_stop_the_others() {
    let object = rollout(&json!({"template": template(true)}));
    let outcome = validate(&object, &policies(&[spec(&object, &["spec.other.template", "spec.template"])]));
    assert_eq!((outcome.verdict, outcome.unmet.len(), outcome.violations.len()), (Verdict::Deny, 1, 1));
}

/// A template without containers may be merged into others, so its pod fields are judged.
#[test]
fn a_template_without_containers_is_judged_too() {
    let object = rollout(&json!({"template": {"spec": {"hostNetwork": true}}}));
    let rules = json!({"host-network": {"action": "deny"}});
    let snapshot = policies(&[json!({"rules": rules, "workloads": workloads(&object, &["spec.template"])})]);
    let outcome = validate(&object, &snapshot);
    assert_eq!((outcome.verdict, outcome.unmet.len()), (Verdict::Deny, 1));
}

#[rstest]
#[case("spec.template", json!({"template": [template(true)]}), "spec.template", "write `[]` behind the key of a list")]
#[case("spec.template", json!({"template": []}), "spec.template", "a list stands where")]
#[case("spec.template", json!([{"template": template(true)}]), "spec", "a list stands where")]
#[case("spec.jobs[].template", json!({"jobs": {"a": {"template": template(true)}}}), "spec.jobs", "an object stands where")]
#[case("spec.jobs[].template", json!({"jobs": [{"template": [template(true)]}]}), "spec.jobs[0].template", "a list")]
#[case("spec.jobs[].template", json!({"jobs": [[{"template": template(true)}]]}), "spec.jobs[0]", "a list")]
#[case("spec.jobs[].template", json!({"jobs": "none"}), "spec.jobs", "it is a string and must be a list")]
#[case("spec.template", json!({"template": "none"}), "spec.template", "it is a string and must be an object")]
#[case("spec.template", json!("none"), "spec", "it is a string and must be an object")]
#[case("spec.template", json!({"template": {"spec": []}}), "spec.template.spec", "it is a list and must be an object")]
#[case("spec.template", json!({"template": {"spec": {"containers": [[]]}}}), "spec.template.spec.containers[0]", "it is a list and must be an object")]
#[case("spec.template", json!({"template": {"spec": {"containers": {"name": "a"}}}}), "spec.template.spec.containers", "it is an object and must be a list")]
#[case("spec.template", json!({"template": {"spec": {"securityContext": [true], "containers": [{"name": "a"}]}}}), "spec.template.spec.securityContext", "it is a list and must be an object")]
// The path leads to the spec inside the template.
#[case("spec.podSpec", json!({"podSpec": {"containers": [{"name": "a"}]}}), "spec.podSpec", "has to lead to the template")]
fn a_value_that_is_no_template_is_denied(
    #[case] path: &str,
    #[case] content: Value,
    #[case] field: &str,
    #[case] says: &str,
) {
    let object = rollout(&content);
    let snapshot = policies(&[spec(&object, &[path])]);
    for hook in Hook::ALL {
        let outcome = judge(hook, &object, None, &snapshot);
        let problem = outcome.problem.unwrap_or_default();
        assert_eq!(outcome.verdict, Verdict::Deny, "{content}");
        assert!(problem.contains(&format!("`{field}`")) && problem.contains(says), "{problem}");
    }
}

#[test]
fn a_duplicate_key_and_too_many_templates_are_denied() {
    let object = rollout(&json!({"template": template(false)}));
    let twice = object.to_string().replace("\"spec\":{\"template\"", "\"spec\":{\"template\":{},\"template\"");
    assert_ne!(twice, object.to_string());
    let snapshot = policies(&[spec(&object, &["spec.template", "spec.jobs[].template"])]);
    let body = review("CREATE", &object, None).to_string().replace(&object.to_string(), &twice);
    let outcome = admit(body.as_bytes(), Hook::Validate, &snapshot, TODAY);
    assert!(outcome.problem.unwrap().contains("duplicate field `template`"));
    for (count, verdict) in [(999, Verdict::Allow), (1000, Verdict::Deny), (64_000, Verdict::Deny)] {
        let jobs = vec![json!({"template": {"spec": {"containers": [{"name": "a"}]}}}); count];
        let outcome = validate(&rollout(&json!({"template": template(false), "jobs": jobs})), &snapshot);
        assert_eq!(outcome.verdict, verdict, "{count} and one");
        assert_eq!(outcome.problem.is_some_and(|p| p.contains("more than 1000 pod templates")), count >= 1000);
    }
}

#[rstest]
#[case("", "a key is missing")]
#[case(".", "a key is missing")]
#[case("spec..template", "one dot between them")]
#[case("..spec.template", "a key is missing")]
#[case("spec.template.", "a key is missing")]
#[case("spec.jobs.[].template", "a key is missing")]
#[case("spec.jobs[0].template", "write `[]` behind its key")]
#[case("spec.jobs[name=a].template", "write `[]` behind its key")]
#[case("spec.jobs[][].template", "write `[]` behind its key")]
#[case("spec.jobs[]template", "and a dot after it")]
#[case("[].template", "a key is missing")]
#[case("spec.jobs.*.template", "a path of its own for each key")]
#[case("spec.jobs[*].template", "`*` matches no key")]
#[case("spec.pod template", "`pod template` is no key")]
#[case(" spec.template", "` spec` is no key")]
#[case("/spec/template", "is no key")]
#[case("$.spec.template", "`$` is no key")]
#[case("spec.tempłate", "is no key")]
#[case("Spec.template", "`Spec` is written `spec`")]
#[case("spec.Template", "`Template` is written `template`")]
#[case("spec.TEMPLATE", "`TEMPLATE` is written `template`")]
#[case("Jobs.template", "begin with a small letter")]
#[case("metadata.template", "`metadata` holds no pod template")]
#[case("status.template", "`status` holds no pod template")]
#[case("apiVersion", "`apiVersion` holds no pod template")]
#[case("spec.template.spec", "write the path to its template, `spec.template`")]
fn a_path_that_cannot_match_does_not_load(#[case] path: &str, #[case] says: &str) {
    let object = rollout(&json!({}));
    let document = json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"}, "spec": spec(&object, &[path])});
    let document = PolicyDocument::from_json(&document.to_string()).unwrap();
    let error = CompiledPolicy::new(&document).unwrap_err();
    assert_eq!(error.0[0].key, "spec.workloads[0].path");
    assert!(error.0[0].message.contains(says), "{error}");
}

#[rstest]
#[case("spec.template")]
#[case(".spec.template")]
#[case("template")]
#[case("spec.pytorchReplicaSpecs.Worker.template")]
#[case("spec.x-groups[].pod_template")]
#[case("spec.templates[]")]
fn other_paths_load(#[case] path: &str) {
    policies(&[spec(&rollout(&json!({})), &[path])]);
}
