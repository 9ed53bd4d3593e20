//! `--snippet`: the line of the file that an entry is about, as compilers show it.

mod dockerfile;
mod secrets;

use super::Entry;
use crate::dockerfile::Dockerfile;
use crate::policy::CompiledPolicy;
use crate::report::entry::{Level, UNREADABLE_FIELD};
use crate::report::style::FOUND_MAX;
use crate::text::clean;
use annotate_snippets::{AnnotationKind, Group, Level as Shown, Renderer, Snippet};
use secrets::Secrets;
use std::sync::Arc;

/// The longest line that is shown, in characters.
const LINE_MAX: usize = 2000;
/// The columns where there is no terminal.
const WIDTH: usize = 140;

/// The text of a file, without its secrets.
pub enum Source<'t> {
    Manifest(Vec<&'t str>, Secrets),
    Dockerfile(Dockerfile<'t>, dockerfile::Secrets),
}

impl<'t> Source<'t> {
    #[must_use]
    pub fn new(text: &'t str, is_dockerfile: bool, policies: &[Arc<CompiledPolicy>]) -> Self {
        if is_dockerfile {
            let file = Dockerfile::parse(text);
            let secrets = dockerfile::Secrets::new(&file, policies);
            return Self::Dockerfile(file, secrets);
        }
        Self::Manifest(text.lines().collect(), Secrets::new(text))
    }

    /// The part of a line before a column, and the rest.
    fn parts(&self, line: usize, column: usize) -> Option<(String, String)> {
        match self {
            Self::Manifest(lines, secrets) => {
                let text = secrets.hide(line, lines.get(line.checked_sub(1)?)?);
                let (before, rest) = split(&text, column - 1);
                Some((before.to_owned(), rest.to_owned()))
            }
            Self::Dockerfile(file, secrets) => {
                let range = file.line(line);
                let before = split(file.text().get(range.clone())?, column - 1).0.len();
                let middle = range.start + before;
                Some((secrets.hide(file, range.start..middle), secrets.hide(file, middle..range.end)))
            }
        }
    }

    /// The entry with its line. None if the line cannot be shown.
    #[must_use]
    pub fn show(&self, entry: &Entry<'_>, width: Option<usize>) -> Option<String> {
        // What could not be read may be anything, also a secret.
        if entry.rule == UNREADABLE_FIELD.id {
            return None;
        }
        let (line, column) = (entry.line?, entry.column.unwrap_or(1));
        let (before, rest) = self.parts(line, column)?;
        let marked = without_comment(&rest).trim_end();
        let after = rest.get(marked.len()..).unwrap_or_default();
        let [before, marked, after] = [before.as_str(), marked, after].map(shown);
        let span = before.len()..(before.len() + marked.len()).max(before.len() + 1);
        let source = format!("{before}{marked}{after} ");
        let level = match entry.level {
            Level::Error | Level::Denied => Shown::ERROR,
            Level::Warning => Shown::WARNING,
            _ => Shown::NOTE,
        };
        let label = entry.violation.map(|violation| {
            format!("found {}, wanted {}", clean(&violation.found, FOUND_MAX), clean(&violation.wanted, FOUND_MAX))
        });
        let level = level.with_name(format!("{} {}", entry.severity, entry.level.word()));
        let sentence = entry.sentence();
        let mut group = Group::with_title(level.primary_title(sentence.as_str()).id(entry.rule)).element(
            Snippet::source(source.as_str())
                .line_start(line)
                .path(entry.file.as_str())
                .annotation(AnnotationKind::Primary.span(span).label(label.as_deref())),
        );
        let why = entry.why();
        if !why.is_empty() {
            group = group.element(Shown::NOTE.with_name("why").message(why.as_str()));
        }
        let renderer = Renderer::styled().term_width(width.unwrap_or(WIDTH));
        let lines = renderer.render(&[group]);
        let lines: Vec<&str> = lines.lines().map(|line| line.trim_end_matches(' ')).collect();
        Some(lines.join("\n") + "\n\n")
    }
}

/// The text before a number of characters, and the rest.
fn split(text: &str, chars: usize) -> (&str, &str) {
    let at = text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at);
    text.split_at_checked(at).unwrap_or((text, ""))
}

fn without_comment(text: &str) -> &str {
    text.split_once(" #").map_or(text, |(before, _)| before)
}

fn shown(text: &str) -> String {
    clean(&text.replace('\t', "    "), LINE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_not_marked() {
        assert_eq!(without_comment("privileged: true  # why"), "privileged: true ");
        assert_eq!(without_comment("image: a#b"), "image: a#b");
        assert_eq!(split("\u{e4}bc", 1), ("\u{e4}", "bc"));
        assert_eq!(split("a", 7), ("a", ""));
    }
}
