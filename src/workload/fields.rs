//! The fields of the pod API, for keys that mean nothing where they stand: misspelt, or misplaced. The API server drops them in
//! silence, and a rule then says that a field is missing which its author sees in the file.
//!
//! `fields.txt` is generated from the schemas of k8s-openapi. It is read on the way of a denial and of a report, and nowhere else.

use crate::json::Raw;
use crate::patch::escape;
use crate::text::clean;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::LazyLock;
use strsim::levenshtein;

/// Keys that one object has looked at: who has more of them that are unknown has another problem.
const MAX_UNKNOWN: usize = 100;
/// Hints that are given.
const MAX_HINTS: usize = 10;
/// No field of the API is longer.
const MAX_KEY: usize = 63;

/// A key that means nothing where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// JSON pointer into the object.
    pub pointer: String,
    pub message: String,
}

/// A field and the type of the objects in it, where it holds some.
struct Field {
    name: &'static str,
    of: Option<&'static str>,
    is_list: bool,
}

static TYPES: LazyLock<HashMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    let line = |line: &'static str| {
        let mut words = line.split_ascii_whitespace();
        let fields = |word: &'static str| match word.split_once(':') {
            Some((name, of)) => {
                let item = of.strip_suffix("[]");
                Field { name, of: item.or(Some(of)), is_list: item.is_some() }
            }
            None => Field { name: word, of: None, is_list: false },
        };
        Some((words.next()?, words.map(fields).collect()))
    };
    include_str!("fields.txt").lines().filter(|line| !line.starts_with('#')).filter_map(line).collect()
});

/// Keys of the object that are misspelt or misplaced. `root` is its kind, or `PodTemplateSpec`; of other kinds nothing is known.
#[must_use]
pub fn hints(object: Raw<'_>, root: &str) -> Vec<Hint> {
    let Some((root, _)) = TYPES.get_key_value(root) else { return Vec::new() };
    let mut walk = Walk { root, places: None, unknown: 0, hints: Vec::new() };
    walk.object(object.get(), root, &mut String::new());
    walk.hints
}

struct Walk {
    root: &'static str,
    /// Where each type stands, once somebody asks.
    places: Option<Vec<(String, &'static str)>>,
    unknown: usize,
    hints: Vec<Hint>,
}

impl Walk {
    /// A list of objects of this type. A list in it is none: however deep a stranger nests, the walk is as deep as the API.
    fn list(&mut self, json: &str, of: &'static str, pointer: &mut String) {
        let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(json) else { return };
        for (index, item) in items.iter().enumerate() {
            below(pointer, &index.to_string(), |pointer| self.object(item.get(), of, pointer));
        }
    }

    fn object(&mut self, json: &str, of: &'static str, pointer: &mut String) {
        let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(json) else { return };
        let Some(fields) = TYPES.get(of) else { return };
        for (key, value) in members {
            match fields.iter().find(|field| field.name == key) {
                Some(Field { of: Some(of), is_list, .. }) => below(pointer, &escape(&key), |pointer| {
                    if *is_list { self.list(value.get(), of, pointer) } else { self.object(value.get(), of, pointer) }
                }),
                Some(_) => {}
                None => self.unknown(&key, of, fields, pointer),
            }
        }
    }

    fn unknown(&mut self, key: &str, of: &str, fields: &[Field], pointer: &str) {
        self.unknown += 1;
        if self.unknown > MAX_UNKNOWN || self.hints.len() >= MAX_HINTS || key.len() > MAX_KEY {
            return;
        }
        let written = clean(key, MAX_KEY);
        let misspelt = |name: &str| format!("there is no `{written}` here, and it is ignored; did you mean `{name}`?");
        let cased = fields.iter().find(|field| field.name.eq_ignore_ascii_case(key));
        let message = cased
            .map(|field| misspelt(field.name))
            .or_else(|| {
                let places = beneath(key, fields, pointer).or_else(|| self.elsewhere(key, of, pointer))?;
                Some(format!("`{written}` means nothing here, and is ignored; it belongs to {places}"))
            })
            .or_else(|| {
                let near = fields.iter().min_by_key(|field| levenshtein(field.name, key))?;
                let is_near = key.len() > 3 && levenshtein(near.name, key) <= 1 + key.len() / 8;
                is_near.then(|| misspelt(near.name))
            });
        if let Some(message) = message {
            self.hints.push(Hint { pointer: format!("{pointer}/{}", escape(key)), message });
        }
    }

    /// The places that have such a field: those that are called as the one where it stands, or else one or two.
    fn elsewhere(&mut self, key: &str, of: &str, pointer: &str) -> Option<String> {
        let root = self.root;
        let places = self.places.get_or_insert_with(|| places(root));
        let found: Vec<&str> =
            places.iter().filter(|(_, other)| *other != of && has(other, key)).map(|(path, _)| path.as_str()).collect();
        let here = pointer.rsplit('/').find(|segment| segment.parse::<usize>().is_err()).unwrap_or_default();
        let alike = |path: &&&str| path.rsplit('.').next().is_some_and(|last| last.trim_end_matches("[]") == here);
        let best = found.iter().find(alike).map(|path| (*path).to_owned());
        best.or_else(|| (1..=2).contains(&found.len()).then(|| found.join(" or ")))
    }
}

/// Walks on one segment deeper.
fn below(pointer: &mut String, segment: &str, walk: impl FnOnce(&mut String)) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(segment);
    walk(pointer);
    pointer.truncate(length);
}

/// The fields here that have such a field.
fn beneath(key: &str, fields: &[Field], pointer: &str) -> Option<String> {
    let below: Vec<&str> =
        fields.iter().filter(|field| field.of.is_some_and(|of| has(of, key))).map(|field| field.name).collect();
    let path = pointer.split('/').skip(1).fold(String::new(), |path, segment| match segment.parse::<usize>() {
        Ok(_) => path + "[]",
        Err(_) if path.is_empty() => segment.to_owned(),
        Err(_) => path + "." + segment,
    });
    let dot = if path.is_empty() { "" } else { "." };
    let places: Vec<String> = below.iter().map(|name| format!("{path}{dot}{name}")).collect();
    (1..=2).contains(&places.len()).then(|| places.join(" or "))
}

fn has(of: &str, key: &str) -> bool {
    TYPES.get(of).is_some_and(|fields| fields.iter().any(|field| field.name == key))
}

/// The shortest path from the root to each type: `spec.containers[].securityContext`. Of the three lists of containers the
/// one stands for all.
fn places(root: &'static str) -> Vec<(String, &'static str)> {
    let (mut found, mut seen) = (Vec::new(), HashSet::from([root]));
    let mut queue = VecDeque::from([(String::new(), root)]);
    while let Some((path, of)) = queue.pop_front() {
        for field in TYPES.get(of).into_iter().flatten() {
            let Some(of) = field.of else { continue };
            if matches!(field.name, "initContainers" | "ephemeralContainers" | "status") || !seen.insert(of) {
                continue;
            }
            let (dot, list) = (if path.is_empty() { "" } else { "." }, if field.is_list { "[]" } else { "" });
            queue.push_back((format!("{path}{dot}{}{list}", field.name), of));
        }
        if !path.is_empty() {
            found.push((path, of));
        }
    }
    found
}
