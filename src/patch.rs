//! JSON Patch (RFC 6902) for the raw object: sets fields, creates missing parents once, and removes elements.
//!
//! Each operation changes one field, so the fields of a newer Kubernetes that podreeve does not know stay as they are.

use json_patch::{AddOperation, PatchOperation, RemoveOperation, jsonptr::PointerBuf};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;

/// Escapes a key for a JSON pointer (RFC 6901).
#[must_use]
pub fn escape(key: &str) -> Cow<'_, str> {
    let is_special = key.bytes().any(|byte| matches!(byte, b'~' | b'/'));
    if is_special { Cow::Owned(key.replace('~', "~0").replace('/', "~1")) } else { Cow::Borrowed(key) }
}

/// The inverse of [`escape`].
#[must_use]
pub fn unescape(key: &str) -> Cow<'_, str> {
    if key.bytes().any(|byte| byte == b'~') {
        Cow::Owned(key.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(key)
    }
}

/// The first segment of a pointer without its slash, and the rest behind the next slash. Segments are so short that a search for
/// many bytes at once costs more.
#[must_use]
pub fn first_segment(path: &str) -> (&str, Option<&str>) {
    let slash = path.bytes().position(|byte| byte == b'/');
    let parts = slash.and_then(|slash| Some((path.get(..slash)?, path.get(slash + 1..)?)));
    parts.map_or((path, None), |(first, rest)| (first, Some(rest)))
}

/// The pointer into the object, from a pointer into the pod at `prefix`. Each `/..` at the beginning of `pointer`
/// goes up by one key, from the pod to the Job around it.
#[must_use]
pub fn absolute(prefix: &str, pointer: &str) -> String {
    let (prefix, pointer) = resolved(prefix, pointer);
    let mut absolute = String::with_capacity(prefix.len() + pointer.len());
    absolute.push_str(prefix);
    absolute.push_str(pointer);
    absolute
}

/// The two parts of [`absolute`], without `/..`.
#[must_use]
pub fn resolved<'t>(prefix: &'t str, pointer: &'t str) -> (&'t str, &'t str) {
    let (mut prefix, mut pointer) = (prefix, pointer);
    while let Some(rest) = pointer.strip_prefix("/..").filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        prefix = prefix.rsplit_once('/').map_or("", |(above, _)| above);
        pointer = rest;
    }
    (prefix, pointer)
}

/// Appends the segment of a list element.
pub fn push_index(pointer: &mut String, index: usize) {
    pointer.push('/');
    match u8::try_from(index) {
        Ok(digit @ 0..10) => pointer.push(char::from(b'0' + digit)),
        _ => {
            // Writing to a string cannot fail.
            let _ = write!(pointer, "{index}");
        }
    }
}

/// Builds a minimal patch. A field below a parent that the patch creates becomes part of that parent's value, and a field
/// that is set twice has one operation.
#[derive(Debug, Default)]
pub struct PatchBuilder {
    /// The path and the new value of each operation. No value removes the path.
    operations: Vec<(String, Option<Value>)>,
    /// The index in `operations` of each path. A pod may have 20,000 containers to repair.
    places: HashMap<String, usize>,
}

impl PatchBuilder {
    /// Sets the field at `pointer` + `missing`. `pointer` exists in the object. `missing` is the rest of the path: its
    /// parents are created as objects. With an empty `missing` the value at `pointer` is replaced.
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

    /// Appends to the list at `pointer` + `missing`, and creates the list when it is missing.
    pub fn append(&mut self, pointer: &str, missing: &str, value: Value) {
        if missing.is_empty() && !self.is_set(pointer) {
            self.operations.push((format!("{pointer}/-"), Some(value)));
        } else {
            self.set(pointer, missing, Value::Array(vec![value]));
        }
    }

    /// Removes the value at `pointer`. Remove the last element of a list before the elements in front of it.
    pub fn remove(&mut self, pointer: String) {
        self.operations.push((pointer, None));
    }

    fn is_set(&self, pointer: &str) -> bool {
        self.places.contains_key(pointer)
    }

    fn place(&mut self, path: String, value: Value) {
        let operation = self.places.get(&path).and_then(|place| self.operations.get_mut(*place));
        if let Some((_, Some(set))) = operation {
            return merge(set, value);
        }
        self.places.insert(path.clone(), self.operations.len());
        self.operations.push((path, Some(value)));
    }

    /// The operations, with `prefix` (the pointer from the object to its pod) in front of every path.
    #[must_use]
    pub fn finish(self, prefix: &str) -> Vec<PatchOperation> {
        self.operations
            .into_iter()
            .filter_map(|(path, value)| {
                // `add` replaces an existing value, also null.
                let path = PointerBuf::parse(absolute(prefix, &path)).ok()?;
                Some(match value {
                    Some(value) => PatchOperation::Add(AddOperation { path, value }),
                    None => PatchOperation::Remove(RemoveOperation { path }),
                })
            })
            .collect()
    }
}

/// Merges two objects, appends a list to a list, and replaces any other value.
fn merge(into: &mut Value, value: Value) {
    match (into, value) {
        (Value::Object(into), Value::Object(value)) => {
            for (key, value) in value {
                match into.get_mut(&key) {
                    Some(into) => merge(into, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(into), Value::Array(value)) => into.extend(value),
        (into, value) => *into = value,
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
    fn a_list_that_the_patch_creates_is_one_operation() {
        let mut patch = PatchBuilder::default();
        patch.set("/l", "", json!([1]));
        patch.append("/l", "", json!(2));
        patch.append("/m", "", json!(3));
        let (object, operations) = applied(json!({"l": null, "m": [0]}), patch);
        assert_eq!((object, operations), (json!({"l": [1, 2], "m": [0, 3]}), 2));
    }

    #[test]
    fn a_pointer_has_a_first_segment() {
        for (path, first) in
            [("", ("", None)), ("a", ("a", None)), ("a/b/é", ("a", Some("b/é"))), ("/a", ("", Some("a")))]
        {
            assert_eq!(first_segment(path), first);
        }
    }

    #[test]
    fn an_index_is_a_segment() {
        let mut pointer = String::new();
        for index in [0, 9, 10, 255, 256, 20_000] {
            push_index(&mut pointer, index);
        }
        assert_eq!(pointer, "/0/9/10/255/256/20000");
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
    fn a_list_is_appended_to_or_created_once() {
        let mut patch = PatchBuilder::default();
        patch.append("/volumes", "", json!("b"));
        patch.append("/volumes", "", json!("c"));
        patch.append("", "/mounts", json!(1));
        patch.append("", "/mounts", json!(2));
        assert_eq!(applied(json!({"volumes": ["a"]}), patch).0, json!({"volumes": ["a", "b", "c"], "mounts": [1, 2]}));
    }

    #[test]
    fn a_pointer_can_leave_the_pod() {
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
