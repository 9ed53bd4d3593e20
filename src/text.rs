//! Text of strangers, made safe to print.

/// `text` without control characters and bidi overrides (each is written as its escape), at most `max`
/// characters; what is cut shows as `…`.
#[must_use]
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for (count, c) in text.chars().enumerate() {
        if count >= max {
            out.push('…');
            break;
        }
        if is_unsafe(c) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters (ANSI escapes, newlines, NUL), and the invisible characters that reorder or hide text.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{061C}')
}

/// A JSON pointer as people write field paths: `/spec/containers/0/image` is `spec.containers[0].image`.
/// Keys with a dot or slash are quoted: `metadata.annotations["example.com/a"]`.
#[must_use]
pub fn dotted(pointer: &str) -> String {
    let mut path = String::with_capacity(pointer.len());
    for segment in pointer.split('/').skip(1) {
        let key = crate::patch::unescape(segment);
        if !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()) {
            path.push('[');
            path.push_str(&key);
            path.push(']');
        } else if key.contains(['.', '/', '[']) {
            path.push_str("[\"");
            path.push_str(&clean(&key, 253));
            path.push_str("\"]");
        } else {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&clean(&key, 253));
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_invisible_is_printed() {
        assert_eq!(clean("a\u{1b}[31mb\n\u{202e}c\0", 80), "a\\u{1b}[31mb\\u{a}\\u{202e}c\\u{0}");
        assert_eq!(clean("äöüß", 2), "äö…");
        assert_eq!(clean("ok", 2), "ok");
    }

    #[test]
    fn pointers_read_as_field_paths() {
        assert_eq!(
            dotted("/spec/containers/0/securityContext/privileged"),
            "spec.containers[0].securityContext.privileged"
        );
        assert_eq!(dotted("/metadata/annotations/a.b~1c"), "metadata.annotations[\"a.b/c\"]");
        assert_eq!(dotted(""), "");
    }
}
