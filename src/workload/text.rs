//! Strings that borrow from the request, and `null` as Go reads it: as the zero value.

use crate::effort;
use crate::json::NUMBER_AS_WRITTEN;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::{borrow::Cow, fmt, ops::Deref};

/// A string of the request, borrowed unless it holds an escape.
///
/// `Option<Cow<str>>` and `Vec<Cow<str>>` make a copy even with `#[serde(borrow)]`. This type borrows.
#[derive(Clone, Default, Eq, serde::Deserialize)]
#[serde(transparent)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl Deref for Text<'_> {
    type Target = str;
    #[inline]
    fn deref(&self) -> &str {
        effort::look(1);
        &self.0
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

/// The hash of the `str`, so that a `str` finds it in a map.
impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl std::borrow::Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        effort::look(1);
        &self.0
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads `null` as the type's zero value, as the API server's Go types do.
///
/// # Errors
/// Those of the inner type.
pub fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A value that is a string or a number (`IntOrString`, `Quantity`), kept as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalar<'a> {
    pub text: Cow<'a, str>,
    /// Whether it is a number in the JSON. A port of this value is then a port number and not a name.
    pub number: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NUMBER_AS_WRITTEN, StringOrNumber)
    }
}

struct StringOrNumber;

impl<'de> Visitor<'de> for StringOrNumber {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a number")
    }

    /// From a deserializer that does not know [`NUMBER_AS_WRITTEN`].
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
    /// A number as it is written.
    #[inline]
    fn visit_borrowed_bytes<E: Error>(self, digits: &'de [u8]) -> Result<Scalar<'de>, E> {
        let text = std::str::from_utf8(digits).map_err(E::custom)?;
        Ok(Scalar { text: Cow::Borrowed(text), number: true })
    }
    fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar { text: Cow::Borrowed(v), number: false })
    }
    fn visit_str<E>(self, v: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar { text: Cow::Owned(v.to_owned()), number: false })
    }
    fn visit_i64<E>(self, v: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar { text: Cow::Owned(v.to_string()), number: true })
    }
    fn visit_u64<E>(self, v: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar { text: Cow::Owned(v.to_string()), number: true })
    }
    fn visit_f64<E>(self, v: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar { text: Cow::Owned(v.to_string()), number: true })
    }
}
