//! The formats of a report of `check`. Each is written file by file, so that none needs all findings in memory, unless the
//! format itself has totals at its beginning.

mod github;
mod gitlab;
mod html;
mod json;
mod junit;
mod markdown;
mod sarif;

pub use github::GithubReport;
pub use gitlab::GitlabReport;
pub use html::HtmlReport;
pub use json::JsonReport;
pub use junit::JunitReport;
pub(crate) use junit::escape as junit_escape;
pub use markdown::MarkdownReport;
pub use sarif::SarifReport;

use super::file_error::FileError;
use super::fix::FixReport;
use super::passed_over::PassedOver;
use super::types::{CheckResults, KindCount, Summary};
use super::waiver_report::WaiverReport;

/// The findings in one file.
#[derive(Debug, Clone, Copy)]
pub struct FileFindings<'r> {
    pub results: &'r CheckResults,
    /// The text of the file, if a format needs it.
    pub text: Option<&'r str>,
}

/// What is known at the end.
#[derive(Debug, Clone, Copy)]
pub struct Ending<'r> {
    pub errors: &'r [FileError],
    pub passed_over: &'r [PassedOver],
    pub without_pod: &'r [KindCount],
    /// Only with `--waivers`.
    pub waivers: Option<&'r [WaiverReport]>,
    /// Only with `--fix`.
    pub fixes: Option<&'r [FixReport]>,
    pub summary: &'r Summary,
    /// The settings file, if there is one.
    pub settings: Option<&'r str>,
}

/// A format. The parts in their order are the report.
pub trait Format {
    /// The part before the first file.
    fn begin(&mut self) -> String {
        String::new()
    }

    /// The part of one file. A file may come twice.
    fn file(&mut self, file: &FileFindings<'_>) -> String;

    /// The part behind the last file.
    fn end(&mut self, ending: &Ending<'_>) -> String;
}

/// Where the rules and `check` are described.
pub const PAGES: &str = concat!(env!("CARGO_PKG_REPOSITORY"), "/blob/main/docs");

/// The page of a rule; that of `check` for what is no rule.
pub(super) fn rule_url(id: &str) -> String {
    if crate::rules::find(id).is_some() { format!("{PAGES}/rules/{id}.md") } else { format!("{PAGES}/check.md") }
}
