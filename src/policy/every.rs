//! Every error of a document, where serde says only the first: what is wrong is taken out, and the rest is read again.

use super::{PolicyError, PolicyErrors};
use crate::patch::{escape, unescape};
use serde_json::{Value, json};
use std::collections::HashMap;

/// More errors than anybody repairs at once.
const MAX: usize = 50;

/// What may stand for a value that is missing, one after the other.
fn filler(turn: usize) -> Option<Value> {
    [json!({}), json!(""), json!([]), json!(0), json!(false)].get(turn).cloned()
}

/// Reads `value` by `read` until nothing is wrong with what is left of it: that, and every error.
pub fn read<T>(
    mut value: Value,
    read: impl Fn(&Value) -> Result<T, PolicyError>,
) -> (Option<T>, Vec<PolicyError>, Removed) {
    let (mut errors, mut removed, mut turns) = (Vec::new(), Removed::default(), HashMap::<String, usize>::new());
    let mut filled: Vec<String> = Vec::new();
    for _ in 0..8 * MAX {
        let PolicyError { pointer, message, .. } = match read(&value) {
            Ok(read) => return (Some(read), errors, removed),
            Err(error) => error,
        };
        let place = removed.original(&pointer);
        let turn = turns.entry(place.clone()).or_default();
        *turn += 1;
        let is_first = *turn == 1;
        let is_there = value.pointer(&pointer).is_some();
        // What was there and wrong, or is missing, comes here again.
        let stand_in = filler(*turn - 1);
        if is_first && errors.len() == MAX {
            break;
        }
        let in_filler =
            filled.iter().any(|above| place.strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with('/')));
        if is_first && !in_filler {
            errors.push(PolicyError::at_pointer(place.clone(), message));
        }
        let (above, key) = pointer.rsplit_once('/').unwrap_or_default();
        if is_first && is_there {
            if !removed.remove(&mut value, &pointer) {
                break;
            }
        } else if let (Some(stand_in), Some(Value::Object(map))) = (stand_in, value.pointer_mut(above)) {
            map.insert(unescape(key).into_owned(), stand_in);
            filled.push(place);
        } else if removed.remove(&mut value, above) {
            turns.entry(removed.original(above)).or_insert(1);
        } else {
            break;
        }
    }
    (None, errors, removed)
}

/// What was taken out of lists, by which the places of later errors are told.
#[derive(Debug, Default)]
pub struct Removed {
    /// Where the document stands.
    pub place: String,
    /// The list, and the index that the value had.
    gone: Vec<(String, usize)>,
}

impl Removed {
    /// Where the value at this pointer stood in the beginning.
    #[must_use]
    pub fn original(&self, pointer: &str) -> String {
        let Some(pointer) = pointer.strip_prefix(&*self.place) else { return pointer.to_owned() };
        let mut original = String::new();
        for segment in pointer.split('/').skip(1) {
            let mut segment = segment.to_owned();
            if let Ok(mut index) = segment.parse::<usize>() {
                for (_, gone) in self.gone.iter().filter(|(list, _)| *list == original) {
                    index += usize::from(*gone <= index);
                }
                segment = index.to_string();
            }
            original = original + "/" + &segment;
        }
        self.place.clone() + &original
    }

    /// The errors of what was left, at the places where it stood.
    #[must_use]
    pub fn originals(&self, errors: PolicyErrors) -> PolicyErrors {
        let original = |error: PolicyError| PolicyError::at_pointer(self.original(&error.pointer), error.message);
        PolicyErrors(errors.0.into_iter().map(original).collect())
    }

    /// Takes out what is there; false when nothing is.
    fn remove(&mut self, value: &mut Value, pointer: &str) -> bool {
        let Some((above, key)) = pointer.rsplit_once('/') else { return false };
        let place = self.original(pointer);
        match value.pointer_mut(above) {
            Some(Value::Object(map)) => map.remove(&*unescape(key)).is_some(),
            Some(Value::Array(list)) => {
                let Some(index) = key.parse::<usize>().ok().filter(|index| *index < list.len()) else { return false };
                list.remove(index);
                let (list, index) = place.rsplit_once('/').unwrap_or_default();
                self.gone.push((list.to_owned(), index.parse().unwrap_or_default()));
                // In order, so that each shifts those behind it.
                self.gone.sort();
                true
            }
            _ => false,
        }
    }
}

/// Keeps what is right, and the errors of what is not, one for each place.
pub fn keep<T>(errors: &mut Vec<PolicyError>, result: Result<T, impl Into<PolicyErrors>>) -> Option<T> {
    let more = match result {
        Ok(right) => return Some(right),
        Err(wrong) => wrong.into().0,
    };
    for error in more {
        if errors.len() < MAX && !errors.iter().any(|known| known.pointer == error.pointer) {
            errors.push(error);
        }
    }
    None
}

impl PolicyError {
    /// An error at a JSON pointer.
    #[must_use]
    pub fn at_pointer(pointer: String, message: String) -> Self {
        Self { key: crate::text::dotted(&pointer), pointer, message }
    }

    /// The same error of a value that stands at `place`.
    #[must_use]
    pub fn below(self, place: &[&str]) -> Self {
        let pointer = place.iter().fold(String::new(), |path, key| path + "/" + &escape(key)) + &self.pointer;
        Self::at_pointer(pointer, self.message)
    }
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
    fn each_error_has_the_place_that_it_was_written_at() {
        let value = json!({"nam": "x", "list": [
            {"id": "a", "text": "x"}, {"id": 1, "text": "good"}, null, {"id": 2, "txt": "x"}, {"id": 3, "text": 4}, {"id": 5, "text": "good"},
        ]});
        let (left, errors, removed) =
            read(value, |value| super::super::document::read::<Document>(&value.to_string(), &[]));
        let mut keys: Vec<_> = errors.iter().map(|error| &*error.key).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["list[0].id", "list[2]", "list[3].text", "list[3].txt", "list[4].text", "nam", "name"]);
        // What was wrong is gone or filled, and the rest is there.
        let left = left.expect("something is left");
        assert_eq!(left.list.len(), 5);
        assert_eq!(
            (removed.original("/list/1/id"), removed.original("/list/2/id")),
            ("/list/1/id".into(), "/list/3/id".into())
        );
    }

    #[test]
    fn what_is_right_is_read() {
        let value = json!({"name": "x", "list": [{"id": 1}, {"id": 2, "text": "x"}]});
        let (left, errors, _) = read(value, |value| super::super::document::read::<Document>(&value.to_string(), &[]));
        let left = left.expect("something is left");
        let ids: Vec<u8> = left.list.iter().map(|item| item.id).collect();
        assert_eq!((left.name.as_str(), ids, left.list[1].text.as_str()), ("x", vec![1, 2], "x"));
        assert_eq!(errors.len(), 1);
    }
}
