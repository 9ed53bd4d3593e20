//! Exit codes.

use std::process::ExitCode;

/// For `--help`.
pub const HELP: &str = "Exit codes: 0 clean, 1 violations, 2 wrong usage or unreadable input, 3 internal failure";

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Clean,
    /// Something would be denied.
    Violations,
    /// Wrong usage, or input that cannot be read.
    Unreadable,
    Internal,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Violations => 1,
            Exit::Unreadable => 2,
            Exit::Internal => 3,
        })
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    /// What happened, where, and what to do now. May have several lines.
    pub message: String,
}

impl Failure {
    /// The user can repair it.
    #[must_use]
    pub fn unreadable(message: impl Into<String>) -> Self {
        Self { exit: Exit::Unreadable, message: message.into() }
    }

    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self { exit: Exit::Internal, message: message.into() }
    }
}

/// Tells a failure on stderr.
pub fn report(result: Result<Exit, Failure>) -> ExitCode {
    match result {
        Ok(exit) => exit.into(),
        Err(Failure { exit, message }) => {
            for line in message.lines() {
                super::output::diagnose("error", line);
            }
            exit.into()
        }
    }
}
