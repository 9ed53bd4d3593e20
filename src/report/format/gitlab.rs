//! The code quality report of GitLab: a list of issues, of which a merge request shows those that are new.

use super::json::indented;
use super::{Ending, FileFindings, Format};
use crate::report::entry::{Entry, Level, entries};
use crate::rule::Severity;
use serde::Serialize;
use std::collections::HashMap;

/// Writes the list.
#[derive(Debug, Default)]
pub struct GitlabReport {
    all: bool,
    has_issues: bool,
    /// How often each fingerprint occurred. GitLab drops the second of two issues with the same one.
    seen: HashMap<String, usize>,
}

#[derive(Serialize)]
struct Issue<'r> {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'r>,
}

#[derive(Serialize)]
struct Location<'r> {
    path: &'r str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

impl GitlabReport {
    #[must_use]
    pub fn new(all: bool) -> Self {
        Self { all, ..Self::default() }
    }

    fn fingerprint(&mut self, entry: &Entry<'_>) -> String {
        let own = if entry.fingerprint.is_empty() {
            // What is no violation is known by its text.
            crate::report::fingerprint::of_text(&[&entry.file, entry.rule, &entry.sentence()])
        } else {
            entry.fingerprint.to_owned()
        };
        let count = self.seen.entry(own.clone()).or_insert(0);
        *count += 1;
        if *count == 1 { own } else { format!("{own}-{count}") }
    }
}

impl Format for GitlabReport {
    fn begin(&mut self) -> String {
        "[".to_owned()
    }

    fn file(&mut self, file: &FileFindings<'_>) -> String {
        let mut text = String::new();
        for entry in entries(file.results, self.all) {
            let issue = Issue {
                description: format!("{}: {}", entry.rule, entry.sentence()),
                check_name: entry.rule,
                fingerprint: self.fingerprint(&entry),
                severity: severity(&entry),
                location: Location {
                    // GitLab shows no path that begins with `./`.
                    path: entry.file.strip_prefix("./").unwrap_or(&entry.file),
                    lines: Lines { begin: entry.line.unwrap_or(1) },
                },
            };
            text.push_str(if self.has_issues { ",\n" } else { "\n" });
            self.has_issues = true;
            text.push_str(&indented(&issue, 2));
        }
        text
    }

    fn end(&mut self, _: &Ending<'_>) -> String {
        if self.has_issues { "\n]\n".to_owned() } else { "]\n".to_owned() }
    }
}

const fn severity(entry: &Entry<'_>) -> &'static str {
    match (entry.level, entry.severity) {
        (Level::Exempt | Level::Audit | Level::Repaired | Level::Note, _) => "info",
        (Level::Error, _) | (_, Severity::Critical) => "blocker",
        (_, Severity::High) => "critical",
        (_, Severity::Medium) => "major",
        (_, Severity::Low) => "minor",
    }
}
