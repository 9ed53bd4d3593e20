//! The commands. Results go to stdout, everything else to stderr.

mod access;
mod check;
mod colour;
mod completions;
mod exempt;
mod exit;
mod explain;
pub mod generate;
mod image;
mod input;
mod kubelets;
mod man;
mod mode;
mod namespace;
mod node;
mod node_agent;
mod output;
mod output_spec;
mod owasp;
mod reports;
mod review;
mod rules;
mod scan;
mod selftest;
pub mod serve;
mod suggested;
mod test;
mod uninstall;
mod usage;
mod version;
pub mod why;
mod writing;

use clap::{CommandFactory, Parser, Subcommand};
use exit::Exit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

/// Holds pods to the OWASP container-security list, as a Kubernetes admission webhook
#[derive(Debug, Parser)]
#[command(name = "podreeve", version, max_term_width = 100, after_help = exit::HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(Box<serve::Args>),
    Check(check::Args),
    Scan(scan::Args),
    Image(image::Args),
    Node(node::Args),
    NodeAgent(node_agent::Args),
    Review(review::Args),
    Rules(rules::Args),
    Owasp(Box<owasp::Args>),
    Exempt(Box<exempt::Args>),
    Explain(explain::Args),
    Test(test::Args),
    Why(why::Args),
    Selftest(selftest::Args),
    Uninstall(uninstall::Args),
    Version(version::Args),
    Completions(completions::Args),
    Man(man::Args),
}

/// Runs the command of this process.
#[must_use]
pub fn run() -> ExitCode {
    colour::by_environment();
    // This call exits with 2 for wrong arguments, and with 0 for `--help` and `--version`.
    let cli = Cli::try_parse().unwrap_or_else(|error| usage::mend(error, &Cli::command()).exit());
    let ran = catch_unwind(AssertUnwindSafe(|| match cli.command {
        Command::Serve(args) => serve::run(*args),
        Command::Check(args) => output::exit_code(check::run(&args)),
        Command::Scan(args) => output::exit_code(scan::run(&args)),
        Command::Image(args) => output::exit_code(image::run(&args)),
        Command::Node(args) => output::exit_code(node::run(&args)),
        Command::NodeAgent(args) => output::exit_code(node_agent::run(&args)),
        Command::Review(args) => output::exit_code(review::run(&args)),
        Command::Rules(args) => output::exit_code(rules::run(&args)),
        Command::Owasp(args) => output::exit_code(owasp::run(&args)),
        Command::Exempt(args) => output::exit_code(exempt::run(&args)),
        Command::Explain(args) => output::exit_code(explain::run(&args)),
        Command::Test(args) => output::exit_code(test::run(&args)),
        Command::Why(args) => output::exit_code(why::run(&args)),
        Command::Selftest(args) => output::exit_code(selftest::run(&args)),
        Command::Uninstall(args) => output::exit_code(uninstall::run(&args)),
        Command::Version(args) => output::exit_code(version::run(&args)),
        Command::Completions(args) => output::exit_code(completions::run(&args, Cli::command())),
        Command::Man(args) => output::exit_code(man::run(&args, Cli::command())),
    }));
    ran.unwrap_or_else(|_| {
        eprintln!("error: podreeve failed because of a bug; please report the lines above and the input");
        Exit::InternalError.into()
    })
}
