//! A value that stays text until it is needed.

use crate::effort;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// A type that deserializes a newtype of this name gets the text of the value.
pub(super) const RAW: &str = "podreeve::json::Raw";

/// The text of a JSON value, not parsed yet.
#[derive(Clone, Copy, Default)]
pub struct Raw<'d>(&'d str);

impl<'d> Raw<'d> {
    #[must_use]
    pub const fn new(text: &'d str) -> Self {
        Self(text)
    }

    #[must_use]
    pub fn get(&self) -> &'d str {
        effort::look(self.0.len());
        self.0
    }
}

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({})", self.0)
    }
}

impl<'de: 'd, 'd> Deserialize<'de> for Raw<'d> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(RAW, Text)
    }
}

struct Text;

impl<'de> Visitor<'de> for Text {
    type Value = Raw<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    /// From [`super::Reader`].
    #[inline]
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Raw<'de>, E> {
        Ok(Raw::new(text))
    }

    /// From serde_json, which knows nothing of the name.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw<'de>, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Raw::new(raw.get()))
    }
}
