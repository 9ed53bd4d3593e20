//! Reads plain JSON straight into the types that rules judge.
//!
//! A review is mostly what podreeve does not look at: managed fields, status, the last applied
//! configuration. serde spends most of a request there, and on moving what it has read. This fills the
//! same types in place, passes over the rest by its brackets, and gives up on whatever is rare or wrong;
//! serde_json then reads it, or says what is wrong with it. So it decides nothing: tests and `fuzz/` hold
//! it to what serde_json reads. In what nobody reads, commas, colons and escapes may stand as they like:
//! the API server's own encoder put them there.

pub mod keys;
mod number;
mod objects;
mod reader;
mod same;
mod scan;

use crate::effort;
pub use objects::Objects;
pub use reader::Reader;
pub use same::same;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Fills `into` from the whole text; none when serde_json has to, and then it holds anything.
pub fn read<'d>(text: &'d str, into: &mut impl Fill<'d>) -> Option<()> {
    let mut reader = Reader::new(text);
    into.fill(&mut reader)?;
    // After the last value there may be white space.
    reader.is_at_end().then_some(())
}

/// A value that stays as it is until somebody asks.
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

    /// As [`read`].
    pub fn read(&self, into: &mut impl Fill<'d>) -> Option<()> {
        read(self.0, into)
    }
}

impl std::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raw({})", self.0)
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
    once(reader, seen, |reader| into.fill(reader))
}

/// As [`field`], read by `fill`.
#[inline]
pub fn once<'d>(
    reader: &mut Reader<'d>,
    seen: &mut bool,
    fill: impl FnOnce(&mut Reader<'d>) -> Option<()>,
) -> Option<()> {
    // Two values for one key: whoever reads the other one would be misled.
    if std::mem::replace(seen, true) {
        return None;
    }
    if reader.null()? { Some(()) } else { fill(reader) }
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
            effort::hold(size_of::<T>()).then_some(())?;
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
/// `key => field by method` leaves a field to a method of the struct.
macro_rules! fill {
    ($type:ty { $($key:literal => $field:ident $(by $method:ident)?),* $(,)? }) => {
        impl<'d> $crate::json::Fill<'d> for $type {
            fn fill(&mut self, reader: &mut $crate::json::Reader<'d>) -> Option<()> {
                #[derive(Default)]
                struct Seen {
                    $($field: bool,)*
                }
                debug_assert!(
                    $crate::json::keys::are_those_of_serde::<Self>(&[$($key),*]),
                    "{} is filled by other keys than serde reads; name in `fill!` each field that the type has", stringify!($type),
                );
                let mut seen = Seen::default();
                reader.object(|reader, key| match key {
                    $($key => $crate::json::fill!(@ reader, &mut seen.$field, self, $field $(, $method)?),)*
                    _ => reader.skip().map(|_| ()),
                })
            }
        }
    };
    (@ $reader:ident, $seen:expr, $self:ident, $field:ident) => {
        $crate::json::field($reader, $seen, &mut $self.$field)
    };
    (@ $reader:ident, $seen:expr, $self:ident, $field:ident, $method:ident) => {
        $crate::json::once($reader, $seen, |reader| $self.$method(reader))
    };
}
pub(crate) use fill;
