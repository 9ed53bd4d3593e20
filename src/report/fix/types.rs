//! What a report says of edits.

use crate::manifest::{Position, TextEdit};
use crate::report::{CheckResults, ObjectReport, ViolationReport};
use crate::text::clean;
use schemars::JsonSchema;
use serde::Serialize;

/// What `--fix` did to a file.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FixReport {
    /// The file as it is named in the arguments; `-` is stdin.
    pub file: String,
    /// How many violations were found that a repair is for: all but those that are only audited or exempt.
    pub found: usize,
    /// How many of them the edit repairs.
    pub fixed: usize,
    /// Whether `--unsafe-fixes` would make more edits.
    pub more_with_unsafe: bool,
    /// Whether the file has been written. With `--diff` none is.
    pub written: bool,
    /// What was left as it is, although there is a repair, and why.
    pub left: Vec<LeftReport>,
    /// With `--diff`: what would be written, as a unified diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diff: Option<String>,
}

/// A repair that was not made in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftReport {
    /// From 1; null for the file as a whole.
    pub line: Option<usize>,
    /// `Deployment shop/web`; empty for the file as a whole.
    pub object: String,
    pub reason: String,
}

impl FixReport {
    /// A file that is not edited, with so many violations that a repair is for.
    #[must_use]
    pub fn new(file: &str, found: usize, left: Vec<LeftReport>) -> Self {
        Self { file: file.to_owned(), found, fixed: 0, more_with_unsafe: false, written: false, left, diff: None }
    }

    /// The text for people: how many violations were repaired, and what was left.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let file = clean(&self.file, 4096);
        let verb = if self.diff.is_some() { "would fix" } else { "fixed" };
        let more =
            if self.more_with_unsafe { "; --unsafe-fixes makes more edits, look at them with --diff" } else { "" };
        let mut lines = vec![format!("{verb} {} of {} in {file}{more}", self.fixed, self.found)];
        for LeftReport { line, object, reason } in &self.left {
            let place = line.map(|line| format!(":{line}")).unwrap_or_default();
            let object = if object.is_empty() { String::new() } else { format!(" {object}:") };
            lines.push(format!("{file}{place}: not edited:{object} {}", clean(reason, 1000)));
        }
        lines
    }
}

/// The edit of an object in the text of its file.
#[derive(Debug, Clone)]
pub struct TextFix {
    /// Whether the edit needs a person who knows the program.
    pub needs_person: bool,
    pub replacements: Vec<Replacement>,
    /// The violations that it leaves: rule, container, and what was found.
    pub leaves: Vec<(&'static str, Option<String>, String)>,
}

/// A part of the text, and what stands there from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    pub from: Position,
    pub to: Position,
    pub text: String,
}

impl TextFix {
    /// Whether the edit repairs this violation.
    #[must_use]
    pub fn repairs(&self, violation: &ViolationReport) -> bool {
        let is = |(rule, container, found): &&(&'static str, Option<String>, String)| {
            *rule == violation.rule && *container == violation.container && *found == violation.found
        };
        violation.calls_for_repair && !self.leaves.iter().any(|left| is(&left))
    }
}

/// The edits with lines and columns. They are in the order of the text.
#[must_use]
pub fn replacements(text: &str, edits: &[TextEdit]) -> Vec<Replacement> {
    let (mut last, mut at) = (0, Position::START);
    let mut place = |byte: usize| {
        at = at.after(text.get(last..byte).unwrap_or_default());
        last = byte;
        at
    };
    let one = |edit: &TextEdit| Replacement {
        from: place(edit.range.start),
        to: place(edit.range.end),
        text: edit.text.clone(),
    };
    edits.iter().map(one).collect()
}

impl CheckResults {
    /// How many violations `--fix` is for.
    #[must_use]
    pub fn to_repair(&self) -> usize {
        self.objects.iter().map(ObjectReport::to_repair).sum()
    }
}

impl ObjectReport {
    /// Whether something is left that has an edit.
    #[must_use]
    pub fn has_edit(&self) -> bool {
        self.to_repair() > 0 && !self.patch.is_empty()
    }

    fn to_repair(&self) -> usize {
        self.violations.iter().filter(|violation| violation.calls_for_repair).count()
    }
}
