//! What `check` and `scan` found: the same outcome as the webhook's, with the place in the file or the owner.

mod judge;
mod scan;
pub mod text;
mod types;
mod waivers;

pub use judge::Judge;
pub use scan::{OwnerReport, ScanReport, ScanSummary, ScanViolation, UnreadReport};
pub use types::{CheckReport, FileError, ObjectReport, Summary, ViolationReport};
pub use waivers::{Usage, Waiver, WaiverReport, WaiverState};
