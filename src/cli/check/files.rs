//! Judges files, each document by itself, so that a fault in one does not hide the others.

use super::exemptions::Namespaces;
use super::other_tools;
use crate::cli::input::{Entry, Input};
use crate::manifest::{self, ManifestError, Object, Reading};
use crate::report::{CheckResults, FileError, Judge, NotJudged, PassedOver, Usage};
use std::collections::HashSet;

/// Judges files one by one.
pub struct Files<'a> {
    pub judge: Judge<'a>,
    pub namespaces: Namespaces<'a>,
    /// What the exemptions let through; none without `--waivers`.
    pub usage: Option<Usage>,
    pub results: CheckResults,
    /// The files and reasons that are in the report already: each is reported once.
    reported: HashSet<(String, String)>,
}

/// The name of stdin.
const STDIN: &str = "-";

impl<'a> Files<'a> {
    pub fn new(judge: Judge<'a>, namespaces: Namespaces<'a>, usage: Option<Usage>) -> Self {
        Self { judge, namespaces, usage, results: CheckResults::default(), reported: HashSet::new() }
    }

    pub fn add(&mut self, entry: &Entry) {
        match entry {
            Entry::File(input) => self.file(input),
            Entry::PassedOver { name, reason } => self.pass_over(name, None, reason),
        }
    }

    fn file(&mut self, input: &Input) {
        let before = (self.results.objects.len(), self.results.errors.len());
        match &input.bytes {
            Err(message) => self.results.errors.push(FileError::whole(&input.name, message)),
            Ok(bytes) => self.documents(&input.name, &manifest::read(bytes)),
        }
        // The command before the pipe may have failed, which would otherwise go unnoticed.
        if input.name == STDIN && before == (self.results.objects.len(), self.results.errors.len()) {
            let message = "nothing in it was judged: it has no pod and no pod template; check whether the command before the pipe failed";
            self.results.errors.push(FileError::whole(STDIN, message));
        }
    }

    fn documents(&mut self, file: &str, reading: &Reading) {
        for error in &reading.errors {
            self.unreadable(file, error, other_tools::reason(file, None, error.is_template));
        }
        for document in &reading.documents {
            if let Some(reason) = other_tools::chart_template(file, document.has_braces) {
                self.pass_over(file, Some(document.root.at.line), &reason);
                continue;
            }
            for object in document.objects() {
                match object {
                    Ok(object) => self.object(file, &object),
                    // A List is an object of Kubernetes, so a fault inside one is no file of another tool.
                    Err(error) if document.is_object() => self.results.errors.push(FileError::at(file, &error)),
                    Err(error) => {
                        let reason = other_tools::reason(file, Some(&document.root), document.has_braces);
                        self.unreadable(file, &error, reason);
                    }
                }
            }
        }
    }

    fn unreadable(&mut self, file: &str, error: &ManifestError, other_tool: Option<String>) {
        match other_tool {
            Some(reason) => self.pass_over(file, Some(error.at.line), &reason),
            None => self.results.errors.push(FileError::at(file, error)),
        }
    }

    fn pass_over(&mut self, file: &str, line: Option<usize>, reason: &str) {
        if self.reported.insert((file.to_owned(), reason.to_owned())) {
            self.results.passed_over.push(PassedOver::file(file, line, reason));
        }
    }

    fn object(&mut self, file: &str, object: &Object<'_>) {
        self.namespaces.note_ignored(file, object);
        if let Some(reason) = other_tools::tool(file, object.group()) {
            return self.pass_over(file, Some(object.position("").line), &reason);
        }
        if let Some(usage) = &mut self.usage {
            usage.note(&self.judge, object);
        }
        match self.judge.object(file, object) {
            Ok(report) => self.results.objects.push(report),
            Err(NotJudged::Error(error)) => self.results.errors.push(error),
            Err(NotJudged::LooksLikeWorkload(passed)) => self.results.passed_over.push(*passed),
            Err(NotJudged::WithoutPod { api_version, kind }) => {
                *self.results.without_pod.entry((api_version, kind)).or_default() += 1;
            }
        }
    }
}
