//! serde's side of [`Reader`].

use super::raw::RAW;
use super::reader::{GaveUp, Place, Reader};
use super::while_skipping::{SKIP, VALUE_AND_TEXT, ValueAndText};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// A type that deserializes a newtype of this name gets a number as bytes: its digits in the text. Without this a port or a
/// quantity would be parsed, and then printed into a new string.
pub(crate) const NUMBER_AS_WRITTEN: &str = "podreeve::json::NUMBER_AS_WRITTEN";

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("serde_json has to read this text")
    }
}

impl std::error::Error for GaveUp {}

impl Error for GaveUp {
    #[cold]
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = GaveUp;

    /// A scalar. A list or an object of any type has no bound on its depth here; serde_json has one.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.peek() {
            b'"' => self.deserialize_str(visitor),
            b't' | b'f' => self.deserialize_bool(visitor),
            b'n' => self.deserialize_unit(visitor),
            _ => self.deserialize_i64(visitor),
        }
    }

    #[inline]
    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        visitor.visit_bool(self.bool().ok_or(GaveUp)?)
    }

    #[inline]
    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        visitor.visit_i64(self.integer().ok_or(GaveUp)?)
    }

    #[inline]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        match self.string().ok_or(GaveUp)? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    #[inline]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.deserialize_str(visitor)
    }

    #[inline]
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        if self.null().ok_or(GaveUp)? { visitor.visit_unit() } else { Err(GaveUp) }
    }

    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        if self.null().ok_or(GaveUp)? { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, GaveUp> {
        match name {
            RAW => visitor.visit_borrowed_str(self.skip().ok_or(GaveUp)?),
            NUMBER_AS_WRITTEN if self.peek() != b'"' => {
                visitor.visit_borrowed_bytes(self.integer_text().ok_or(GaveUp)?.as_bytes())
            }
            NUMBER_AS_WRITTEN => self.deserialize_str(visitor),
            VALUE_AND_TEXT => visitor.visit_seq(ValueAndText::new(self)),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.open(b'[').ok_or(GaveUp)?;
        let mut elements = Inside { reader: self, place: Place::First };
        let value = visitor.visit_seq(&mut elements)?;
        elements.ended(value)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.open(b'{').ok_or(GaveUp)?;
        let mut members = Inside { reader: self, place: Place::First };
        let value = visitor.visit_map(&mut members)?;
        members.ended(value)
    }

    /// An object and nothing else: see [`super::Objects`].
    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, GaveUp> {
        self.deserialize_map(visitor)
    }

    #[inline]
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, GaveUp> {
        if name != SKIP {
            return self.deserialize_any(visitor);
        }
        self.advance(length).ok_or(GaveUp)?;
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, GaveUp> {
        self.skip().ok_or(GaveUp)?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit_struct tuple enum identifier
    }
}

/// The members of an object, or the elements of a list.
struct Inside<'r, 'd> {
    reader: &'r mut Reader<'d>,
    place: Place,
}

impl Inside<'_, '_> {
    /// The value, unless the visitor left something unread.
    #[inline]
    fn ended<T>(&self, value: T) -> Result<T, GaveUp> {
        if matches!(self.place, Place::End) { Ok(value) } else { Err(GaveUp) }
    }
}

impl<'de> MapAccess<'de> for &mut Inside<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, GaveUp> {
        match self.reader.next_key(&mut self.place)? {
            Some(key) => seed.deserialize(BorrowedStrDeserializer::new(key)).map(Some),
            None => Ok(None),
        }
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, GaveUp> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for &mut Inside<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, GaveUp> {
        if self.reader.next_element(&mut self.place).ok_or(GaveUp)? {
            seed.deserialize(&mut *self.reader).map(Some)
        } else {
            Ok(None)
        }
    }
}
