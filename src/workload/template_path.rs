//! The path from an object of a kind that a policy adds to its pod templates: `spec.replicatedJobs[].template.spec.template`.

use super::read::{Unreadable, without_position};
use crate::json::Raw;
use crate::patch::escape;
use crate::text::dotted;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The most pod templates in one object. Every rule judges each of them, and no real object has as many.
pub const MAX_TEMPLATES: usize = 1000;

/// Keys with dots between them. `[]` behind a key stands for each element of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplatePath {
    text: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Each,
}

impl fmt::Display for TemplatePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TemplatePath {
    /// Reads a path of a policy.
    ///
    /// # Errors
    /// Why no object can have a pod template at this path, and what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_prefix('.').unwrap_or(text);
        let segments: Vec<&str> = text.split('.').collect();
        let mut steps = Vec::new();
        for (place, segment) in segments.iter().enumerate() {
            let (key, each) = segment.strip_suffix("[]").map_or((*segment, false), |key| (key, true));
            check_key(text, key, place == 0)?;
            steps.push(Step::Key(key.to_owned()));
            if each {
                steps.push(Step::Each);
            }
        }
        if let Some(template) = text.strip_suffix(".spec") {
            let text = clean(text);
            return Err(format!(
                "`{text}` leads to the spec of a pod; write the path to its template, `{}`",
                clean(template)
            ));
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// The pod templates of the object: the JSON pointer of each, and its text.
    ///
    /// # Errors
    /// The field where the path cannot go on: a list in the place of an object, or the reverse.
    pub fn locate<'a>(&self, object: Raw<'a>) -> Result<Vec<(String, Raw<'a>)>, Unreadable> {
        let (mut at, mut found) = (String::new(), Vec::new());
        let mut json = serde_json::Deserializer::from_str(object.get());
        let seek = Seek { path: self, steps: &self.steps, at: &mut at, found: &mut found };
        match seek.deserialize(&mut json) {
            Ok(()) => Ok(found),
            // `at` still holds the pointer at which the walk failed.
            Err(error) => Err(Unreadable { field: dotted(&at), message: without_position(&error), pointer: at }),
        }
    }
}

fn clean(text: &str) -> String {
    crate::text::clean(text, 200)
}

/// Whether an object can have this key on the path to a pod template.
fn check_key(path: &str, key: &str, first: bool) -> Result<(), String> {
    let segment = |why: &str| Err(format!("`{}`: {why}", clean(path)));
    if key.is_empty() {
        return segment("a key is missing; write keys with one dot between them, as in `spec.template`");
    }
    if key.contains('*') {
        return segment(
            "`*` matches no key; write `[]` behind the key of a list, and a path of its own for each key of a map",
        );
    }
    if key.contains(['[', ']']) {
        return segment(
            "a list is stepped through as a whole: write `[]` behind its key and a dot after it, as in `spec.workers[].template`",
        );
    }
    if !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')) {
        return segment(&format!("`{}` is no key of the API; keys have letters, digits, `-` and `_`", clean(key)));
    }
    if let Some(meant) = ["spec", "template"].into_iter().find(|known| *known != key && known.eq_ignore_ascii_case(key))
    {
        return segment(&format!("`{key}` is written `{meant}` in the API"));
    }
    if first && key.starts_with(|c: char| c.is_ascii_uppercase()) {
        return segment(&format!("`{key}`: the keys of an object begin with a small letter, as `spec` does"));
    }
    if first && matches!(key, "apiVersion" | "kind" | "metadata" | "status") {
        return segment(&format!("`{key}` holds no pod template; begin with `spec`"));
    }
    Ok(())
}

/// Walks the remaining steps of the path.
struct Seek<'s, 'a> {
    path: &'s TemplatePath,
    steps: &'s [Step],
    at: &'s mut String,
    found: &'s mut Vec<(String, Raw<'a>)>,
}

impl<'a> Seek<'_, 'a> {
    fn template<E: Error>(self, raw: Raw<'a>) -> Result<(), E> {
        if raw.get().starts_with('[') {
            return Err(E::custom(format_args!(
                "a list stands where the policy's path `{}` has a pod template; write `[]` behind the key of a list",
                self.path
            )));
        }
        if self.found.len() >= MAX_TEMPLATES {
            return Err(E::custom(format_args!("there are more than {MAX_TEMPLATES} pod templates in one object")));
        }
        self.found.push((self.at.clone(), raw));
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Seek<'_, 'de> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.steps.is_empty() {
            let raw: Option<Raw<'de>> = serde::Deserialize::deserialize(deserializer)?;
            return raw.map_or(Ok(()), |raw| self.template(raw));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seek<'_, 'de> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.steps.first() == Some(&Step::Each) { "a list" } else { "an object" })
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((Step::Key(wanted), steps)) = self.steps.split_first() else {
            return Err(A::Error::custom(format_args!(
                "an object stands where the policy's path `{}` has a list",
                self.path
            )));
        };
        let (length, mut seen) = (self.at.len(), false);
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key != **wanted {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.at.push('/');
            self.at.push_str(&escape(wanted));
            // With two values for one key, another program may read the other value.
            if std::mem::replace(&mut seen, true) {
                return Err(A::Error::custom(format_args!("duplicate field `{wanted}`")));
            }
            map.next_value_seed(Seek { path: self.path, steps, at: &mut *self.at, found: &mut *self.found })?;
            self.at.truncate(length);
        }
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((Step::Each, steps)) = self.steps.split_first() else {
            return Err(A::Error::custom(format_args!(
                "a list stands where the policy's path `{}` has an object; write `[]` behind the key of a list",
                self.path
            )));
        };
        let length = self.at.len();
        for index in 0.. {
            self.at.push_str(&format!("/{index}"));
            let next = Seek { path: self.path, steps, at: &mut *self.at, found: &mut *self.found };
            if list.next_element_seed(next)?.is_none() {
                break;
            }
            self.at.truncate(length);
        }
        self.at.truncate(length);
        Ok(())
    }
}
