//! The AdmissionReviews that are measured, as kube-apiserver sends them.
#![allow(dead_code, reason = "each bench uses its own part")]

use podreeve::review::Creation;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The place for the uid. Each connection has its own, so that a mixed-up answer is noticed.
pub const UID: &str = "00000000-0000-4000-8000-000000000000";

pub struct Body {
    pub name: &'static str,
    pub json: String,
    /// Bytes of `object` alone.
    pub object: usize,
    /// A text that every answer must contain.
    pub allowed: bool,
}

impl Body {
    fn new(name: &'static str, request: &Request<'_>, allowed: bool) -> Self {
        Self { name, json: request.review(), object: request.object.len(), allowed }
    }
}

/// The Deployment of `tests/reviews`, as an API server sent it: 13 violations in three containers.
pub fn recorded_deployment() -> Body {
    recorded("recorded bad Deployment", include_str!("../tests/reviews/review-001-Deployment-CREATE.json"), false)
}

/// The CronJob of `tests/reviews`, which takes the node's network.
pub fn recorded_cron_job() -> Body {
    recorded("recorded bad CronJob", include_str!("../tests/reviews/review-002-CronJob-CREATE.json"), false)
}

fn recorded(name: &'static str, json: &str, allowed: bool) -> Body {
    let mut review: Value = serde_json::from_str(json).expect("JSON");
    let uid = review["request"]["uid"].as_str().expect("a uid").to_owned();
    let object = review["request"]["object"].take().to_string().len();
    Body { name, json: json.replace(&uid, UID), object, allowed }
}

/// The add-ons of `tests/addons`, as their creation. Half of them need the node, and are denied.
pub fn add_ons() -> Vec<Vec<u8>> {
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/addons")).expect("the folder");
    let mut files: Vec<_> = folder.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let mut bodies = Vec::new();
    for file in files {
        for document in podreeve::manifest::parse(&std::fs::read(file).expect("a file")).expect("YAML") {
            for object in document.objects() {
                let object = object.expect("an object");
                let raw = RawValue::from_string(object.node.to_json()).expect("JSON");
                let creation = Creation {
                    group: object.group(),
                    version: object.version(),
                    kind: object.kind,
                    namespace: object.namespace().unwrap_or("default"),
                    name: &object.name(),
                    user: "system:serviceaccount:ci:deployer",
                    groups: &["system:serviceaccounts", "system:authenticated"],
                };
                bodies.push(creation.of(raw));
            }
        }
    }
    bodies
}

/// A clean pod of about 3 KB: one container, written by server-side apply.
pub fn pod() -> Body {
    Body::new("3 KB pod", &Request::pod(&stored("Pod", "v1", "web", pod_spec(1), false)), true)
}

/// A clean Deployment of about 14 KB that was changed: as `kubectl apply` leaves it, with its last applied
/// configuration in an annotation and two managers; three containers; sent with the old object.
pub fn deployment() -> Body {
    let new = deployment_object("1.4.2");
    let old = deployment_object("1.4.1");
    let request = Request {
        kind: r#"{"group":"apps","version":"v1","kind":"Deployment"}"#,
        resource: r#"{"group":"apps","version":"v1","resource":"deployments"}"#,
        name: "web",
        operation: "UPDATE",
        object: &new,
        old: &old,
    };
    Body::new("14 KB Deployment update", &request, true)
}

/// A pod that breaks as many rules as a pod does in practice.
pub fn bad_pod() -> Body {
    Body::new("bad pod", &Request::pod(&stored("Pod", "v1", "web", bad_spec(), false)), false)
}

fn bad_spec() -> Value {
    let mut spec = pod_spec(2);
    spec["hostNetwork"] = json!(true);
    spec["securityContext"] = json!({});
    spec["volumes"] = json!([{"name": "sock", "hostPath": {"path": "/var/run/docker.sock", "type": ""}}]);
    if let Some(containers) = spec["containers"].as_array_mut() {
        for container in containers {
            container["securityContext"] = json!({"privileged": true, "capabilities": {"add": ["SYS_ADMIN"]}});
            container["resources"] = json!({});
        }
    }
    spec
}

/// A clean pod of 1 MiB, most of it an annotation, as configuration that was put in the wrong place.
pub fn large_pod() -> Body {
    let mut text = String::new();
    while text.len() < 1_000_000 {
        let _ = writeln!(text, "<server name=\"{}\">", text.len());
    }
    let mut pod: Value = serde_json::from_str(&stored("Pod", "v1", "web", pod_spec(1), false)).unwrap();
    pod["metadata"]["annotations"] = json!({"example.com/config": text});
    // Go's encoder escapes these three.
    let object = pod.to_string().replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    Body::new("1 MiB pod", &Request::pod(&object), true)
}

