//! JSON Patch (RFC 6902) on the raw object: additions and replacements, parents made once, and single elements removed.
//!
//! Operations name single fields, so fields of a newer Kubernetes that podreeve does not know survive.

use json_patch::{AddOperation, PatchOperation, RemoveOperation, jsonptr::PointerBuf};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;

/// Escapes a key for a JSON pointer (RFC 6901).
#[must_use]
pub fn escape(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) { Cow::Owned(key.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(key) }
}

/// The inverse of [`escape`].
#[must_use]
pub fn unescape(key: &str) -> Cow<'_, str> {
    if key.contains('~') { Cow::Owned(key.replace("~1", "/").replace("~0", "~")) } else { Cow::Borrowed(key) }
}

/// The pointer into the object of a pointer into the pod that stands at `prefix`. Each `/..` at its
/// beginning steps out of the pod by one key, to the Job that holds it.
#[must_use]
pub fn absolute(prefix: &str, pointer: &str) -> String {
    let (mut prefix, mut pointer) = (prefix, pointer);
    while let Some(rest) = pointer.strip_prefix("/..").filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        prefix = prefix.rsplit_once('/').map_or("", |(above, _)| above);
        pointer = rest;
    }
    format!("{prefix}{pointer}")
}

/// Builds a minimal patch: fields set under a parent that the patch itself makes go into that
/// parent's value, and setting a field twice keeps one operation.
#[derive(Debug, Default)]
pub struct PatchBuilder {
    /// A path and what is set there; nothing where it is removed.
    operations: Vec<(String, Option<Value>)>,
    /// Where in `operations` a path is: a pod may have 20,000 containers to repair.
    places: HashMap<String, usize>,
}

impl PatchBuilder {
    /// Sets the field at `pointer` + `missing`, where `pointer` resolves in the object and
    /// `missing` is what lies between (the parents in it are made as objects) and the field itself.
    /// With an empty `missing` the value at `pointer` is replaced.
    pub fn set(&mut self, pointer: &str, missing: &str, value: Value) {
        let mut segments = missing.split('/').skip(1);
        let Some(first) = segments.next() else {
            self.place(pointer.to_owned(), value);
            return;
        };
        let base = format!("{pointer}/{first}");
        let rest: Vec<&str> = segments.collect();
        let nested = rest
            .iter()
            .rev()
            .fold(value, |value, key| Value::Object(Map::from_iter([(unescape(key).into_owned(), value)])));
        self.place(base, nested);
    }

    /// Appends to the list at `pointer` + `missing`, which is made when it is missing.
    pub fn append(&mut self, pointer: &str, missing: &str, value: Value) {
        if missing.is_empty() && !self.is_made(pointer) {
            self.operations.push((format!("{pointer}/-"), Some(value)));
        } else {
            self.set(pointer, missing, Value::Array(vec![value]));
        }
    }

    /// Removes what is at `pointer`. Of several elements of a list, the last must come first.
    pub fn remove(&mut self, pointer: String) {
        self.operations.push((pointer, None));
    }

    fn is_made(&self, pointer: &str) -> bool {
        self.places.contains_key(pointer)
    }

    fn place(&mut self, path: String, value: Value) {
        let made = self.places.get(&path).and_then(|place| self.operations.get_mut(*place));
        if let Some((_, Some(made))) = made {
            return merge(made, value);
        }
        self.places.insert(path.clone(), self.operations.len());
        self.operations.push((path, Some(value)));
    }

    /// The operations with every path under `prefix` (the pointer from the object to its pod).
    #[must_use]
    pub fn finish(self, prefix: &str) -> Vec<PatchOperation> {
        self.operations
            .into_iter()
            .filter_map(|(path, value)| {
                // `add` replaces what is there, null included.
                let path = PointerBuf::parse(absolute(prefix, &path)).ok()?;
                Some(match value {
                    Some(value) => PatchOperation::Add(AddOperation { path, value }),
                    None => PatchOperation::Remove(RemoveOperation { path }),
                })
            })
            .collect()
    }
}

