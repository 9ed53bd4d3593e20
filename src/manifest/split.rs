//! Splits a file into documents, so that an error in one document does not reach the next.

use super::Position;

/// The text of one document, with its `---` if it has one.
#[derive(Debug, PartialEq, Eq)]
pub struct Chunk<'t> {
    pub text: &'t str,
    /// The line where it begins in the file, from 1.
    pub line: usize,
    /// Whether it counts as a document: it has a `---`, or more than comments.
    pub counts: bool,
}

/// The content of a chunk so far.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// Only comments and empty lines.
    Nothing,
    /// A directive such as `%YAML`. The next `---` belongs to the same document.
    Directives,
    Document,
}

/// Splits at the lines that end or begin a document. In YAML they do so everywhere, also inside a text.
pub fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut start, mut at) = ((0, 1), (0, 1));
    let mut seen = Seen::Nothing;
    let mut push = |start: (usize, usize), end: usize, seen: Seen| {
        if let Some(text) = text.get(start.0..end).filter(|text| !text.is_empty()) {
            chunks.push(Chunk { text, line: start.1, counts: seen != Seen::Nothing });
        }
    };
    for line in text.split_inclusive('\n') {
        let next = (at.0 + line.len(), at.1 + 1);
        if is_marker(line, "---") {
            if seen != Seen::Directives {
                push(start, at.0, seen);
                start = at;
            }
            seen = Seen::Document;
        } else if is_marker(line, "...") {
            push(start, next.0, seen);
            (start, seen) = (next, Seen::Nothing);
        } else if seen == Seen::Nothing && line.starts_with('%') {
            seen = Seen::Directives;
        } else if seen != Seen::Document && !is_comment(line) {
            seen = Seen::Document;
        }
        at = next;
    }
    push(start, text.len(), seen);
    chunks
}

fn is_marker(line: &str, marker: &str) -> bool {
    let rest = line.strip_prefix('\u{FEFF}').unwrap_or(line).strip_prefix(marker);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start_matches(['\u{FEFF}', ' ', '\t', '\r', '\n']);
    line.is_empty() || line.starts_with('#')
}

/// The parts of a chunk and their positions. Several JSON values in a row, as `jq` prints them, are documents without
/// `---`. Each of these parts includes the white space before it. Any other chunk is one part.
pub fn parts<'t>(chunk: &Chunk<'t>) -> Vec<(&'t str, Position)> {
    let start = Position { line: chunk.line, column: 1 };
    let (text, start) = match chunk.text.split_once('\n').filter(|(first, _)| is_alone(first)) {
        Some((_, rest)) => (rest, Position { line: start.line + 1, ..start }),
        None => (chunk.text, start),
    };
    // In a concatenation of files, each of them may begin with a byte order mark.
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    json(text, start).unwrap_or_else(|| vec![(text, start)])
}

/// A `---` with no more than a comment on its line.
fn is_alone(line: &str) -> bool {
    is_marker(line, "---") && is_comment(line.trim_start_matches(['\u{FEFF}', '-']))
}

fn json(text: &str, mut start: Position) -> Option<Vec<(&str, Position)>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<serde::de::IgnoredAny>();
    let (mut parts, mut at) = (Vec::new(), 0);
    while let Some(value) = stream.next() {
        value.ok()?;
        let part = text.get(at..stream.byte_offset())?;
        parts.push((part, start));
        start = start.after(part);
        at = stream.byte_offset();
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<(&str, usize, bool)> {
        chunks(text).into_iter().map(|chunk| (chunk.text, chunk.line, chunk.counts)).collect()
    }

    #[test]
    fn documents_end_where_yaml_ends_them() {
        assert_eq!(of("a: 1\n---\nb: 2\n"), [("a: 1\n", 1, true), ("---\nb: 2\n", 2, true)]);
        assert_eq!(of("# c\n---\r\nb\n---"), [("# c\n", 1, false), ("---\r\nb\n", 2, true), ("---", 4, true)]);
        assert_eq!(of("a\n...\n# c\n"), [("a\n...\n", 1, true), ("# c\n", 3, false)]);
        assert_eq!(of("%YAML 1.2\n---\na\n"), [("%YAML 1.2\n---\na\n", 1, true)]);
        assert_eq!(of("a\n---b\n--- c\n ---\n"), [("a\n---b\n", 1, true), ("--- c\n ---\n", 3, true)]);
        assert_eq!(of(""), []);
    }

    #[test]
    fn json_values_are_parts() {
        let parts_of = |text| -> Vec<(&str, usize, usize)> {
            let chunks = chunks(text);
            chunks.iter().flat_map(parts).map(|(text, at)| (text, at.line, at.column)).collect()
        };
        assert_eq!(parts_of("{} \n{}\n"), [("{}", 1, 1), (" \n{}", 1, 3)]);
        assert_eq!(parts_of("--- # c\n{}\n[]"), [("{}", 2, 1), ("\n[]", 2, 3)]);
        assert_eq!(parts_of("{}\n---\n{}"), [("{}", 1, 1), ("{}", 3, 1)]);
        assert_eq!(parts_of("--- {}\n{}"), [("--- {}\n{}", 1, 1)]);
        assert_eq!(parts_of("{} x"), [("{} x", 1, 1)]);
        assert_eq!(parts_of("---\n\u{FEFF}a: 1\n"), [("a: 1\n", 2, 1)]);
    }
}
