//! `podreeve check`, as people and pipelines run it.

mod baseline;
mod dockerfiles;
mod files;
mod formats;
mod settings;
mod terminal;
mod text;

use super::binary::{Dir, Ran};
use serde_json::{Value, json};

const POLICY: &str = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: test}
spec:
  rules:
    privileged: {action: deny}
    host-network: {action: warn}
    allow-privilege-escalation: {action: patch}
";

const GOOD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: good}
spec:
  containers:
  - name: app
    image: nginx
    securityContext: {allowPrivilegeEscalation: false}
";

const BAD: &str = "\
# A comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  template:
    spec:
      hostNetwork: on
      containers:
        - name: app
          image: nginx
          securityContext:
            privileged: true
            allowPrivilegeEscalation: false
";

/// Runs `check` with [`POLICY`].
fn check(dir: &Dir, args: &[&str]) -> Ran {
    dir.write("policy.yaml", POLICY);
    dir.run(&[&["check", "--policy", "policy.yaml"], args].concat())
}

/// Rule, effect, line and column of each violation.
fn places(report: &Value) -> Vec<(String, String, u64, u64)> {
    let objects = report["objects"].as_array().expect("objects");
    let violations = objects.iter().flat_map(|object| object["violations"].as_array().expect("violations"));
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    violations
        .map(|v| (text(&v["rule"]), text(&v["effect"]), v["line"].as_u64().unwrap(), v["column"].as_u64().unwrap()))
        .collect()
}

fn place(rule: &str, effect: &str, line: u64, column: u64) -> (String, String, u64, u64) {
    (rule.to_owned(), effect.to_owned(), line, column)
}

