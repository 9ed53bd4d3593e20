//! Reads plain JSON in one pass, and passes over what nobody asks for at a word at a time.
//!
//! A review is mostly what podreeve does not look at: managed fields, status, the last applied
//! configuration. serde_json spends most of a request there. This reads the same types, and gives up
//! on whatever is rare or wrong; serde_json then reads it, or says what is wrong with it. So it decides
//! nothing: `fuzz/` holds it to what serde_json reads.

mod number;
mod window;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;
use window::Window;

/// Reads a value; none when serde_json has to.
pub fn read<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Option<S::Value> {
    let mut reader = Reader { text, at: 0, window: Window::default() };
    let value = seed.deserialize(&mut reader).ok()?;
    reader.peek().is_none().then_some(value)
}

/// Not plain JSON, or not what was asked for.
#[derive(Debug)]
struct NotPlain;

impl fmt::Display for NotPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not plain")
    }
}

impl std::error::Error for NotPlain {}

impl de::Error for NotPlain {
    fn custom<T: fmt::Display>(_: T) -> Self {
        // Whoever tells what is wrong reads it again.
        Self
    }
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
    window: Window,
}

impl<'de> Reader<'de> {
    /// The next byte that is not white space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                byte => return byte.copied(),
            }
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), NotPlain> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(NotPlain)
    }

    fn word(&mut self, word: &str) -> Result<(), NotPlain> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            return Ok(());
        }
        Err(NotPlain)
    }

    /// The text of the value that comes, passed over.
    fn raw(&mut self) -> Result<&'de str, NotPlain> {
        let first = self.peek();
        let (text, start) = (self.text.as_bytes(), self.at);
        match first.ok_or(NotPlain)? {
            b'"' => self.at = self.window.string(text, start + 1).ok_or(NotPlain)?.0 + 1,
            b'{' | b'[' => self.at = self.window.close(text, start + 1).ok_or(NotPlain)? + 1,
            b't' => self.word("true")?,
            b'f' => self.word("false")?,
            b'n' => self.word("null")?,
            _ => self.at = number::end(text, start).ok_or(NotPlain)?,
        }
        self.text.get(start..self.at).ok_or(NotPlain)
    }

    fn string<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NotPlain> {
        self.take(b'"')?;
        let start = self.at;
        let (end, escaped) = self.window.string(self.text.as_bytes(), start).ok_or(NotPlain)?;
        self.at = end + 1;
        if escaped {
            let quoted = self.text.get(start - 1..=end).ok_or(NotPlain)?;
            return visitor.visit_string(serde_json::from_str(quoted).map_err(|_| NotPlain)?);
        }
        visitor.visit_borrowed_str(self.text.get(start..end).ok_or(NotPlain)?)
    }

    /// A whole number; fractions and exponents are rare.
    fn number<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, NotPlain> {
        let text = self.raw()?;
        if text.starts_with('-') {
            // serde_json reads -0 as a fraction.
            let number = text.parse().ok().filter(|number| *number != 0).ok_or(NotPlain)?;
            visitor.visit_i64(number)
        } else {
            visitor.visit_u64(text.parse().map_err(|_| NotPlain)?)
        }
    }
}

impl<'de> Deserializer<'de> for &mut Reader<'de> {
    type Error = NotPlain;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        match self.peek() {
            Some(b'"') => self.string(visitor),
            Some(b'{') => self.deserialize_map(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(b't') => self.word("true").and_then(|()| visitor.visit_bool(true)),
            Some(b'f') => self.word("false").and_then(|()| visitor.visit_bool(false)),
            Some(b'n') => self.word("null").and_then(|()| visitor.visit_unit()),
            Some(b'-' | b'0'..=b'9') => self.number(visitor),
            _ => Err(NotPlain),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        if self.peek() == Some(b'n') {
            return self.word("null").and_then(|()| visitor.visit_none());
        }
        visitor.visit_some(self)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.string(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.string(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.string(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.take(b'{')?;
        let mut items = Items { reader: self, close: b'}', state: State::Empty };
        let value = visitor.visit_map(&mut items)?;
        items.ended().map(|()| value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NotPlain> {
        self.deserialize_map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.take(b'[')?;
        let mut items = Items { reader: self, close: b']', state: State::Empty };
        let value = visitor.visit_seq(&mut items)?;
        items.ended().map(|()| value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, NotPlain> {
        if name.starts_with('$') {
            // serde_json's `RawValue` asks for a map of its own name to its text.
            return visitor.visit_map(Raw { name: Some(name), text: self.raw()? });
        }
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotPlain> {
        self.raw()?;
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum
    }
}

/// Where in a list or an object the reader is.
#[derive(PartialEq)]
enum State {
    Empty,
    After,
    Ended,
}

/// The members of an object, or the elements of a list.
struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    close: u8,
    state: State,
}

impl Items<'_, '_> {
    /// Goes to the next one; false at the end.
    fn next(&mut self) -> Result<bool, NotPlain> {
        match (&self.state, self.reader.peek()) {
            (State::Empty | State::After, Some(byte)) if byte == self.close => {
                self.reader.at += 1;
                self.state = State::Ended;
                return Ok(false);
            }
            (State::After, Some(b',')) => self.reader.at += 1,
            (State::Empty, Some(_)) => {}
            _ => return Err(NotPlain),
        }
        self.state = State::After;
        Ok(true)
    }

    /// A visitor that stopped early has not seen everything.
    fn ended(&self) -> Result<(), NotPlain> {
        if self.state == State::Ended { Ok(()) } else { Err(NotPlain) }
    }
}

impl<'de> MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = NotPlain;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NotPlain> {
        if !self.next()? {
            return Ok(None);
        }
        if self.reader.peek() != Some(b'"') {
            return Err(NotPlain);
        }
        seed.deserialize(&mut *self.reader).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NotPlain> {
        self.reader.take(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = NotPlain;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NotPlain> {
        if self.next()? { seed.deserialize(&mut *self.reader).map(Some) } else { Ok(None) }
    }
}

/// What a `RawValue` is read from.
struct Raw<'de> {
    name: Option<&'static str>,
    text: &'de str,
}

impl<'de> MapAccess<'de> for Raw<'de> {
    type Error = NotPlain;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, NotPlain> {
        let Some(name) = self.name.take() else { return Ok(None) };
        seed.deserialize(de::value::BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, NotPlain> {
        seed.deserialize(de::value::BorrowedStrDeserializer::new(self.text))
    }
}
