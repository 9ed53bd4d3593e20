//! How a command ends: its exit code, and the message of a failure.

use std::process::ExitCode;

/// For `--help`.
pub const HELP: &str = "Exit codes: 0 clean, 1 violations, 2 wrong usage or unreadable input, 3 internal failure";

/// The exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Clean,
    /// Something would be denied.
    Violations,
    /// Wrong usage, or input that cannot be read.
    InputError,
    InternalError,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Clean => 0,
            Exit::Violations => 1,
            Exit::InputError => 2,
            Exit::InternalError => 3,
        })
    }
}

/// Why a command could not do its work. The message says what happened, where, and what to do now. It may have several lines.
#[derive(Debug)]
pub enum Failure {
    /// The user can correct it: wrong usage, input that cannot be read, an API server that does not answer.
    Input(String),
    /// A fault of podreeve or of its environment.
    Internal(String),
}

impl Failure {
    #[must_use]
    pub fn input(message: impl Into<String>) -> Self {
        Self::Input(message.into())
    }

    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Self::Internal(message.into())
    }
}
