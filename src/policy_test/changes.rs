//! What a webhook changes in an object, and whether an object is as a test expects.

use serde_json::{Map, Value, json};

/// The keys of `after` that differ from `before`, with their values; `null` for one that is gone. None where nothing differs.
#[must_use]
pub fn changes(before: &Value, after: &Value) -> Option<Value> {
    match (before, after) {
        _ if before == after => None,
        (Value::Object(old), Value::Object(new)) => {
            let mut changed = Map::new();
            for (key, value) in new {
                let change = old.get(key).map_or_else(|| Some(value.clone()), |old| changes(old, value));
                changed.extend(change.map(|change| (key.clone(), change)));
            }
            let gone = old.keys().filter(|key| !new.contains_key(*key));
            changed.extend(gone.map(|key| (key.clone(), Value::Null)));
            Some(Value::Object(changed))
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            let item = |(old, new): (&Value, &Value)| match changes(old, new) {
                Some(change) => change,
                None if new.is_object() => json!({}),
                None => new.clone(),
            };
            Some(Value::Array(old.iter().zip(new).map(item).collect()))
        }
        _ => Some(after.clone()),
    }
}

/// Adds each place where `found` is not as `expected`: its JSON pointer, and both values. Keys that are not expected may have any
/// value, and an expected `null` means that there is no such key.
pub fn differences<'v>(
    expected: &'v Value,
    found: &'v Value,
    pointer: &str,
    add: &mut impl FnMut(String, &'v Value, &'v Value),
) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (key, value) in expected {
                let below = format!("{pointer}/{}", crate::patch::escape(key));
                differences(value, found.get(key).unwrap_or(&Value::Null), &below, add);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
                differences(expected, found, &format!("{pointer}/{index}"), add);
            }
        }
        _ if expected == found => {}
        _ => add(pointer.to_owned(), expected, found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn different(expected: &Value, found: &Value) -> Vec<String> {
        let mut pointers = Vec::new();
        differences(expected, found, "", &mut |pointer, _, _| pointers.push(pointer));
        pointers
    }

    #[test]
    fn changes_are_what_differs() {
        let before = json!({"a": 1, "b": {"c": [{"d": 1}, {"e": 2}], "f": [1]}, "g": 1});
        let after = json!({"a": 1, "b": {"c": [{"d": 1}, {"e": 3, "h": {}}], "f": [1, 2]}});
        let changed = json!({"b": {"c": [{}, {"e": 3, "h": {}}], "f": [1, 2]}, "g": null});
        assert_eq!(changes(&before, &after), Some(changed.clone()));
        assert_eq!(changes(&before, &before), None);
        assert_eq!(different(&changed, &after), [""; 0]);
        assert_eq!(different(&changed, &before), ["/b/c/1/e", "/b/c/1/h", "/b/f", "/g"]);
    }

    #[test]
    fn what_is_not_expected_may_be_anything() {
        assert_eq!(different(&json!({}), &json!({"a": 1})), [""; 0]);
        assert_eq!(different(&json!({"a": {}}), &json!({"a": 1})), ["/a"]);
        assert_eq!(different(&json!({"a": null}), &json!({"a": 1, "b": 2})), ["/a"]);
        assert_eq!(different(&json!({"a": {"b": 1}}), &json!({})), ["/a"]);
    }
}
