//! The scan of existing objects reports each violation once, at its owner.

use podreeve::admit::Snapshot;
use podreeve::facts::Labels;
use podreeve::outcome::Verdict;
use podreeve::policy::{Cluster, CompiledPolicy, PolicyDocument, PolicySet};
use podreeve::report::{DeniedRules, OwnerReport, ScanReport, ScanSummary, UnreadReport, text};
use podreeve::scan::{FindingKind, NamespaceFindings, NamespaceScan, Object, Owner, judge};
use podreeve::sources::Sources;
use podreeve::workload::kinds::find;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;

const LIMIT: usize = 50;

fn snapshot() -> Snapshot {
    Sources::new(&[]).load(1, usize::MAX).expect("owasp loads")
}

/// The spec of a pod that the policy owasp admits, with these changes to its only container.
fn spec(change: &[(&str, Value)]) -> Value {
    let mut container = json!({
        "name": "web", "image": "registry.example.com/web@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "resources": {"limits": {"memory": "64Mi", "cpu": "1", "ephemeral-storage": "1Gi"}, "requests": {"cpu": "10m"}},
        "livenessProbe": {"tcpSocket": {"port": 8080}}, "readinessProbe": {"tcpSocket": {"port": 8080}},
        "ports": [{"containerPort": 8080}],
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "runAsUser": 1000,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
        },
    });
    for (pointer, value) in change {
        *container.pointer_mut(pointer).expect("a field of the container") = value.clone();
    }
    json!({"automountServiceAccountToken": false, "hostUsers": false, "containers": [container]})
}

fn owner(kind: &str, name: &str) -> Owner {
    let group = if kind == "Node" { "" } else { "apps/" };
    Owner {
        api_version: format!("{group}v1"),
        kind: kind.to_owned(),
        name: name.to_owned(),
        uid: format!("uid-{name}"),
    }
}

/// Judges objects, each given as (group, kind, name, controller, spec), by the policy owasp in this order.
fn found(limit: usize, objects: &[(&str, &str, &str, Option<Owner>, Value)]) -> NamespaceFindings {
    found_by(&snapshot(), limit, objects)
}

fn found_by(
    snapshot: &Snapshot,
    limit: usize,
    objects: &[(&str, &str, &str, Option<Owner>, Value)],
) -> NamespaceFindings {
    let mut namespace = NamespaceScan::new("shop", limit);
    for (group, kind, name, controller, spec) in objects {
        let kind = find(group, kind).expect("a kind");
        let body = match kind.template.len() {
            0 => json!({"spec": spec, "status": {"phase": "Running"}}),
            _ => json!({"spec": {"template": {"spec": spec}}}),
        };
        let raw: Box<RawValue> = serde_json::from_str(&body.to_string()).expect("JSON");
        let uid = format!("uid-{name}");
        let object = Object { kind, namespace: "shop", name, uid: &uid, controller: controller.as_ref(), raw: &raw };
        if namespace.must_judge(&object) {
            let judged = judge(&object, snapshot, "2026-11-22".parse().expect("a date"));
            namespace.add(&object, judged);
        }
    }
    namespace.finish()
}

/// Denials, and objects that could not be judged: the owner, the rule and the kind of the object.
fn denials(found: &NamespaceFindings) -> Vec<String> {
    let denies = found.findings.iter().filter(|finding| finding.effect().as_str() == "deny");
    denies.map(|f| format!("{} {}: {} in {}", f.owner.kind, f.owner.name, f.rule(), f.kind)).collect()
}

const ESCALATION: &str = "/securityContext/allowPrivilegeEscalation";

fn root() -> Value {
    spec(&[("/securityContext/runAsNonRoot", json!(false)), ("/securityContext/runAsUser", json!(0))])
}

#[test]
fn a_violation_in_all_pods_of_a_deployment_is_reported_once() {
    let pods = |name| ("", "Pod", name, Some(owner("ReplicaSet", "web-1")), root());
    let found = found(
        LIMIT,
        &[
            ("apps", "Deployment", "web", None, root()),
            // An older ReplicaSet, with another violation and without pods.
            ("apps", "ReplicaSet", "web-0", Some(owner("Deployment", "web")), spec(&[("/image", json!("web:latest"))])),
            ("apps", "ReplicaSet", "web-1", Some(owner("Deployment", "web")), root()),
            pods("web-1-a"),
            pods("web-1-b"),
        ],
    );
    assert_eq!(denials(&found), ["Deployment web: run-as-non-root in Deployment"]);
    assert_eq!(found.owners.len(), 1);
    assert_eq!((found.objects, found.owners[0].verdict, found.counts.fail), (3, Verdict::Deny, 1));
    let FindingKind::Violation(violation) = &found.findings[0].what else { panic!("{:?}", found.findings[0]) };
    assert!(violation.field.starts_with("/spec/template/spec/containers/0"), "{}", violation.field);
}

