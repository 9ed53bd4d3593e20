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

/// The commit that the binary was built from. Only builds of a release have it (`release/env`): others would be compiled again
/// after each commit.
const COMMIT: Option<&str> = option_env!("PODREEVE_COMMIT");

/// The date of this commit, in RFC 3339. The date of the build would make each build another binary.
const DATE: Option<&str> = option_env!("PODREEVE_DATE");

/// # Errors
/// When stdout cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Format::Text => {
            let built_from = COMMIT.zip(DATE).map(|(commit, date)| format!(" ({commit}, {date})")).unwrap_or_default();
            output::print(&format!("podreeve {version}{built_from}\n"))?;
        }
        Format::Json => output::json(&json!({
            "version": version,
            "commit": COMMIT,
            "date": DATE,
            "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
            "policyApiVersion": crate::policy::document::API_VERSION,
            "rules": crate::rules::RULES.len(),
        }))?,
    }
    Ok(Exit::Clean)
}
