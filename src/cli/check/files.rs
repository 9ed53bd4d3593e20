//! Judges files, each document by itself, so that a fault in one does not hide the others.

use super::exemptions::Namespaces;
use super::foreign;
use crate::cli::input::{self, Input};
use crate::manifest::{self, ManifestError, Object, Reading};
use crate::report::{FileError, Found, Judge, NotJudged, PassedOver, Usage};
use std::collections::HashSet;

/// Judges files one by one.
pub struct Files<'a> {
    pub judge: Judge<'a>,
    pub within: Namespaces<'a>,
    /// What the exemptions let through; none without `--waivers`.
    pub usage: Option<Usage>,
    pub found: Found,
    /// The files and reasons that are in the report already: each is reported once.
    reported: HashSet<(String, String)>,
}

/// The name of stdin.
const STDIN: &str = "-";

impl<'a> Files<'a> {
    pub fn new(judge: Judge<'a>, within: Namespaces<'a>, usage: Option<Usage>) -> Self {
        Self { judge, within, usage, found: Found::default(), reported: HashSet::new() }
    }

    pub fn take(&mut self, found: &input::Found) {
        match found {
            input::Found::Input(input) => self.file(input),
            input::Found::PassedOver { name, reason } => self.pass_over(name, None, reason),
        }
    }

    fn file(&mut self, input: &Input) {
        let before = (self.found.objects.len(), self.found.errors.len());
        match &input.bytes {
            Err(message) => self.found.errors.push(FileError::whole(&input.name, message)),
            Ok(bytes) => self.documents(&input.name, &manifest::read(bytes)),
        }
        // The command before the pipe may have failed, which would otherwise go unnoticed.
        if input.name == STDIN && before == (self.found.objects.len(), self.found.errors.len()) {
            let message = "nothing in it was judged: it has no pod and no pod template; check whether the command before the pipe failed";
            self.found.errors.push(FileError::whole(STDIN, message));
        }
    }

    fn documents(&mut self, file: &str, reading: &Reading) {
        for error in &reading.errors {
            self.unreadable(file, error, foreign::reason(file, None, error.is_template));
        }
        for document in &reading.documents {
            if let Some(reason) = foreign::chart_template(file, document.has_braces) {
                self.pass_over(file, Some(document.root.at.line), &reason);
                continue;
            }
            for object in document.objects() {
                match object {
                    Ok(object) => self.object(file, &object),
                    // A List is an object of Kubernetes, so a fault inside one is no file of another tool.
                    Err(error) if document.is_object() => self.found.errors.push(FileError::at(file, &error)),
                    Err(error) => {
                        let reason = foreign::reason(file, Some(&document.root), document.has_braces);
                        self.unreadable(file, &error, reason);
                    }
                }
            }
        }
    }

    fn unreadable(&mut self, file: &str, error: &ManifestError, foreign: Option<String>) {
        match foreign {
            Some(reason) => self.pass_over(file, Some(error.at.line), &reason),
            None => self.found.errors.push(FileError::at(file, error)),
        }
    }

    fn pass_over(&mut self, file: &str, line: Option<usize>, reason: &str) {
        if self.reported.insert((file.to_owned(), reason.to_owned())) {
            self.found.passed_over.push(PassedOver::file(file, line, reason));
        }
    }

    fn object(&mut self, file: &str, object: &Object<'_>) {
        self.within.note_ignored(file, object);
        if let Some(reason) = foreign::tool(file, object.group()) {
            return self.pass_over(file, Some(object.position("").line), &reason);
        }
        if let Some(usage) = &mut self.usage {
            usage.note(&self.judge, object);
        }
        match self.judge.object(file, object) {
            Ok(report) => self.found.objects.push(report),
            Err(NotJudged::Error(error)) => self.found.errors.push(error),
            Err(NotJudged::InDoubt(passed)) => self.found.passed_over.push(*passed),
            Err(NotJudged::WithoutPod { api_version, kind }) => {
                *self.found.without_pod.entry((api_version, kind)).or_default() += 1;
            }
        }
    }
}
