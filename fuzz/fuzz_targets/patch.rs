//! Whatever the pod: a patch applies, changes only what it must, and leaves nothing to patch.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::decide::Effect;
use podreeve::rule::GOOD_POD;
use podreeve::rules::RULES;
use podreeve_fuzz::{TODAY, snapshot};
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(snapshot);

/// The pods of all rules' examples, which the input varies.
static PODS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let examples = RULES.iter().flat_map(|rule| rule.examples()).map(podreeve::rule::Example::pod);
    std::iter::once(serde_json::from_str(GOOD_POD).expect("JSON")).chain(examples).collect()
});

/// A pod and the changes to it. Numbers are indices, modulo the length of the list.
#[derive(Debug, Arbitrary)]
struct Input {
    pod: u16,
    edits: Vec<Edit>,
    template: bool,
    update: bool,
}

#[derive(Debug, Arbitrary)]
struct Edit {
    at: u16,
    change: Change,
}

#[derive(Debug, Arbitrary)]
enum Change {
    Remove,
    Null,
    EmptyObject,
    EmptyList,
    True,
    False,
    Number(i64),
    Text(String),
    /// From another example, at the same place.
    From(u16),
    Twice,
    Add(u8),
}

/// Fields that a change may add to an object.
const FIELDS: &[&str] = &[
    "securityContext", "capabilities", "drop", "add", "privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem",
    "runAsNonRoot", "runAsUser", "seccompProfile", "type", "resources", "limits", "requests", "memory", "cpu", "volumes",
    "volumeMounts", "emptyDir", "mountPath", "hostPath", "path", "initContainers", "ephemeralContainers", "ports", "os", "name",
];

fuzz_target!(|input: Input| {
    let mut pod = pick(&PODS, input.pod).clone();
    for edit in input.edits.iter().take(12) {
        let mut places = Vec::new();
        list(&pod, String::new(), &mut places);
        let place = pick(&places, edit.at).clone();
        change(&mut pod, &place, &edit.change);
    }
    let object = if input.template {
        json!({"kind": "Deployment", "apiVersion": "apps/v1", "metadata": {"name": "x"}, "spec": {"template": pod}})
    } else {
        pod
    };
    let operation = if input.update { "UPDATE" } else { "CREATE" };
    let outcome = admit(&review(&object, operation), Hook::Mutate, &SNAPSHOT, TODAY);
    if outcome.patch.is_empty() {
        return;
    }
    let mut patched = object.clone();
    json_patch::patch(&mut patched, &outcome.patch).expect("the patch applies");
    assert_ne!(object, patched, "a patch that changes nothing");
    kept(&object, &patched, "");

    let again = admit(&review(&patched, operation), Hook::Mutate, &SNAPSHOT, TODAY);
    assert_eq!(again.problem, None, "the patched object cannot be read");
    assert!(again.patch.is_empty(), "patched twice: {:?} then {:?}", outcome.patch, again.patch);
    let last = admit(&review(&patched, operation), Hook::Validate, &SNAPSHOT, TODAY);
    let left = last.violations.iter().filter(|v| v.effect == Effect::Deny && v.repairable).count();
    assert_eq!(left, 0, "a violation was left that has a repair");
});

fn review(object: &Value, operation: &str) -> Vec<u8> {
    let (group, version) = match object["apiVersion"].as_str() {
        Some("apps/v1") => ("apps", "v1"),
        _ => ("", "v1"),
    };
    let kind = if group.is_empty() { "Pod" } else { "Deployment" };
    let resource = if group.is_empty() { "pods" } else { "deployments" };
    json!({
        "kind": "AdmissionReview",
        "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "u-1",
            "kind": {"group": group, "version": version, "kind": kind},
            "resource": {"group": group, "version": version, "resource": resource},
            "namespace": "default",
            "operation": operation,
            "userInfo": {"username": "jane", "groups": []},
            "object": object,
        }
    })
    .to_string()
    .into_bytes()
}

fn pick<T>(list: &[T], n: u16) -> &T {
    &list[usize::from(n) % list.len()]
}

/// Every pointer of the value below its root.
fn list(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                list(value, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        Value::Array(items) => {
            for (n, value) in items.iter().enumerate() {
                list(value, format!("{at}/{n}"), places);
            }
        }
        _ => {}
    }
    // The root too, so that there is always a place.
    places.push(at);
}

fn change(pod: &mut Value, place: &str, change: &Change) {
    if matches!(change, Change::Remove | Change::Twice) {
        let Some((parent, key)) = place.rsplit_once('/') else { return };
        match (pod.pointer_mut(parent), key.parse::<usize>()) {
            (Some(Value::Object(map)), _) if matches!(change, Change::Remove) => {
                map.remove(&key.replace("~1", "/").replace("~0", "~"));
            }
            (Some(Value::Array(items)), Ok(n)) if matches!(change, Change::Remove) => {
                items.remove(n);
            }
            (Some(Value::Array(items)), Ok(n)) => items.push(items[n].clone()),
            _ => {}
        }
        return;
    }
    let other = match change {
        Change::From(n) => pick(&PODS, *n).pointer(place).cloned(),
        _ => None,
    };
    let Some(value) = pod.pointer_mut(place) else { return };
    match change {
        Change::Null => *value = Value::Null,
        Change::EmptyObject => *value = Value::Object(Map::new()),
        Change::EmptyList => *value = Value::Array(Vec::new()),
        Change::True => *value = Value::Bool(true),
        Change::False => *value = Value::Bool(false),
        Change::Number(n) => *value = json!(n),
        Change::Text(text) => *value = json!(text),
        Change::From(_) => {
            if let Some(other) = other {
                *value = other;
            }
        }
        Change::Add(n) => {
            if let Value::Object(map) = value {
                map.entry(FIELDS[usize::from(*n) % FIELDS.len()]).or_insert(Value::Null);
            }
        }
        Change::Remove | Change::Twice => {}
    }
}

/// Nothing that was there is gone: a repair sets fields and adds to lists.
fn kept(before: &Value, after: &Value, at: &str) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            for (key, value) in before {
                let at = format!("{at}/{key}");
                kept(value, after.get(key).unwrap_or_else(|| panic!("{at} is gone")), &at);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            // service-account-token takes the token, and nothing else, out of the volume that the API server adds.
            let is_token = |item: &Value| at.ends_with("/projected/sources") && item.get("serviceAccountToken").is_some();
            let before: Vec<_> = before.iter().filter(|item| !is_token(item) || after.contains(item)).collect();
            assert!(after.len() >= before.len(), "{at} is shorter");
            for (before, after) in before.iter().zip(after) {
                kept(before, after, at);
            }
        }
        (Value::Object(_) | Value::Array(_), _) => panic!("{at} was replaced"),
        _ => {}
    }
}
