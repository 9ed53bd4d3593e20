//! A report of `check` fits the schema that is published for it.

use super::binary::Dir;
use super::json_schema::validate;
use serde_json::{Value, json};

#[test]
fn a_report_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/check-report.schema.json")).expect("JSON");
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
---
apiVersion: podreeve.dev/v1alpha1
kind: Exemption
metadata: {name: unused, namespace: shop}
spec: {rules: [ssh-server], reason: unused}
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
    for (policies, waivers) in [
        (&["--policy", "owasp"][..], None),
        (&["--policy", "policy.yaml"], None),
        (&["--policy", "policy.yaml", "--waivers"], Some(2)),
        (&["--policy", "policy.yaml", "--waivers", "--exemption-namespaces", "shop"], Some(3)),
    ] {
        let ran = dir.run(&[&["check", "-o", "json", "all.yaml", "broken.yaml", "nowhere.yaml"], policies].concat());
        let report = ran.json();
        assert_eq!(report["summary"]["objects"], 3, "{report:#}");
        assert_eq!(report["summary"]["errors"], 2);
        assert_eq!(report["waivers"].as_array().map(Vec::len), waivers, "{report:#}");
        validate(&schema, &schema, &report, "").expect("the report fits");
    }
}

/// An object of each verdict, each with one violation or none.
const EACH_VERDICT: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: allowed, namespace: shop}
spec: {containers: [{name: app, image: 'app:1', securityContext: {allowPrivilegeEscalation: false}}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: warned, namespace: shop}
spec:
  template:
    spec:
      containers:
      - name: app
        image: app:latest
        securityContext: {allowPrivilegeEscalation: false}
---
apiVersion: v1
kind: Pod
metadata: {name: patched}
spec: {containers: [{name: app, image: 'app:1'}]}
---
apiVersion: batch/v1
kind: Job
metadata: {generateName: denied-}
spec:
  template:
    spec:
      hostNetwork: true
      containers: [{name: app, image: 'app:1', securityContext: {allowPrivilegeEscalation: false}}]
";

#[test]
fn a_report_of_each_verdict_is_this() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/check-report.schema.json")).expect("JSON");
    let policy = "\
apiVersion: podreeve.dev/v1alpha1
kind: Policy
metadata: {name: three}
spec:
  rules:
    host-network: {action: deny}
    allow-privilege-escalation: {action: patch}
    image-tag: {action: warn}
";
    let dir = Dir::new("verdicts", &[("all.yaml", EACH_VERDICT), ("policy.yaml", policy)]);
    let ran = dir.run(&["check", "-o", "json", "--policy", "policy.yaml", "all.yaml"]);
    let report = ran.json();
    validate(&schema, &schema, &report, "").expect("the report fits");
    insta::assert_snapshot!(format!("{report:#}"));
}

#[test]
fn the_validator_notices() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/check-report.schema.json")).expect("JSON");
    let report = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "CheckReport", "objects": [], "errors": [],
        "passedOver": [], "withoutPod": [],
        "summary": {"objects": 0, "denied": 0, "patched": 0, "warned": 0, "allowed": 0, "errors": 0, "baseline": 0, "passedOver": 0},
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