/// As many bare containers as etcd takes; every container rule finds something in each.
pub fn crowded_pod(count: usize) -> Body {
    let containers: Vec<Value> = (0..count).map(|n| json!({"name": format!("c{n}"), "image": "a"})).collect();
    let object = json!({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "web", "namespace": "default"}, "spec": {"containers": containers}});
    Body::new("20,000 containers", &Request::pod(&object.to_string()), false)
}

/// As many containers that violate nothing.
pub fn clean_crowd(count: usize) -> Body {
    let mut spec = pod_spec(1);
    let small = json!({
        "name": "", "image": format!("a@sha256:{}", "b".repeat(64)), "resources": {"limits": {"memory": "64Mi", "ephemeral-storage": "1Mi"}, "requests": {"cpu": "1m"}},
        "livenessProbe": {}, "readinessProbe": {},
        "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": true},
    });
    let containers = (0..count).map(|n| {
        let mut container = small.clone();
        container["name"] = json!(format!("c{n}"));
        container
    });
    spec["containers"] = containers.collect();
    Body::new("20,000 clean containers", &Request::pod(&stored("Pod", "v1", "web", spec, false)), true)
}

/// What the API server writes around an object, in its order.
struct Request<'a> {
    kind: &'a str,
    resource: &'a str,
    name: &'a str,
    operation: &'a str,
    object: &'a str,
    old: &'a str,
}

impl<'a> Request<'a> {
    fn pod(object: &'a str) -> Self {
        Self {
            kind: r#"{"group":"","version":"v1","kind":"Pod"}"#,
            resource: r#"{"group":"","version":"v1","resource":"pods"}"#,
            name: "web",
            operation: "CREATE",
            object,
            old: "null",
        }
    }

    fn review(&self) -> String {
        let Self { kind, resource, name, operation, object, old } = self;
        let options = if *operation == "UPDATE" { "UpdateOptions" } else { "CreateOptions" };
        format!(
            "{{\"kind\":\"AdmissionReview\",\"apiVersion\":\"admission.k8s.io/v1\",\"request\":{{\"uid\":\"{UID}\",\
             \"kind\":{kind},\"resource\":{resource},\"requestKind\":{kind},\"requestResource\":{resource},\
             \"name\":\"{name}\",\"namespace\":\"default\",\"operation\":\"{operation}\",\
             \"userInfo\":{{\"username\":\"system:serviceaccount:ci:deployer\",\"uid\":\"aa8e6a3c-7d5a-4e1b-9a27-2f2f9d4ac001\",\
             \"groups\":[\"system:serviceaccounts\",\"system:serviceaccounts:ci\",\"system:authenticated\"]}},\
             \"object\":{object},\"oldObject\":{old},\"dryRun\":false,\
             \"options\":{{\"kind\":\"{options}\",\"apiVersion\":\"meta.k8s.io/v1\",\"fieldManager\":\"kubectl\",\
             \"fieldValidation\":\"Strict\"}}}}}}\n"
        )
    }
}

/// The Deployment of [`deployment`], as a manifest.
pub fn deployment_manifest() -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "default", "labels": {"app.kubernetes.io/name": "web"}}, "spec": deployment_spec("1.4.2")})
}

/// The pod of [`bad_pod`], as a manifest.
pub fn bad_pod_manifest() -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "default"}, "spec": bad_spec()})
}

fn deployment_object(tag: &str) -> String {
    stored("Deployment", "apps/v1", "web", deployment_spec(tag), true)
}