/// The same violation in two templates is two findings of their owner. Its pods add none.
#[test]
fn each_template_of_an_object_counts() {
    let policy = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"}, "spec": {
            "rules": {"privileged": {"action": "deny"}},
            "workloads": [{"apiVersion": "example.com/v1", "kind": "Gang", "path": "spec.workers[].template"}]},
    });
    let policy = PolicyDocument::from_json(&policy.to_string()).expect("it loads");
    let policies = PolicySet::new(vec![CompiledPolicy::new(&policy).expect("it compiles")], 1);
    let snapshot = Snapshot::new(policies, usize::MAX);
    let kind = snapshot.policies.kind("example.com", "Gang").expect("the policy has it").into_owned();
    let pod = json!({"spec": {"containers": [{"name": "app", "securityContext": {"privileged": true}}]}});
    let gang = json!({"spec": {"workers": [{"template": pod}, {"template": pod}]}});
    let gang_owner = Owner { api_version: "example.com/v1".to_owned(), ..owner("Gang", "g") };
    let mut namespace = NamespaceScan::new("shop", LIMIT);
    for (kind, name, controller, body) in
        [(&kind, "g", None, gang), (find("", "Pod").expect("a kind"), "g-0", Some(&gang_owner), pod)]
    {
        let raw: Box<RawValue> = serde_json::from_str(&body.to_string()).expect("JSON");
        let object = Object { kind, namespace: "shop", name, uid: name, controller, raw: &raw };
        assert!(namespace.must_judge(&object));
        let judged = judge(&object, &snapshot, "2026-11-22".parse().expect("a date"));
        namespace.add(&object, judged);
    }
    let found = namespace.finish();
    assert_eq!(denials(&found), ["Gang g: privileged in Gang", "Gang g: privileged in Gang"]);
    assert_eq!((found.counts.fail, found.owners.len()), (2, 1));
}

#[test]
fn a_violation_that_only_the_pods_have_is_reported_at_the_owner() {
    // A sidecar was injected before the container, which changes its index.
    let mut injected = root();
    let sidecar = spec(&[("/image", json!("proxy:latest")), ("/name", json!("proxy"))])["containers"][0].clone();
    injected["containers"].as_array_mut().expect("a list").insert(0, sidecar);
    let found = found(
        LIMIT,
        &[
            ("apps", "Deployment", "web", None, root()),
            ("apps", "ReplicaSet", "web-1", Some(owner("Deployment", "web")), root()),
            ("", "Pod", "web-1-a", Some(owner("ReplicaSet", "web-1")), injected.clone()),
            ("", "Pod", "web-1-b", Some(owner("ReplicaSet", "web-1")), injected),
        ],
    );
    let mut told = denials(&found);
    told.sort();
    assert_eq!(told, ["Deployment web: image-tag in Pod", "Deployment web: run-as-non-root in Deployment"]);
}

#[test]
fn an_object_without_a_known_owner_is_reported_itself() {
    let found = found(
        LIMIT,
        &[
            // Its controller is a kind of some operator.
            ("apps", "StatefulSet", "db", Some(Owner { kind: "Database".into(), ..owner("", "db") }), root()),
            ("", "Pod", "db-0", Some(owner("StatefulSet", "db")), root()),
            ("", "Pod", "etcd-node", Some(owner("Node", "node")), root()),
            (
                "",
                "Pod",
                "step-1",
                Some(Owner { api_version: "argoproj.io/v1".into(), ..owner("Workflow", "w") }),
                root(),
            ),
            (
                "",
                "Pod",
                "step-2",
                Some(Owner { api_version: "argoproj.io/v1".into(), ..owner("Workflow", "w") }),
                root(),
            ),
            ("apps", "ReplicaSet", "alone", None, root()),
        ],
    );
    let owners: Vec<String> = found.owners.iter().map(|o| format!("{} {}", o.owner.kind, o.owner.name)).collect();
    assert_eq!(owners, ["Pod etcd-node", "ReplicaSet alone", "StatefulSet db", "Workflow w"]);
    assert_eq!(denials(&found).len(), 4);
}

