//! The fast reader decides nothing: what it reads, serde_json reads alike.
//!
//! It may read what serde_json does not, where that is passed over unread.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::json::read;
use podreeve::review::Review;
use podreeve::workload::Pod;
use serde_json::value::RawValue;
use std::fmt::Debug;
use std::marker::PhantomData;

fuzz_target!(|body: &[u8]| {
    let Ok(text) = std::str::from_utf8(body) else { return };
    alike::<Review<'_>>(text);
    alike::<Pod<'_>>(text);
    alike::<Option<&RawValue>>(text);
    if let Some(object) = read(text, PhantomData::<Review<'_>>).and_then(|review| review.request?.object) {
        alike::<Pod<'_>>(object.get());
    }
});

fn alike<'a, T: serde::Deserialize<'a> + Debug>(text: &'a str) {
    if let (Some(fast), Ok(slow)) = (read(text, PhantomData::<T>), serde_json::from_str::<T>(text)) {
        assert_eq!(format!("{fast:?}"), format!("{slow:?}"));
    }
}
