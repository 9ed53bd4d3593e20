//! Output: colours only on a terminal, and no error when the reader closes the pipe.

use super::exit::{Exit, Failure};
use anstyle::{AnsiColor, Style};
use clap::ValueEnum;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

/// `-o`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// Writes a result to stdout. Styles in `text` are kept on a terminal, unless NO_COLOR is set.
///
/// # Errors
/// A full disk and the like. A closed pipe (`| head`) is no error.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::input(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// The columns of the terminal on stdout; none for a file and a pipe.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    let columns = || terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| usize::from(width.0));
    std::io::stdout().is_terminal().then(columns)
}

/// The width of a terminal that does not say how wide it is.
const COLUMNS: usize = 80;

/// Writes JSON to stdout, for people and programs.
///
/// # Errors
/// As [`print`].
pub fn json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::internal(error.to_string()))?;
    print(&(text + "\n"))
}

/// One line on stderr: `error: …`, `note: …`.
pub fn diagnose(kind: &str, line: &str) {
    let style = match kind {
        "error" => AnsiColor::Red.on_default().bold(),
        _ => Style::new().bold(),
    };
    // There is no other place for an error if stderr is closed.
    let _ = writeln!(anstream::stderr().lock(), "{style}{kind}:{style:#} {}", crate::text::clean(line, 4000));
}

/// The exit code of a command. Prints its failure to stderr.
pub fn exit_code(result: Result<Exit, Failure>) -> ExitCode {
    let (exit, message) = match result {
        Ok(exit) => return exit.into(),
        Err(Failure::Input(message)) => (Exit::InputError, message),
        Err(Failure::Internal(message)) => (Exit::InternalError, message),
    };
    for line in message.lines() {
        diagnose("error", line);
    }
    exit.into()
}
