//! Text of strangers, made safe to print.

mod distance;
mod wording;

pub use distance::edit_distance;
pub use wording::type_error;

use std::error::Error;

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

/// An error with its causes, on one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        // Many crates repeat the cause in their own words.
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    clean(&text, 500)
}

/// A message of serde without the value that it quotes, which may be a secret: `invalid type: string, expected a map`.
#[must_use]
pub fn without_value(message: &str) -> String {
    let quoting = ["invalid type: ", "invalid value: ", "unknown variant "];
    // The value may have any text in it; what was expected is our own.
    let parts = message.rsplit_once(", expected ").filter(|_| quoting.iter().any(|start| message.starts_with(start)));
    let Some((found, expected)) = parts else { return message.to_owned() };
    let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
    format!("{kind}, expected {expected}")
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
    fn each_cause_is_told_once() {
        #[derive(Debug)]
        struct Failed(&'static str, Option<Box<Failed>>);
        impl std::fmt::Display for Failed {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.0)
            }
        }
        impl Error for Failed {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                self.1.as_deref().map(|cause| cause as _)
            }
        }
        let reset = Failed("reset\nby peer", None);
        let quoting = Failed("cannot read: reset\nby peer", Some(Box::new(reset)));
        let error = Failed("connection failed", Some(Box::new(quoting)));
        assert_eq!(with_causes(&error), "connection failed: cannot read: reset\\u{a}by peer");
    }

    #[test]
    fn a_message_keeps_no_value() {
        for (message, kept) in [
            (r#"invalid type: string "hunter2", expected a map"#, "invalid type: string, expected a map"),
            (r#"invalid type: string "a, expected b", expected a map"#, "invalid type: string, expected a map"),
            ("invalid type: integer `1234`, expected a string", "invalid type: integer, expected a string"),
            ("invalid value: integer `-1`, expected u16", "invalid value: integer, expected u16"),
            ("unknown variant `hunter2`, expected `A` or `B`", "unknown variant, expected `A` or `B`"),
            ("invalid type: sequence, expected a string", "invalid type: sequence, expected a string"),
            ("duplicate field `env`", "duplicate field `env`"),
        ] {
            assert_eq!(without_value(message), kept);
        }
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