#[test]
fn an_unrepaired_pod_is_reported() {
    let unrepaired = || spec(&[(ESCALATION, json!(null))]);
    let template = ("apps", "Deployment", "web", None, unrepaired());
    let of = |found: &NamespaceFindings| {
        let told = found.findings.iter().map(|f| (f.rule(), f.effect().as_str()));
        told.filter(|(rule, _)| *rule == "allow-privilege-escalation").collect::<Vec<_>>()
    };
    assert_eq!(of(&found(LIMIT, std::slice::from_ref(&template))), []);
    let old = ("", "Pod", "web-1", Some(owner("Deployment", "web")), unrepaired());
    let both = found(LIMIT, &[template, old]);
    assert_eq!(of(&both), [("allow-privilege-escalation", "patch")]);
    assert_eq!((both.owners[0].verdict, both.counts.fail), (Verdict::Patch, 0));
}

/// Judges by the labels of the namespace `shop` alone.
fn by_labels(labels: &[(&str, &str)]) -> Snapshot {
    let policy = json!({
        "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "labels"},
        "spec": {"podSecurityLabels": true, "rules": {}},
    });
    let document = PolicyDocument::from_json(&policy.to_string()).expect("the policy loads");
    let policy = CompiledPolicy::compile(&document, Cluster::With).expect("the policy compiles");
    let mut snapshot = Snapshot::new(PolicySet::new(vec![policy], 1), usize::MAX);
    let labels = labels.iter().map(|(mode, level)| (format!("pod-security.kubernetes.io/{mode}"), (*level).to_owned()));
    snapshot.facts.cluster = true;
    snapshot.facts.namespaces = Arc::new([("shop".to_owned(), Arc::new(labels.collect::<Labels>()))].into());
    snapshot
}

#[test]
fn labels_deny_what_a_template_makes() {
    let template = [("apps", "Deployment", "web", None, spec(&[(ESCALATION, json!(true))]))];
    let denied = found_by(&by_labels(&[("enforce", "restricted")]), LIMIT, &template);
    assert_eq!(denials(&denied), ["Deployment web: allow-privilege-escalation in Deployment"]);
    assert_eq!((denied.owners[0].verdict, denied.counts.fail), (Verdict::Deny, 1));
    let FindingKind::Violation(violation) = &denied.findings[0].what else { panic!("{:?}", denied.findings[0]) };
    assert!(violation.field.starts_with("/spec/template/spec/containers/0"), "{}", violation.field);
    let warned = found_by(&by_labels(&[("warn", "restricted")]), LIMIT, &template);
    assert_eq!((warned.owners[0].verdict, warned.counts.fail, warned.counts.warn), (Verdict::Warn, 0, 1));
}

#[test]
fn of_many_findings_the_worst_are_kept_and_all_are_counted() {
    let privileged = {
        let mut spec = root();
        spec["containers"][0]["securityContext"]["privileged"] = json!(true);
        spec
    };
    let names: Vec<String> = (0..30).map(|n| format!("pod-{n:02}")).collect();
    let mut objects: Vec<_> = names.iter().map(|name| ("", "Pod", &**name, None, root())).collect();
    objects.push(("", "Pod", "worst", None, privileged));
    let cut = found(3, &objects);
    assert_eq!(cut.findings.len(), 3);
    assert_eq!((cut.findings[0].rule(), &*cut.findings[0].owner.name), ("privileged", "worst"));
    assert_eq!(cut.owners.len(), 31);
    assert!(cut.counts.all() > 31, "{:?}", cut.counts);
    // The same in another order.
    objects.reverse();
    let names =
        |found: &NamespaceFindings| found.findings.iter().map(|f| (f.rule(), f.owner.name.clone())).collect::<Vec<_>>();
    assert_eq!(names(&cut), names(&found(3, &objects)));
}

