//! A point in time as text.

use jiff::Timestamp;
use jiff::tz::Offset;

/// RFC 3339 in UTC, to the microsecond.
pub fn stamp(out: &mut String, timestamp: Timestamp) {
    let at = Offset::UTC.to_datetime(timestamp);
    let micros = at.subsec_nanosecond() / 1000;
    for (two, end) in [
        (i32::from(at.year() / 100), ""),
        (i32::from(at.year() % 100), "-"),
        (at.month().into(), "-"),
        (at.day().into(), "T"),
        (at.hour().into(), ":"),
        (at.minute().into(), ":"),
        (at.second().into(), "."),
        (micros / 10_000, ""),
        (micros / 100 % 100, ""),
        (micros % 100, "Z"),
    ] {
        for digit in [two / 10, two % 10] {
            out.push(char::from(b'0' + u8::try_from(digit).unwrap_or_default()));
        }
        out.push_str(end);
    }
}
