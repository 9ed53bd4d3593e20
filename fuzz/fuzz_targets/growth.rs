//! The cost of an object grows no faster than its size, with any list or map repeated: at most as a sorted map does.
//!
//! The body says which object, and its length which list or map of it is repeated. Counted are steps; for that it is built
//! with debug assertions, as `cargo fuzz` does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::admit::{Hook, Snapshot, admit};
use podreeve::effort::steps;
use podreeve_fuzz::{TODAY, snapshot};
use serde_json::{Map, Value};
use std::sync::LazyLock;

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(snapshot);

const FEW: usize = 128;
const MANY: usize = 8 * FEW;
const MOST: u64 = 16;

fuzz_target!(|body: &[u8]| {
    assert!(cfg!(debug_assertions), "steps are counted with debug assertions alone");
    let Ok(review) = serde_json::from_slice::<Value>(body) else { return };
    let mut places = Vec::new();
    find("/request/object", review.pointer("/request/object").unwrap_or(&Value::Null), &mut places);
    if places.is_empty() {
        return;
    }
    let place = &places[body.len() % places.len()];
    for hook in Hook::ALL {
        let [few, many] = [FEW, MANY].map(|count| cost(&review, place, count, hook));
        if let (Some(few), Some(many)) = (few, many) {
            assert!(many <= few * MOST, "{place}, {hook:?}: {few} steps for {FEW}, {many} for {MANY}");
        }
    }
});

fn find(at: &str, value: &Value, places: &mut Vec<String>) {
    let inside = |key: &str| format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Array(list) => list.iter().enumerate().for_each(|(n, value)| find(&inside(&n.to_string()), value, places)),
        Value::Object(map) => map.iter().for_each(|(key, value)| find(&inside(key), value, places)),
        _ => return,
    }
    places.push(at.to_owned());
}

/// `None` where the object is refused as too large.
fn cost(review: &Value, place: &str, count: usize, hook: Hook) -> Option<u64> {
    let mut review = review.clone();
    let at = review.pointer_mut(place)?;
    match at {
        Value::Array(list) => {
            let first = list.first().cloned().unwrap_or_default();
            list.extend((0..count).map(|number| unlike(&first, number)));
        }
        Value::Object(map) => {
            let (key, value) = map.iter().next().map_or(("x".to_owned(), Value::Null), |(k, v)| (k.clone(), v.clone()));
            map.extend((0..count).map(|number| (format!("{key}{number}"), value.clone())).collect::<Map<_, _>>());
        }
        _ => return None,
    }
    let outcome = admit(review.to_string().as_bytes(), hook, &SNAPSHOT, TODAY);
    outcome.ended.is_none().then(steps)
}

/// The value, with a number of its own in each text.
fn unlike(value: &Value, number: usize) -> Value {
    match value {
        Value::String(text) => format!("{text}{number}").into(),
        Value::Array(list) => list.iter().map(|value| unlike(value, number)).collect(),
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), unlike(value, number))).collect::<Map<_, _>>().into(),
        other => other.clone(),
    }
}
