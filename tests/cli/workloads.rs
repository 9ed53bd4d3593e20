//! `check` judges the kinds that a policy adds, and shows until when a new policy only warns.

use super::binary::Dir;
use serde_json::json;

const ROLLOUT: &str = "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {name: web, namespace: shop}
spec:
  strategy: {canary: {steps: [{setWeight: 20}]}}
  template:
    spec:
      containers:
      - name: app
        image: nginx
        securityContext:
          privileged: true
      - name: web
        image: nginx
";

/// A policy that denies privileged and repairs allowPrivilegeEscalation, with more keys below `spec`.
fn policy(more: &str) -> String {
    format!(
        "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {{name: ours}}\nspec:\n  rules:\n    \
         privileged: {{action: deny}}\n    read-only-root-filesystem: {{action: patch}}\n{more}"
    )
}

const ADDED: &str = "  workloads: [{apiVersion: argoproj.io/v1alpha1, kind: Rollout, path: spec.template}]\n";

#[test]
fn a_kind_that_the_policy_adds_is_judged_at_its_path() {
    let dir =
        Dir::new("rollout", &[("rollout.yaml", ROLLOUT), ("added.yaml", &policy(ADDED)), ("plain.yaml", &policy(""))]);
    let ran = dir.run(&["check", "--policy", "added.yaml", "-o", "json", "rollout.yaml"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let object = &ran.json()["objects"][0];
    assert_eq!((&object["kind"], &object["apiVersion"]), (&json!("Rollout"), &json!("argoproj.io/v1alpha1")));
    let violation = &object["violations"][0];
    assert_eq!(violation["pointer"], "/spec/template/spec/containers/0/securityContext/privileged");
    assert_eq!((&violation["line"], &violation["column"]), (&json!(12), &json!(11)));
    // The pods are repaired, and their template is not.
    let repaired = &object["violations"][1];
    assert_eq!((&repaired["effect"], &repaired["note"]), (&json!("audit"), &json!("will be patched in its pods")));
    let paths = object["patch"].as_array().expect("a patch").iter().map(|operation| &operation["path"]);
    assert!(paths.into_iter().any(|path| path == "/spec/template/spec/containers/1/securityContext"), "{object:#}");
    let text = dir.run(&["check", "--policy", "added.yaml", "rollout.yaml"]).out;
    assert!(text.contains("rollout.yaml:12:11 privileged critical denied: Rollout shop/web, container"), "{text}");
    // Without the policy the path of a Rollout is unknown, and the object is skipped like a Service.
    let ran = dir.run(&["check", "--policy", "plain.yaml", "-o", "json", "rollout.yaml"]);
    assert_eq!((ran.code, &ran.json()["objects"]), (Some(0), &json!([])));
    // Any policy may add the kind, and then each policy judges it.
    let ran = dir.run(&["check", "--policy", "owasp", "--policy", "added.yaml", "-o", "json", "rollout.yaml"]);
    let violations = ran.json()["objects"][0]["violations"].as_array().expect("a list").clone();
    assert!(violations.iter().any(|v| v["policy"] == "owasp" && v["rule"] == "memory-limit"), "{violations:#?}");
}

#[test]
fn a_template_is_patched_when_the_policy_says_so() {
    let rollout = ROLLOUT.replace("privileged: true", "privileged: false");
    let dir = Dir::new(
        "patched",
        &[("rollout.yaml", &rollout), ("p.yaml", &policy(&(ADDED.to_owned() + "  patchTemplates: true\n")))],
    );
    let ran = dir.run(&["check", "--policy", "p.yaml", "-o", "json", "rollout.yaml"]);
    assert_eq!((ran.code, &ran.json()["objects"][0]["verdict"]), (Some(0), &json!("patch")), "{ran:?}");
}

#[test]
fn a_rollout_without_a_template_passes_and_one_that_cannot_be_read_does_not() {
    let reference =
        "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {workloadRef: {name: web}}\n";
    let broken = ROLLOUT.replace("privileged: true", "privileged: 7");
    let dir = Dir::new("odd", &[("reference.yaml", reference), ("broken.yaml", &broken), ("p.yaml", &policy(ADDED))]);
    let ran = dir.run(&["check", "--policy", "p.yaml", "reference.yaml"]);
    assert_eq!(ran.code, Some(0));
    let line = "reference.yaml:1 policy-path medium warning: Rollout default/r, no pod template at spec.template, so nothing was judged";
    assert!(ran.out.contains(line), "{}", ran.out);
    let report = dir.run(&["check", "--policy", "p.yaml", "-o", "json", "reference.yaml"]).json();
    assert_eq!(report["objects"][0]["warnings"].as_array().map(Vec::len), Some(1), "{report:#}");
    let ran = dir.run(&["check", "--policy", "p.yaml", "broken.yaml"]);
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.out.contains("`spec.template.spec.containers[0].securityContext.privileged` could not be read"),
        "{}",
        ran.out
    );
}

#[test]
fn a_new_policy_warns_up_to_its_day() {
    let until = |day: &str| policy(&format!("{ADDED}  rollout: {{warnUntil: {day}}}\n"));
    let dir = Dir::new(
        "until",
        &[("rollout.yaml", ROLLOUT), ("far.yaml", &until("2999-12-31")), ("over.yaml", &until("2020-01-01"))],
    );
    let ran = dir.run(&["check", "--policy", "far.yaml", "-o", "json", "rollout.yaml"]);
    let report = ran.json();
    assert_eq!((ran.code, &report["objects"][0]["verdict"]), (Some(0), &json!("warn")), "{report:#}");
    let violation = &report["objects"][0]["violations"][0];
    assert_eq!((&violation["action"], &violation["effect"]), (&json!("deny"), &json!("warn")));
    assert_eq!(violation["note"], "will be denied after 2999-12-31");
    let text = dir.run(&["check", "--policy", "far.yaml", "rollout.yaml"]).out;
    assert!(text.contains("critical warning: ") && text.contains("(will be denied after 2999-12-31)"), "{text}");
    let ran = dir.run(&["check", "--policy", "over.yaml", "-o", "json", "rollout.yaml"]);
    assert_eq!((ran.code, &ran.json()["objects"][0]["verdict"]), (Some(1), &json!("deny")));
}
