//! JUnit XML: a test suite for each file, a test case for each object. What denies is a failure, and what could not be read
//! is an error.
//!
//! The format has no owner; this one fits the schema of Jenkins' xUnit plugin, which GitLab, Azure and others read, too.

use super::{Ending, FileFindings, Format};
use crate::report::entry::{Entry, Level, entries, has_lines, object_name};
use crate::report::{CheckResults, ObjectReport};
use std::fmt::Write;

/// Writes the suites. The totals stand at the beginning, so the suites are kept until the end.
#[derive(Debug, Default)]
pub struct JunitReport {
    all: bool,
    suites: String,
    totals: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    tests: usize,
    failures: usize,
    errors: usize,
}

impl JunitReport {
    #[must_use]
    pub fn new(all: bool) -> Self {
        Self { all, ..Self::default() }
    }
}

impl Format for JunitReport {
    fn file(&mut self, file: &FileFindings<'_>) -> String {
        let results = file.results;
        if results.objects.is_empty() && results.errors.is_empty() {
            return String::new();
        }
        let all = entries(results, self.all);
        let mut counts = Counts::default();
        let mut cases = String::new();
        for object in &results.objects {
            let own: Vec<&Entry<'_>> =
                all.iter().filter(|entry| entry.object.is_some_and(|of| std::ptr::eq(of, object))).collect();
            case(&mut cases, object, &own, &mut counts);
        }
        for entry in all.iter().filter(|entry| entry.level == Level::Error) {
            counts.tests += 1;
            counts.errors += 1;
            let _ = writeln!(
                cases,
                "    <testcase name=\"{}\" classname=\"{}\" time=\"0\">\n      <error message=\"{}\" type=\"{}\">{}</error>\n    </testcase>",
                escape(entry.rule),
                escape(&entry.file),
                escape(&entry.message),
                escape(entry.rule),
                escape(&format!("{}: {}", entry.place(), entry.message)),
            );
        }
        let name = name(results);
        let Counts { tests, failures, errors } = counts;
        let _ = writeln!(
            self.suites,
            "  <testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"0\">\n{cases}  </testsuite>",
            escape(name)
        );
        self.totals.tests += tests;
        self.totals.failures += failures;
        self.totals.errors += errors;
        String::new()
    }

    fn end(&mut self, _: &Ending<'_>) -> String {
        let Counts { tests, failures, errors } = self.totals;
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"podreeve\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" time=\"0\">\n{}</testsuites>\n",
            self.suites
        )
    }
}

fn name(results: &CheckResults) -> &str {
    let of_object = results.objects.first().map(|object| &object.file);
    of_object.or_else(|| results.errors.first().map(|error| &error.file)).map_or("", String::as_str)
}

fn case(text: &mut String, object: &ObjectReport, entries: &[&Entry<'_>], counts: &mut Counts) {
    counts.tests += 1;
    let at = if has_lines(object) { format!(" (line {})", object.line) } else { String::new() };
    let open = format!(
        "    <testcase name=\"{}\" classname=\"{}\" time=\"0\"",
        escape(&format!("{}{at}", object_name(object))),
        escape(&object.file)
    );
    let (denied, others): (Vec<&Entry<'_>>, Vec<&Entry<'_>>) =
        entries.iter().copied().partition(|entry| entry.level == Level::Denied);
    if denied.is_empty() && others.is_empty() {
        let _ = writeln!(text, "{open}/>");
        return;
    }
    let _ = writeln!(text, "{open}>");
    let lines = |entries: &[&Entry<'_>]| -> String { entries.iter().map(|entry| line(entry)).collect() };
    if let Some(first) = denied.first() {
        counts.failures += 1;
        let mut rules: Vec<&str> = denied.iter().map(|entry| entry.rule).collect();
        rules.dedup();
        // A reader shows one failure of a test case, so that all violations are in one.
        let _ = writeln!(
            text,
            "      <failure message=\"{}\" type=\"{}\">{}</failure>",
            escape(&format!("denied: {}", rules.join(", "))),
            escape(first.rule),
            escape(&lines(&denied))
        );
    }
    if !others.is_empty() {
        let _ = writeln!(text, "      <system-out>{}</system-out>", escape(&lines(&others)));
    }
    text.push_str("    </testcase>\n");
}

fn line(entry: &Entry<'_>) -> String {
    let why = entry.why();
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    format!("{} {} {} {}: {}{why}\n", entry.place(), entry.rule, entry.severity, entry.level.word(), entry.sentence())
}

/// The text as XML. XML 1.0 has no other control characters than these three, not even escaped.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_an_element() {
        assert_eq!(
            escape("<a b=\"c\" d='e'>&\u{0}\u{1b}\n"),
            "&lt;a b=&quot;c&quot; d=&apos;e&apos;&gt;&amp;\u{fffd}\u{fffd}\n"
        );
    }
}