fn deployment_spec(tag: &str) -> Value {
    json!({
        "replicas": 3,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        "selector": {"matchLabels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "shop"}},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
        "template": {
            "metadata": {
                "labels": {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": "shop", "team": "shop"},
                "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "example.com/release": tag}
            },
            "spec": pod_spec(3),
        },
    })
}

/// The object as the API server holds it: metadata, managed fields and, for `kubectl apply`, the annotation.
fn stored(kind: &str, api_version: &str, name: &str, spec: Value, client_side: bool) -> String {
    let applied = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": "default", "labels": {"app.kubernetes.io/name": "web"}, "annotations": {}}, "spec": spec});
    let owned = json!({"f:metadata": {"f:labels": {".": {}, "f:app.kubernetes.io/name": {}}}, "f:spec": fields(&spec)});
    let mut metadata = json!({
        "name": name,
        "namespace": "default",
        "uid": "356ea54a-f217-43d2-9fb8-890a9fb47059",
        "generation": 1,
        "creationTimestamp": "2026-11-22T08:50:38Z",
        "labels": {"app.kubernetes.io/name": "web"},
        "managedFields": [manager("kubectl-client-side-apply", "Update", api_version, &owned)],
    });
    let mut object = json!({"kind": kind, "apiVersion": api_version, "metadata": metadata, "spec": spec, "status": {}});
    if client_side {
        metadata["resourceVersion"] = json!("48213377");
        metadata["annotations"] = json!({
            "deployment.kubernetes.io/revision": "7",
            "kubectl.kubernetes.io/last-applied-configuration": format!("{applied}\n"),
        });
        let status = json!({
            "observedGeneration": 6, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3,
            "conditions": [
                {"type": "Available", "status": "True", "lastUpdateTime": "2026-11-22T08:51:20Z",
                 "lastTransitionTime": "2026-11-22T08:51:20Z", "reason": "MinimumReplicasAvailable",
                 "message": "Deployment has minimum availability."},
                {"type": "Progressing", "status": "True", "lastUpdateTime": "2026-11-22T08:51:20Z",
                 "lastTransitionTime": "2026-11-22T08:50:38Z", "reason": "NewReplicaSetAvailable",
                 "message": "ReplicaSet \"web-6d4cf56db6\" has successfully progressed."}
            ],
        });
        let by_controller = json!({
            "f:metadata": {"f:annotations": {".": {}, "f:deployment.kubernetes.io/revision": {}}},
            "f:status": fields(&status),
        });
        if let Some(managers) = metadata["managedFields"].as_array_mut() {
            managers.push(manager("kube-controller-manager", "Update", api_version, &by_controller));
        }
        object["status"] = status;
        object["metadata"] = metadata;
    }
    object.to_string()
}

fn manager(name: &str, operation: &str, api_version: &str, fields: &Value) -> Value {
    json!({"manager": name, "operation": operation, "apiVersion": api_version, "time": "2026-11-22T08:50:38Z",
        "fieldsType": "FieldsV1", "fieldsV1": fields})
}

/// `FieldsV1` of a value, with the keys that the API server's schema gives to lists of objects.
fn fields(value: &Value) -> Value {
    let mut out = Map::new();
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                out.insert(format!("f:{key}"), fields(value));
            }
        }
        Value::Array(list) if list.iter().all(Value::is_object) => {
            for item in list {
                let key = ["containerPort", "mountPath", "name", "type"].iter().find_map(|k| Some((k, item.get(k)?)));
                let mut inner = Map::from_iter([(".".to_owned(), json!({}))]);
                if let Value::Object(map) = fields(item) {
                    inner.extend(map);
                }
                if let Some((key, value)) = key {
                    out.insert(format!("k:{}", json!({*key: value})), Value::Object(inner));
                }
            }
        }
        _ => {}
    }
    Value::Object(out)
}

const NAMES: [&str; 3] = ["web", "auth-proxy", "log-shipper"];

/// A clean pod as it is after the API server's defaults.
fn pod_spec(containers: usize) -> Value {
    // A pod alone is a small one, without what several containers share.
    let small = containers == 1;
    let containers: Vec<Value> =
        NAMES.iter().take(containers).enumerate().map(|(n, name)| container(name, n, small || n == 2)).collect();
    json!({
        "automountServiceAccountToken": false,
        "hostUsers": false,
        "containers": containers,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "resources": {"limits": {"pids": "100"}},
        "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": if small { json!([]) } else { json!([{"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}}]) },
    })
}

fn container(name: &str, n: usize, small: bool) -> Value {
    let port = 8080 + n;
    let probe = |path: &str| {
        json!({"httpGet": {"path": path, "port": port, "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10,
            "successThreshold": 1, "failureThreshold": 3})
    };
    let mut container = json!({
        "name": name,
        "image": format!("registry.example.com/shop/{name}:1.4.2@sha256:{}", "b".repeat(64)),
        "imagePullPolicy": "Always",
        "ports": [{"name": format!("http{n}"), "containerPort": port, "protocol": "TCP"}],
        "resources": {
            "limits": {"cpu": "1", "memory": "128Mi", "ephemeral-storage": "64Mi"},
            "requests": {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "16Mi"},
        },
        "livenessProbe": probe("/healthz"),
        "readinessProbe": probe("/readyz"),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "capabilities": {"drop": ["ALL"]},
            "privileged": false,
            "readOnlyRootFilesystem": true,
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    });
    if !small {
        container["env"] = json!([
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "NODE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}},
        ]);
        container["volumeMounts"] = json!([{"name": "tmp", "mountPath": "/tmp"}]);
    }
    container
}
