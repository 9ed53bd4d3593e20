//! The commands.

pub mod serve;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Holds pods to the OWASP container-security list, as a Kubernetes admission webhook.
#[derive(Debug, Parser)]
#[command(name = "podreeve", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
}

/// Runs the command of this process.
#[must_use]
pub fn run() -> ExitCode {
    match Cli::parse().command {
        Command::Serve(args) => serve::run(args),
    }
}
