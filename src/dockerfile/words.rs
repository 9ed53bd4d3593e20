//! Words of an instruction: separated by blanks, or as JSON.

use std::ops::Range;

/// The words between blanks outside of quotes, with the quotes, and where each begins.
pub fn split_quoted(text: &str, escape: char) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let begin = at + (rest.len() - rest.trim_start().len());
        let word = text.get(begin..).filter(|rest| !rest.is_empty())?;
        let end = quoted_end(word, escape);
        at = begin + end;
        Some((word.get(..end)?, begin))
    })
}

/// Where the first word of a text ends.
fn quoted_end(text: &str, escape: char) -> usize {
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, c) if c.is_whitespace() => return at,
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            // Nothing is escaped in single quotes.
            (None | Some('"'), c) if c == escape => {
                chars.next();
            }
            _ => {}
        }
    }
    text.len()
}

/// The words between blanks, whatever the quotes.
pub fn split(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.split_ascii_whitespace().map(|word| (word, offset_in(text, word)))
}

/// Where a part of a text begins in it.
fn offset_in(text: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize)
}

/// The strings of `["a", "b"]`, and where each is; none if it is no such list, which then is a line for a shell.
pub fn json(text: &str) -> Option<Vec<(String, Range<usize>)>> {
    if !text.trim_start().starts_with('[') {
        return None;
    }
    let values: Vec<String> = serde_json::from_str(text.trim()).ok()?;
    let mut at = 0;
    let spans = values.into_iter().map(|value| {
        let begin = at + text.get(at..)?.find('"')?;
        let end = begin + 1 + string_end(text.get(begin + 1..)?)?;
        at = end;
        Some((value, begin..end))
    });
    spans.collect()
}

/// The end of a JSON string, with its closing quote.
fn string_end(text: &str) -> Option<usize> {
    let mut chars = text.bytes().enumerate();
    while let Some((at, b)) = chars.next() {
        match b {
            b'"' => return Some(at + 1),
            b'\\' => {
                chars.next();
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_in_quotes_do_not_separate() {
        let words = |text| split_quoted(text, '\\').collect::<Vec<_>>();
        assert_eq!(words(r#" a="b c" d\ e 'f \'g"#), [(r#"a="b c""#, 1), (r"d\ e", 9), (r"'f \'g", 14)]);
        assert_eq!(words("  "), []);
        assert_eq!(words(r#""a \" b" c"#), [(r#""a \" b""#, 0), ("c", 9)]);
        assert_eq!(split(" a  b").collect::<Vec<_>>(), [("a", 1), ("b", 4)]);
    }

    #[test]
    fn the_strings_of_a_list_have_their_places() {
        let text = r#" ["a", "b\"c" , ""]"#;
        let words = json(text).unwrap();
        assert_eq!(words, [("a".to_owned(), 2..5), ("b\"c".to_owned(), 7..13), (String::new(), 16..18)]);
        assert_eq!(json(r#"[ "a" "b" ]"#), None);
        assert_eq!(json("[ -f a ]"), None);
        assert_eq!(json("[]"), Some(Vec::new()));
    }
}
