//! Joins the lines of each instruction, and takes here-documents out, as BuildKit's parser does.

use super::text::Text;
use super::words::split_quoted;
use super::{Heredoc, Keyword};

/// The lines of a Dockerfile.
pub struct Lines<'t> {
    text: &'t str,
    at: usize,
    pub escape: char,
}

/// An instruction with its arguments, before they are read.
pub struct Logical<'t> {
    pub text: Text,
    pub heredocs: Vec<Heredoc<'t>>,
    /// The end of a here-document that does not come.
    pub unterminated: Option<String>,
}

impl<'t> Lines<'t> {
    /// Reads the directives (`# escape=`) at the beginning.
    pub fn new(text: &'t str) -> Self {
        let mut lines = Self { text, at: 0, escape: '\\' };
        for line in text.lines() {
            // A directive is a comment `# name=value` before everything else.
            let Some((name, value)) = line.trim_start().strip_prefix('#').and_then(|rest| rest.split_once('=')) else {
                break;
            };
            let name = name.trim();
            if !["check", "escape", "syntax"].iter().any(|known| name.eq_ignore_ascii_case(known)) {
                break;
            }
            if name.eq_ignore_ascii_case("escape") && value.trim() == "`" {
                lines.escape = '`';
            }
        }
        lines
    }

    /// The next line without its end, and where it begins.
    fn line(&mut self) -> Option<(&'t str, usize)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let start = self.at;
        self.at += length;
        let line = rest.get(..length)?;
        Some((line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line)), start))
    }

    /// The line without the character that continues it, if it has one.
    fn continued<'l>(&self, line: &'l str) -> Option<&'l str> {
        let before = line.trim_end_matches([' ', '\t']).strip_suffix(self.escape)?;
        // Two of them are one literal character.
        (!before.ends_with(self.escape)).then_some(before)
    }

    fn heredocs(&mut self, text: &Text, found: &mut Vec<Heredoc<'t>>) -> Option<String> {
        for (word, _) in split_quoted(&text.value, '\\') {
            let Some(start) = Start::read(word) else { continue };
            let begin = self.at;
            loop {
                let Some((line, at)) = self.line() else { return Some(start.end) };
                let bare = if start.chomps { line.trim_start_matches('\t') } else { line };
                if bare == start.end {
                    let body = self.text.get(begin..at).unwrap_or_default();
                    found.push(Heredoc {
                        text: body,
                        name: start.end,
                        start: begin,
                        is_stdin: start.is_stdin,
                        is_expanded: start.is_expanded,
                    });
                    break;
                }
            }
        }
        None
    }
}

impl<'t> Iterator for Lines<'t> {
    type Item = Logical<'t>;

    fn next(&mut self) -> Option<Logical<'t>> {
        let mut text = self.joined();
        // A line that only continues is no instruction.
        while text.value.trim().is_empty() {
            if self.at >= self.text.len() {
                return None;
            }
            text = self.joined();
        }
        let mut heredocs = Vec::new();
        let unterminated = has_heredocs(&text.value).then(|| self.heredocs(&text, &mut heredocs)).flatten();
        Some(Logical { text, heredocs, unterminated })
    }
}

impl Lines<'_> {
    /// The lines of one instruction.
    fn joined(&mut self) -> Text {
        let mut text = Text::default();
        let mut is_first = true;
        while let Some((line, start)) = self.line() {
            let bare = line.trim_start();
            // Comments and empty lines may stand between the lines of an instruction, too.
            if bare.is_empty() || bare.starts_with('#') {
                continue;
            }
            let (line, start) = if is_first { (bare, start + line.len() - bare.len()) } else { (line, start) };
            is_first = false;
            let Some(part) = self.continued(line) else {
                text.push(line.trim_end(), start);
                break;
            };
            text.push(part, start);
        }
        text
    }
}

fn has_heredocs(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace().map(Keyword::find);
    let keyword = match words.next().flatten() {
        Some(Keyword::Onbuild) => words.next().flatten(),
        keyword => keyword,
    };
    keyword.is_some_and(Keyword::has_heredocs) && line.contains("<<")
}

/// The word that begins a here-document: `<<EOF`, `3<<-"END"`.
struct Start {
    end: String,
    chomps: bool,
    is_stdin: bool,
    is_expanded: bool,
}

impl Start {
    fn read(word: &str) -> Option<Self> {
        let (descriptor, rest) = word.split_once("<<")?;
        if !descriptor.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let (chomps, name) = rest.strip_prefix('-').map_or((false, rest), |name| (true, name));
        if name.is_empty() || name.contains('<') {
            return None;
        }
        let end: String = name.chars().filter(|c| !matches!(c, '"' | '\'' | '\\')).collect();
        let is_expanded = end.len() == name.len();
        Some(Self { end, chomps, is_stdin: matches!(descriptor, "" | "0"), is_expanded })
    }
}
