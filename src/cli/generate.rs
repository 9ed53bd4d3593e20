//! `podreeve gen`: writes the files that are made from the code. A test compares them.

use super::{Exit, Failure, output};
use std::fs;
use std::path::{Path, PathBuf};

mod policies_page;
mod rules_page;
mod schemas;

/// Write the generated files of the repository
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only tell which files differ; exit 1 when some do
    #[arg(long)]
    check: bool,

    /// Root of the repository
    #[arg(default_value = ".")]
    dir: PathBuf,
}

/// Path below the root, and content, of every generated file.
fn files() -> Vec<(&'static str, String)> {
    vec![
        ("docs/rules.md", rules_page::rules()),
        ("policies/README.md", policies_page::policies()),
        ("docs/check-report.schema.json", schemas::check_report()),
        ("docs/scan-report.schema.json", schemas::scan_report()),
        ("docs/policy.schema.json", schemas::policy()),
        ("deploy/crds/policies.podreeve.dev.yaml", schemas::policy_crd()),
        ("deploy/crds/exemptions.podreeve.dev.yaml", schemas::exemption_crd()),
    ]
}

/// # Errors
/// A file that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut exit = Exit::Clean;
    for (name, content) in files() {
        let path = args.dir.join(name);
        if fs::read_to_string(&path).is_ok_and(|there| there == content) {
            continue;
        }
        if args.check {
            output::diagnose("error", &format!("{} is out of date; run `make gen` and commit it", path.display()));
            exit = Exit::Violations;
        } else {
            write(&path, &content)
                .map_err(|error| Failure::unreadable(format!("{}: cannot be written: {error}", path.display())))?;
            output::print(&format!("{}\n", path.display()))?;
        }
    }
    Ok(exit)
}

fn write(path: &Path, content: &str) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, content)
}
