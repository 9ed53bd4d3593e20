//! Reads a value out of an object, and names the field that cannot be read.

use crate::json::{self, Objects, Raw};
use serde::de::{Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// An object that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Dotted path of the field, empty for the object itself.
    pub field: String,
    /// The same as a JSON pointer.
    pub pointer: String,
    pub message: String,
}

impl Unreadable {
    /// The error in a sentence: `it is a string and must be an integer`. It leaves the value out, which may be a secret.
    #[must_use]
    pub fn in_words(&self) -> String {
        let type_error = crate::text::type_error(&self.message);
        type_error.map_or_else(|| crate::text::without_value(&self.message), |text| format!("it {text}"))
    }
}

/// Reads the value at `path` of a JSON object. `None` when the value is absent or null.
///
/// # Errors
/// The field that could not be read. A second, slower pass finds it.
pub fn read_at<'a, T: Deserialize<'a>>(object: Raw<'a>, path: &[Cow<'_, str>]) -> Result<Option<T>, Unreadable> {
    if let Some(found) = json::read_seed(object.get(), At::<T> { path, found: PhantomData }) {
        return Ok(found);
    }
    let mut json = serde_json::Deserializer::from_str(object.get());
    At::<T> { path, found: PhantomData }.deserialize(Objects(&mut json)).map_err(|_| {
        let mut json = serde_json::Deserializer::from_str(object.get());
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(Objects(&mut json), &mut track);
        let error = At::<T> { path, found: PhantomData }.deserialize(tracked).err();
        let path = track.path();
        let pointer = path.iter().fold(String::new(), |pointer, segment| match segment {
            serde_path_to_error::Segment::Seq { index } => format!("{pointer}/{index}"),
            serde_path_to_error::Segment::Map { key } => pointer + "/" + &crate::patch::escape(key),
            _ => pointer,
        });
        Unreadable {
            field: if pointer.is_empty() { String::new() } else { path.to_string() },
            pointer,
            message: error.map_or_else(|| "unreadable".to_owned(), |e| without_position(&e)),
        }
    })
}

/// The message of serde_json without its position.
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    crate::text::without_position(&error.to_string()).to_owned()
}

/// Reads what is at the rest of the path.
struct At<'p, T> {
    path: &'p [Cow<'p, str>],
    found: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for At<'_, T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        if self.path.is_empty() { Option::deserialize(deserializer) } else { deserializer.deserialize_option(self) }
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for At<'_, T> {
    type Value = Option<T>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let Some((key, path)) = self.path.split_first() else { return Ok(None) };
        let mut found = None;
        while let Some(at_key) = map.next_key_seed(Is(key))? {
            if !at_key {
                map.next_value::<IgnoredAny>()?;
            } else if found.is_some() {
                // With two values for one key, another program may read the other value.
                return Err(serde::de::Error::custom(format_args!("duplicate field `{key}`")));
            } else {
                found = Some(map.next_value_seed(At { path, found: PhantomData })?);
            }
        }
        Ok(found.flatten())
    }
}

/// Compares a key without a copy of it.
struct Is<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}
