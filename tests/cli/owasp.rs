//! `podreeve owasp`: the list, filled in from files and reports.

use crate::binary::Dir;
use crate::json_schema::validate;
use serde_json::{Value, json};

const BAD: &str = include_str!("../../examples/privileged-deployment.yaml");
const GOOD: &str = include_str!("../../examples/good-deployment.yaml");

fn item(report: &Value, number: usize) -> &Value {
    &report["items"][number - 1]
}

fn node_report(results: Value) -> String {
    json!({"apiVersion": "podreeve.dev/v1alpha1", "kind": "NodeReport", "node": "n-1", "results": results}).to_string()
}

#[test]
fn the_list_says_what_manifests_violate() {
    let dir = Dir::new("owasp", &[("bad.yaml", BAD), ("good.yaml", GOOD), ("Dockerfile", "FROM scratch\nADD a /\n")]);
    let ran = dir.run(&["owasp", ".", "-o", "json"]);
    assert_eq!((ran.code, &*ran.err), (Some(1), ""), "{}", ran.out);
    let report = ran.json();
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/owasp-report.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(schema).unwrap()).unwrap();
    validate(&schema, &schema, &report, "").expect("the report fits");
    assert_eq!(report["judged"], json!({"workloads": 2, "dockerfiles": 1, "images": 0, "nodes": 0}));
    let privileged = item(&report, 59);
    assert_eq!(
        (&privileged["verdict"], &privileged["passes"], &privileged["failures"]),
        (&json!("fail"), &json!(1), &json!(1))
    );
    let finding = &privileged["findings"][0];
    assert_eq!(finding["rule"], "privileged");
    assert!(finding["place"].as_str().unwrap().starts_with("./bad.yaml:"), "{finding}");
    assert_eq!(item(&report, 25)["findings"][0]["subject"], "Dockerfile ./Dockerfile");
    // No file shows a node.
    assert_eq!(item(&report, 33)["verdict"], "unknown");
    let sum: u64 = report["summary"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(sum, 93);
}

#[test]
fn a_finding_fails_the_items_that_it_is_about() {
    let dir = Dir::new(
        "owasp-ports",
        &[("a/Dockerfile", "FROM debian:12\nEXPOSE 80\n"), ("b/Dockerfile", "FROM debian:12\nEXPOSE 22\n")],
    );
    for (file, ssh) in [("a/Dockerfile", 0), ("b/Dockerfile", 1)] {
        let report = dir.run(&["owasp", file, "-o", "json"]).json();
        let failures = |number| item(&report, number)["failures"].as_u64().unwrap();
        assert_eq!((failures(61), failures(62)), (ssh, 1), "{file}");
    }
}

#[test]
fn a_page_for_an_auditor_needs_no_other_file_and_hides_nothing_when_printed() {
    let dir = Dir::new("owasp-html", &[("bad.yaml", &BAD.replace("name: web", "name: \"<script>\""))]);
    let ran = dir.run(&["owasp", "bad.yaml", "-o", "html=owasp.html", "-o", "text"]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert!(ran.out.contains("93 items: ") && ran.out.contains(" fail"), "{}", ran.out);
    let html = std::fs::read_to_string(dir.0.join("owasp.html")).unwrap();
    for number in 1..=93 {
        assert!(html.contains(&format!("id=\"item-{number}\"")), "{number}");
    }
    assert!(!html.contains("<script>") && html.contains("default-src 'none'") && html.contains("@media print"));
    // Nothing is folded: paper has nothing to click on.
    assert!(!html.contains("<details") && !html.contains("src="));
}

#[test]
fn reports_of_images_and_nodes_fill_the_rest() {
    let results = json!([
        {"rule": "node-tls", "verdict": "fail", "severity": "high", "subject": "dockerd", "found": "tcp://0.0.0.0:2375", "wanted": "TLS",
         "source": "flag", "fix": "add --tlsverify", "owasp": [33], "cis": []},
        {"rule": "node-files", "verdict": "fail", "effect": "exempt", "severity": "high", "subject": "/etc/docker", "found": "1000:0",
         "exemption": {"reason": "old hosts", "until": "2099-01-01"}, "owasp": [41], "cis": []},
        {"rule": "node-files", "verdict": "notApplicable", "severity": "high", "subject": "daemon.json", "owasp": [92], "cis": []},
    ]);
    let dir =
        Dir::new("owasp-reports", &[("reports/n-1.json", &node_report(results)), ("reports/notes.txt", "no report")]);
    let ran = dir.run(&["owasp", "--report", "reports", "-o", "json"]);
    let report = ran.json();
    assert_eq!(ran.code, Some(1), "{}", ran.err);
    assert_eq!(report["judged"]["nodes"], 1);
    let tls = item(&report, 33);
    assert_eq!((&tls["verdict"], &tls["findings"][0]["subject"]), (&json!("fail"), &json!("node n-1")));
    assert_eq!(tls["findings"][0]["note"], "add --tlsverify");
    assert_eq!(item(&report, 41)["verdict"], "exempt");
    assert_eq!(item(&report, 41)["findings"][0]["note"], "exempt: old hosts (until 2099-01-01)");
    assert_eq!(item(&report, 92)["verdict"], "notApplicable");
}

/// A privileged container violates what its violation implies, too: `check` names the cause alone.
#[test]
fn what_a_cause_implies_is_no_pass() {
    let bad = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a, image: a, securityContext: {privileged: true}}]}}";
    let dir = Dir::new("owasp-check", &[("bad.yaml", bad), ("good.yaml", GOOD)]);
    let checked = dir.run(&["check", ".", "-o", "json"]);
    dir.write("check.json", &checked.out);
    let counts = |report: &Value| -> Vec<Value> {
        let of = |item: &Value| {
            json!([item["verdict"], item["passes"], item["failures"], item["unknowns"], item["exemptions"]])
        };
        report["items"].as_array().unwrap().iter().map(of).collect()
    };
    let files = counts(&dir.run(&["owasp", "bad.yaml", "good.yaml", "-o", "json"]).json());
    let report = counts(&dir.run(&["owasp", "--report", "check.json", "-o", "json"]).json());
    let differ: Vec<usize> = (1..=93).filter(|item| files[item - 1] != report[item - 1]).collect();
    let implied = [12, 49, 50, 58, 69];
    for item in implied {
        assert_eq!(files[item - 1], json!(["fail", 1, 1, 0, 0]), "{item}");
        assert_eq!(report[item - 1], json!(["unknown", 1, 0, 1, 0]), "{item}");
    }
    assert!(differ.iter().all(|item| implied.contains(item) || report[item - 1][3] == 1), "{differ:?}");
}

#[test]
fn what_cannot_be_used_is_named() {
    let dir = Dir::new("owasp-wrong", &[("a.json", "{}"), ("b.json", r#"{"kind":"Pod"}"#), ("broken.yaml", "a: [")]);
    for (arguments, says) in [
        (&["owasp"][..], "name manifests or a directory, or --cluster"),
        (&["owasp", "a.yaml", "--cluster"], "two reports"),
        (&["owasp", "--report", "a.json"], "a.json: is no report of podreeve"),
        (&["owasp", "--report", "b.json"], "b.json: is a Pod"),
        (&["owasp", "--report", "missing.json"], "missing.json: cannot be read"),
        (&["owasp", "broken.yaml", "-o", "json", "-o", "html"], "two formats go to stdout"),
        (&["owasp", "broken.yaml"], "broken.yaml"),
    ] {
        let ran = dir.run(arguments);
        assert_eq!((ran.code, ran.err.contains(says)), (Some(2), true), "{arguments:?}: {}", ran.err);
    }
}
