//! `podreeve why`: explains a decision from its line in the log.

mod changes;
mod logs;
mod object;
mod report;
mod text;
mod wanted;

pub use report::WhyReport;

use super::check::today;
use super::exit::{Exit, Failure};
use super::output::{self, Format};
use logs::{Logs, Seen};
use report::ExplainedDecision;
use std::io::{IsTerminal, stdin};
use wanted::Wanted;

const HELP: &str = "\
Read the logs of all replicas; --tail=-1 is for all lines:
  kubectl logs -n podreeve -l app.kubernetes.io/component=webhook --tail=-1 --prefix --ignore-errors | podreeve why 705ab4f5

Exit codes: 0 found, 2 not found, wrong usage or unreadable input, 3 internal failure";

/// Explain a decision of the webhook from podreeve's log
///
/// Says who sent what, the verdict, each rule with its policy, container and field, and what would change the decision.
/// The log may be JSON or text, of several replicas mixed, and with prefixes of kubectl or a log collector.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// The id at the end of a denial or warning, or an object as NAMESPACE/NAME or KIND/NAMESPACE/NAME; the name of an owner
    /// also finds its pods
    #[arg(value_name = "ID|OBJECT")]
    wanted: Wanted,

    /// Logs of podreeve; - is stdin [default: -]
    #[arg(value_name = "LOG")]
    logs: Vec<String>,

    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// # Errors
/// No such decision, a log that cannot be read, and a stdout that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut names: Vec<&str> = args.logs.iter().map(String::as_str).collect();
    if names.is_empty() {
        names.push("-");
    }
    if names.contains(&"-") && stdin().is_terminal() {
        let wanted = &args.wanted;
        return Err(Failure::input(format!(
            "there is no log: pipe it in, or name a file\n{} | podreeve why {wanted}",
            logs::COMMAND
        )));
    }
    let mut logs = Logs::new(&args.wanted);
    for name in names {
        logs.read(name)?;
    }
    let seen = logs.finish();
    if seen.found.is_empty() {
        return Err(Failure::input(seen.missing(&args.wanted)));
    }
    let report = report(&args.wanted, seen);
    match args.output {
        Format::Text => output::print(&text::render(&report))?,
        Format::Json => output::json(&report)?,
    }
    Ok(Exit::Clean)
}

fn report(wanted: &Wanted, seen: Seen) -> WhyReport {
    let today = today();
    let decisions = seen.found.into_iter().map(|found| ExplainedDecision::new(found, today)).collect();
    WhyReport::new(wanted.to_string(), seen.read, decisions)
}
