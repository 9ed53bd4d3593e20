//! `podreeve completions`.

use super::exit::{Exit, Failure};
use super::output;
use clap_complete::Shell;

/// Print completions for a shell, to be sourced by it
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: Shell,
}

/// `command` is podreeve with all its subcommands.
///
/// # Errors
/// If stdout cannot be written.
pub fn run(args: &Args, mut command: clap::Command) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "podreeve", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}