#[test]
fn the_text_has_the_place_the_value_and_what_is_wanted() {
    let dir = Dir::new("text", &[("web.yaml", BAD), ("good.yaml", GOOD)]);
    let ran = check(&dir, &["web.yaml", "good.yaml"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.err, "");
    insta::assert_snapshot!(ran.out);
}

#[test]
fn exit_codes() {
    let dir = Dir::new(
        "exit",
        &[("bad.yaml", BAD), ("good.yaml", GOOD), ("broken.yaml", "a: [1, 2"), ("empty.yaml", "# nothing\n---\n")],
    );
    for (args, code) in [
        (&["good.yaml"][..], 0),
        (&["empty.yaml"], 0),
        (&["bad.yaml"], 1),
        (&["good.yaml", "bad.yaml"], 1),
        (&["broken.yaml"], 2),
        (&["nowhere.yaml"], 2),
        // What is denied is certain, whatever else could not be read.
        (&["bad.yaml", "broken.yaml"], 1),
        (&["nowhere.yaml", "bad.yaml"], 1),
        (&["nowhere.yaml", "good.yaml"], 2),
        (&["--policy", "nowhere.yaml", "good.yaml"], 2),
        (&["--no-such-flag", "good.yaml"], 2),
        (&[], 2),
        (&["--help"], 0),
    ] {
        let ran = check(&dir, args);
        assert_eq!(ran.code, Some(code), "{args:?}: {ran:?}");
    }
}

#[test]
fn an_unreadable_file_does_not_stop_the_others() {
    let dir = Dir::new("others", &[("bad.yaml", BAD), ("broken.yaml", "spec:\n\tx: 1\n")]);
    let ran = check(&dir, &["-o", "json", "broken.yaml", "nowhere.yaml", "bad.yaml"]);
    let report = ran.json();
    assert_eq!(report["summary"]["errors"], 2);
    assert_eq!(report["summary"]["denied"], 1);
    assert_eq!(report["errors"][0]["file"], "broken.yaml");
    assert_eq!(report["errors"][0]["line"], 2);
    assert_eq!(
        report["errors"][1],
        json!({"file": "nowhere.yaml", "line": null, "column": null, "message": "there is no such file"})
    );
    assert!(ran.err.contains("error: broken.yaml:2:"), "{}", ran.err);
    assert!(ran.err.contains("indent with spaces"), "{}", ran.err);
}

#[test]
fn patches_are_reported_and_the_patched_object_is_judged() {
    let pod = "\
apiVersion: v1
kind: Pod
metadata: {generateName: p-}
spec:
  containers:
  - name: app
    securityContext: {privileged: no}
  - name: bad
    securityContext: {privileged: yes}
";
    let dir = Dir::new("patched", &[("pod.yaml", pod), ("one.yaml", &pod.replace("yes", "no"))]);
    let report = check(&dir, &["-o", "json", "pod.yaml"]).json();
    // What a privileged container implies is not repaired, and not reported.
    let expected = [place("allow-privilege-escalation", "patch", 7, 5), place("privileged", "deny", 9, 23)];
    assert_eq!(places(&report), expected, "{report:#}");
    assert_eq!(report["objects"][0]["name"], "p-*");
    let report = check(&dir, &["-o", "json", "one.yaml"]).json();
    assert_eq!(report["objects"][0]["verdict"], "patch");
    assert_eq!(report["summary"]["patched"], 1);
    assert_eq!(
        report["objects"][0]["patch"],
        json!([
            {"op": "add", "path": "/spec/containers/0/securityContext/allowPrivilegeEscalation", "value": false},
            {"op": "add", "path": "/spec/containers/1/securityContext/allowPrivilegeEscalation", "value": false},
        ])
    );
}

#[test]
fn a_document_that_is_no_object_is_an_error() {
    let dir = Dir::new(
        "objects",
        &[("a.yaml", "just text"), ("b.yaml", "replicas: 2\nimage: nginx\n"), ("c.yaml", "kind: Pod\napiVersion: 1\n")],
    );
    let ran = check(&dir, &["a.yaml", "b.yaml", "c.yaml"]);
    assert_eq!(ran.code, Some(2));
    insta::assert_snapshot!(ran.err);
}

#[test]
fn an_unreadable_pod_is_denied() {
    let dir = Dir::new(
        "unreadable",
        &[("x.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {hostNetwork: \"true\"}\n")],
    );
    let ran = check(&dir, &["x.yaml"]);
    assert_eq!(ran.code, Some(1));
    let line = "x.yaml:4:8 unreadable-field critical denied: Pod default/x, it could not be judged: the object's field `spec.hostNetwork` could not be read";
    assert!(ran.out.contains(line), "{}", ran.out);
}

#[test]
fn the_namespace_is_the_objects_own_or_the_flags() {
    let dir = Dir::new("namespace", &[("good.yaml", GOOD), ("bad.yaml", BAD)]);
    let report = check(&dir, &["-o", "json", "-n", "team", "good.yaml", "bad.yaml"]).json();
    assert_eq!(report["objects"][0]["namespace"], "team");
    assert_eq!(report["objects"][1]["namespace"], "shop");
}

#[test]
fn exemptions_hold_to_their_last_day() {
    let exempted = |until: &str| {
        let dir = Dir::new(&format!("until-{until}"), &[("bad.yaml", BAD)]);
        let rest = format!(
            "  exemptions:\n  - {{rules: [privileged], namespaces: [shop], reason: a driver, until: {until}}}\n"
        );
        dir.write("exempt.yaml", format!("{POLICY}{rest}"));
        dir.run(&["check", "--policy", "exempt.yaml", "-o", "json", "bad.yaml"])
    };
    let past = exempted("2020-02-29");
    assert_eq!(past.code, Some(1));
    assert_eq!(places(&past.json())[1].1, "deny");
    let future = exempted("2999-12-31");
    assert_eq!(future.code, Some(0), "{future:?}");
    assert_eq!(places(&future.json())[1].1, "exempt");
}

/// A pod's ServiceAccount decides whether the pod gets a token, in whichever of the files it is.
#[test]
fn a_service_account_in_the_files_decides_whether_its_pods_get_a_token() {
    let account = |name: &str, namespace: &str, automount: &str| {
        format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata: {{name: {name}{namespace}}}\nautomountServiceAccountToken: {automount}\n"
        )
    };
    let deployment = |account: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {account}-user}}\nspec: {{template: {{spec: {{serviceAccountName: {account}, containers: [{{name: app}}]}}}}}}\n"
        )
    };
    let pods = ["quiet", "loud", "elsewhere", "missing"].map(deployment).join("---\n");
    let accounts = [
        account("quiet", "", "false"),
        account("loud", "", "true"),
        account("elsewhere", ", namespace: other", "false"),
    ];
    let policy = "apiVersion: podreeve.dev/v1alpha1\nkind: Policy\nmetadata: {name: test}\nspec: {rules: {service-account-token: {action: deny}}}\n";
    let files = [("a.yaml", &*pods), ("b.yaml", &accounts.join("---\n")), ("policy.yaml", policy)];
    let dir = Dir::new("accounts", &files);
    let denied = |args: &[&str]| {
        let ran = dir.run(&[&["check", "--policy", "policy.yaml", "-o", "json"], args].concat());
        let report = ran.json();
        let objects = report["objects"].as_array().expect("objects").clone();
        let denied = objects.iter().filter(|object| object["verdict"] == "deny");
        denied.map(|object| object["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(denied(&["a.yaml", "b.yaml"]), ["loud-user", "elsewhere-user", "missing-user"]);
    assert_eq!(denied(&["a.yaml"]), ["quiet-user", "loud-user", "elsewhere-user", "missing-user"]);
    // Objects without a namespace are in that of `-n`.
    assert_eq!(denied(&["-n", "other", "a.yaml", "b.yaml"]), ["loud-user", "missing-user"]);
}
