//! Reads a value in the same pass that finds its end.
//!
//! To keep a value as text, [`Reader`] must skip it. A type that needs the value anyway can read it in place of the skip:
//! it deserializes a newtype of the name [`VALUE_AND_TEXT`] and gets a list of three elements.
//!
//! 1. The text from the value to the end, to decide whether to read the value.
//! 2. The value, by any type. No element if the fast path gives up on it. `IgnoredAny` skips it. A type that knows where the
//!    value ends skips it by a tuple struct of the name [`SKIP`], whose length is that of the value in bytes.
//! 3. The text.

use super::reader::{GaveUp, Reader};
use serde::de::value::BorrowedStrDeserializer;
use serde::de::{DeserializeSeed, SeqAccess};

pub(crate) const VALUE_AND_TEXT: &str = "podreeve::json::VALUE_AND_TEXT";

/// The name of a tuple struct that is a value of as many bytes as it has fields. The reader does not look at them.
pub(crate) const SKIP: &str = "podreeve::json::SKIP";

pub(super) struct ValueAndText<'r, 'd> {
    reader: &'r mut Reader<'d>,
    start: Reader<'d>,
    element: Element,
}

enum Element {
    Rest,
    Value,
    Text,
}

impl<'r, 'd> ValueAndText<'r, 'd> {
    pub(super) fn new(reader: &'r mut Reader<'d>) -> Self {
        reader.peek();
        Self { start: reader.clone(), reader, element: Element::Rest }
    }
}

impl<'de> SeqAccess<'de> for ValueAndText<'_, 'de> {
    type Error = GaveUp;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, GaveUp> {
        match self.element {
            Element::Rest => {
                self.element = Element::Value;
                seed.deserialize(BorrowedStrDeserializer::new(self.start.rest())).map(Some)
            }
            Element::Value => {
                self.element = Element::Text;
                let value = seed.deserialize(&mut *self.reader).ok();
                if value.is_none() {
                    self.reader.clone_from(&self.start);
                    self.reader.skip().ok_or(GaveUp)?;
                }
                Ok(value)
            }
            Element::Text => {
                let text = self.reader.since(&self.start).ok_or(GaveUp)?;
                seed.deserialize(BorrowedStrDeserializer::new(text)).map(Some)
            }
        }
    }
}
