//! Hints about keys that the API does not know: misspelt, or in the wrong object. The API server drops such a key without
//! a word, and a rule then reports a missing field that the author can see in the file.
//!
//! `fields.txt` is generated from the schemas of k8s-openapi. Only a denial and a report read it.

use super::template_path::TemplatePath;
use crate::json::{Raw, Reader};
use crate::patch::escape;
use crate::text::clean;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write;
use std::sync::{LazyLock, OnceLock};
use strsim::levenshtein;

/// Unknown keys of one object that are compared with the API. More of them are no spelling mistakes.
const MAX_UNKNOWN: usize = 100;
/// Hints about one object.
const MAX_HINTS: usize = 10;
/// The longest key that is compared. No field of the API is longer.
const MAX_KEY: usize = 63;

/// Room for most pointers.
const POINTER: usize = 128;

/// A key that the API does not know at this place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// JSON pointer into the object.
    pub pointer: String,
    pub message: String,
}

/// A field of a type.
struct Field {
    name: &'static str,
    /// The type of the object, or of the objects, that it holds, by its place in [`TYPES`].
    of: Option<usize>,
    is_list: bool,
}

/// A type of the API.
struct Type {
    /// Ordered by the lengths of their names, then by the names: two numbers are compared faster than two texts.
    fields: Vec<Field>,
    /// The places below this type, computed for the first hint that needs them.
    places: OnceLock<Places>,
}

impl Type {
    /// The field with this name.
    fn field(&self, name: &str) -> Option<&Field> {
        let order = |field: &Field| field.name.len().cmp(&name.len()).then_with(|| field.name.cmp(name));
        self.fields.binary_search_by(order).ok().and_then(|place| self.fields.get(place))
    }

    fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }

    /// The fields in the order of their names.
    fn in_order(&self) -> Vec<&Field> {
        let mut fields: Vec<&Field> = self.fields.iter().collect();
        fields.sort_unstable_by_key(|field| field.name);
        fields
    }
}

/// The types, in the order of the file.
static TYPES: LazyLock<Vec<Type>> = LazyLock::new(|| {
    let fields = |words: &'static str| {
        let field = |word: &'static str| match word.split_once(':') {
            Some((name, of)) => {
                let item = of.strip_suffix("[]");
                Field { name, of: NAMES.get(item.unwrap_or(of)).copied(), is_list: item.is_some() }
            }
            None => Field { name: word, of: None, is_list: false },
        };
        let mut fields: Vec<Field> = words.split_ascii_whitespace().map(field).collect();
        fields.sort_unstable_by_key(|field| (field.name.len(), field.name));
        Type { fields, places: OnceLock::new() }
    };
    lines().map(|(_, words)| fields(words)).collect()
});

/// The place of each type in [`TYPES`], by its name.
static NAMES: LazyLock<HashMap<&'static str, usize>> =
    LazyLock::new(|| lines().enumerate().map(|(place, (name, _))| (name, place)).collect());

/// The name of each type, and the words of its fields.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = include_str!("fields.txt").lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_once(' ').unwrap_or((line, "")))
}

/// The shortest dotted path to each type.
type Places = Vec<(String, usize)>;

/// Keys of an object that are misspelt or in the wrong place. `root` is its kind. No hints for a kind outside Kubernetes:
/// see [`template_hints`].
#[must_use]
pub fn hints(object: Raw<'_>, root: &str) -> Vec<Hint> {
    let mut walk = Walk::default();
    walk.object_at(object, root, String::with_capacity(POINTER));
    walk.hints
}

/// As [`hints`], for the keys inside the pod templates of a kind that a policy adds.
#[must_use]
pub fn template_hints(object: Raw<'_>, paths: &[TemplatePath]) -> Vec<Hint> {
    let mut walk = Walk::default();
    for (pointer, template) in paths.iter().flat_map(|path| path.locate(object).unwrap_or_default()) {
        walk.object_at(template, "PodTemplateSpec", pointer);
    }
    walk.hints
}

#[derive(Default)]
struct Walk {
    /// The type that the walk began with, and the dotted path to it.
    root: usize,
    root_path: String,
    /// Unknown keys so far.
    unknown: usize,
    hints: Vec<Hint>,
}

impl Walk {
    /// Walks an object at this pointer.
    fn object_at(&mut self, object: Raw<'_>, root: &str, mut pointer: String) {
        let Some(&root) = NAMES.get(root) else { return };
        self.root = root;
        self.root_path = field_path(&pointer);
        // A text that the reader gives up on has the hints up to there.
        let _ = self.object(&mut Reader::new(object.get()), root, &mut pointer);
    }

    /// A list of objects of this type. A list inside the list is not followed, so the walk is never deeper than the API.
    fn list(&mut self, reader: &mut Reader<'_>, of: usize, pointer: &mut String) -> Option<()> {
        if reader.peek() != b'[' {
            return reader.skip().map(drop);
        }
        let (length, mut index) = (pointer.len(), 0_usize);
        reader.list(|reader| {
            // Writing to a string cannot fail.
            let _ = write!(pointer, "/{index}");
            index += 1;
            self.object(reader, of, pointer)?;
            pointer.truncate(length);
            Some(())
        })
    }

