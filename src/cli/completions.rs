//! `podreeve completions`.

use super::{Cli, Exit, Failure, output};
use clap::CommandFactory;
use clap_complete::Shell;

/// Print completions for a shell, to be sourced by it
#[derive(Debug, clap::Args)]
pub struct Args {
    shell: Shell,
}

/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "podreeve", &mut script);
    output::print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Clean)
}
