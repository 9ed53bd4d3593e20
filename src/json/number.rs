//! Finds the end of a number.

/// The index behind a number, from the index of its first byte. `None` for a number that JSON does not allow.
pub fn end(text: &[u8], mut at: usize) -> Option<usize> {
    if text.get(at) == Some(&b'-') {
        at += 1;
    }
    at = match text.get(at)? {
        b'0' => at + 1,
        _ => digits(text, at)?,
    };
    if text.get(at) == Some(&b'.') {
        at = digits(text, at + 1)?;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        if matches!(text.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        at = digits(text, at)?;
    }
    // A digit may not follow a leading zero.
    (!text.get(at).is_some_and(u8::is_ascii_digit)).then_some(at)
}

/// The index behind one digit or more.
fn digits(text: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while text.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    (at > start).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::end;

    #[test]
    fn a_number_ends_where_json_says() {
        for (text, wanted) in [("0", 1), ("-12.5e+3,", 8), ("1E9]", 3), ("10 ", 2), ("0.0}", 3)] {
            assert_eq!(end(text.as_bytes(), 0), Some(wanted), "{text}");
        }
        for text in ["", "-", "01", "1.", "1e", "+1", ".5", "x"] {
            assert_eq!(end(text.as_bytes(), 0), None, "{text}");
        }
    }
}
