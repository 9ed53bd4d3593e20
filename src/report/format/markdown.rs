//! Markdown for a comment on a pull request: the totals, then a table, which is cut where a comment would be too long.

use super::{Ending, FileFindings, Format};
use crate::report::entry::{Entry, Level, entries};
use crate::report::text::summary;
use crate::rule::Severity;
use std::cmp::Reverse;
use std::fmt::Write;

/// GitHub takes 65,536 characters in a comment. Some are left for a heading that a workflow adds.
const MAX_CHARS: usize = 60_000;

/// Writes the comment.
#[derive(Debug, Default)]
pub struct MarkdownReport {
    all: bool,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    order: Reverse<(Level, Severity)>,
    text: String,
}

impl MarkdownReport {
    #[must_use]
    pub fn new(all: bool) -> Self {
        Self { all, ..Self::default() }
    }
}

impl Format for MarkdownReport {
    fn file(&mut self, file: &FileFindings<'_>) -> String {
        for entry in entries(file.results, self.all) {
            self.rows.push(Row { order: Reverse((entry.level, entry.severity)), text: row(&entry) });
        }
        String::new()
    }

    fn end(&mut self, ending: &Ending<'_>) -> String {
        // Rows that are alike stay in the order of the files.
        self.rows.sort_by_key(|row| row.order);
        let summary = ending.summary;
        let verdict = match (summary.denied, summary.errors, summary.warned) {
            (0, 0, 0) => "\u{2705} podreeve admits everything",
            (0, 0, _) => "\u{26a0}\u{fe0f} podreeve admits everything, with warnings",
            (0, ..) => "\u{2757} podreeve could not read everything",
            _ => "\u{274c} podreeve denies",
        };
        let mut text = format!("### {verdict}\n\n{}\n", escape(&summary::line(ending)));
        if self.rows.is_empty() {
            return text;
        }
        text.push_str("\n| | severity | rule | where | what |\n|---|---|---|---|---|\n");
        let mut length = text.chars().count();
        for (number, row) in self.rows.iter().enumerate() {
            length += row.text.chars().count();
            if length > MAX_CHARS {
                let _ = writeln!(
                    text,
                    "\n{} more are left out; run `podreeve check` to see them.",
                    self.rows.len() - number
                );
                return text;
            }
            text.push_str(&row.text);
        }
        text.push_str("\n`podreeve explain RULE` shows how to repair each.\n");
        text
    }
}

fn row(entry: &Entry<'_>) -> String {
    let icon = match entry.level {
        Level::Error | Level::Denied => "\u{274c}",
        Level::Warning => "\u{26a0}\u{fe0f}",
        _ => "\u{2139}\u{fe0f}",
    };
    let place = entry.line.map_or_else(|| entry.file.clone(), |line| format!("{}:{line}", entry.file));
    let subject = if entry.subject.is_empty() { String::new() } else { format!("{}<br>", escape(&entry.subject)) };
    format!(
        "| {icon} {} | {} | `{}` | {} | {subject}{} |\n",
        entry.level.word(),
        entry.severity,
        entry.rule,
        code(&place),
        escape(&entry.message)
    )
}

/// Text in a cell: no character of it is Markdown or HTML, and no name in it notifies a user or links an issue.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '\\' | '|' | '`' | '*' | '_' | '[' | ']' | '~' | '$' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    // A URL would become a link.
    out.replace("://", ":&#8203;//")
}

/// Text as code in a cell. Backticks inside end no code if more of them are around it.
fn code(text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{}{space}{fence}", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_an_author_is_no_markdown() {
        assert_eq!(
            escape("<b>@octocat *x* #1 [a](b)|`c`"),
            "&lt;b&gt;&#64;octocat \\*x\\* &#35;1 \\[a\\](b)\\|\\`c\\`"
        );
        assert_eq!(code("a`b|c"), "`` a`b\\|c ``");
        assert_eq!(code("a.yaml:1"), "`a.yaml:1`");
    }
}
