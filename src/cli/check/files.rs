//! Judges files, each document by itself, so that a fault in one does not hide the others.

use super::exemptions::Namespaces;
use super::other_tools;
use crate::cli::input::{Content, Entry, Input};
use crate::dockerfile::Dockerfile;
use crate::manifest::{self, MAX_BYTES, ManifestError, Object, Reading};
use crate::report::{CheckResults, FileError, Judge, NotJudged, PassedOver, Usage};
use std::collections::HashSet;

/// Judges files one by one, on any thread.
pub struct Files<'a> {
    pub judge: Judge<'a>,
    pub namespaces: Namespaces<'a>,
    /// Whether to note what the exemptions let through.
    pub notes_usage: bool,
    /// Whether a report needs the text of the files.
    pub keeps_text: bool,
}

/// What is found in one file.
#[derive(Default)]
pub struct FoundInFile {
    pub results: CheckResults,
    /// Notes for stderr.
    pub notes: Vec<String>,
    pub usage: Usage,
    /// The text of the file, if a report needs it.
    pub text: Option<String>,
}

/// The name of stdin.
const STDIN: &str = "-";

impl Files<'_> {
    #[must_use]
    pub fn judge(&self, entry: &Entry) -> FoundInFile {
        let mut found = FoundInFile::default();
        let mut file = File { files: self, reported: HashSet::new(), found: &mut found };
        match entry {
            Entry::File(input) => file.read(input),
            Entry::PassedOver { name, reason } => file.pass_over(name, None, reason),
        }
        found
    }
}

/// One file while it is judged.
struct File<'f> {
    files: &'f Files<'f>,
    /// The reasons that are in the report already: each is reported once.
    reported: HashSet<String>,
    found: &'f mut FoundInFile,
}

impl File<'_> {
    fn read(&mut self, input: &Input) {
        match &input.bytes {
            Err(message) => self.error(FileError::whole(&input.name, message)),
            Ok(bytes) if input.content == Content::Dockerfile => self.dockerfile(&input.name, bytes),
            Ok(bytes) => {
                self.documents(&input.name, &manifest::read(bytes));
                if self.files.keeps_text && !self.found.results.objects.is_empty() {
                    self.found.text = Some(String::from_utf8_lossy(bytes).into_owned());
                }
            }
        }
        // The command before the pipe may have failed, which would otherwise go unnoticed.
        let results = &self.found.results;
        if input.name == STDIN && results.objects.is_empty() && results.errors.is_empty() {
            let message = "nothing in it was judged: it has no pod and no pod template; check whether the command before the pipe failed";
            self.error(FileError::whole(STDIN, message));
        }
    }

    fn dockerfile(&mut self, name: &str, bytes: &[u8]) {
        if bytes.len() > MAX_BYTES {
            return self.error(FileError::whole(name, &format!("is larger than {} MiB", MAX_BYTES / (1024 * 1024))));
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.error(FileError::whole(name, "is no UTF-8 text, and so no Dockerfile"));
        };
        let file = Dockerfile::parse(text);
        if let Some(reason) = other_tools::no_dockerfile(name, &file).filter(|_| name != STDIN) {
            return self.pass_over(name, None, reason);
        }
        for error in &file.errors {
            self.error(FileError::in_dockerfile(name, error));
        }
        self.found.results.objects.push(self.files.judge.dockerfile(name, &file));
        if self.files.keeps_text {
            self.found.text = Some(file.text().to_owned());
        }
    }

    fn error(&mut self, error: FileError) {
        self.found.results.errors.push(error);
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
                    Err(error) if document.is_object() => self.error(FileError::at(file, &error)),
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
            None => self.error(FileError::at(file, error)),
        }
    }

    fn pass_over(&mut self, file: &str, line: Option<usize>, reason: &str) {
        if self.reported.insert(reason.to_owned()) {
            self.found.results.passed_over.push(PassedOver::file(file, line, reason));
        }
    }

    fn object(&mut self, file: &str, object: &Object<'_>) {
        let Files { judge, namespaces, .. } = self.files;
        self.found.notes.extend(namespaces.note_ignored(file, object));
        if let Some(reason) = other_tools::tool(file, object.group()) {
            return self.pass_over(file, Some(object.position("").line), &reason);
        }
        if self.files.notes_usage {
            self.found.usage.note(judge, object);
        }
        let results = &mut self.found.results;
        match judge.object(file, object) {
            Ok(report) => results.objects.push(report),
            Err(NotJudged::Error(error)) => results.errors.push(error),
            Err(NotJudged::LooksLikeWorkload(passed)) => results.passed_over.push(*passed),
            Err(NotJudged::WithoutPod { api_version, kind }) => {
                *results.without_pod.entry((api_version, kind)).or_default() += 1;
            }
        }
    }
}
