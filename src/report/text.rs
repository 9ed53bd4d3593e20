//! The report as text, as compilers print theirs: one line for each entry, then a summary.

mod grouped;
mod hints;
mod passed_over;
mod rules;
pub mod scan;
pub mod scan_rules;
mod snippet;
pub(super) mod summary;
mod waivers;
pub(super) mod wrap;

use super::ObjectReport;
use super::entry::{Entry, Level, entries};
use super::fix::FixReport;
use super::format::{Ending, FileFindings, Format};
use super::style::{BOLD, DIM, FOUND_MAX, style_of_level};
use crate::policy::CompiledPolicy;
use crate::rule::Rule;
use crate::text::{clean, dotted};
use anstyle::{AnsiColor, Style};
use hints::FilesWithEdits;
pub use hints::quoted;
use json_patch::PatchOperation;
use rules::RuleTotals;
use serde_json::Value;
use snippet::Source;
use std::fmt::Write;
use std::sync::Arc;
pub use summary::line as summary_line;
use wrap::wrap;

/// How the text is written.
#[derive(Debug, Clone, Default)]
pub struct TextOptions {
    /// Whether to print audit findings, exemptions and repairs, too. They need no action.
    pub all: bool,
    /// The columns of the terminal; none if the output is no terminal. A person at a terminal gets the findings under their file
    /// and object, and a program gets one whole line each.
    pub width: Option<usize>,
    /// Show the lines of the file.
    pub snippet: bool,
    /// Show the edit of each object.
    pub diff: bool,
    /// The command that explains a file, without the file.
    pub explain: String,
    /// The policies, which say what is a secret in a Dockerfile.
    pub policies: Vec<Arc<CompiledPolicy>>,
    /// The rules that judge what is reported about.
    pub rules: Vec<&'static Rule>,
}

/// Writes the report as text.
#[derive(Debug, Default)]
pub struct TextReport {
    options: TextOptions,
    totals: RuleTotals,
    /// The first files with an edit for what is denied, and how many more there are.
    edits: FilesWithEdits,
    printed: bool,
}

impl TextReport {
    #[must_use]
    pub fn new(options: TextOptions) -> Self {
        Self { options, ..Self::default() }
    }

    fn line(&self, text: &mut String, entry: &Entry<'_>) {
        let style = style_of_level(entry.level);
        let line = format!(
            "{DIM}{place}{DIM:#} {BOLD}{rule}{BOLD:#} {severity} {style}{level}{style:#}: {sentence}",
            place = entry.place(),
            rule = entry.rule,
            severity = entry.severity,
            level = entry.level.word(),
            sentence = entry.sentence(),
        );
        let line = self.options.width.map_or(line.clone(), |width| wrap(&line, width, 4));
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

impl Format for TextReport {
    fn file(&mut self, file: &FileFindings<'_>) -> String {
        let mut text = String::new();
        file.results.fixes.iter().for_each(|fix| fixes(&mut text, fix));
        self.edits.add(file.results);
        let is_dockerfile = file.results.objects.iter().any(ObjectReport::is_dockerfile);
        let source = file
            .text
            .filter(|_| self.options.snippet)
            .map(|text| Source::new(text, is_dockerfile, &self.options.policies));
        // What could not be read is reported on stderr.
        let mut entries = entries(file.results, self.options.all);
        entries.retain(|entry| entry.level != Level::Error);
        for entry in &entries {
            self.totals.add(entry);
        }
        match (source, self.options.width) {
            (None, Some(width)) => grouped::render(&mut text, &entries, width, self.printed),
            (source, width) => {
                for entry in &entries {
                    match source.as_ref().and_then(|source| source.show(entry, width)) {
                        Some(snippet) => text.push_str(&snippet),
                        None => self.line(&mut text, entry),
                    }
                }
            }
        }
        for object in file.results.objects.iter().filter(|_| self.options.diff) {
            diff(&mut text, object);
        }
        self.printed |= !text.is_empty();
        text
    }

    fn end(&mut self, ending: &Ending<'_>) -> String {
        let mut text = String::new();
        self.totals.render(&mut text);
        // With --diff the edit is above.
        let explain = Some(self.options.explain.as_str()).filter(|_| !self.options.diff);
        let hints = self.edits.hints(explain, &self.totals.denying());
        for (number, line) in hints.into_iter().enumerate() {
            let line = self.options.width.map_or(line.clone(), |width| wrap(&line, width, 4));
            let _ = writeln!(text, "{}{line}", if number == 0 { "\n" } else { "" });
        }
        if let Some(found) = ending.waivers {
            waivers::render(&mut text, found);
        }
        passed_over::render(&mut text, ending, self.options.all);
        if self.printed || !text.is_empty() {
            text.push('\n');
        }
        // Each section begins with an empty line.
        let text = if self.printed { text.as_str() } else { text.trim_start_matches('\n') };
        let line = summary::line(ending);
        let line = self.options.width.map_or(line.clone(), |width| wrap(&line, width, 4));
        format!("{text}{line}\n")
    }
}

/// What became of the edits of a file.
fn fixes(text: &mut String, fix: &FixReport) {
    for line in fix.lines() {
        let _ = writeln!(text, "{line}");
    }
    if let Some(diff) = &fix.diff {
        coloured(text, diff);
        text.push('\n');
    }
}

/// The edit of an object, below its place.
fn diff(text: &mut String, object: &ObjectReport) {
    let Some(diff) = &object.diff else { return };
    let _ = write!(text, "\n{DIM}{}:{}{DIM:#} ", clean(&object.file, 4096), object.line);
    coloured(text, diff);
    text.push('\n');
}

fn coloured(text: &mut String, diff: &str) {
    for line in diff.lines() {
        let style = match line.as_bytes().first() {
            Some(b'-') => AnsiColor::Red.on_default(),
            Some(b'+') => AnsiColor::Green.on_default(),
            _ => Style::new(),
        };
        let _ = writeln!(text, "{style}{line}{style:#}");
    }
}

/// `spec.securityContext.runAsNonRoot: true`; flow style, so that any value stays on one line.
#[must_use]
pub fn repair(operation: &PatchOperation) -> String {
    match operation {
        PatchOperation::Add(add) => {
            let path = add.path.to_string();
            match path.strip_suffix("/-") {
                Some(list) => format!("{}: add {}", dotted(list), flow(&add.value)),
                None => format!("{}: {}", dotted(&path), flow(&add.value)),
            }
        }
        other => clean(&other.to_string(), FOUND_MAX),
    }
}

/// YAML in flow style.
#[must_use]
pub fn flow(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let members: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::String(text) if text.chars().all(|c| c.is_alphanumeric() || "-_/.".contains(c)) && !text.is_empty() => {
            clean(text, FOUND_MAX)
        }
        other => clean(&other.to_string(), FOUND_MAX),
    }
}
