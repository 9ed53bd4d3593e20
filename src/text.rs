//! Makes text from requests and files safe to print.

mod wording;

pub use wording::type_error;

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Write};

/// What stands in the place of a secret in texts for people. A shell does not run it, should a user paste it.
pub const HIDDEN: &str = "(not repeated)";

/// At most `max` characters of `text`, and `…` for the rest. A character that is invisible, or that moves other text, becomes
/// its escape.
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

/// As [`clean`]. Borrowed if the text is harmless, which it nearly always is.
#[must_use]
pub fn cleaned(text: &str, max: usize) -> Cow<'_, str> {
    // The loop never ends early, so that the compiler compares many bytes at once.
    let is_plain = text.bytes().fold(true, |all, b| all & (b.wrapping_sub(b' ') < 0x5f));
    let harmless = text.len() <= max && (is_plain || !text.chars().any(is_unsafe));
    if harmless { Cow::Borrowed(text) } else { Cow::Owned(clean(text, max)) }
}

/// Whether this is a control character (ANSI escape, newline, NUL), or a character that reorders text, is invisible or looks
/// like a space.
#[must_use]
pub fn is_unsafe(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_control() } else { c.is_control() || c.is_whitespace() || is_invisible(c) }
}

/// Unicode's Default_Ignorable_Code_Point, which a test compares with the standard's data, and the other
/// invisible characters: interlinear annotations, the empty braille cell, fillers.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{13441}'..='\u{13442}'
            | '\u{16FE4}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D159}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E0FFF}'
    )
}

/// Appends so many spaces, many at a time.
pub fn push_spaces(out: &mut String, count: usize) {
    const SPACES: &str = "                                                                ";
    let mut left = count;
    while let Some(spaces) = SPACES.get(..left.min(SPACES.len())).filter(|spaces| !spaces.is_empty()) {
        out.push_str(spaces);
        left -= spaces.len();
    }
}

/// Several lines as one, as `/readyz` has it for each check.
#[must_use]
pub fn in_one_line(text: &str) -> String {
    text.replace('\n', "; ")
}

/// An error with its causes, on one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let cause_text = error.to_string();
        // Many crates repeat the cause in their own message.
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        cause = error.source();
    }
    clean(&text, 500)
}

/// A message of serde without the value in it, which may be a secret: `invalid type: string, expected a map`.
#[must_use]
pub fn without_value(message: &str) -> String {
    let quoting = ["invalid type: ", "invalid value: ", "unknown variant "];
    // The value may hold any text, also `, expected `. The text after the last one is from our own types.
    let parts = message.rsplit_once(", expected ").filter(|_| quoting.iter().any(|start| message.starts_with(start)));
    let Some((found, expected)) = parts else { return message.to_owned() };
    let kind = found.split(['`', '"']).next().unwrap_or_default().trim_end();
    format!("{kind}, expected {expected}")
}

/// The message of serde_json without line and column. Those count in JSON that its author never saw.
#[must_use]
pub fn without_position(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

/// The words of a name, as its author wrote them: `db` and `Password` of `dbPassword`, `DB` and `PASSWORD` of `DB_PASSWORD`.
pub fn name_words(name: &str) -> impl Iterator<Item = &str> {
    let mut rest = name;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| !c.is_alphanumeric());
        let mut was_lower = false;
        let ends = |(_, c): &(usize, char)| {
            let ends = !c.is_alphanumeric() || (was_lower && c.is_uppercase());
            was_lower = c.is_lowercase();
            ends
        };
        let end = rest.char_indices().find(ends).map_or(rest.len(), |(at, _)| at);
        let (word, behind) = rest.split_at(end);
        rest = behind;
        (!word.is_empty()).then_some(word)
    })
}

/// The numbers in a version: 6, 1, 0 and 28 of `6.1.0-28-amd64`.
#[must_use]
pub fn version_numbers(version: &str) -> Vec<u64> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

/// A JSON pointer as a field path: `/spec/containers/0/image` becomes `spec.containers[0].image`.
/// Keys with a dot or slash are quoted: `metadata.annotations["example.com/a"]`.
#[must_use]
pub fn dotted(pointer: &str) -> String {
    let mut path = String::with_capacity(pointer.len());
    push_dotted(&mut path, pointer);
    path
}

/// Appends the field path of a JSON pointer, as [`dotted`] writes it.
pub fn push_dotted(out: &mut String, pointer: &str) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{}", Dotted(pointer));
}

/// The longest key of a field path, in characters.
const KEY_MAX: usize = 253;

/// The field path of a JSON pointer, as [`dotted`] writes it.
#[derive(Debug, Clone, Copy)]
pub struct Dotted<'p>(pub &'p str);

