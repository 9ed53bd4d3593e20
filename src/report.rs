//! What `check` found: the same outcome as the webhook's, with the place in the file.

mod judge;
pub mod text;
mod types;
mod waivers;

pub use judge::Judge;
pub use types::{CheckReport, FileError, ObjectReport, Summary, ViolationReport};
pub use waivers::{Usage, WaiverReport, WaiverState};
