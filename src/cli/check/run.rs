//! One run of `check`: takes what is found file by file, writes the reports, and keeps only what the end needs.

use super::args::Plan;
use super::found::FoundInFile;
use super::outputs::Outputs;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output;
use crate::report::fix::FixReport;
use crate::report::format::{Ending, FileFindings};
use crate::report::text::summary_line;
use crate::report::{
    Baseline, BaselineWriter, CheckResults, FileError, KnownFindings, PassedOver, Summary, Usage, WaiverReport,
    kind_counts,
};
use crate::rule::Severity;
use indicatif::{ProgressBar, ProgressStyle};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::IsTerminal;

/// A run.
pub struct Run {
    outputs: Outputs,
    severity: Severity,
    known: Option<KnownFindings>,
    writer: Option<BaselineWriter>,
    errors: Vec<FileError>,
    passed_over: Vec<PassedOver>,
    without_pod: BTreeMap<(String, String), usize>,
    /// With `--fix`.
    fixes: Option<Vec<FixReport>>,
    usage: Usage,
    summary: Summary,
}

impl Run {
    pub fn new(
        outputs: Outputs,
        plan: &Plan,
        known: Option<KnownFindings>,
        writes_baseline: bool,
        fixes: bool,
    ) -> Self {
        Self {
            outputs,
            severity: plan.severity,
            known,
            writer: writes_baseline.then(BaselineWriter::default),
            errors: Vec::new(),
            passed_over: Vec::new(),
            without_pod: BTreeMap::new(),
            fixes: fixes.then(Vec::new),
            usage: Usage::default(),
            summary: Summary::default(),
        }
    }

    pub fn has_stdout(&self) -> bool {
        self.outputs.has_stdout()
    }

    /// Writes the beginning, and the errors that were found before the files were judged.
    pub fn begin(&mut self, errors: Vec<FileError>) -> Result<(), Failure> {
        self.outputs.begin()?;
        errors.into_iter().try_for_each(|error| self.error(error))
    }

    pub fn error(&mut self, error: FileError) -> Result<(), Failure> {
        let results = CheckResults { errors: vec![error], ..CheckResults::default() };
        self.file(FoundInFile { results, ..FoundInFile::default() })
    }

    /// Writes what is found in a file.
    pub fn file(&mut self, mut found: FoundInFile) -> Result<(), Failure> {
        for note in &found.notes {
            output::diagnose("note", note);
        }
        self.narrow(&mut found.results);
        if let Some(writer) = &mut self.writer {
            writer.add(&found.results);
        }
        found.results.count(&mut self.summary);
        self.outputs.file(&FileFindings { results: &found.results, text: found.text.as_deref() })?;
        self.usage.add(found.usage);
        self.errors.append(&mut found.results.errors);
        self.passed_over.append(&mut found.results.passed_over);
        if let Some(fixes) = &mut self.fixes {
            fixes.append(&mut found.results.fixes);
        }
        for (kind, count) in found.results.without_pod {
            *self.without_pod.entry(kind).or_default() += count;
        }
        Ok(())
    }

    /// Leaves out what is below the severity, and what the baseline knows.
    fn narrow(&mut self, results: &mut CheckResults) {
        for object in &mut results.objects {
            if self.severity > Severity::Low {
                object.at_least(self.severity);
            }
            if let Some(known) = &mut self.known
                && known.remove_from(object)
            {
                object.judge_again();
            }
        }
    }

    pub const fn nothing_judged(&self) -> bool {
        self.summary.objects == 0 && self.errors.is_empty()
    }

    pub fn take_usage(&mut self, noted: bool) -> Option<Usage> {
        noted.then(|| std::mem::take(&mut self.usage))
    }

    /// Writes the end, and the errors to stderr. Returns the exit code.
    pub fn end(
        &mut self,
        waivers: Option<&[WaiverReport]>,
        settings: Option<&str>,
        warnings_as_errors: bool,
    ) -> Result<Exit, Failure> {
        self.summary.baseline = self.known.as_ref().map_or(0, |known| known.matched);
        let without_pod = kind_counts(std::mem::take(&mut self.without_pod));
        let is_seen = self.outputs.has_stdout();
        let ending = Ending {
            errors: &self.errors,
            passed_over: &self.passed_over,
            without_pod: &without_pod,
            waivers,
            fixes: self.fixes.as_deref(),
            summary: &self.summary,
            settings,
        };
        let exit = self.exit(warnings_as_errors);
        let left = self.outputs.end(&ending, exit != Exit::InputError)?;
        if !is_seen {
            output::diagnose("note", &summary_line(&ending));
        }
        for error in self.errors.iter().map(FileError::to_string).chain(left) {
            output::diagnose("error", &error);
        }
        Ok(exit)
    }

    /// What is denied is certain, whatever else could not be read: so it decides the exit code.
    const fn exit(&self, warnings_as_errors: bool) -> Exit {
        let Summary { denied, warned, errors, .. } = self.summary;
        if denied > 0 || (warnings_as_errors && warned > 0) {
            Exit::Violations
        } else if errors > 0 {
            Exit::InputError
        } else {
            Exit::Clean
        }
    }

    /// The violations that were found, and the exit code after they are written.
    pub fn baseline(self) -> (Baseline, Exit) {
        let exit = if self.summary.errors > 0 { Exit::InputError } else { Exit::Clean };
        (self.writer.unwrap_or_default().baseline(), exit)
    }
}

/// The fewest files with a progress bar.
const MANY: usize = 50;

/// A progress bar, where stderr is a terminal.
pub struct Progress {
    bar: ProgressBar,
    /// Whether the bar and the report are on the same terminal.
    shares_terminal: bool,
    done: Cell<u64>,
}

impl Progress {
    pub fn new(files: usize) -> Self {
        let bar = if files >= MANY { ProgressBar::new(files as u64) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos} of {human_len} files, {elapsed}") {
            bar.set_style(style);
        }
        let shares_terminal = !bar.is_hidden() && std::io::stdout().is_terminal();
        Self { bar, shares_terminal, done: Cell::new(0) }
    }

    /// Runs `write`, which may write to the terminal, and moves the bar on.
    pub fn step<T>(&self, writes: bool, write: impl FnOnce() -> T) -> T {
        self.done.set(self.done.get() + 1);
        self.bar.set_position(self.done.get());
        if writes && self.shares_terminal { self.bar.suspend(write) } else { write() }
    }

    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
