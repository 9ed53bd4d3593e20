//! Holds the keys that are filled to those that serde reads.

use serde::Deserialize;
use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};

/// Whether serde reads a struct by these keys, and no others.
#[must_use]
pub fn are_those_of_serde<'d, T: Deserialize<'d>>(keys: &[&str]) -> bool {
    let mut same = false;
    // It always fails: nothing is read.
    let _ = T::deserialize(Keys { keys, same: &mut same });
    same
}

struct Keys<'k> {
    keys: &'k [&'k str],
    same: &'k mut bool,
}

impl<'de> Deserializer<'de> for Keys<'_> {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.same = fields.len() == self.keys.len() && fields.iter().all(|field| self.keys.contains(field));
        Err(Error::custom("these are the keys"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("not a struct"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[allow(dead_code, reason = "only its keys are looked at")]
    struct Two {
        host_port: i64,
        name: String,
    }

    #[test]
    fn every_key_counts() {
        assert!(are_those_of_serde::<Two>(&["name", "hostPort"]));
        for wrong in [&["name"][..], &["name", "host_port"], &["name", "hostPort", "x"], &[]] {
            assert!(!are_those_of_serde::<Two>(wrong), "{wrong:?}");
        }
    }
}