#[test]
fn what_cannot_be_judged_is_an_error_and_what_has_ended_is_nothing() {
    let broken = found(LIMIT, &[("", "Pod", "odd", None, json!({"containers": 7}))]);
    assert_eq!((broken.counts.error, broken.owners[0].verdict), (1, Verdict::Deny));

    let mut namespace = NamespaceScan::new("shop", LIMIT);
    let raw: Box<RawValue> = serde_json::from_str(r#"{"spec":{},"status":{"phase":"Succeeded"}}"#).expect("JSON");
    let kind = find("", "Pod").expect("pods");
    assert!(!namespace.must_judge(&Object {
        kind,
        namespace: "shop",
        name: "a",
        uid: "",
        controller: None,
        raw: &raw
    }));
}

#[test]
fn a_report_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../docs/scan-report.schema.json")).expect("JSON");
    let found = found(
        LIMIT,
        &[
            ("apps", "Deployment", "web", None, root()),
            ("", "Pod", "odd", None, json!({"containers": 7})),
            ("", "Pod", "good", None, spec(&[])),
        ],
    );
    let mut summary = ScanSummary::default();
    summary.add(&found);
    assert_eq!((summary.objects, summary.owners, summary.denied), (3, 3, 2));
    let owners: Vec<OwnerReport> = OwnerReport::all(&found).collect();
    let lines: Vec<String> = owners.iter().map(text::scan::owner).collect();
    assert!(lines[0].contains("shop/web") && lines[0].contains("run-as-non-root"), "{lines:?}");
    let mut rules = DeniedRules::default();
    rules.add(&found);
    let report = ScanReport {
        api_version: "podreeve.dev/v1alpha1",
        kind: "ScanReport",
        policies: vec!["owasp".to_owned()],
        owners,
        rules: rules.finish(),
        errors: vec![UnreadReport { kind: "Job".to_owned(), message: "forbidden".to_owned() }],
        summary,
    };
    let report = serde_json::to_value(&report).expect("JSON");
    super::json_schema::validate(&schema, &schema, &report, "").expect("the report fits");
    let odd = report["owners"].as_array().expect("owners").iter().find(|owner| owner["name"] == "odd").expect("odd");
    assert_eq!((odd["verdict"].as_str(), odd["problems"].as_array().map(Vec::len)), (Some("deny"), Some(1)));
}

#[test]
fn the_table_counts_the_owners_that_a_rule_would_deny() {
    let mut rules = DeniedRules::default();
    let many: Vec<String> = (0..5).map(|n| format!("n{n}")).collect();
    for (number, name) in many.iter().enumerate() {
        let privileged = || spec(&[("/securityContext/allowPrivilegeEscalation", json!(true))]);
        let mut two = privileged();
        two["hostPID"] = json!(true);
        let mut found = found(
            LIMIT,
            &[
                // Its pods have what it has, and it is one owner.
                ("apps", "Deployment", "web", None, two.clone()),
                ("", "Pod", "web-1", Some(owner("Deployment", "web")), two),
                ("", "Pod", "rooted", None, if number == 3 { root() } else { spec(&[]) }),
                ("", "Pod", "odd", None, if number == 4 { json!({"containers": 7}) } else { spec(&[]) }),
            ],
        );
        found.namespace.clone_from(name);
        rules.add(&found);
    }
    let rules = rules.finish();
    let rows: Vec<_> = rules.iter().map(|rule| (rule.rule, rule.owners, rule.namespaces.len())).collect();
    assert_eq!(rows[0], (Some("host-pid"), 5, 5), "{rows:?}");
    assert!(rows.contains(&(Some("run-as-non-root"), 1, 1)) && rows.contains(&(None, 1, 1)), "{rows:?}");
    // What the mutating webhook repairs is not denied.
    assert!(rules.iter().all(|rule| rule.rule != Some("allow-privilege-escalation")), "{rows:?}");
    let severities: Vec<_> = rules.iter().map(|rule| rule.severity).collect();
    assert!(severities.is_sorted_by(|a, b| a >= b), "{severities:?}");

    let table = text::scan_rules::table(&rules);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].contains("RULE") && lines[0].contains("SEVERITY  OWNERS  NAMESPACES"), "{table}");
    assert!(
        lines[1].starts_with("host-pid ") && lines[1].ends_with("       5  5: n0 (1), n1 (1), n2 (1), ..."),
        "{table}"
    );
    assert!(lines.iter().any(|line| line.starts_with("(cannot be judged)") && line.ends_with("1: n4 (1)")), "{table}");
    let next = text::scan_rules::next(&rules, |namespace| format!("podreeve scan -n {namespace}"), false, true);
    assert!(next.contains("Next: podreeve scan -n n0\n") && next.contains("podreeve explain host-pid\n"), "{next}");
    assert!(
        text::scan_rules::next(&rules, |_| String::new(), true, true).starts_with("Next: podreeve explain host-pid\n")
    );
    assert_eq!(text::scan_rules::table(&[]), "");
    assert_eq!(text::scan_rules::next(&[], |_| String::new(), false, false), "Nothing would be denied.\n");
    assert!(text::scan_rules::next(&[], |_| String::new(), true, true).contains("\nNext: helm upgrade podreeve "));
}
