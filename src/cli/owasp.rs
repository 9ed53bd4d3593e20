//! `podreeve owasp`: the list, filled in for an auditor.

mod cluster;
mod files;

use super::access::AccessArgs;
use super::check::{today, unusable};
use super::exit::{Exit, Failure};
use super::input::Inputs;
use super::kubelets::KubeletArgs;
use super::output;
use super::output_spec::{OutputParser, OutputSpec, destinations};
use super::suggested::POLICY;
use super::writing::{self, NewFile};
use crate::admit::Snapshot;
use crate::report::owasp::{Collector, OwaspReport, html, read, text};
use crate::sources::Sources;
use clap::ValueEnum;
use std::path::PathBuf;

/// Fill the OWASP list in: which of its 93 items pass, fail, are unknown or exempt, and by which objects
///
/// Reads manifests and Dockerfiles, or with --cluster what exists in a cluster, and the reports of images and nodes. An item passes only if all
/// of it was judged. `-o html=FILE` writes one page that needs no other file, and prints as it is.
#[derive(Debug, clap::Args)]
#[command(after_help = super::exit::HELP)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,

    /// A Dockerfile whose name does not say so; may be repeated
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    dockerfile: Vec<String>,

    /// Judge what exists in the cluster, as `podreeve scan` does
    #[arg(long)]
    cluster: bool,

    /// A report as JSON of `podreeve image`, `node`, `scan` or `check`; of a directory, the *.json files in it; may be repeated
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    report: Vec<PathBuf>,

    /// Policy to judge by: the name of a built-in one, a file, or a directory; may be repeated [default: owasp, and in a cluster its
    /// Policy objects]
    #[arg(long, value_name = "POLICY", value_parser = POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// Of files: the namespace of objects that name none. Of a cluster: only this namespace [default: all]
    #[arg(short, long, value_parser = super::namespace::name)]
    namespace: Option<String>,

    /// Namespaces whose Exemption objects count; may be repeated [default: none]
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',', value_parser = super::namespace::name)]
    exemption_namespaces: Vec<String>,

    /// How to print, and into which file if not to stdout; may be repeated [default: text]
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = OutputParser::<Form>::NEW)]
    output: Vec<OutputSpec<Form>>,

    #[command(flatten)]
    access: AccessArgs,

    #[command(flatten)]
    kubelets: KubeletArgs,
}

/// `-o`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    #[default]
    Text,
    Json,
    Html,
}

/// # Errors
/// Policies, files and reports that cannot be read, and an API server that does not answer.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let names = args.inputs.names();
    let has_files = !names.is_empty() || !args.dockerfile.is_empty();
    if has_files && args.cluster {
        return Err(Failure::input("a FILE and --cluster are two reports; leave one of them out"));
    }
    if !has_files && !args.cluster && args.report.is_empty() {
        return Err(Failure::input(
            "nothing is named that could be judged: name manifests or a directory, or --cluster, or reports with --report\n\
             Usage: podreeve owasp [OPTIONS] [FILE]...; see podreeve owasp --help",
        ));
    }
    let text = [OutputSpec { format: Form::Text, file: None }];
    let specs = if args.output.is_empty() { &text[..] } else { &args.output };
    let files = writing::open(&destinations(specs))?;
    let read = args.report.iter().map(PathBuf::as_path).chain(writing::policies(&args.policy));
    let inputs = writing::Inputs::default().files(read);
    let report = if args.cluster {
        inputs.protect(&files)?;
        cluster::report(args)?
    } else {
        from_files(args, &names, inputs, &files)?
    };
    write(specs, files, &report)?;
    for error in &report.errors {
        output::diagnose("error", error);
    }
    Ok(match (report.summary.fail, report.errors.len()) {
        (0, 0) => Exit::Clean,
        (0, _) => Exit::InputError,
        _ => Exit::Violations,
    })
}

fn from_files(
    args: &Args,
    names: &[&str],
    inputs: writing::Inputs<'_>,
    files: &[NewFile],
) -> Result<OwaspReport, Failure> {
    let sources = args.inputs.files(&[], &args.dockerfile)?;
    let given: Vec<&str> = names.iter().copied().chain(args.dockerfile.iter().map(String::as_str)).collect();
    inputs.sources(&sources, &given).protect(files)?;
    let mut snapshot = Sources::new(&args.policy).load(1, usize::MAX).map_err(unusable)?;
    // Each item counts its own violations.
    snapshot.reports_implied = true;
    let mut collector = Collector::new(&snapshot.policies, None);
    if !names.is_empty() || !args.dockerfile.is_empty() {
        files::judge(args, sources, &snapshot, &mut collector)?;
    }
    finish(args, collector, || source(args, names))
}

/// Adds the reports, and closes the list.
fn finish(args: &Args, mut collector: Collector, source: impl FnOnce() -> String) -> Result<OwaspReport, Failure> {
    for path in reports(args)? {
        let fail = |message: String| Failure::input(format!("{}: {message}", path.display()));
        let text = std::fs::read_to_string(&path).map_err(|error| fail(format!("cannot be read: {error}")))?;
        for subject in read::subjects(&text).map_err(fail)? {
            collector.add(subject);
        }
    }
    Ok(collector.finish(source(), today().to_string()))
}

/// The reports that are named, and those in folders, in the order of their names.
fn reports(args: &Args) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for path in &args.report {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let fail = |error: std::io::Error| Failure::input(format!("{}: cannot be read: {error}", path.display()));
        let entries = std::fs::read_dir(path).map_err(fail)?.collect::<Result<Vec<_>, _>>().map_err(fail)?;
        let mut found: Vec<PathBuf> = entries.iter().map(std::fs::DirEntry::path).collect();
        found.retain(|file| file.extension().is_some_and(|end| end == "json"));
        if found.is_empty() {
            return Err(Failure::input(format!("{}: there is no *.json file in it", path.display())));
        }
        found.sort();
        all.extend(found);
    }
    Ok(all)
}

fn source(args: &Args, names: &[&str]) -> String {
    let given = names.iter().copied().chain(args.dockerfile.iter().map(String::as_str));
    let mut given: Vec<String> = given.map(str::to_owned).collect();
    given.extend(args.report.iter().map(|path| path.display().to_string()));
    given.join(", ")
}

fn write(specs: &[OutputSpec<Form>], mut files: Vec<NewFile>, report: &OwaspReport) -> Result<(), Failure> {
    for (spec, file) in specs.iter().zip(&mut files) {
        file.write(&match spec.format {
            Form::Text => text::text(report),
            Form::Html => html::html(report),
            // Writing to a string cannot fail.
            Form::Json => serde_json::to_string_pretty(report).unwrap_or_default() + "\n",
        })?;
    }
    writing::finish(files)
}

/// What the list needs to know of the facts by which a cluster was judged.
fn unknown_facts(snapshot: &Snapshot) -> Vec<String> {
    let mut unknown = Vec::new();
    if !snapshot.facts.nodes.all_known() {
        unknown.push("podPidsLimit of some nodes could not be read".to_owned());
    }
    unknown
}
