//! The fast reader decides nothing: what it reads, serde_json reads alike.
//!
//! It may read what serde_json does not, where that is passed over unread.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::json::{Fill, read};
use podreeve::review::Review;
use podreeve::workload::Pod;
use std::fmt::Debug;

fuzz_target!(|body: &[u8]| {
    let Ok(text) = std::str::from_utf8(body) else { return };
    alike::<Review<'_>>(text);
    alike::<Pod<'_>>(text);
    if let Ok((_, request)) = Review::parse(text)
        && let Some(object) = request.object
    {
        let mut pod = Pod::default();
        if object.read(&mut pod).is_some()
            && let Ok(slow) = serde_json::from_str::<Pod<'_>>(object.get())
        {
            assert_eq!(format!("{pod:?}"), format!("{slow:?}"));
        }
    }
});

fn alike<'a, T: Fill<'a> + Default + serde::Deserialize<'a> + Debug>(text: &'a str) {
    let mut fast = T::default();
    if read(text, &mut fast).is_some()
        && let Ok(slow) = serde_json::from_str::<T>(text)
    {
        assert_eq!(format!("{fast:?}"), format!("{slow:?}"));
    }
}
