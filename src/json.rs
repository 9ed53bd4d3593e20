//! Reads plain JSON by an index of its strings and brackets, straight into the types that rules judge.
//!
//! A review is mostly what podreeve does not look at: managed fields, status, the last applied
//! configuration. serde spends most of a request there, and on moving what it has read. This fills the
//! same types in place, passes over the rest by its brackets, and gives up on whatever is rare or wrong;
//! serde_json then reads it, or says what is wrong with it. So it decides nothing: tests and `fuzz/` hold
//! it to what serde_json reads. In what nobody reads, commas, colons and escapes may stand as they like:
//! the API server's own encoder put them there.

mod index;
pub mod keys;
mod number;
mod reader;

use index::Index;
pub use reader::Reader;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A text and its index.
#[derive(Debug)]
pub struct Document<'t> {
    text: &'t str,
    index: Index,
    /// Whether the index is whole.
    plain: bool,
}

impl<'t> Document<'t> {
    #[must_use]
    pub fn new(text: &'t str) -> Self {
        let index = Index::new(text.as_bytes());
        Self { text, plain: index.is_some(), index: index.unwrap_or_default() }
    }

    #[must_use]
    pub const fn text(&self) -> &'t str {
        self.text
    }

    /// Fills `into` from the whole text; none when serde_json has to, and then it holds anything.
    pub fn read<'d>(&'d self, into: &mut impl Fill<'d>) -> Option<()> {
        self.read_at(0, self.text.len(), into)
    }

    fn read_at<'d>(&'d self, start: usize, end: usize, into: &mut impl Fill<'d>) -> Option<()> {
        if !self.plain {
            return None;
        }
        let mut reader = Reader::new(self, start);
        into.fill(&mut reader)?;
        // After the last value there may be white space.
        let at = reader.at();
        (at == end || (end == self.text.len() && reader.peek() == 0 && reader.at() == end)).then_some(())
    }
}

/// A value that stays as it is until somebody asks.
#[derive(Clone, Copy, Default)]
pub struct Raw<'d> {
    text: &'d str,
    /// Where it stands in an indexed text.
    place: Option<(&'d Document<'d>, usize)>,
}

impl<'d> Raw<'d> {
    #[must_use]
    pub const fn new(text: &'d str) -> Self {
        Self { text, place: None }
    }

    #[must_use]
    pub const fn get(&self) -> &'d str {
        self.text
    }

    /// As [`Document::read`].
    pub fn read(&self, into: &mut impl Fill<'d>) -> Option<()> {
        let (document, start) = self.place?;
        document.read_at(start, start + self.text.len(), into)
    }
}

impl std::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raw({})", self.text)
    }
}

impl<'de: 'd, 'd> Deserialize<'de> for Raw<'d> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self::new(raw.get()))
    }
}

/// A type that can be filled in place from plain JSON. It never sees `null`: [`field`] does.
pub trait Fill<'d> {
    fn fill(&mut self, reader: &mut Reader<'d>) -> Option<()>;
}

/// Fills a field that was not seen before; `null` leaves it as it is, as Go does.
#[inline]
pub fn field<'d>(reader: &mut Reader<'d>, seen: &mut bool, into: &mut impl Fill<'d>) -> Option<()> {
    // Two values for one key: whoever reads the other one would be misled.
    if std::mem::replace(seen, true) {
        return None;
    }
    if reader.null()? { Some(()) } else { into.fill(reader) }
}

impl<'d, T: Fill<'d> + Default> Fill<'d> for Option<T> {
    #[inline]
    fn fill(&mut self, reader: &mut Reader<'d>) -> Option<()> {
        self.insert(T::default()).fill(reader)
    }
}

impl<'d, T: Fill<'d>> Fill<'d> for Box<T> {
    fn fill(&mut self, reader: &mut Reader<'d>) -> Option<()> {
        (**self).fill(reader)
    }
}

impl<'d, T: Fill<'d> + Default> Fill<'d> for Vec<T> {
    fn fill(&mut self, reader: &mut Reader<'d>) -> Option<()> {
        reader.list(|reader| {
            self.push(T::default());
            self.last_mut()?.fill(reader)
        })
    }
}

impl<'d> Fill<'d> for bool {
    fn fill(&mut self, reader: &mut Reader<'d>) -> Option<()> {
        *self = reader.bool()?;
        Some(())
    }
}

impl<'d> Fill<'d> for i64 {
    fn fill(&mut self, reader: &mut Reader<'d>) -> Option<()> {
        *self = reader.integer()?;
        Some(())
    }
}

impl<'d> Fill<'d> for Raw<'d> {
    fn fill(&mut self, reader: &mut Reader<'d>) -> Option<()> {
        *self = reader.raw()?;
        Some(())
    }
}

/// Fills a struct by its keys, the same that serde reads. What has no key here is passed over.
macro_rules! fill {
    ($type:ty { $($key:literal => $field:ident),* $(,)? }) => {
        impl<'d> $crate::json::Fill<'d> for $type {
            fn fill(&mut self, reader: &mut $crate::json::Reader<'d>) -> Option<()> {
                #[derive(Default)]
                struct Seen {
                    $($field: bool,)*
                }
                debug_assert!(
                    $crate::json::keys::are_those_of_serde::<Self>(&[$($key),*]),
                    "{} is filled by other keys than serde reads", stringify!($type),
                );
                let mut seen = Seen::default();
                reader.object(|reader, key| match key {
                    $($key => $crate::json::field(reader, &mut seen.$field, &mut self.$field),)*
                    _ => reader.skip().map(|_| ()),
                })
            }
        }
    };
}
pub(crate) use fill;
