//! What `check` and `scan` print: the same outcome as the webhook's, with the position in a file or the owner.

mod baseline;
mod dockerfile;
mod entry;
mod file_error;
mod fingerprint;
pub mod fix;
pub mod format;
pub mod image;
mod images;
mod judge;
pub mod node;
pub mod owasp;
mod passed_over;
mod scan;
mod scan_rules;
pub(crate) mod style;
pub mod text;
mod types;
mod waiver_report;
mod waivers;

pub use baseline::{Baseline, BaselineWriter, KnownFindings};
pub use file_error::FileError;
pub use judge::{Judge, NotJudged};
pub use passed_over::{PassedOver, without_template};
pub use scan::{OwnerReport, ScanReport, ScanSummary, ScanViolation, UnreadReport};
pub use scan_rules::{DeniedNamespace, DeniedRule, DeniedRules};
pub use types::{
    CheckReport, CheckResults, HintReport, KindCount, ObjectReport, Summary, ViolationReport, kind_counts,
};
pub use waiver_report::{WaiverReport, WaiverState};
pub use waivers::{ExemptionId, Usage};
