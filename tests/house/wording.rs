//! The messages for a wrong type, and for a key in a place where the API does not know it.

use super::binary::Dir;
use super::common::{TODAY, good_pod, review, snapshot};
use podreeve::admit::{Hook, admit};
use podreeve::json::Raw;
use podreeve::outcome::Verdict;
use podreeve::workload::fields::hints;
use rstest::rstest;
use serde_json::{Value, json};

/// Words of Rust that no author of a manifest knows.
const RUST: &[&str] =
    &["struct", "sequence", "a map", "i64", "i32", "u32", "u16", "usize", "f64", "Option", "enum", "tuple"];

fn denial(pod: &Value) -> String {
    let rules = json!({"read-only-root-filesystem": {"action": "deny"}, "host-pid": {"action": "deny"}});
    let outcome = admit(review("CREATE", pod, None).to_string().as_bytes(), Hook::Validate, &snapshot(rules), TODAY);
    assert_eq!(outcome.verdict, Verdict::Deny);
    let reply: Value = serde_json::from_slice(&outcome.reply).expect("the reply is JSON");
    reply["response"]["status"]["message"].as_str().expect("a message").to_owned()
}

#[rstest]
#[case("/spec", json!([{}]), "`spec` could not be read: it is a list and must be an object")]
#[case("/spec", json!("x"), "`spec` could not be read: it is a string and must be an object")]
#[case("/spec/securityContext/runAsUser", json!("1000"), "`spec.securityContext.runAsUser` could not be read: it is a string and must be an integer; take it out of the quotes")]
#[case("/spec/securityContext/runAsUser", json!(1.5), "it is a number with a fraction and must be an integer")]
#[case("/spec/securityContext/runAsUser", json!([1]), "it is a list and must be an integer")]
#[case("/spec/securityContext", json!([]), "`spec.securityContext` could not be read: it is a list and must be an object")]
#[case("/spec/hostNetwork", json!("true"), "it is a string and must be a boolean; take it out of the quotes")]
#[case("/spec/containers", json!({}), "`spec.containers` could not be read: it is an object and must be a list")]
#[case("/spec/containers/0", json!(null), "`spec.containers[0]` could not be read: it is null and must be an object")]
#[case("/spec/containers/0/name", json!(7), "it is an integer and must be a string; put it in quotes")]
#[case("/spec/containers/0/image", json!(true), "it is a boolean and must be a string; put it in quotes")]
#[case("/spec/containers/0/command", json!("sh -c x"), "`spec.containers[0].command` could not be read: it is a string and must be a list")]
#[case("/spec/containers/0/ports", json!([{"containerPort": "80"}]), "`spec.containers[0].ports[0].containerPort` could not be read: it is a string and must be an integer")]
#[case("/spec/containers/0/env", json!({"A": "s3cr3t"}), "`spec.containers[0].env` could not be read: it is an object and must be a list")]
#[case("/spec/containers/0/env", json!([{"name": "A", "value": 31337}]), "`spec.containers[0].env[0].value` could not be read: it is an integer and must be a string; put it in quotes")]
#[case("/spec/containers/0/resources", json!([]), "must be an object")]
#[case("/spec/containers/0/livenessProbe", json!("x"), "must be an object")]
#[case("/spec/volumes", json!("x"), "must be a list")]
#[case("/spec/volumes", json!([[]]), "`spec.volumes[0]` could not be read: it is a list and must be an object")]
#[case("/metadata", json!("x"), "`metadata` could not be read: it is a string and must be an object")]
#[case("/metadata/annotations", json!([]), "must be an object")]
fn a_wrong_type_is_named_in_the_words_of_the_api(#[case] pointer: &str, #[case] value: Value, #[case] says: &str) {
    let mut pod = good_pod();
    let (above, key) = pointer.rsplit_once('/').expect("a pointer");
    let above = pod.pointer_mut(above).expect("there");
    match key.parse::<usize>() {
        Ok(index) => above[index] = value,
        Err(_) => above[key] = value,
    }
    let text = denial(&pod);
    assert!(text.contains(says), "{text}");
    let words = text.replace("unrestricted", "");
    assert!(RUST.iter().all(|word| !words.contains(word)), "{text}");
    assert!(!text.contains("s3cr3t") && !text.contains("31337"), "{text}");
}

