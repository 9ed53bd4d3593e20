//! The fast path for JSON decides nothing: what it reads, serde_json reads as the same value.
//!
//! It may read a text that serde_json refuses, where the error is inside a value that no type reads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::json::{Objects, Reader};
use podreeve::review::Review;
use podreeve::workload::Pod;
use serde::Deserialize;
use std::fmt::Debug;

fuzz_target!(|body: &[u8]| {
    let Ok(text) = std::str::from_utf8(body) else { return };
    compare::<Review<'_>>(text);
    compare::<Pod<'_>>(text);
    if let Ok((_, request)) = Review::parse(text)
        && let Some(object) = request.object()
    {
        compare::<Pod<'_>>(object.get());
    }
});

fn compare<'a, T: Deserialize<'a> + Debug>(text: &'a str) {
    let mut reader = Reader::new(text);
    let Ok(fast) = T::deserialize(&mut reader) else { return };
    if reader.is_at_end()
        && let Ok(slow) = T::deserialize(Objects(&mut serde_json::Deserializer::from_str(text)))
    {
        assert_eq!(format!("{fast:?}"), format!("{slow:?}"));
    }
}
