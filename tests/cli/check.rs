//! `podreeve check`, as people and pipelines run it.

use super::binary::Dir;
use serde_json::{Value, json};
use std::io::Read;
use std::process::Stdio;

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

/// Judges by [`POLICY`].
fn check(dir: &Dir, args: &[&str]) -> super::binary::Ran {
    dir.write("policy.yaml", POLICY);
    dir.run(&[&["check", "--policy", "policy.yaml"], args].concat())
}

/// rule, verdict of the violation, line and column of each violation.
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
fn the_text_tells_where_what_and_what_instead() {
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
        (&["bad.yaml", "broken.yaml"], 2),
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
fn lines_are_those_of_yaml() {
    let dir = Dir::new("yaml-lines", &[("web.yaml", BAD)]);
    let report = check(&dir, &["-o", "json", "web.yaml"]).json();
    assert_eq!(places(&report), [place("host-network", "warn", 10, 7), place("privileged", "deny", 15, 13)]);
    let violation = &report["objects"][0]["violations"][1];
    assert_eq!(violation["pointer"], "/spec/template/spec/containers/0/securityContext/privileged");
    assert_eq!(violation["field"], "spec.template.spec.containers[0].securityContext.privileged");
    assert_eq!(violation["container"], "app");
    assert_eq!(violation["containerKind"], "containers");
}

#[test]
fn lines_are_those_of_json() {
    let object = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x\u{1F600}"}, "spec": {"containers": [
        {"name": "a", "securityContext": {"allowPrivilegeEscalation": false}},
        {"name": "b", "securityContext": {"allowPrivilegeEscalation": false, "privileged": true}},
    ]}});
    let pretty = serde_json::to_string_pretty(&object).expect("JSON").replace('\u{1F600}', "\\ud83d\\ude00");
    let line = 1 + pretty.lines().position(|line| line.contains("\"privileged\"")).expect("there") as u64;
    let tabs = pretty.replace("  ", "\t");
    let dir =
        Dir::new("json-lines", &[("pod.json", &pretty), ("tabs.json", &tabs), ("flat.json", &object.to_string())]);
    let report = check(&dir, &["-o", "json", "pod.json"]).json();
    assert_eq!(places(&report), [place("privileged", "deny", line, 11)]);
    assert_eq!(report["objects"][0]["name"], "x\u{1F600}");
    let report = check(&dir, &["-o", "json", "tabs.json"]).json();
    assert_eq!(places(&report), [place("privileged", "deny", line, 6)]);
    let column = 1 + object.to_string().find("\"privileged\"").expect("there") as u64;
    let report = check(&dir, &["-o", "json", "flat.json"]).json();
    // Columns count characters, and the face before it is four bytes.
    assert_eq!(places(&report), [place("privileged", "deny", 1, column - 3)]);
}

#[test]
fn documents_and_lists_are_taken_apart() {
    let list = "\
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  data: {}
- apiVersion: v1
  kind: Pod
  metadata: {name: in-list}
  spec:
    containers:
    - name: app
      securityContext:
        privileged: true
        allowPrivilegeEscalation: false
---
apiVersion: v1
kind: PodList
items:
- metadata: {name: in-pod-list}
  spec: {hostNetwork: true}
---
";
    let text = format!("---\r\n{}---\r\n# empty\r\n---\r\n{}", list.replace('\n', "\r\n"), GOOD.replace('\n', "\r\n"));
    let dir = Dir::new("lists", &[("all.yaml", &format!("\u{feff}{text}"))]);
    let report = check(&dir, &["-o", "json", "all.yaml"]).json();
    let objects: Vec<_> = report["objects"]
        .as_array()
        .expect("objects")
        .iter()
        .map(|o| {
            (
                o["name"].as_str().unwrap(),
                o["document"].as_u64().unwrap(),
                o["line"].as_u64().unwrap(),
                o["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(objects, [("in-list", 0, 8, "deny"), ("in-pod-list", 1, 21, "warn"), ("good", 4, 27, "allow")]);
    assert_eq!(places(&report), [place("privileged", "deny", 15, 9), place("host-network", "warn", 22, 10)]);
    assert_eq!(report["objects"][0]["violations"][0]["pointer"], "/spec/containers/0/securityContext/privileged");
    assert_eq!(
        report["summary"],
        json!({"objects": 3, "denied": 1, "patched": 0, "warned": 1, "allowed": 1, "errors": 0, "passedOver": 1})
    );
}

#[test]
fn json_values_one_after_another_are_documents() {
    let dir = Dir::new("jq", &[]);
    dir.write("policy.yaml", POLICY);
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"hostNetwork": true}});
    let ran = dir.run_with(&["check", "--policy", "policy.yaml", "-o", "json", "-"], format!("{pod}\n{pod}\n"));
    let report = ran.json();
    assert_eq!(report["objects"][1]["file"], "-");
    assert_eq!(report["objects"][1]["document"], 1);
    assert_eq!(places(&report)[1].2, 2, "{report:#}");
}

#[test]
fn what_is_patched_is_told_and_the_rest_is_judged_after_it() {
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
        report["objects"][0]["violations"][0]["patch"],
        json!([{"op": "add", "path": "/spec/containers/0/securityContext/allowPrivilegeEscalation", "value": false}])
    );
}

