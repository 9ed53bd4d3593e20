//! Finds every error of a document. Serde reports only the first one, so the faulty value is removed and the rest is read
//! again.

use super::{PolicyError, PolicyErrors};
use crate::patch::unescape;
use serde_json::{Value, json};
use std::collections::HashMap;

/// How many errors are reported at most.
const MAX: usize = 50;

/// The values that are tried for a missing one, by the number of the attempt.
fn filler(attempt: usize) -> Option<Value> {
    [json!({}), json!(""), json!([]), json!(0), json!(false)].get(attempt).cloned()
}

/// Reads `value` by `read` until the rest of it has no errors. Returns the rest, every error, and what was removed.
pub fn read<T>(
    mut value: Value,
    read: impl Fn(&Value) -> Result<T, PolicyError>,
) -> (Option<T>, Vec<PolicyError>, Removed) {
    let (mut errors, mut removed, mut attempts) = (Vec::new(), Removed::default(), HashMap::<String, usize>::new());
    let mut filled: Vec<String> = Vec::new();
    for _ in 0..8 * MAX {
        let PolicyError { pointer, message, .. } = match read(&value) {
            Ok(read) => return (Some(read), errors, removed),
            Err(error) => error,
        };
        let place = removed.original(&pointer);
        let attempt = attempts.entry(place.clone()).or_default();
        *attempt += 1;
        let is_first = *attempt == 1;
        let is_there = value.pointer(&pointer).is_some();
        // A missing value, or one that was removed, fails here again.
        let replacement = filler(*attempt - 1);
        if is_first && errors.len() == MAX {
            break;
        }
        let in_filler =
            filled.iter().any(|above| place.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/')));
        if is_first && !in_filler && !removed.emptied(&place, value.pointer(&pointer)) {
            errors.push(PolicyError::at_pointer(place.clone(), message));
        }
        let (above, key) = pointer.rsplit_once('/').unwrap_or_default();
        if is_first && is_there {
            if !removed.remove(&mut value, &pointer) {
                break;
            }
        } else if let (Some(replacement), Some(Value::Object(map))) = (replacement, value.pointer_mut(above)) {
            map.insert(unescape(key).into_owned(), replacement);
            filled.push(place);
        } else if removed.remove(&mut value, above) {
            attempts.entry(removed.original(above)).or_insert(1);
        } else {
            break;
        }
    }
    (None, errors, removed)
}

/// The elements that were removed from lists. The indices of later errors are corrected by them.
#[derive(Debug, Default)]
pub struct Removed {
    /// The pointer to the value that was read.
    pub place: String,
    /// The list, and the original index of the element.
    elements: Vec<(String, usize)>,
}

impl Removed {
    /// The pointer that the value at this pointer had originally.
    #[must_use]
    pub fn original(&self, pointer: &str) -> String {
        let Some(pointer) = pointer.strip_prefix(&*self.place) else { return pointer.to_owned() };
        let mut original = String::new();
        for segment in pointer.split('/').skip(1) {
            let mut segment = segment.to_owned();
            if let Ok(mut index) = segment.parse::<usize>() {
                for (_, removed) in self.elements.iter().filter(|(list, _)| *list == original) {
                    index += usize::from(*removed <= index);
                }
                segment = index.to_string();
            }
            original = original + "/" + &segment;
        }
        self.place.clone() + &original
    }

    /// Whether this is a list that is empty because its elements were removed.
    fn emptied(&self, place: &str, value: Option<&Value>) -> bool {
        let is_empty = value.and_then(Value::as_array).is_some_and(Vec::is_empty);
        is_empty && self.elements.iter().any(|(list, _)| list == place)
    }

    /// The errors of the rest, with their original pointers.
    #[must_use]
    pub fn originals(&self, errors: PolicyErrors) -> PolicyErrors {
        let original = |error: PolicyError| PolicyError::at_pointer(self.original(&error.pointer), error.message);
        PolicyErrors(errors.0.into_iter().map(original).collect())
    }

    /// Removes the value; false when there is none.
    fn remove(&mut self, value: &mut Value, pointer: &str) -> bool {
        let Some((above, key)) = pointer.rsplit_once('/') else { return false };
        let place = self.original(pointer);
        match value.pointer_mut(above) {
            Some(Value::Object(map)) => map.remove(&*unescape(key)).is_some(),
            Some(Value::Array(list)) => {
                let Some(index) = key.parse::<usize>().ok().filter(|index| *index < list.len()) else { return false };
                list.remove(index);
                let (list, index) = place.rsplit_once('/').unwrap_or_default();
                self.elements.push((list.to_owned(), index.parse().unwrap_or_default()));
                // The order matters: each element shifts the ones behind it.
                self.elements.sort();
                true
            }
            _ => false,
        }
    }
}

/// Returns the value, or adds its errors: one for each pointer.
pub fn keep<T>(errors: &mut Vec<PolicyError>, result: Result<T, impl Into<PolicyErrors>>) -> Option<T> {
    let more = match result {
        Ok(value) => return Some(value),
        Err(wrong) => wrong.into().0,
    };
    for error in more {
        if errors.len() < MAX && !errors.iter().any(|known| known.pointer == error.pointer) {
            errors.push(error);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Document {
        name: String,
        #[serde(default)]
        list: Vec<Item>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Item {
        id: u8,
        text: String,
    }

    #[test]
    fn each_error_has_its_original_pointer() {
        let value = json!({"nam": "x", "list": [
            {"id": "a", "text": "x"}, {"id": 1, "text": "good"}, null, {"id": 2, "txt": "x"}, {"id": 3, "text": 4}, {"id": 5, "text": "good"},
        ]});
        let (left, errors, removed) =
            read(value, |value| super::super::document::read::read::<Document>(&value.to_string(), &[]));
        let mut keys: Vec<_> = errors.iter().map(|error| &*error.key).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["list[0].id", "list[2]", "list[3].text", "list[3].txt", "list[4].text", "nam", "name"]);
        // Faulty values are removed or filled, and the rest is kept.
        let left = left.expect("something is left");
        assert_eq!(left.list.len(), 5);
        assert_eq!(
            (removed.original("/list/1/id"), removed.original("/list/2/id")),
            ("/list/1/id".into(), "/list/3/id".into())
        );
    }

    #[test]
    fn values_without_errors_are_read() {
        let value = json!({"name": "x", "list": [{"id": 1}, {"id": 2, "text": "x"}]});
        let (left, errors, _) =
            read(value, |value| super::super::document::read::read::<Document>(&value.to_string(), &[]));
        let left = left.expect("something is left");
        let ids: Vec<u8> = left.list.iter().map(|item| item.id).collect();
        assert_eq!((left.name.as_str(), ids, left.list[1].text.as_str()), ("x", vec![1, 2], "x"));
        assert_eq!(errors.len(), 1);
    }
}
