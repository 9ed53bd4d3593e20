//! What the YAML parser complains about, in words that help: where the fault is, and not only where it was noticed.

use super::build::MAX_DEPTH;
use super::{ManifestError, Position};
use serde_saphyr::granit_parser::{ErrorKind, ScanError};

/// The error at a position of the file. `text` is what was parsed, and `at` maps a line and column of the parser to the file.
/// `open` is the bracket of flow style that the fault is inside of.
pub fn syntax_error(
    error: &ScanError,
    text: &str,
    at: impl Fn(usize, usize) -> Position,
    open: Option<(Position, char)>,
) -> ManifestError {
    let (line, column) = (error.marker().line(), error.marker().col());
    let place = at(line, column);
    let message = match error.kind() {
        ErrorKind::RecursionLimitExceeded => {
            return ManifestError::new(place, format!("nested more than {MAX_DEPTH} deep, as no manifest is"));
        }
        ErrorKind::UnclosedFlowCollection { .. } => {
            let (line, column, bracket) = unclosed(text, line, column).unwrap_or((line, column, '['));
            let message = format!("this `{bracket}` has no `{}`; close it", closing(bracket));
            return template(at(line, column), message);
        }
        ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation => {
            format!("{}; indent with spaces", error.info())
        }
        ErrorKind::UnknownAnchor => format!("{}; define it with `&` earlier in the same document", error.info()),
        ErrorKind::InvalidIndentation => format!("{}; line the keys of a map up with each other", error.info()),
        _ => error.info().clone(),
    };
    let inside = open.map(|(opened, bracket)| {
        let closing = closing(bracket);
        format!("; the `{bracket}` at line {}, column {} has no `{closing}` before", opened.line, opened.column)
    });
    template(place, format!("{message}{}", inside.unwrap_or_default()))
}

fn template(at: Position, message: String) -> ManifestError {
    ManifestError { is_template: true, ..ManifestError::new(at, message) }
}

const fn closing(bracket: char) -> char {
    if bracket == '{' { '}' } else { ']' }
}

/// A bracket that was opened, and how far its line is indented.
struct Opened {
    line: usize,
    column: usize,
    bracket: char,
    indent: usize,
}

/// The bracket that is probably not closed. The parser names the outermost one; `line` and `column` are its position.
///
/// A bracket whose closing one is indented less than its line has probably taken the closing one of another.
fn unclosed(text: &str, line: usize, column: usize) -> Option<(usize, usize, char)> {
    let mut opened: Vec<Opened> = Vec::new();
    let mut suspect = None;
    let mut quote = None;
    for (number, full) in text.lines().enumerate().skip(line.saturating_sub(1)) {
        let indent = full.chars().take_while(|c| *c == ' ' || *c == '\t').count();
        let mut before = ' ';
        let mut escaped = false;
        for (at, c) in full.chars().enumerate() {
            if number + 1 == line && at < column {
                continue;
            }
            match (quote, c) {
                (Some('"'), '\\') if !escaped => {
                    escaped = true;
                    continue;
                }
                (Some(end), c) if c == end && !escaped => quote = None,
                (None, '#') if before == ' ' => break,
                (None, '"' | '\'') if matches!(before, ' ' | ',' | '[' | '{' | ':') => quote = Some(c),
                (None, '[' | '{') => opened.push(Opened { line: number + 1, column: at, bracket: c, indent }),
                (None, ']' | '}') => {
                    let last = opened.pop()?;
                    if at == indent && indent < last.indent && suspect.is_none() {
                        suspect = Some(last);
                    }
                }
                _ => {}
            }
            escaped = false;
            before = if c == '\t' { ' ' } else { c };
        }
    }
    let found = suspect.or_else(|| opened.pop())?;
    Some((found.line, found.column, found.bracket))
}

#[cfg(test)]
mod tests {
    use crate::manifest::{ManifestError, parse};

    fn error(text: &str) -> ManifestError {
        parse(text.as_bytes()).expect_err("the text has a fault")
    }

    fn at(text: &str) -> (usize, usize) {
        let ManifestError { at, message, .. } = error(text);
        assert!(message.contains("has no `"), "{message}");
        (at.line, at.column)
    }

    #[test]
    fn a_bracket_without_an_end_is_where_it_begins() {
        assert_eq!(at("a: 1\nb: [1, 2\n"), (2, 4));
        assert_eq!(at("a: 1\nb: {c: [1, 2]\n"), (2, 4));
        assert_eq!(at("a: 1\n---\nb: [1, {c: 2\n"), (3, 8));
        assert_eq!(at("b: [\"]\", ']', # ]\n"), (1, 4));
        assert_eq!(at("b: [\"\\\"]\", 1\n"), (1, 4));
    }

    #[test]
    fn a_bracket_that_took_the_end_of_another_is_the_fault() {
        let json = "{\n  \"spec\": {\n    \"a\": {\n      \"b\": [1]\n  },\n  \"c\": 2\n}\n";
        assert_eq!(at(json), (3, 10));
        let list = "{\n  \"items\": [\n    {\"a\": 1},\n    {\n      \"b\": 1\n  ]\n}\n";
        assert!(error(list).message.contains("bracket"), "{list}");
    }

    #[test]
    fn a_fault_inside_a_bracket_names_it() {
        let ManifestError { at, message, .. } = error("a:\n  ports: [{port: 80}\n  image: b\n");
        assert_eq!(at.line, 3);
        assert!(message.contains("the `[` at line 2, column 10 has no `]`"), "{message}");
    }
}
