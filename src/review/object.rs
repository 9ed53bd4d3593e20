//! The object of a request: its text, and its pod if it is a Pod.

use crate::json::{Raw, VALUE_AND_TEXT};
use crate::workload::Pod;
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use std::fmt;

/// How a Pod begins: as the API server writes it, and with sorted keys.
const POD: [&str; 2] = [r#"{"kind":"Pod","#, r#"{"apiVersion":"v1","kind":"Pod","#];

/// The object of a request. A Pod is read in the pass that finds the end of its text. Any other text stays raw.
pub(super) struct Object<'a> {
    pub raw: Raw<'a>,
    pub pod: Option<Box<Pod<'a>>>,
}

impl fmt::Debug for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.raw.fmt(f)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(VALUE_AND_TEXT, ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// From the fast path.
    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Object<'de>, A::Error> {
        let text = elements.next_element::<&str>()?.unwrap_or_default();
        let pod = if POD.iter().any(|pod| text.starts_with(pod)) {
            elements.next_element::<Box<Pod<'de>>>()?
        } else {
            elements.next_element::<IgnoredAny>()?;
            None
        };
        let raw = elements.next_element::<Raw<'de>>()?.ok_or_else(|| A::Error::custom("there is no text"))?;
        Ok(Object { raw, pod })
    }

    /// From serde_json.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Object<'de>, D::Error> {
        Ok(Object { raw: Raw::deserialize(deserializer)?, pod: None })
    }
}
