//! Compares two manifests: the lines to remove, the lines to write, and the keys above them.

use crate::manifest::to_yaml;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;

/// YAML in which lines only in `old` begin with `-` and lines only in `new` with `+`. Of what does not change, only the keys above
/// a change are shown.
pub fn diff(old: &Value, new: &Value) -> String {
    let mut text = String::new();
    value(&mut text, 0, old, new);
    text
}

fn value(text: &mut String, indent: usize, old: &Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => members(text, indent, old, new),
        (Value::Array(old), Value::Array(new)) => items(text, indent, old, new),
        _ => {
            lines(text, '-', indent, old);
            lines(text, '+', indent, new);
        }
    }
}

fn members(text: &mut String, indent: usize, old: &Map<String, Value>, new: &Map<String, Value>) {
    let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        match (old.get(key), new.get(key)) {
            (before, after) if before == after => {}
            (Some(before), Some(after)) if goes_deeper(before, after) => {
                let _ = writeln!(text, "  {:indent$}{key}:", "");
                // Lists are printed under their key without indentation, as kubectl does.
                let step = if before.is_array() { 0 } else { 2 };
                value(text, indent + step, before, after);
            }
            (before, after) => {
                for (sign, side) in [('-', before), ('+', after)] {
                    if let Some(side) = side {
                        lines(text, sign, indent, &json!({ key: side }));
                    }
                }
            }
        }
    }
}

fn items(text: &mut String, indent: usize, old: &[Value], new: &[Value]) {
    for index in 0..old.len().max(new.len()) {
        match (old.get(index), new.get(index)) {
            (before, after) if before == after => {}
            (Some(before), Some(after)) if goes_deeper(before, after) => {
                // The name shows which item it is.
                let name = before.get("name").filter(|name| Some(*name) == after.get("name"));
                let name = name.and_then(Value::as_str).map_or("...".to_owned(), |name| format!("name: {name}"));
                let _ = writeln!(text, "  {:indent$}- {name}", "");
                value(text, indent + 2, before, after);
            }
            (before, after) => {
                for (sign, side) in [('-', before), ('+', after)] {
                    if let Some(side) = side {
                        lines(text, sign, indent, &json!([side]));
                    }
                }
            }
        }
    }
}

/// Whether both values have members or items that can be compared one by one.
fn goes_deeper(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => !old.is_empty() && !new.is_empty(),
        // Lists of scalars are shown whole, because that reads better.
        (Value::Array(old), Value::Array(new)) => {
            !old.is_empty() && !new.is_empty() && old.iter().chain(new).all(Value::is_object)
        }
        _ => false,
    }
}

fn lines(text: &mut String, sign: char, indent: usize, value: &Value) {
    for line in to_yaml(value).lines() {
        let _ = writeln!(text, "{sign} {:indent$}{line}", "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_and_the_keys_above_them_are_shown() {
        let old = json!({"spec": {"hostPID": true, "containers": [{"name": "app", "image": "x", "securityContext": {"a": 1, "b": 2}}]}});
        let new = json!({"spec": {"containers": [{"name": "app", "image": "x", "securityContext": {"a": 3, "b": 2}}], "volumes": [{"name": "v"}]}});
        let expected = [
            "  spec:",
            "    containers:",
            "    - name: app",
            "      securityContext:",
            "-       a: 1",
            "+       a: 3",
            "-   hostPID: true",
            "+   volumes:",
            "+   - name: v",
            "",
        ];
        assert_eq!(diff(&old, &new), expected.join("\n"));
        assert_eq!(diff(&old, &old), "");
    }

    #[test]
    fn lists_of_scalars_are_shown_whole() {
        let shown = diff(&json!({"add": ["A", "B"]}), &json!({"add": ["A"]}));
        assert_eq!(shown, "- add:\n- - A\n- - B\n+ add:\n+ - A\n");
    }
}
