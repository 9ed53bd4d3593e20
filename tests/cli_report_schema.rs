//! A real report fits the schema that is published for it.

#[path = "common/binary.rs"]
mod binary;

use binary::Dir;
use serde_json::{Value, json};

/// Keywords that say nothing about validity.
const NOTES: &[&str] = &["$schema", "$id", "$defs", "title", "description", "format", "default"];

/// A small validator, which fails on keywords that it does not know: it cannot pass what it does not check.
fn validate(root: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let Some(schema) = schema.as_object() else {
        return if schema == &json!(true) { Ok(()) } else { Err(format!("{at}: forbidden")) };
    };
    let fail = |what: &str| Err(format!("{at}: {what}: {value}"));
    for (keyword, wanted) in schema {
        match keyword.as_str() {
            note if NOTES.contains(&note) => {}
            "$ref" => {
                let pointer = wanted.as_str().and_then(|r| r.strip_prefix('#')).expect("a local reference");
                validate(root, root.pointer(pointer).expect("the reference resolves"), value, at)?;
            }
            "type" => {
                let is = |kind: &Value| match kind.as_str().expect("a type") {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "integer" => value.is_i64() || value.is_u64(),
                    "boolean" => value.is_boolean(),
                    "null" => value.is_null(),
                    other => panic!("{at}: type {other}"),
                };
                let kinds = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                if !kinds.iter().any(is) {
                    return fail(&format!("not {wanted}"));
                }
            }
            "const" if value != wanted => return fail("another constant"),
            "enum" if !wanted.as_array().expect("values").contains(value) => return fail("not in the list"),
            "minimum" if value.is_number() && value.as_i64() < wanted.as_i64() => return fail("too small"),
            "maximum" if value.is_number() && value.as_i64() > wanted.as_i64() => return fail("too large"),
            "const" | "enum" | "minimum" | "maximum" => {}
            "required" => {
                for key in wanted.as_array().expect("keys") {
                    if value.get(key.as_str().expect("a key")).is_none() {
                        return fail(&format!("no {key}"));
                    }
                }
            }
            "properties" => {
                for (key, value) in value.as_object().into_iter().flatten() {
                    // Stricter than the schema: a report has no field that is not published.
                    let Some(schema) = wanted.get(key) else { return fail(&format!("`{key}` is not published")) };
                    validate(root, schema, value, &format!("{at}/{key}"))?;
                }
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    validate(root, wanted, item, &format!("{at}/{index}"))?;
                }
            }
            "additionalProperties" if wanted == &json!(true) => {}
            "anyOf" => {
                let schemas = wanted.as_array().expect("schemas");
                if !schemas.iter().any(|schema| validate(root, schema, value, at).is_ok()) {
                    return fail("none of them");
                }
            }
            other => panic!("{at}: unknown keyword {other}"),
        }
    }
    Ok(())
}

#[test]
fn a_report_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../docs/check-report.schema.json")).expect("JSON");
    let files = "\
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: shop}
spec:
  hostNetwork: true
  initContainers: [{name: init, securityContext: {privileged: true}}]
  containers: [{name: app, image: nginx, volumeMounts: [{name: s, mountPath: /s}]}]
  volumes: [{name: s, hostPath: {path: /run/docker.sock}}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {generateName: c-}
spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: app}]}}}}}
---
apiVersion: v1
kind: Pod
spec: {hostNetwork: 7}
";
    let policy = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: exempting}
spec:
  rules: {host-network: {action: deny}, host-pid: {action: audit}}
  rollout: {warnUntil: 2999-01-01}
  exemptions:
  - {rules: [host-network, host-pid], namespaces: [shop], reason: partly unused}
  - {rules: [host-pid], namespaces: [shop], until: 2020-01-01, reason: ended}
";
    let dir = Dir::new("schema", &[("all.yaml", files), ("policy.yaml", policy), ("broken.yaml", "a: [")]);
    for policies in
        [&["--policy", "owasp"][..], &["--policy", "policy.yaml"], &["--policy", "policy.yaml", "--waivers"]]
    {
        let ran = dir.run(&[&["check", "-o", "json", "all.yaml", "broken.yaml", "nowhere.yaml"], policies].concat());
        let report = ran.json();
        assert_eq!(report["summary"]["objects"], 3, "{report:#}");
        assert_eq!(report["summary"]["errors"], 2);
        let waivers = policies.contains(&"--waivers").then_some(2);
        assert_eq!(report["waivers"].as_array().map(Vec::len), waivers, "{report:#}");
        validate(&schema, &schema, &report, "").expect("the report fits");
    }
}

#[test]
fn the_validator_notices() {
    let schema: Value = serde_json::from_str(include_str!("../docs/check-report.schema.json")).expect("JSON");
    let report = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "CheckReport", "objects": [], "errors": [],
        "summary": {"objects": 0, "denied": 0, "patched": 0, "warned": 0, "allowed": 0, "errors": 0},
    });
    validate(&schema, &schema, &report, "").expect("the least report fits");
    for (pointer, value) in
        [("/kind", json!("Report")), ("/objects", json!([{}])), ("/summary/denied", json!(-1)), ("/summary", json!({}))]
    {
        let mut broken = report.clone();
        *broken.pointer_mut(pointer).expect("there") = value;
        assert!(validate(&schema, &schema, &broken, "").is_err(), "{pointer}");
    }
}
