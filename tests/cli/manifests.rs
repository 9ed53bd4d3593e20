//! Files in the forms that repositories use, compared with the objects that kubectl reads from each.
//!
//! kubectl's own decoders (`e2e/cmd/manifests`) write `tests/manifests/kubectl.json`, and the end-to-end tests
//! compare it again. podreeve misses no object that kubectl would create without an error.

use podreeve::manifest::{Object, read};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Files of which podreeve reads more than kubectl does, with the names of all objects.
const MORE: &[(&str, &[&str], &str)] = &[
    ("anchor-of-another-document.yaml", &["a"], "both stop at the anchor"),
    ("bom-before-a-separator.yaml", &["a", "b"], "kubectl does not see the `---` behind it"),
    ("broken-first.yaml", &["b"], "kubectl ends at the first fault"),
    ("broken-middle.yaml", &["a", "c"], "kubectl ends at the first fault"),
    ("colon-without-space.yaml", &["b"], "kubectl ends at the first fault"),
    ("dash-alone.yaml", &["b"], "kubectl ends at the first fault"),
    ("document-end-without-separator.yaml", &["a", "b"], "kubectl drops what follows `...` without `---`"),
    ("items-in-an-item.yaml", &["deep"], "kubectl fails at a list in a list"),
    ("items-null.yaml", &["a"], "kubectl takes this pod for an empty list"),
    ("list-in-a-list.yaml", &["a", "b"], "kubectl fails at a list in a list"),
    ("list-text-item.yaml", &["a", "b"], "kubectl fails at the list as a whole"),
    ("reserved-at-sign.yaml", &["b"], "kubectl ends at the first fault"),
    ("separator-in-quotes.yaml", &["b"], "kubectl ends at the first fault"),
    ("separator-with-object.yaml", &["a", "b"], "kubectl wants a `---` to stand alone"),
    ("separator-with-text.yaml", &["a"], "kubectl wants a `---` to stand alone"),
    ("tab-in-empty-line.yaml", &["a"], "kubectl takes the tab for indentation"),
    ("template-braces.yaml", &["b"], "kubectl ends at the first fault"),
    ("yaml-directive.yaml", &["a"], "kubectl reads YAML 1.1 alone"),
    ("yaml-directive-twice.yaml", &["a", "b"], "kubectl splits before it reads directives"),
];

/// Files that podreeve refuses and kubectl reads, each with a part of the error.
const LESS: &[(&str, &[&str], &str)] = &[
    ("duplicate-key.json", &[], "the key `hostPID` is here twice"),
    ("duplicate-key.yaml", &["b"], "the key `hostPID` is here twice"),
    ("duplicate-key-in-a-list.yaml", &[], "the key `image` is here twice"),
    ("keys-that-mean-the-same.yaml", &[], "the key `true` is here twice"),
    // Most likely a text whose quotes were forgotten.
    ("tag-custom.yaml", &[], "this tag has no meaning in a Kubernetes manifest"),
];

struct Reading {
    objects: Vec<Value>,
    errors: Vec<String>,
}

/// The object, with the apiVersion and kind that an item has from its list.
fn whole(object: &Object<'_>) -> Value {
    let mut value: Value = serde_json::from_str(&object.node.to_json()).expect("JSON");
    value["apiVersion"] = json!(object.api_version);
    value["kind"] = json!(object.kind);
    value
}

fn reading(bytes: &[u8]) -> Reading {
    let read = read(bytes);
    let mut errors: Vec<String> = read.errors.iter().map(ToString::to_string).collect();
    let mut objects = Vec::new();
    for object in read.documents.iter().flat_map(podreeve::manifest::Document::objects) {
        match object {
            Ok(object) => objects.push(whole(&object)),
            Err(error) => errors.push(error.to_string()),
        }
    }
    Reading { objects, errors }
}

/// Whole numbers without a fraction, others as floats, so that only the value is compared and not its form.
fn normal(value: &Value) -> Value {
    match value {
        Value::Number(number) => number.as_i64().map_or_else(|| json!(number.as_f64()), Value::from),
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), normal(value))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}

fn sorted(objects: &[Value]) -> Vec<String> {
    let mut texts: Vec<String> = objects.iter().map(|object| normal(object).to_string()).collect();
    texts.sort();
    texts
}

fn names(objects: &[Value]) -> Vec<&str> {
    let mut names: Vec<&str> =
        objects.iter().map(|object| object["metadata"]["name"].as_str().unwrap_or_default()).collect();
    names.sort_unstable();
    names
}

fn record() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("../manifests/kubectl.json")).expect("the record is JSON")
}

#[test]
fn every_file_is_read_as_by_kubectl() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let record = record();
    assert!(record.len() >= 60 && record.len() == fs::read_dir(&folder).expect("there").count() - 1);
    let mut wrong = Vec::new();
    for (name, kubectl) in &record {
        let bytes = fs::read(folder.join(name)).expect("there");
        let ours = reading(&bytes);
        let theirs = kubectl["objects"].as_array().expect("objects");
        let refuses = LESS.iter().find(|(file, _, _)| file == name);
        let reads_on = MORE.iter().find(|(file, _, _)| file == name);
        if let Some((_, expected, error)) = refuses {
            if names(&ours.objects) != *expected || !ours.errors.iter().any(|found| found.contains(error)) {
                wrong.push(format!("{name}: {:?} {:?}", names(&ours.objects), ours.errors));
            }
            continue;
        }
        if let Some((_, expected, _)) = reads_on {
            if names(&ours.objects) != *expected {
                wrong.push(format!("{name}: {:?}, expected {expected:?} {:?}", names(&ours.objects), ours.errors));
            }
            let (all, some) = (sorted(&ours.objects), sorted(theirs));
            if some.iter().any(|object| !all.contains(object)) {
                wrong.push(format!("{name}: {all:?} lacks some of {some:?}"));
            }
            continue;
        }
        if sorted(&ours.objects) != sorted(theirs) {
            wrong.push(format!("{name}: ours\n  {:?}\n  kubectl's\n  {:?}", sorted(&ours.objects), sorted(theirs)));
        }
        if ours.errors.is_empty() != kubectl["error"].is_null() {
            wrong.push(format!("{name}: {:?}, kubectl: {}", ours.errors, kubectl["error"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
