//! Compares two JSON texts. The order of keys and white space do not count.

use super::raw::Raw;
use super::reader::Reader;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

/// The depth limit of serde_json.
const DEPTH: usize = 128;

/// Whether both texts have the same value. False where the fast path gives up.
///
/// Each text is read once and nothing is allocated, because the sender chooses how large they are. A `null` and a missing
/// key are different, and so are `1` and `1.0`.
#[must_use]
pub fn same(a: Raw<'_>, b: Raw<'_>) -> bool {
    // Nearly always so, because the API server writes both.
    if a.get() == b.get() {
        return true;
    }
    let digest = Digest::default();
    let of = |raw: Raw<'_>| {
        let mut reader = Reader::new(raw.get());
        let digest = digest.value(&mut reader, DEPTH)?;
        reader.is_at_end().then_some(digest)
    };
    of(a).is_some_and(|a| of(b) == Some(a))
}

/// Hashes with random keys, so that a sender cannot construct two texts with the same digest.
#[derive(Default)]
struct Digest(RandomState);

impl Digest {
    fn value(&self, reader: &mut Reader<'_>, depth: usize) -> Option<u64> {
        let depth = depth.checked_sub(1)?;
        Some(match reader.peek() {
            b'{' => {
                let (mut members, mut count) = (0_u64, 0_u64);
                reader.object(|reader, key| {
                    let member = self.0.hash_one(('m', key, self.value(reader, depth)?));
                    // A sum, because the order of keys does not count.
                    (members, count) = (members.wrapping_add(member), count + 1);
                    Some(())
                })?;
                self.0.hash_one(('o', members, count))
            }
            b'[' => {
                let mut list = self.0.build_hasher();
                'l'.hash(&mut list);
                reader.list(|reader| {
                    self.value(reader, depth)?.hash(&mut list);
                    Some(())
                })?;
                list.finish()
            }
            b'"' => self.0.hash_one(('s', reader.string()?)),
            // A number, or one of three words.
            _ => self.0.hash_one(('w', reader.skip()?)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_same(a: &str, b: &str) -> bool {
        same(Raw::new(a), Raw::new(b)) && same(Raw::new(b), Raw::new(a))
    }

    #[test]
    fn the_order_of_keys_and_white_space_do_not_count() {
        for (a, b) in [
            (r#"{"a":1,"b":[{"c":null,"d":"x"}]}"#, "{ \"b\" : [ {\"d\":\"x\", \"c\":null} ],\n\"a\":1 }"),
            (r#"{"a":"\u0041"}"#, r#"{"a":"A"}"#),
            ("{}", "{ }"),
            ("[1, 2]", "[1,2]"),
        ] {
            assert!(is_same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn everything_else_counts() {
        for (a, b) in [
            (r#"{"a":1}"#, r#"{"a":2}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":null}"#, r#"{"a":"null"}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":1}"#, r#"{"b":1}"#),
            (r#"{"a":1}"#, r#"{"a":1,"b":1}"#),
            (r#"{"a":{"b":1},"c":{"b":2}}"#, r#"{"a":{"b":2},"c":{"b":1}}"#),
            (r#"{"a":1}"#, r#"{"a":1,"a":1}"#),
            ("[1,2]", "[2,1]"),
            ("[[1],2]", "[[1,2]]"),
            ("[]", "{}"),
            ("[]", "[[]]"),
            (r#""ab""#, r#"["a","b"]"#),
            ("1", "1.0"),
            ("true", "false"),
        ] {
            assert!(!is_same(a, b), "{a} {b}");
        }
    }

    #[test]
    fn broken_and_deep_texts_are_different() {
        assert!(!is_same("{", "{ "));
        assert!(!is_same("[1]", "[1] x"));
        let deep = |space: &str| format!("{}{space}{}", "[".repeat(200), "]".repeat(200));
        assert!(!is_same(&deep(""), &deep(" ")));
        assert!(is_same(&deep(""), &deep("")));
    }
}
