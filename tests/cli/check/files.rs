//! The files that `check` reads: YAML and JSON, lists, directories, and files that nothing can read.

use super::{BAD, GOOD, POLICY, check, place, places};
use crate::binary::Dir;
use serde_json::json;

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
    // Columns count characters, and the emoji before it has four bytes.
    assert_eq!(places(&report), [place("privileged", "deny", 1, column - 3)]);
}

#[test]
fn documents_and_lists_are_split() {
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
        json!({"objects": 3, "denied": 1, "patched": 0, "warned": 1, "allowed": 1, "errors": 0, "baseline": 0, "passedOver": 1})
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
fn bombs_and_deep_nesting_end_quickly() {
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
fn bytes_that_are_no_text_are_reported() {
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
