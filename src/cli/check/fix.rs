//! `check --fix`: edits files so that they pass, and judges them again.

use super::found::FoundInFile;
use super::origin::Origin;
use crate::cli::input::Input;
use crate::cli::writing::replace;
use crate::dockerfile::Dockerfile;
use crate::manifest::{Document, Object, Reading, TextEdit, apply};
use crate::report::fix::{FixReport, Hidden, LeftReport, TextFix, edits, replacements, unified};
use crate::report::{FileError, Judge, ObjectReport};
use crate::rule::Applicability;

/// How files are edited.
#[derive(Debug, Clone, Copy)]
pub struct Fixing {
    /// Whether edits are made that need a person who knows the program.
    pub most: Applicability,
    /// Whether the files are written, or the edits only shown.
    pub writes: bool,
}

const NOT_WRITTEN: &str =
    "stdin is not written; name the files themselves, or edit what the command before the pipe reads";
const NO_FILE: &str =
    "a pipe is not written; name the files themselves, or edit what the command reads that writes to the pipe";

/// Why what comes from a pipe is not edited.
fn stream(input: &Input) -> LeftReport {
    let reason = if input.name == "-" { NOT_WRITTEN } else { NO_FILE };
    LeftReport { line: None, object: String::new(), reason: reason.to_owned() }
}

impl Fixing {
    /// Edits the file in which `found` was found. What is left is found again, in the edited text.
    /// `judge_text` judges a text and edits nothing.
    pub fn file(
        self,
        judge: &Judge<'_>,
        judge_text: impl Fn(&Input) -> FoundInFile,
        input: &Input,
        reading: &Reading,
        found: &mut FoundInFile,
    ) {
        let count = found.results.to_repair();
        let Ok(bytes) = &input.bytes else { return };
        if count == 0 {
            return;
        }
        let origin = Origin::of(&input.name, bytes);
        let (edits, left) = self.edits(judge, bytes, reading, &origin);
        let mut report = FixReport::new(&input.name, count, left);
        if input.is_stream {
            report.left.insert(0, stream(input));
            found.results.fixes.push(report);
            return;
        }
        if !edits.is_empty() {
            self.make(judge_text, (input, bytes), &edits, found, &mut report);
        }
        // What could not be edited surely could not be edited with more of them either.
        report.more_with_unsafe = self.most == Applicability::Safe
            && report.left.is_empty()
            && report.fixed < count
            && found.results.objects.iter().any(ObjectReport::has_edit);
        found.results.fixes.push(report);
    }

    /// As [`Self::file`], for a Dockerfile. Where no finding has an edit there is no report.
    pub fn dockerfile(
        self,
        judge: &Judge<'_>,
        judge_text: impl Fn(&Input) -> FoundInFile,
        input: &Input,
        found: &mut FoundInFile,
    ) {
        let Ok(bytes) = &input.bytes else { return };
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        let file = Dockerfile::parse(text.strip_prefix(BOM).unwrap_or(text));
        let all = judge.dockerfile_edits(&file, Applicability::Suggested);
        if all.is_empty() {
            return;
        }
        let edits = judge.dockerfile_edits(&file, self.most);
        let mut report = FixReport::new(&input.name, found.results.to_repair(), Vec::new());
        report.more_with_unsafe = edits.len() < all.len();
        if input.is_stream {
            report.left.push(stream(input));
        } else if !edits.is_empty() {
            self.make(judge_text, (input, bytes), &edits, found, &mut report);
        }
        found.results.fixes.push(report);
    }

    fn make(
        self,
        judge_text: impl Fn(&Input) -> FoundInFile,
        (input, bytes): (&Input, &[u8]),
        edits: &[TextEdit],
        found: &mut FoundInFile,
        report: &mut FixReport,
    ) {
        let Ok(all) = std::str::from_utf8(bytes) else { return };
        let text = all.strip_prefix(BOM).unwrap_or(all);
        let edited = format!("{}{}", all.get(..all.len() - text.len()).unwrap_or_default(), apply(text, edits));
        let after = judge_text(&Input {
            name: input.name.clone(),
            content: input.content,
            is_stream: input.is_stream,
            bytes: Ok(edited.clone().into_bytes()),
        });
        let remaining = after.results.to_repair();
        if remaining >= report.found || after.results.errors.len() > found.results.errors.len() {
            let reason = "the edit would repair nothing; edit it by hand".to_owned();
            report.left.push(LeftReport { line: None, object: String::new(), reason });
            return;
        }
        if self.writes {
            if let Err(message) = replace(&input.name, bytes, edited.as_bytes()) {
                found.results.errors.push(FileError::whole(&input.name, &message));
                return;
            }
            report.written = true;
            *found = after;
        } else {
            let hidden = if found.results.objects.iter().any(ObjectReport::is_dockerfile) {
                Hidden::of_dockerfile(text)
            } else {
                Hidden::of_manifest(text, &found.results.objects)
            };
            report.diff = Some(unified(&input.name, text, edits, &hidden));
        }
        report.fixed = report.found - remaining;
    }

    /// The edits of all documents, in the order of the text.
    fn edits(
        self,
        judge: &Judge<'_>,
        bytes: &[u8],
        reading: &Reading,
        origin: &Origin,
    ) -> (Vec<TextEdit>, Vec<LeftReport>) {
        let (mut all, mut left) = (Vec::new(), Vec::new());
        for document in &reading.documents {
            if origin.is_passed_over(document) {
                continue;
            }
            let barred = |object: &Object<'_>| origin.bars(document, object);
            for made in edits(judge, bytes, document, self.most, barred).into_iter().flatten() {
                all.extend(made.edits);
                left.extend(made.left);
            }
        }
        (all, left)
    }
}

const BOM: char = '\u{FEFF}';

/// For a report: the edits of each object of a document in the text, first without those that need a person.
pub fn offers(judge: &Judge<'_>, origin: &Origin, bytes: &[u8], document: &Document) -> Vec<Vec<TextFix>> {
    let Ok(text) = std::str::from_utf8(bytes) else { return Vec::new() };
    let text = text.strip_prefix(BOM).unwrap_or(text);
    let mut offers: Vec<Vec<TextFix>> = Vec::new();
    for most in [Applicability::Safe, Applicability::Suggested] {
        let made = edits(judge, bytes, document, most, |object: &Object<'_>| origin.bars(document, object));
        offers.resize_with(offers.len().max(made.len()), Vec::new);
        for (offers, made) in offers.iter_mut().zip(made) {
            let Some(made) = made.filter(|made| !made.edits.is_empty()) else { continue };
            let needs_person = most == Applicability::Suggested;
            let replacements = replacements(text, &made.edits);
            offers.push(TextFix { needs_person, replacements, leaves: made.leaves });
        }
    }
    offers
}
