//! `podreeve node`: audits the host under the pods.

mod dump;
mod formats;

use super::check::outputs::{self, OutputSpec, Outputs, ReportFormat};
use super::check::{today, unusable};
use super::exit::{Exit, Failure};
use super::mode::ModeArgs;
use super::output_spec::OutputParser;
use super::suggested::POLICY;
use super::writing::{self, Destination, NewFile};
use super::{output, output_spec};
use crate::host::{Root, snapshot};
use crate::node::Node;
use crate::policy::NodeIdentity;
use crate::report::format::Format;
use crate::report::node::{NodeReport, judge, text};
use crate::report::text::TextOptions;
use crate::rule::{Judges, Rule};
use crate::sources::Sources;
use formats::Whole;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Audit a host of containers: its daemons, their files, and the kernel
///
/// Reads the files of the host and /proc, starts nothing, changes nothing, and needs no cluster. Run it as root: what podreeve may not read is
/// unknown, and never a pass. Each failure has the command that repairs it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder that has the files of the host, such as an image of a disk that is mounted, or the host's / in a pod
    #[arg(long, value_name = "DIR", default_value = "/", value_hint = clap::ValueHint::DirPath)]
    root: PathBuf,

    /// Write what was read to this file, and do not judge it; - is stdout. It has no contents of keys, and no secrets
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "output", "policy", "strict"], value_hint = clap::ValueHint::FilePath)]
    dump: Option<PathBuf>,

    /// Judge what --dump wrote, on this host or on another one; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with = "root", value_hint = clap::ValueHint::FilePath)]
    from: Option<PathBuf>,

    /// Policy to judge by: the name of a built-in one, a file, or a directory; may be repeated [default: owasp]
    #[arg(long, value_name = "POLICY", value_parser = POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// The name of the node, for the report and for exemptions [default: that of the host]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// A label of the node, for exemptions; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,

    /// How to print, and into which file if not to stdout; may be repeated [default: text]
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = OutputParser::<ReportFormat>::NEW)]
    output: Vec<OutputSpec>,

    /// Also print what passes, what is not applicable, and failures that no operator need act on; json and html always have them
    #[arg(long)]
    all: bool,

    /// Exit with 2 if something is unknown and nothing fails
    #[arg(long)]
    strict: bool,

    /// Exit with 1 if there are warnings
    #[arg(long)]
    warnings_as_errors: bool,

    #[command(flatten)]
    mode: ModeArgs,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write it as KEY=VALUE, as `kubectl label` takes it".to_owned()),
    }
}

const NOT_JUDGED: &str = "nothing was judged: no rule of the policies judges nodes; `--policy owasp` has such rules";

/// # Errors
/// A root, a dump or a policy that cannot be read, and outputs that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    // A policy with errors is found before the host is read.
    let mut policies = Sources::new(&args.policy).load(1, usize::MAX).map_err(unusable)?;
    if args.dump.is_none() && policies.policies.policies.iter().all(|policy| policy.nodes.is_empty()) {
        return Err(Failure::input(NOT_JUDGED));
    }
    policies.ceiling = args.mode.ceiling();
    let specs = specs(args);
    let wanted = match &args.dump {
        Some(file) => {
            let path = Some(file.as_path()).filter(|path| *path != Path::new("-"));
            vec![Destination { what: "--dump", path }]
        }
        None => output_spec::destinations(&specs),
    };
    let files = writing::open(&wanted)?;
    let read_files = args.from.as_deref().into_iter().chain(writing::policies(&args.policy));
    writing::Inputs::default().files(read_files).protect(&files)?;
    let node = match &args.from {
        Some(file) => dump::read(file)?,
        None => read(args)?,
    };
    if args.dump.is_some() {
        return dump::write(files, &node).map(|()| Exit::Clean);
    }
    let labels: BTreeMap<String, String> = args.labels.iter().cloned().collect();
    let name = args.name.as_deref().unwrap_or(&node.name);
    let report = judge(&policies, &node, NodeIdentity { name, labels: &labels }, today());
    let policies = policies.policies.policies.iter().map(|policy| &**policy);
    let rules = outputs::rules(policies, |judges| matches!(judges, Judges::Node(_)));
    write(args, &specs, files, &report, &rules)?;
    let summary = &report.summary;
    Ok(match () {
        () if summary.denied > 0 || (args.warnings_as_errors && summary.warned > 0) => Exit::Violations,
        () if args.strict && summary.unknown > 0 => Exit::InputError,
        () => Exit::Clean,
    })
}

fn read(args: &Args) -> Result<Node, Failure> {
    let root = Root::open(&args.root).map_err(|error| {
        Failure::input(format!(
            "--root {}: cannot be opened: {error}; name the folder that has the host's /etc",
            args.root.display()
        ))
    })?;
    Ok(snapshot(&root, jiff::Timestamp::now().as_second()))
}

/// Of which host the commands are, if it is not this one.
fn place(args: &Args) -> Option<String> {
    let root = args.root.display();
    match &args.from {
        Some(_) => Some("Paths and commands are for the host of the dump: run them there.".to_owned()),
        None if args.root == Path::new("/") => None,
        None => Some(format!(
            "Paths and commands are for the host whose files are in {root}: run them there, or in `chroot {root}`."
        )),
    }
}

fn specs(args: &Args) -> Vec<OutputSpec> {
    let text = OutputSpec { format: ReportFormat::Text, file: None };
    if args.output.is_empty() { vec![text] } else { args.output.clone() }
}

fn write(
    args: &Args,
    specs: &[OutputSpec],
    files: Vec<NewFile>,
    report: &NodeReport,
    rules: &[&'static Rule],
) -> Result<(), Failure> {
    let width = output::terminal_width();
    let place = place(args);
    let outputs = Outputs::new(specs, files, |spec| -> Box<dyn Format> {
        match spec.format {
            ReportFormat::Text => Box::new(Whole::text(report, args.all, place.as_deref())),
            ReportFormat::Html => Box::new(Whole::html(report)),
            ReportFormat::Json => Box::new(Whole::json(report)),
            ReportFormat::Junit => Box::new(Whole::junit(report, args.strict)),
            other => {
                let width = width.filter(|_| spec.file.is_none());
                outputs::format(
                    other,
                    TextOptions { all: args.all, width, rules: rules.to_vec(), ..TextOptions::default() },
                )
            }
        }
    });
    let is_seen = outputs.has_stdout();
    // What is unknown is a part of the verdict.
    outputs.print(&report.as_results(&args.root.display().to_string()), true)?;
    if !is_seen {
        output::diagnose("note", &format!("node {}: {}", report.node, text::summary(report)));
    }
    Ok(())
}
