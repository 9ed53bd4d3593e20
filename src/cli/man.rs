//! `podreeve man`.

use super::exit::{Exit, Failure};
use super::output;
use std::path::PathBuf;

/// Print the man page, or write one page a command to a directory
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory for podreeve.1, podreeve-check.1 and so on
    dir: Option<PathBuf>,
}

/// `command` is podreeve with all its subcommands.
///
/// # Errors
/// If the pages cannot be written.
pub fn run(args: &Args, command: clap::Command) -> Result<Exit, Failure> {
    if let Some(dir) = &args.dir {
        std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(command, dir))
            .map_err(|error| Failure::input(format!("{}: cannot be written: {error}", dir.display())))?;
    } else {
        let mut page = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut page);
        rendered.map_err(|error| Failure::internal(error.to_string()))?;
        output::print(&String::from_utf8_lossy(&page))?;
    }
    Ok(Exit::Clean)
}