#[test]
fn duplicate_keys_are_errors() {
    let yaml = "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec:\n  hostNetwork: false\n  hostNetwork: true\n";
    let json = "{\"apiVersion\": \"v1\", \"kind\": \"Pod\",\n\"spec\": {\"hostNetwork\": false,\n\"host\\u004eetwork\": true}}";
    let dir = Dir::new("duplicates", &[("x.yaml", yaml), ("x.json", json)]);
    let ran = check(&dir, &["x.yaml", "x.json"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("x.yaml:6:3: the key `hostNetwork` is here twice, first on line 5"), "{}", ran.err);
    assert!(ran.err.contains("x.json:3:1: the key `hostNetwork` is here twice, first on line 2"), "{}", ran.err);
}

#[test]
fn what_is_no_object_is_an_error() {
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
    assert!(ran.out.contains("Pod default/x: denied"), "{}", ran.out);
    assert!(
        ran.out.contains("x.yaml:4:8  it could not be judged: the object's field `spec.hostNetwork` could not be read"),
        "{}",
        ran.out
    );
}

#[test]
fn directories_are_read_like_kubectl_reads_them() {
    let dir = Dir::new(
        "directories",
        &[
            ("m/b.yaml", BAD),
            ("m/a.yml", GOOD),
            ("m/notes.txt", "x"),
            ("m/deep/c.json", "{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}"),
            ("none/x.txt", ""),
        ],
    );
    let files = |args: &[&str]| -> Vec<String> {
        let report = check(&dir, &[&["-o", "json"], args].concat()).json();
        report["objects"].as_array().expect("objects").iter().map(|o| o["file"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(files(&["-f", "m"]), ["m/a.yml", "m/b.yaml"]);
    assert_eq!(files(&["-R", "--filename", "m"]), ["m/a.yml", "m/b.yaml", "m/deep/c.json"]);
    assert_eq!(check(&dir, &["none"]).code, Some(2));
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

#[test]
fn names_cannot_paint_the_terminal() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: \"a\\e[31mb\\nPod default/c: admitted\"}\nspec:\n  hostNetwork: true\n  containers: [{name: \"x\\e]0;t\\a\", securityContext: {privileged: true}}]\n";
    let dir = Dir::new("ansi", &[("pod.yaml", pod)]);
    let ran = check(&dir, &["pod.yaml"]);
    assert!(ran.out.chars().all(|c| !c.is_control() || c == '\n'), "{:?}", ran.out);
    assert!(ran.out.contains("a\\u{1b}[31mb\\u{a}Pod"), "{}", ran.out);
}

#[test]
fn colour_is_for_terminals() {
    let dir = Dir::new("colour", &[("bad.yaml", BAD)]);
    dir.write("policy.yaml", POLICY);
    let with = |name: &str, value: &str| {
        let output =
            dir.command(&["check", "--policy", "policy.yaml", "bad.yaml"]).env(name, value).output().expect("runs");
        output.stdout.contains(&0x1b)
    };
    assert!(!with("TERM", "xterm-256color"));
    assert!(with("CLICOLOR_FORCE", "1"));
    let none = dir
        .command(&["check", "--policy", "policy.yaml", "bad.yaml"])
        .envs([("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])
        .output();
    assert!(!none.expect("runs").stdout.contains(&0x1b));
}

#[test]
fn an_output_that_cannot_be_written_is_told() {
    let dir = Dir::new("full", &[("bad.yaml", BAD)]);
    dir.write("policy.yaml", POLICY);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("this system has /dev/full");
    let output = dir.command(&["check", "--policy", "policy.yaml", "bad.yaml"]).stdout(full).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{text}");
    assert!(text.contains("No space left"), "{text}");
}

#[test]
fn a_reader_that_goes_is_no_failure() {
    let many = format!("{BAD}---\n").repeat(500);
    let dir = Dir::new("pipe", &[("many.yaml", &many)]);
    dir.write("policy.yaml", POLICY);
    let mut child = dir
        .command(&["check", "--policy", "policy.yaml", "many.yaml"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("podreeve starts");
    let mut first = [0; 10];
    child.stdout.as_mut().expect("piped").read_exact(&mut first).expect("the first bytes");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("podreeve ends");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn bombs_and_pits_end_quickly() {
    let level = |n: usize| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 9].join(", "));
    let bomb = (1..12).fold("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned(), |text, n| text + &level(n));
    let deep = "[".repeat(100_000);
    let deep_json = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_block = (0..500).fold(String::new(), |text, n| text + &format!("{:n$}a:\n", ""));
    let dir = Dir::new(
        "bombs",
        &[
            ("bomb.yaml", &bomb),
            ("deep.yaml", &deep),
            ("deep.json", &deep_json),
            ("block.yaml", &deep_block),
            ("self.yaml", "a: &a [*a]\n"),
        ],
    );
    for file in ["bomb.yaml", "deep.yaml", "deep.json", "block.yaml", "self.yaml"] {
        let ran = check(&dir, &[file]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.starts_with(&format!("error: {file}:")), "{}", ran.err);
    }
}

#[test]
fn bytes_that_are_no_text_are_told() {
    let dir = Dir::new("bytes", &[]);
    dir.write("utf16.yaml", [0xFF, 0xFE, b'a', 0]);
    dir.write("latin1.yaml", b"a: 1\nb: caf\xe9\n");
    dir.write("nul.yaml", b"a: \0\n");
    let ran = check(&dir, &["utf16.yaml", "latin1.yaml", "nul.yaml"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("utf16.yaml:1:1: the file is UTF-16"), "{}", ran.err);
    assert!(ran.err.contains("latin1.yaml:2:7: the file is not UTF-8"), "{}", ran.err);
    assert!(ran.err.contains("nul.yaml:1:"), "{}", ran.err);
}

/// The ServiceAccount of a pod says whether it gets a token, wherever it stands in the files.
#[test]
fn a_service_account_among_the_files_says_whether_its_pods_get_a_token() {
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
    // Those that name no namespace are where `-n` says, all of them.
    assert_eq!(denied(&["-n", "other", "a.yaml", "b.yaml"]), ["loud-user", "missing-user"]);
}
