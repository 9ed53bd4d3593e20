//! A policy with an unknown key does not load, whichever object of the published schema has the key. So a whole policy is in
//! force, or nothing of it (CVE-2025-29778).

use podreeve::sources::Sources;
use serde_json::{Map, Value, json};
use std::fs;

const STRANGE: &str = "noSuchKey";

fn schema() -> Value {
    serde_json::from_str(include_str!("../../docs/policy.schema.json")).expect("it is JSON")
}

/// The schema behind a reference, or the alternative to `null`.
fn meant<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    if let Some(reference) = schema["$ref"].as_str() {
        return meant(root, root.pointer(reference.trim_start_matches('#')).expect("the reference resolves"));
    }
    schema["anyOf"].get(0).map_or(schema, |first| meant(root, first))
}

fn is(schema: &Value, kind: &str) -> bool {
    schema["type"] == kind || schema["type"].as_array().is_some_and(|kinds| kinds.contains(&json!(kind)))
}

/// A value of the key for a document that loads. It has every required key, and every key that leads to an object.
fn sample(root: &Value, key: &str, schema: &Value) -> Value {
    let schema = meant(root, schema);
    match key {
        "apiVersion" if !schema["const"].is_string() => return json!("example.com/v1"),
        "path" => return json!("spec.template"),
        "prefix" => return json!("/srv"),
        "warnUntil" => return json!("2026-11-22"),
        "rules" if schema["description"].as_str().is_some_and(|text| text.contains("about nodes")) => {
            return json!(["node-files"]);
        }
        "rules" if is(schema, "array") => return json!(["privileged"]),
        // The operator that needs no values.
        "operator" => return json!("Exists"),
        "podSecurityLabels" => return json!(true),
        // The digests of a base.
        "layers" => return json!([format!("sha256:{}", "a".repeat(64))]),
        "allow" if is(schema, "array") && schema["minItems"] == 1 => return json!(["registry.example.com"]),
        _ => {}
    }
    if !schema["const"].is_null() {
        return schema["const"].clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    if is(schema, "array") {
        return json!([sample(root, "", &schema["items"])]);
    }
    if !is(schema, "object") {
        return json!("x");
    }
    let required = |key: &String| schema["required"].as_array().is_some_and(|keys| keys.contains(&json!(key)));
    let wanted = |key: &String, inner: &Value| {
        // The schema requires an action only where the policy extends no other.
        required(key) || ["podSecurityLabels", "action"].contains(&&**key) || holds_objects(root, inner)
    };
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .filter(|(key, inner)| wanted(key, inner))
        .map(|(key, inner)| (key.clone(), sample(root, key, inner)))
        .collect::<Map<_, _>>()
        .into()
}

fn holds_objects(root: &Value, schema: &Value) -> bool {
    let schema = meant(root, schema);
    is(schema, "object") || is(schema, "array") && holds_objects(root, &schema["items"])
}

/// The pointers of the objects whose keys the schema names, each of them in the document.
fn objects(root: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = meant(root, schema);
    if is(schema, "array") {
        objects(root, &schema["items"], &value[0], &format!("{at}/0"), found);
    }
    let properties = schema["properties"].as_object();
    if properties.is_none() && schema["additionalProperties"] != false {
        return;
    }
    assert!(
        value.is_object(),
        "`sample` makes no object at {at}, where docs/policy.schema.json has one. Extend `sample` in tests/house/policy_keys.rs."
    );
    found.push(at.to_owned());
    for (key, inner) in properties.into_iter().flatten().filter(|(_, inner)| holds_objects(root, inner)) {
        objects(root, inner, &value[key], &format!("{at}/{key}"), found);
    }
}

#[test]
fn an_unknown_key_is_refused_at_every_depth() {
    let root = schema();
    let whole = sample(&root, "", &root);
    let mut places = Vec::new();
    objects(&root, &root, &whole, "", &mut places);
    // The document, two objects for each rule, and some others.
    assert!(places.len() > 2 * podreeve::rules::RULES.len() + 10, "{places:?}");

    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("policy.json");
    let sources = Sources::new(&[path.display().to_string()]).in_cluster();
    let load = |document: &Value| {
        let text = serde_json::to_string_pretty(document).expect("JSON");
        fs::write(&path, &text).expect("written");
        (sources.load(1, 0).map(|_| ()), text)
    };
    // A standard and a list of allowed directories exclude each other.
    let without = |pointer: &str, key: &str| {
        let mut document = whole.clone();
        document
            .pointer_mut(pointer)
            .and_then(Value::as_object_mut)
            .and_then(|map| map.remove(key))
            .expect("it is there");
        document
    };
    let (usual, standard) = (without("/spec", "podSecurityStandard"), without("/spec/rules", "host-path"));
    for document in [&usual, &standard] {
        let (loaded, text) = load(document);
        loaded.unwrap_or_else(|errors| {
            panic!("the sample does not load: {errors}\nMend `sample` in tests/house/policy_keys.rs.\n{text}")
        });
    }

    for place in places {
        let mut document = if place == "/spec/podSecurityStandard" { &standard } else { &usual }.clone();
        document.pointer_mut(&place).expect("it is there")[STRANGE] = json!({"a": 1});
        let (loaded, text) = load(&document);
        let errors = loaded
            .expect_err(&format!("a policy with an unknown key at {place} loads. Add deny_unknown_fields to the type"));
        let [error] = &errors.0[..] else { panic!("{place}: {errors}") };
        assert_eq!(error.file, path.display().to_string(), "{place}: {error}");
        let line = 1 + text.lines().position(|line| line.contains(STRANGE)).expect("it is there");
        assert_eq!(error.at.map(|at| at.line), Some(line), "{place}: {error}");
        let key = format!("{place}/{STRANGE}")[1..].replace("/0", "[0]").replace('/', ".");
        assert_eq!(error.key, key, "{error}");
        let says = if place == "/spec/rules" { "there is no rule `" } else { "there is no key `" };
        assert!(error.message.starts_with(&format!("{says}{STRANGE}`")), "{place}: {error}");
    }
}
