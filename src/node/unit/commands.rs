//! Words of commands and of `Environment=`, and the variables in them.

use std::collections::BTreeMap;

/// Words of the value of a variable: quotes hold spaces, a backslash the next character.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    split(text, false)
}

/// Words of a line of a unit, in which a backslash may begin an escape of C: `\x2d`, `\055`, `\u002d`, `\s`, `\t`.
#[must_use]
pub fn unescaped_words(text: &str) -> Vec<String> {
    split(text, true)
}

fn split(text: &str, has_escapes: bool) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), c) if c == open => quote = None,
            (_, '\\') => {
                let word = word.get_or_insert_default();
                let rest = chars.as_str();
                if let Some((bytes, length)) = has_escapes.then(|| escape(rest)).flatten() {
                    word.extend(bytes);
                    chars = rest.get(length..).unwrap_or_default().chars();
                } else if let Some(c) = chars.next() {
                    push(word, c);
                }
            }
            (_, c) => push(word.get_or_insert_default(), c),
        }
    }
    words.extend(word);
    words.into_iter().map(|word| String::from_utf8_lossy(&word).into_owned()).collect()
}

fn push(word: &mut Vec<u8>, c: char) {
    word.extend(c.encode_utf8(&mut [0; 4]).bytes());
}

/// What an escape stands for, and how long it is after its backslash. An escape may be one byte of a longer character.
fn escape(rest: &str) -> Option<(Vec<u8>, usize)> {
    let letter = rest.bytes().next()?;
    let number = |begin: usize, end: usize, radix: u32| {
        let digits = rest.get(begin..end).filter(|digits| digits.chars().all(|c| c.is_digit(radix)))?;
        u32::from_str_radix(digits, radix).ok().filter(|number| *number > 0)
    };
    let byte = |number: Option<u32>, length| Some((vec![u8::try_from(number?).ok()?], length));
    let character = |number: Option<u32>, length| Some((char::from_u32(number?)?.to_string().into_bytes(), length));
    match letter {
        b'x' => byte(number(1, 3, 16), 3),
        b'0'..=b'7' => byte(number(0, 3, 8), 3),
        b'u' => character(number(1, 5, 16), 5),
        b'U' => character(number(1, 9, 16), 9),
        _ => {
            let found = match letter {
                b'a' => 7,
                b'b' => 8,
                b't' => b'\t',
                b'n' => b'\n',
                b'v' => 11,
                b'f' => 12,
                b'r' => b'\r',
                b's' => b' ',
                b'\\' | b'"' | b'\'' => letter,
                _ => return None,
            };
            Some((vec![found], 1))
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && name(text).len() == text.len()
}

/// The characters at the beginning of a text that a name of a variable may have.
fn name(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

/// The variables that a text names, with braces and without.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).map(|rest| name(rest.strip_prefix('{').unwrap_or(rest)))
}

/// What a word of a command becomes: `$NAME` as a word is split at spaces, `${NAME}` is one part of a word. None where the values are longer
/// than the room that is left.
pub fn with_variables(word: &str, variables: &BTreeMap<String, String>, room: &mut usize) -> Option<Vec<String>> {
    let Some(name) = word.strip_prefix('$').filter(|name| is_name(name)) else {
        return Some(vec![filled(word, variables, room)?]);
    };
    let value = variables.get(name).map_or("", String::as_str);
    *room = room.checked_sub(value.len())?;
    Some(words(value))
}

/// A word with the values of `${NAME}` in it.
#[must_use]
pub fn braced(word: &str, variables: &BTreeMap<String, String>) -> String {
    let mut room = usize::MAX;
    filled(word, variables, &mut room).unwrap_or_default()
}

fn filled(word: &str, variables: &BTreeMap<String, String>, room: &mut usize) -> Option<String> {
    let mut out = String::with_capacity(word.len());
    let mut rest = word;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let name = name(after);
        let behind = after.get(name.len()..).and_then(|behind| behind.strip_prefix('}'));
        if let Some(behind) = behind.filter(|_| !name.is_empty()) {
            let value = variables.get(name).map_or("", String::as_str);
            *room = room.checked_sub(value.len())?;
            out.push_str(value);
            rest = behind;
        } else {
            out.push_str("${");
            rest = after;
        }
    }
    Some(out + rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_quotes() {
        for split in [words, unescaped_words] {
            assert_eq!(split(r#"a "b c"d  'e"f' g\ h "" "#), ["a", "b cd", "e\"f", "g h", ""]);
            assert!(split("  ").is_empty());
        }
    }

    #[test]
    fn words_with_escapes() {
        let text = r#"\x2dH tcp\x3a//\060 "a\sb" \u002d\U0000002d \xc3\xa4 \"\\ \x0 \400 \q"#;
        assert_eq!(unescaped_words(text), ["-H", "tcp://0", "a b", "--", "\u{e4}", "\"\\", "x0", "400", "q"]);
        assert_eq!(words(r"\x2dH"), ["x2dH"], "the value of a variable has none");
    }

    #[test]
    fn variables_within_their_room() {
        let variables = BTreeMap::from([("A".to_owned(), "x y".to_owned())]);
        let of = |word: &str, mut room: usize| with_variables(word, &variables, &mut room);
        assert_eq!(of("$A", 3).unwrap(), ["x", "y"]);
        assert_eq!(of("-${A}-${NONE}${A${-}", 3).unwrap(), ["-x y-${A${-}"]);
        assert_eq!((of("$A", 2), of("${A}${A}", 5)), (None, None));
        assert_eq!(names("a $B ${C}d $").collect::<Vec<_>>(), ["B", "C", ""]);
    }
}