/// Objects are joined, lists are appended, anything else is replaced.
fn merge(made: &mut Value, value: Value) {
    match (made, value) {
        (Value::Object(made), Value::Object(value)) => {
            for (key, value) in value {
                match made.get_mut(&key) {
                    Some(made) => merge(made, value),
                    None => {
                        made.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(made), Value::Array(value)) => made.extend(value),
        (made, value) => *made = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn applied(mut object: Value, builder: PatchBuilder) -> (Value, usize) {
        let operations = builder.finish("");
        json_patch::patch(&mut object, &operations).expect("the patch applies");
        (object, operations.len())
    }

    #[test]
    fn two_fields_under_a_missing_parent_are_one_operation() {
        let mut patch = PatchBuilder::default();
        patch.set("/c/0", "/securityContext/a", json!(1));
        patch.set("/c/0", "/securityContext/b/c", json!(2));
        let (object, operations) = applied(json!({"c": [{"x": 1}]}), patch);
        assert_eq!(object, json!({"c": [{"x": 1, "securityContext": {"a": 1, "b": {"c": 2}}}]}));
        assert_eq!(operations, 1);
    }

    #[test]
    fn elements_are_removed_one_by_one() {
        let mut patch = PatchBuilder::default();
        patch.remove("/l/2".to_owned());
        patch.remove("/l/0".to_owned());
        patch.set("/a", "", json!(1));
        let (object, operations) = applied(json!({"l": [1, 2, 3], "a": 0}), patch);
        assert_eq!((object, operations), (json!({"l": [2], "a": 1}), 3));
    }

    #[test]
    fn a_list_that_the_patch_makes_is_made_whole() {
        let mut patch = PatchBuilder::default();
        patch.set("/l", "", json!([1]));
        patch.append("/l", "", json!(2));
        patch.append("/m", "", json!(3));
        let (object, operations) = applied(json!({"l": null, "m": [0]}), patch);
        assert_eq!((object, operations), (json!({"l": [1, 2], "m": [0, 3]}), 2));
    }

    #[test]
    fn null_parents_are_replaced() {
        let mut patch = PatchBuilder::default();
        patch.set("/c", "/securityContext/a", json!(1));
        assert_eq!(
            applied(json!({"c": {"securityContext": null}}), patch).0,
            json!({"c": {"securityContext": {"a": 1}}})
        );
    }

    #[test]
    fn lists_are_appended_or_made_once() {
        let mut patch = PatchBuilder::default();
        patch.append("/volumes", "", json!("b"));
        patch.append("/volumes", "", json!("c"));
        patch.append("", "/mounts", json!(1));
        patch.append("", "/mounts", json!(2));
        assert_eq!(applied(json!({"volumes": ["a"]}), patch).0, json!({"volumes": ["a", "b", "c"], "mounts": [1, 2]}));
    }

    #[test]
    fn pointers_step_out_of_the_pod() {
        assert_eq!(absolute("/spec/template", "/spec/os"), "/spec/template/spec/os");
        assert_eq!(absolute("/spec/template", "/../backoffLimit"), "/spec/backoffLimit");
        assert_eq!(absolute("/spec/jobTemplate/spec/template", "/.."), "/spec/jobTemplate/spec");
        assert_eq!(absolute("/spec/template", "/..a"), "/spec/template/..a");
        assert_eq!(absolute("", "/.."), "");
    }

    #[test]
    fn keys_with_slashes_survive() {
        let mut patch = PatchBuilder::default();
        patch.set("", &format!("/{}/x", escape("a/b~c")), json!(1));
        assert_eq!(applied(json!({}), patch).0, json!({"a/b~c": {"x": 1}}));
        assert_eq!(unescape(&escape("a/b~1c")), "a/b~1c");
    }
}
