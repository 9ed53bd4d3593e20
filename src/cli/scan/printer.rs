//! Prints the findings of a scan as they come, and a progress bar.

use crate::admit::Snapshot;
use crate::cli::exit::Failure;
use crate::cli::output::{self, Format};
use crate::cluster::item::Item;
use crate::cluster::scan::ScanObserver;
use crate::policy::document::API_VERSION;
use crate::report::{DeniedRules, OwnerReport, ScanReport, ScanSummary, UnreadReport, text};
use crate::scan::NamespaceFindings;
use indicatif::{ProgressBar, ProgressStyle};

pub struct ScanPrinter {
    format: Format,
    /// Without the owners.
    summary: bool,
    report: ScanReport,
    rules: DeniedRules,
    bar: ProgressBar,
    failure: Option<Failure>,
}

impl ScanPrinter {
    pub fn new(format: Format, summary: bool, snapshot: &Snapshot) -> Self {
        let policies = snapshot.policies.policies.iter().map(|policy| policy.name.to_string()).collect();
        // The bar is drawn only if stderr is a terminal.
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {human_pos} of about {human_len} objects, {elapsed}")
        {
            bar.set_style(style);
        }
        Self {
            format,
            summary,
            rules: DeniedRules::default(),
            report: ScanReport {
                api_version: API_VERSION,
                kind: "ScanReport",
                policies,
                owners: Vec::new(),
                rules: Vec::new(),
                errors: Vec::new(),
                summary: ScanSummary::default(),
            },
            bar,
            failure: None,
        }
    }

    /// The report. With text output, the owners have been printed already.
    pub fn report(mut self) -> Result<ScanReport, Failure> {
        self.bar.finish_and_clear();
        self.report.summary.errors = self.report.errors.len();
        self.report.rules = self.rules.finish();
        self.failure.map_or(Ok(self.report), Err)
    }
}

impl ScanObserver for ScanPrinter {
    async fn found(&mut self, found: NamespaceFindings, _existing_reports: &[Item]) {
        self.report.summary.add(&found);
        self.rules.add(&found);
        if self.summary {
            return;
        }
        let owners = OwnerReport::all(&found);
        match self.format {
            Format::Json => self.report.owners.extend(owners),
            Format::Text => {
                let text: String = owners.map(|owner| text::scan::owner(&owner)).collect();
                if !text.is_empty()
                    && let Err(failure) = self.bar.suspend(|| output::print(&text))
                {
                    self.failure.get_or_insert(failure);
                }
            }
        }
    }

    fn unread(&mut self, what: &str, why: &str) {
        self.report.errors.push(UnreadReport { kind: what.to_owned(), message: why.to_owned() });
    }

    fn progress(&mut self, done: usize, coming: usize) {
        let (done, coming) = (done as u64, coming as u64);
        self.bar.set_length(done + coming);
        self.bar.set_position(done);
    }
}
