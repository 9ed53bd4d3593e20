//! Wraps lines to the width of a terminal, and never within a word.

use unicode_width::UnicodeWidthStr;

/// The fewest columns that lines are wrapped to. On a narrower terminal words would stand alone.
const NARROWEST: usize = 30;

/// `text` in lines of at most `width` columns, as far as its words are no longer. The lines after the first begin with
/// `indent` spaces. Spaces at the beginning and double spaces stay.
#[must_use]
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::with_capacity(text.len() + text.len() / 40);
    let mut column = 0;
    let mut line_has_words = false;
    for word in text.split_inclusive(' ') {
        let visible = columns(word.trim_end_matches(' '));
        if line_has_words && column + visible > width {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
            column = indent;
            line_has_words = false;
        }
        line_has_words |= visible > 0;
        out.push_str(word);
        column += visible + (word.len() - word.trim_end_matches(' ').len());
    }
    out
}

/// The columns of a text on a terminal. A style takes none.
fn columns(text: &str) -> usize {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().map_or(0, UnicodeWidthStr::width);
    first + parts.map(|part| part.split_once('m').map_or(0, |(_, rest)| rest.width())).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_stay_whole() {
        assert_eq!(wrap("one two three four five six seven", 30, 2), "one two three four five six\n  seven");
        let path = "a/very/long/path/that/is/wider/than/the/terminal.yaml:12:3";
        assert_eq!(wrap(&format!("{path} rule high"), 30, 2), format!("{path}\n  rule high"));
        assert_eq!(wrap("", 30, 2), "");
    }

    #[test]
    fn a_style_takes_no_column_and_a_wide_character_takes_two() {
        assert_eq!(columns("\u{1b}[1mbold\u{1b}[0m"), 4);
        assert_eq!(columns("\u{4e2d}\u{6587}"), 4);
    }

    proptest! {
        #[test]
        fn only_spaces_become_line_ends(text in "([a-z]{1,40}  ?){0,30}", width in 1usize..120, indent in 0usize..12) {
            let wrapped = wrap(&text, width, indent);
            let words: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(wrapped.split_whitespace().collect::<Vec<_>>(), words);
            for line in wrapped.lines() {
                let alone = line.split_whitespace().count() <= 1;
                prop_assert!(alone || columns(line.trim_end()) <= width.max(NARROWEST), "{:?}", line);
            }
        }
    }
}