#[test]
fn check_reports_it_at_the_line_of_the_value() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: app\n    ports:\n    - name: web\n      containerPort: \"80\"\n";
    let job = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n        - containers: []\n";
    let dir = Dir::new("lines", &[("pod.yaml", pod), ("job.yaml", job)]);
    let ran = dir.run(&["check", "pod.yaml", "job.yaml"]);
    assert_eq!(ran.code, Some(1));
    for says in [
        "pod.yaml:9:7 unreadable-field critical denied: Pod default/a, it could not be judged: the object's field `spec.containers[0].ports[0].containerPort` could not be read: it is a string and must be an integer; take it out of the quotes",
        "job.yaml:8:9 unreadable-field critical denied: CronJob default/a, it could not be judged: the object's field `spec.jobTemplate.spec.template.spec` could not be read: it is a list and must be an object",
    ] {
        assert!(ran.out.contains(says), "{}", ran.out);
    }
    let report = dir.run(&["check", "-o", "json", "pod.yaml"]).json();
    assert_eq!((&report["objects"][0]["problemLine"], &report["objects"][0]["problemColumn"]), (&json!(9), &json!(7)));
}

fn found_hints(object: &Value, kind: &str) -> Vec<String> {
    let json = object.to_string();
    hints(Raw::new(&json), kind).into_iter().map(|hint| format!("{} {}", hint.pointer, hint.message)).collect()
}

#[rstest]
#[case("Pod", json!({"spec": {"securityContext": {"readOnlyRootFilesystem": true}}}), "/spec/securityContext/readOnlyRootFilesystem `readOnlyRootFilesystem` means nothing here, and is ignored; it belongs to spec.containers[].securityContext")]
#[case("Pod", json!({"spec": {"securityContext": {"allowPrivilegeEscalation": false}}}), "it belongs to spec.containers[].securityContext")]
#[case("Pod", json!({"spec": {"securityContext": {"capabilities": {}}}}), "it belongs to spec.containers[].securityContext")]
#[case("Pod", json!({"spec": {"containers": [{}, {"securityContext": {"fsGroup": 1}}]}}), "/spec/containers/1/securityContext/fsGroup `fsGroup` means nothing here, and is ignored; it belongs to spec.securityContext")]
#[case("Pod", json!({"spec": {"containers": [{"hostNetwork": true}]}}), "it belongs to spec")]
#[case("Pod", json!({"spec": {"containers": [{"limits": {}}]}}), "it belongs to spec.containers[].resources")]
#[case("Pod", json!({"spec": {"initContainers": [{"privileged": true}]}}), "it belongs to spec.initContainers[].securityContext")]
#[case("Pod", json!({"spec": {"ephemeralContainers": [{"securityContext": {"readonlyRootFilesystem": true}}]}}), "did you mean `readOnlyRootFilesystem`?")]
#[case("Pod", json!({"spec": {"containers": [{"securityContext": {"readOnlyRootFileSystem": true}}]}}), "there is no `readOnlyRootFileSystem` here, and it is ignored; did you mean `readOnlyRootFilesystem`?")]
#[case("Pod", json!({"spec": {"containers": [{"readinesProbe": {}}]}}), "did you mean `readinessProbe`?")]
#[case("Pod", json!({"spec": {"containers": [{"volumeMount": []}]}}), "did you mean `volumeMounts`?")]
#[case("Pod", json!({"spec": {"hostpid": true}}), "did you mean `hostPID`?")]
#[case("Pod", json!({"metadata": {"label": {}}}), "did you mean `labels`?")]
#[case("Deployment", json!({"template": {}}), "it belongs to spec")]
#[case("Deployment", json!({"spec": {"containers": []}}), "it belongs to spec.template.spec")]
#[case("Deployment", json!({"spec": {"template": {"spec": {"securityContext": {"privileged": true}}}}}), "it belongs to spec.template.spec.containers[].securityContext")]
#[case("CronJob", json!({"spec": {"template": {}}}), "it belongs to spec.jobTemplate.spec")]
fn an_unknown_key_gives_a_hint(#[case] kind: &str, #[case] object: Value, #[case] says: &str) {
    let found = found_hints(&object, kind);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].contains(says), "{found:?}");
}

