//! Workflow commands of GitHub Actions: each entry becomes an annotation of its line.

use super::{Ending, FileFindings, Format};
use crate::report::entry::{Entry, Level, entries};
use crate::report::text::summary;

/// Writes `::error file=…,line=…::message`.
#[derive(Debug, Default)]
pub struct GithubReport {
    pub all: bool,
}

impl Format for GithubReport {
    fn file(&mut self, file: &FileFindings<'_>) -> String {
        entries(file.results, self.all).iter().map(command).collect()
    }

    fn end(&mut self, ending: &Ending<'_>) -> String {
        summary::line(ending) + "\n"
    }
}

fn command(entry: &Entry<'_>) -> String {
    let kind = match entry.level {
        Level::Error | Level::Denied => "error",
        Level::Warning => "warning",
        _ => "notice",
    };
    let mut properties = vec![format!("file={}", property(&entry.file))];
    properties.extend(entry.line.map(|line| format!("line={line}")));
    properties.extend(entry.column.map(|column| format!("col={column}")));
    properties.push(format!("title={}", property(&format!("{} ({})", entry.rule, entry.severity))));
    let mut message = entry.sentence();
    let why = entry.why();
    if !why.is_empty() {
        message.push('\n');
        message.push_str(&why);
    }
    format!("::{kind} {}::{}\n", properties.join(","), data(&message))
}

/// The escapes of a message, as the toolkit of GitHub Actions makes them.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The escapes of a property: also the characters that end it.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_message_or_a_property_is_escaped() {
        assert_eq!(data("100%\r\n: a, b"), "100%25%0D%0A: a, b");
        assert_eq!(property("a:b,c%\n"), "a%3Ab%2Cc%25%0A");
    }
}
