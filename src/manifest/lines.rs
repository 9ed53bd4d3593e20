//! Lines and columns of a text, for edits.

/// The beginning of the line that has this byte.
pub fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The end of the line that has this byte, behind its line end.
pub fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |newline| at + newline + 1)
}

/// The end of the line that has this byte, before its line end.
pub fn content_end(text: &str, at: usize) -> usize {
    let end = line_end(text, at);
    let line = text.get(at..end).unwrap_or_default();
    at + line.trim_end_matches(['\n', '\r']).len()
}

/// What stands before this byte on its line.
pub fn before(text: &str, at: usize) -> &str {
    text.get(line_start(text, at)..at).unwrap_or_default()
}

/// The column of this byte, from 0.
pub fn column(text: &str, at: usize) -> usize {
    before(text, at).trim_start_matches('\u{FEFF}').chars().count()
}

/// Whether both bytes are on one line.
pub fn same_line(text: &str, from: usize, to: usize) -> bool {
    text.get(from..to).is_none_or(|between| !between.contains('\n'))
}

/// Whether the rest of the line is empty, or a comment.
pub fn is_last_on_line(text: &str, at: usize) -> bool {
    let rest = text.get(at..content_end(text, at)).unwrap_or_default();
    let trimmed = rest.trim_start_matches([' ', '\t']);
    trimmed.is_empty() || trimmed.starts_with('#') && (trimmed.len() < rest.len() || at == line_start(text, at))
}

/// Behind the white space, line ends and comments that begin here.
pub fn skip_comments(text: &str, at: usize) -> usize {
    let mut at = at;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start_matches([' ', '\t', '\r', '\n']);
        at += rest.len() - trimmed.len();
        let is_comment = trimmed.starts_with('#')
            && (trimmed.len() < rest.len()
                || text.get(..at).is_none_or(|before| before.is_empty() || before.ends_with(['\n', ' '])));
        if !is_comment {
            return at;
        }
        at = content_end(text, at);
    }
}