#[test]
fn a_right_key_and_an_unknown_kind_give_no_hint() {
    assert_eq!(found_hints(&good_pod(), "Pod"), [""; 0]);
    for rule in podreeve::rules::RULES {
        for example in rule.examples() {
            assert_eq!(found_hints(&example.pod(), "Pod"), [""; 0], "{}: {}", rule.id, example.name);
        }
    }
    for (kind, object) in [
        ("Rollout", json!({"spec": {"containers": []}})),
        ("Pod", json!({"metadata": {"labels": {"hostPid": "x"}, "annotations": {"privileged": "x"}}})),
        ("Pod", json!({"spec": {"nodeSelector": {"image": "x"}, "x": 1, "somethingOfTomorrow": {"privileged": true}}})),
        ("Pod", json!({"spec": [], "metadata": "x"})),
        ("Pod", json!([])),
    ] {
        assert_eq!(found_hints(&object, kind), [""; 0], "{object}");
    }
    let many: serde_json::Map<String, Value> = (0..5000).map(|n| (format!("hostPI{n}"), json!(1))).collect();
    assert!(found_hints(&json!({"spec": many}), "Pod").len() <= 10);
}

#[test]
fn a_denial_and_a_report_have_the_hint() {
    let mut pod = good_pod();
    let context = pod["spec"]["containers"][0]["securityContext"].as_object_mut().expect("there");
    context.remove("readOnlyRootFilesystem");
    context.insert("readOnlyRootFileSystem".to_owned(), json!(true));
    pod["spec"]["securityContext"]["readOnlyRootFilesystem"] = json!(true);
    let text = denial(&pod);
    assert!(text.contains("note: spec.containers[0].securityContext.readOnlyRootFileSystem: there is no"), "{text}");
    assert!(
        text.contains("note: spec.securityContext.readOnlyRootFilesystem: `readOnlyRootFilesystem` means nothing here"),
        "{text}"
    );
    // The webhook gives a hint only in a denial.
    let outcome =
        admit(review("CREATE", &pod, None).to_string().as_bytes(), Hook::Validate, &snapshot(json!({})), TODAY);
    assert_eq!((outcome.verdict, outcome.hints.len()), (Verdict::Allow, 0));

    let yaml =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  securityContext:\n    readOnlyRootFilesystem: true\n";
    let dir = Dir::new("hints", &[("pod.yaml", yaml)]);
    let ran = dir.run(&["check", "pod.yaml"]);
    assert!(
        ran.out.contains(
            "pod.yaml:6:5 unknown-key low note: Pod default/a, spec.securityContext.readOnlyRootFilesystem: "
        ),
        "{}",
        ran.out
    );
    let hint = &dir.run(&["check", "-o", "json", "pod.yaml"]).json()["objects"][0]["hints"][0];
    assert_eq!((&hint["line"], &hint["field"]), (&json!(6), &json!("spec.securityContext.readOnlyRootFilesystem")));
}

#[test]
fn all_errors_of_a_policy_are_reported_together() {
    let policy = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: p}
spec:
  match: {kinds: [Service, Ingress], namespacs: [a]}
  rules:
    privilegd: {action: deny}
    host-pid: {action: forbid}
    host-ipc: {action: patch}
    host-path: {action: deny, params: {allow: 1, writ: 2}}
    host-users: {params: {}}
    privileged: {action: deny}
  exemptions:
  - {rules: [privileged], namespaces: [a], reason: good}
  - {rules: [nope, nada], namespaces: ['*'], reason: ' '}
  - {rules: [privileged], namespaces: 7}
  - {rules: [privileged], namespaces: [], reason: r, until: soon}
  workloads:
  - {apiVersion: v1, kind: X, path: spec.template}
  - {apiVersion: apps/v1, kind: Deployment, path: spec.template}
";
    let dir = Dir::new("policies", &[("p.yaml", policy), ("pod.yaml", "apiVersion: v1\nkind: Pod\n")]);
    let ran = dir.run(&["check", "--policy", "p.yaml", "pod.yaml"]);
    assert_eq!(ran.code, Some(2));
    insta::assert_snapshot!(ran.err);
    assert!(RUST.iter().all(|word| !ran.err.contains(word)), "{}", ran.err);
}

/// The search for unknown keys goes no deeper than the API, however deep a list is nested.
#[test]
fn lists_in_lists_are_not_followed() {
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let tolerations = format!(r#"{{"kind":"Pod","spec":{{"tolerations":{nested},"hostNetwrk":true}}}}"#);
    let found = hints(Raw::new(&tolerations), "Pod");
    let found: Vec<_> = found.iter().map(|hint| &*hint.pointer).collect();
    assert_eq!(found, ["/spec/hostNetwrk"]);
}