impl fmt::Display for Dotted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nearly every pointer is known as a whole to have nothing to escape or to quote.
        let is_plain = self.0.bytes().fold(true, |all, b| all & !matches!(b, b'.' | b'[' | b'~'.. | ..=b' '));
        let (mut rest, mut index) = (crate::patch::first_segment(self.0).1, 0_usize);
        while let Some(path) = rest {
            let segment;
            (segment, rest) = crate::patch::first_segment(path);
            index += 1;
            if is_plain && segment.len() <= KEY_MAX && !segment.starts_with(|c: char| c.is_ascii_digit()) {
                f.write_str(if index > 1 { "." } else { "" })?;
                f.write_str(segment)?;
                continue;
            }
            let key = crate::patch::unescape(segment);
            let (before, after) = if !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()) {
                ("[", "]")
            } else if key.bytes().any(|b| matches!(b, b'.' | b'/' | b'[')) {
                ("[\"", "\"]")
            } else {
                (if index > 1 { "." } else { "" }, "")
            };
            f.write_str(before)?;
            f.write_str(&cleaned(&key, KEY_MAX))?;
            f.write_str(after)?;
        }
        Ok(())
    }
}

/// Where the commands of a script end of which `left` remain: none if all of them are fewer. Each end of a command counts, also one in
/// quotes, so it may count more commands than there are.
#[must_use]
pub fn end_of_commands(script: &str, left: &mut usize) -> Option<usize> {
    for (at, _) in script.bytes().enumerate().filter(|(_, byte)| b"\n;&|(`".contains(byte)) {
        let Some(rest) = left.checked_sub(1) else { return Some(at) };
        *left = rest;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_characters_are_escaped() {
        assert_eq!(clean("a\u{1b}[31mb\n\u{202e}c\0", 80), "a\\u{1b}[31mb\\u{a}\\u{202e}c\\u{0}");
        assert_eq!(clean("äöüß", 2), "äö…");
        assert_eq!(clean("ok", 2), "ok");
        // A soft hyphen, a variation selector, a tag, an annotation, an empty braille cell, and odd spaces.
        for c in "\u{ad}\u{34f}\u{115f}\u{180e}\u{2028}\u{2800}\u{3164}\u{fe0f}\u{fff9}\u{e0001}\u{e0141}\u{a0}\u{3000}"
            .chars()
        {
            assert_eq!(clean(&format!("a{c}b"), 80), format!("a{}b", c.escape_unicode()));
        }
        // Visible text of any language stays as it is.
        let seen = "é ß 中文 か\u{3099} ✓ 🙂 - \u{ffff}\u{e001}";
        assert_eq!(clean(seen, 80), seen);
    }

    /// `regex-syntax` contains the data of the standard.
    #[test]
    fn everything_that_the_standard_ignores_is_escaped() {
        let pattern = r"[\p{Default_Ignorable_Code_Point}\p{White_Space}\p{Cc}\p{Bidi_Control}]";
        let class = match regex_syntax::parse(pattern).expect("a class").into_kind() {
            regex_syntax::hir::HirKind::Class(regex_syntax::hir::Class::Unicode(class)) => class,
            other => panic!("{other:?}"),
        };
        let ignored = |c: char| class.iter().any(|range| (range.start()..=range.end()).contains(&c));
        let (missing, more): (Vec<char>, Vec<char>) =
            (char::MIN..=char::MAX).filter(|c| *c != ' ' && ignored(*c) != is_unsafe(*c)).partition(|c| ignored(*c));
        assert!(missing.is_empty(), "{missing:?}");
        // Invisible, though the standard does not list them.
        assert_eq!(
            more.iter().collect::<String>(),
            "\u{2800}\u{fff9}\u{fffa}\u{fffb}\u{13441}\u{13442}\u{16fe4}\u{1d159}"
        );
    }

    #[test]
    fn spaces_are_as_many_as_asked_for() {
        for count in [0, 1, 63, 64, 65, 200] {
            let mut out = String::new();
            push_spaces(&mut out, count);
            assert_eq!(out, " ".repeat(count));
        }
    }

    #[test]
    fn each_cause_is_printed_once() {
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
    fn a_message_loses_its_value() {
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
    fn words_of_names() {
        for (name, words) in [
            ("dbPassword", &["db", "Password"][..]),
            ("DB_PASSWORD", &["DB", "PASSWORD"]),
            ("--api.Key2-x", &["api", "Key2", "x"]),
            ("größeÄnderung", &["größe", "Änderung"]),
            ("S3", &["S3"]),
            ("__", &[]),
            ("", &[]),
        ] {
            assert_eq!(name_words(name).collect::<Vec<_>>(), words, "{name}");
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
