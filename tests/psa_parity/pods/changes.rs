//! Changes to the form of a pod: parts that move, and texts in other spellings.

use super::{LISTS, Maker, Rng, array, child};
use serde_json::{Value, json};

impl Maker<'_> {
    /// Puts a part of one of upstream's fixtures into the same place.
    pub fn splice(&mut self, pod: &mut Value) {
        let mut other = self.fixture();
        let (from, to) = if self.rng.percent(40) {
            (other["spec"].take(), child(pod, "spec"))
        } else {
            let mut from = self.container(&mut other).take();
            let to = self.container(pod);
            if self.rng.percent(60) && from["securityContext"].is_object() {
                (from["securityContext"].take(), child(to, "securityContext"))
            } else {
                (from, to)
            }
        };
        let Value::Object(from) = from else { return };
        let fields: Vec<&String> = from.keys().collect();
        if let Some(field) = (!fields.is_empty()).then(|| fields[self.rng.below(fields.len())]) {
            *child(to, field) = from[field].clone();
        }
    }

    /// Removes, empties, doubles or moves a part.
    pub fn restructure(&mut self, pod: &mut Value) {
        match self.rng.below(10) {
            0 => {
                // From one list of containers to another.
                let (from, to) = (self.rng.pick(&LISTS), self.rng.pick(&LISTS));
                if let Some(moved) = pod["spec"][from].as_array_mut().and_then(Vec::pop) {
                    array(child(&mut pod["spec"], to)).push(moved);
                }
            }
            1 => {
                let context = pod["spec"]["securityContext"].clone();
                *child(self.container(pod), "securityContext") = context;
            }
            2 => {
                let context = child(self.container(pod), "securityContext").clone();
                *child(&mut pod["spec"], "securityContext") = context;
            }
            _ => {
                let places = places(pod, &is_any);
                let Some(place) = (!places.is_empty()).then(|| &places[self.rng.below(places.len())]) else { return };
                let (parent, key) = place.rsplit_once('/').unwrap_or_default();
                let what = self.rng.below(4);
                match pod.pointer_mut(parent) {
                    Some(Value::Array(list)) => {
                        let index: usize = key.parse().expect("a place in a list is a number");
                        match what {
                            0 => list.insert(index, list[index].clone()),
                            1 => empty(&mut list[index]),
                            _ => drop(list.remove(index)),
                        }
                    }
                    Some(Value::Object(members)) => match what {
                        0 => drop(members.insert(unescaped(key), Value::Null)),
                        1 => empty(&mut members[&unescaped(key)]),
                        _ => drop(members.remove(&unescaped(key))),
                    },
                    _ => {}
                }
            }
        }
        // The next change may need a part that this one has emptied.
        for part in ["metadata", "spec"] {
            if !pod[part].is_object() {
                pod[part] = json!({});
            }
        }
    }
}

/// Writes a text, or the name of a field, in another way.
pub fn twist(rng: &mut Rng, pod: &mut Value) {
    let rename = rng.percent(25);
    let places = places(pod, if rename { &is_any } else { &Value::is_string });
    let Some(place) = (!places.is_empty()).then(|| &places[rng.below(places.len())]) else { return };
    let (parent, key) = place.rsplit_once('/').unwrap_or_default();
    if rename && !parent.is_empty() {
        if let Some(Value::Object(members)) = pod.pointer_mut(parent) {
            let key = unescaped(key);
            let value = members.remove(&key).unwrap_or_default();
            let renamed = if rng.percent(50) { key.to_ascii_lowercase() } else { capitalised(&key) };
            members.insert(renamed, value);
        }
        return;
    }
    let Some(Value::String(text)) = pod.pointer_mut(place) else { return };
    *text = match rng.below(12) {
        0 => text.to_ascii_uppercase(),
        1 => text.to_ascii_lowercase(),
        2 => capitalised(text),
        3 => format!(" {text}"),
        4 => format!("{text} "),
        5 => format!("{text}x"),
        6 => format!("CAP_{text}"),
        7 => text.replace('_', "-").replace('.', "/"),
        8 => format!("{text}\n"),
        9 => format!("{text}\u{200b}"),
        10 => format!("\"{text}\\"),
        _ => String::new(),
    };
}

/// Fields whose text must be a quantity or a time to be read at all.
const TYPED: [&str; 7] =
    ["resources", "limits", "requests", "sizeLimit", "divisor", "creationTimestamp", "deletionTimestamp"];

fn is_any(_: &Value) -> bool {
    true
}

/// JSON pointers to all values of this sort below the pod's metadata and spec.
fn places(pod: &Value, wanted: &dyn Fn(&Value) -> bool) -> Vec<String> {
    fn walk(value: &Value, at: &str, wanted: &dyn Fn(&Value) -> bool, found: &mut Vec<String>) {
        let mut step = |key: &str, value: &Value| {
            if !TYPED.contains(&key) {
                let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
                if wanted(value) {
                    found.push(at.clone());
                }
                walk(value, &at, wanted, found);
            }
        };
        match value {
            Value::Array(list) => list.iter().enumerate().for_each(|(index, value)| step(&index.to_string(), value)),
            Value::Object(members) => members.iter().for_each(|(key, value)| step(key, value)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(pod, "", wanted, &mut found);
    found.retain(|place| place.starts_with("/metadata") || place.starts_with("/spec"));
    found
}

fn unescaped(key: &str) -> String {
    key.replace("~1", "/").replace("~0", "~")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

fn empty(value: &mut Value) {
    match value {
        Value::Array(list) => list.clear(),
        Value::Object(members) => members.clear(),
        Value::String(text) => text.clear(),
        Value::Number(number) => *number = 0.into(),
        Value::Bool(flag) => *flag = false,
        Value::Null => {}
    }
}