    fn object(&mut self, reader: &mut Reader<'_>, of: usize, pointer: &mut String) -> Option<()> {
        let Some(object) = TYPES.get(of).filter(|_| reader.peek() == b'{') else { return reader.skip().map(drop) };
        let length = pointer.len();
        reader.object(|reader, key| {
            match object.field(key) {
                Some(&Field { of: Some(of), is_list, .. }) => {
                    pointer.push('/');
                    pointer.push_str(key);
                    if is_list {
                        self.list(reader, of, pointer)?;
                    } else {
                        self.object(reader, of, pointer)?;
                    }
                    pointer.truncate(length);
                    return Some(());
                }
                Some(_) => {}
                None => self.unknown(key, of, object, pointer),
            }
            reader.skip().map(drop)
        })
    }

    fn unknown(&mut self, key: &str, of: usize, object: &Type, pointer: &str) {
        self.unknown += 1;
        if self.unknown > MAX_UNKNOWN || self.hints.len() >= MAX_HINTS || key.len() > MAX_KEY {
            return;
        }
        let (written, fields) = (clean(key, MAX_KEY), object.in_order());
        let misspelt = |name: &str| format!("there is no `{written}` here, and it is ignored; did you mean `{name}`?");
        let cased = fields.iter().find(|field| field.name.eq_ignore_ascii_case(key));
        let message = cased
            .map(|field| misspelt(field.name))
            .or_else(|| {
                let places = beneath(key, &fields, pointer).or_else(|| self.elsewhere(key, of, pointer))?;
                Some(format!("`{written}` means nothing here, and is ignored; it belongs to {places}"))
            })
            .or_else(|| {
                let (length, most) = (key.chars().count(), 1 + key.len() / 8);
                // Two names differ at least by the difference of their lengths.
                let alike = fields.iter().filter(|field| key.len() > 3 && field.name.len().abs_diff(length) <= most);
                let (distance, near) =
                    alike.map(|field| (levenshtein(field.name, key), field)).min_by_key(|(distance, _)| *distance)?;
                (distance <= most).then(|| misspelt(near.name))
            });
        if let Some(message) = message {
            self.hints.push(Hint { pointer: format!("{pointer}/{}", escape(key)), message });
        }
    }

    /// The places that have such a field: one whose name equals the name of this place, or else the only one or two.
    fn elsewhere(&self, key: &str, of: usize, pointer: &str) -> Option<String> {
        let places = TYPES.get(self.root)?.places.get_or_init(|| places(self.root));
        let has_key = places.iter().filter(|(_, other)| *other != of && has(*other, key));
        let found: Vec<String> = has_key.map(|(path, _)| join(&self.root_path, path)).collect();
        let here = pointer.rsplit('/').find(|segment| segment.parse::<usize>().is_err()).unwrap_or_default();
        let alike = |path: &&String| path.rsplit('.').next().is_some_and(|last| last.trim_end_matches("[]") == here);
        let best = found.iter().find(alike).cloned();
        best.or_else(|| (1..=2).contains(&found.len()).then(|| found.join(" or ")))
    }
}

/// A field path without the numbers of list elements: `spec.containers[].image`.
fn field_path(pointer: &str) -> String {
    pointer.split('/').skip(1).fold(String::new(), |path, segment| match segment.parse::<usize>() {
        Ok(_) => path + "[]",
        Err(_) => join(&path, segment),
    })
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The fields of this object that hold an object with such a field.
fn beneath(key: &str, fields: &[&Field], pointer: &str) -> Option<String> {
    let below: Vec<&str> =
        fields.iter().filter(|field| field.of.is_some_and(|of| has(of, key))).map(|field| field.name).collect();
    let path = field_path(pointer);
    let places: Vec<String> = below.iter().map(|name| join(&path, name)).collect();
    (1..=2).contains(&places.len()).then(|| places.join(" or "))
}

fn has(of: usize, key: &str) -> bool {
    TYPES.get(of).is_some_and(|object| object.has(key))
}

/// The shortest path from the root to each type: `spec.containers[].securityContext`. It never leads through the other two
/// lists of containers.
fn places(root: usize) -> Places {
    let (mut found, mut seen) = (Vec::new(), HashSet::from([root]));
    let mut queue = VecDeque::from([(String::new(), root)]);
    while let Some((path, of)) = queue.pop_front() {
        for field in TYPES.get(of).into_iter().flat_map(Type::in_order) {
            let Some(of) = field.of else { continue };
            if matches!(field.name, "initContainers" | "ephemeralContainers" | "status") || !seen.insert(of) {
                continue;
            }
            let list = if field.is_list { "[]" } else { "" };
            queue.push_back((join(&path, field.name) + list, of));
        }
        if !path.is_empty() {
            found.push((path, of));
        }
    }
    found
}
