//! What is found in one file.

use crate::report::{CheckResults, Usage};

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
