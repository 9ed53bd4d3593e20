//! Whatever the file: no panic, documents that are JSON, and what is JSON reads as itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::manifest::{Document, parse};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let Ok(documents) = parse(bytes) else { return };
    let values: Vec<Value> = documents.iter().map(value).collect();
    for document in &documents {
        for object in document.objects().into_iter().flatten() {
            // Every pointer has a position.
            let _ = (object.name(), object.namespace(), object.position("/spec/containers/0"));
        }
    }
    if let (Ok(json), [read]) = (serde_json::from_slice::<Value>(bytes), values.as_slice())
        && !json.is_null()
    {
        assert_eq!(&same_numbers(json), read, "JSON was read as something else");
    }
});

fn value(document: &Document) -> Value {
    same_numbers(serde_json::from_str(&document.root.to_json()).expect("a document is JSON"))
}

/// Numbers by their value, since `1.0` and `1` are one to Kubernetes.
fn same_numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(items) => items.into_iter().map(same_numbers).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, same_numbers(value))).collect(),
        value => value,
    }
}
