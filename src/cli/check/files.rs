//! Judges files, each document by itself, so that a fault in one does not hide the others.

use super::exemptions::Namespaces;
use super::fix::{self, Fixing};
use super::found::FoundInFile;
use super::origin::Origin;
use super::other_tools;
use crate::cli::input::{Content, Entry, Input};
use crate::dockerfile::Dockerfile;
use crate::manifest::{self, MAX_BYTES, ManifestError, Object, Reading};
use crate::policy::CompiledPolicy;
use crate::report::fix::TextFix;
use crate::report::{FileError, Judge, NotJudged, ObjectReport, PassedOver};
use std::collections::HashSet;

/// Judges files one by one, on any thread.
pub struct Files<'a> {
    pub judge: Judge<'a>,
    pub namespaces: Namespaces<'a>,
    /// The files as they were given on the command line.
    pub named: &'a [&'a str],
    /// Whether to note what the exemptions let through.
    pub notes_usage: bool,
    /// Whether a report needs the text of the files.
    pub keeps_text: bool,
    /// Whether a report has the edits of the text.
    pub offers_fixes: bool,
    /// With `--fix`.
    pub fixing: Option<Fixing>,
}

impl Files<'_> {
    #[must_use]
    pub fn judge(&self, entry: &Entry) -> FoundInFile {
        let mut found = FoundInFile::default();
        let mut file = File { files: self, reported: HashSet::new(), found: &mut found };
        match entry {
            Entry::File(input) => {
                let reading = file.read(input);
                let judge_text = |input: &Input| self.judge_text(input);
                match (self.fixing, reading) {
                    (Some(fixing), Some(reading)) => {
                        fixing.file(&self.judge, judge_text, input, &reading, &mut found);
                    }
                    // Another tool's template is no object.
                    (Some(fixing), None) if !found.results.objects.is_empty() => {
                        fixing.dockerfile(&self.judge, judge_text, input, &mut found);
                    }
                    _ => {}
                }
            }
            Entry::PassedOver { name, reason } => file.pass_over(name, None, reason),
        }
        found
    }

    /// What is found in a text, which is not edited.
    fn judge_text(&self, input: &Input) -> FoundInFile {
        let mut found = FoundInFile::default();
        File { files: self, reported: HashSet::new(), found: &mut found }.read(input);
        found
    }
}

/// Why a Dockerfile is not judged.
const NO_FILE_RULE: &str = "no rule of the policies judges Dockerfiles; `--policy owasp` has such rules";

/// Why pods are not judged.
const NO_POD_RULE: &str = "no rule of the policies judges pods; `--policy owasp` has such rules";

/// One file while it is judged.
struct File<'f> {
    files: &'f Files<'f>,
    /// The reasons that are in the report already: each is reported once.
    reported: HashSet<String>,
    found: &'f mut FoundInFile,
}

impl File<'_> {
    fn read(&mut self, input: &Input) -> Option<Reading> {
        let mut read = None;
        match &input.bytes {
            Err(message) => self.error(FileError::whole(&input.name, message)),
            Ok(bytes) if input.content == Content::Dockerfile => self.dockerfile(input, bytes),
            Ok(bytes) => {
                let reading = read.insert(manifest::read(bytes));
                self.documents(input, bytes, reading);
                let judges_pods =
                    |policy: &CompiledPolicy| !policy.rules.is_empty() || policy.pod_security_labels.is_some();
                if !self.found.results.objects.is_empty() && !self.has_policy(judges_pods) {
                    self.found.results.objects.clear();
                    self.not_judged(input, NO_POD_RULE);
                }
                if self.files.keeps_text && !self.found.results.objects.is_empty() {
                    self.found.text = Some(String::from_utf8_lossy(bytes).into_owned());
                }
            }
        }
        // The command before the pipe may have failed, which would otherwise go unnoticed.
        let results = &self.found.results;
        if input.is_stream && results.objects.is_empty() && results.errors.is_empty() {
            let message = "nothing in it was judged: it has no pod and no pod template; check whether the command before the pipe failed";
            self.error(FileError::whole(&input.name, message));
        }
        read
    }

    fn dockerfile(&mut self, input: &Input, bytes: &[u8]) {
        let name = input.name.as_str();
        if bytes.len() > MAX_BYTES {
            return self.error(FileError::whole(name, &format!("is larger than {} MiB", MAX_BYTES / (1024 * 1024))));
        }
        let Ok(text) = std::str::from_utf8(bytes) else {
            return self.error(FileError::whole(name, "is no UTF-8 text, and so no Dockerfile"));
        };
        let file = Dockerfile::parse(text);
        if let Some(reason) = other_tools::no_dockerfile(name, &file, self.is_named(name)).filter(|_| !input.is_stream)
        {
            return self.pass_over(name, None, reason);
        }
        if let Some((first, others)) = file.errors.split_first() {
            self.error(FileError::in_dockerfile(name, first).and_more(others.len()));
        }
        if !self.has_policy(|policy| !policy.files.is_empty()) {
            return self.not_judged(input, NO_FILE_RULE);
        }
        let report = self.files.judge.dockerfile(name, &file);
        // In which nothing is found and not all is read does not pass.
        if file.errors.is_empty() || !report.violations.is_empty() {
            self.found.results.objects.push(report);
        }
        if self.files.keeps_text {
            self.found.text = Some(file.text().to_owned());
        }
    }

    fn is_named(&self, name: &str) -> bool {
        self.files.named.contains(&name)
    }

    fn has_policy(&self, is: impl Fn(&CompiledPolicy) -> bool) -> bool {
        self.files.judge.snapshot.policies.policies.iter().any(|policy| is(policy))
    }

    /// No rule judges the file. Whoever names it expects a verdict.
    fn not_judged(&mut self, input: &Input, reason: &str) {
        if input.is_stream || self.is_named(&input.name) {
            self.error(FileError::whole(&input.name, &format!("not judged: {reason}")));
        } else {
            self.pass_over(&input.name, None, reason);
        }
    }

    fn error(&mut self, error: FileError) {
        self.found.results.errors.push(error);
    }

    fn documents(&mut self, input: &Input, bytes: &[u8], reading: &Reading) {
        let file = input.name.as_str();
        for error in &reading.errors {
            self.unreadable(file, error, other_tools::reason(file, None, error.is_template));
        }
        let origin = (self.files.offers_fixes && !input.is_stream).then(|| Origin::of(file, bytes));
        for document in &reading.documents {
            if let Some(reason) = other_tools::chart_template(file, document.has_braces) {
                self.pass_over(file, Some(document.root.at.line), &reason);
                continue;
            }
            let judge = &self.files.judge;
            let fixes = origin.as_ref().map(|origin| fix::offers(judge, origin, bytes, document));
            let mut fixes = fixes.unwrap_or_default().into_iter();
            for object in document.objects() {
                let fixes = fixes.next().unwrap_or_default();
                match object {
                    Ok(object) => self.object(file, &object, fixes),
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

    fn object(&mut self, file: &str, object: &Object<'_>, fixes: Vec<TextFix>) {
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
            Ok(report) => results.objects.push(ObjectReport { fixes, ..report }),
            Err(NotJudged::Error(error)) => results.errors.push(error),
            Err(NotJudged::LooksLikeWorkload(passed)) => results.passed_over.push(*passed),
            Err(NotJudged::WithoutPod { api_version, kind }) => {
                *results.without_pod.entry((api_version, kind)).or_default() += 1;
            }
        }
    }
}
