//! `podreeve version`.

use super::exit::{Exit, Failure};
use super::output::{self, Format};
use serde_json::json;

/// Print the version
#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Format::Text => output::print(&format!("podreeve {version}\n"))?,
        Format::Json => output::json(&json!({
            "version": version,
            "policyApiVersion": crate::policy::document::API_VERSION,
            "rules": crate::rules::RULES.len(),
        }))?,
    }
    Ok(Exit::Clean)
}
