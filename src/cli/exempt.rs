//! `podreeve exempt`: exemptions for what would be denied, so that the rest can be denied.

mod found;
mod ratchet;
mod shape;
mod terms;
mod yaml;

use super::access::AccessArgs;
use super::exit::{Exit, Failure};
use super::input::Inputs;
use super::kubelets::KubeletArgs;
use super::suggested::{POLICY, RULE};
use super::{output, writing};
use crate::exempt::{Denied, Grant, Workload, propose};
use crate::policy::ObjectExemption;
use clap::ValueEnum;
use found::Source;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use terms::Terms;

/// Write exemptions for what would be denied, as narrow as they can be
///
/// Reads manifests, or a report of `scan -o json` or `check -o json`; without a FILE it scans the cluster. Each exemption names the rules, the
/// containers and the repositories of their images that were found together, and its comment says which workloads need it. Manifests and the
/// cluster are judged again with the exemptions, and what is left is printed.
#[derive(Debug, clap::Args)]
#[command(after_help = super::exit::HELP)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,

    /// Policy to judge by: the name of a built-in one, a file, or a directory; may be repeated [default: owasp, and in a cluster its
    /// Policy objects]
    #[arg(long, value_name = "POLICY", value_parser = POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// Of files: the namespace of objects that name none. Of a cluster: only this namespace [default: all]
    #[arg(short, long, value_parser = super::namespace::name)]
    namespace: Option<String>,

    /// Of a cluster: only objects with these labels, such as app=web
    #[arg(short = 'l', long, value_name = "LABELS")]
    selector: Option<String>,

    /// Namespaces whose Exemption objects count, those of the cluster or those among the files; may be repeated. What they cover needs no
    /// other exemption [default: none]
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',', value_parser = super::namespace::name)]
    exemption_namespaces: Vec<String>,

    /// Only these rules; may be repeated [default: all that deny]
    #[arg(long, value_name = "RULE", value_delimiter = ',', value_parser = RULE, hide_possible_values = true)]
    rule: Vec<String>,

    /// Why the exemptions are right, for their next reader [default: asks for it on a terminal]
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// The last day (UTC) on which they hold, as YYYY-MM-DD, or `never` for no end [default: asks for it on a terminal]
    #[arg(long, value_name = "DATE")]
    until: Option<String>,

    /// How to print: Exemption objects, or the chart's value `exemptions`
    #[arg(short, long, value_enum, default_value_t)]
    output: Form,

    /// Keep the exemptions in this file. If it exists, its exemptions may only become fewer: what nothing needs any more is removed, and what is
    /// new is printed and makes the exit code 1
    #[arg(long, value_name = "FILE")]
    ratchet: Option<PathBuf>,

    #[command(flatten)]
    access: AccessArgs,

    #[command(flatten)]
    kubelets: KubeletArgs,
}

/// `-o`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    #[default]
    Objects,
    Values,
}

/// How often the exemptions are judged again: an exemption can uncover a violation that its cause implied.
const ROUNDS: usize = 4;

/// # Errors
/// Policies and files that cannot be read, an API server that does not answer, and a missing reason or end.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    for rule in &args.rule {
        if crate::rules::find(rule).is_none() {
            return Err(Failure::input(format!("--rule: {}", crate::policy::unknown_rule(rule))));
        }
    }
    let source = Source::new(args)?;
    if let Some(file) = args.ratchet.as_ref().filter(|file| file.exists()) {
        return ratchet::tighten(file, &source, args);
    }
    let terms = Terms::of(args)?;
    let (workloads, left) = until_nothing_new(&source, &terms)?;
    let grants = propose(&workloads);
    let text = match args.output {
        Form::Objects => yaml::objects(&grants, &terms, &mut yaml::Names::default()),
        Form::Values => yaml::values(&grants, &terms),
    };
    match &args.ratchet {
        Some(file) => writing::whole(file, &text)?,
        None => output::print(&text)?,
    }
    summarize(args, &grants);
    Ok(report_left(&left))
}

/// All that has to be exempt, and what is still denied with all these exemptions.
fn until_nothing_new(source: &Source<'_>, terms: &Terms) -> Result<(Vec<Workload>, Vec<Workload>), Failure> {
    let mut all = source.denied(&[])?;
    if all.is_empty() {
        return Ok((all, Vec::new()));
    }
    let mut rounds = 0;
    loop {
        let left = source.denied(&compiled(&propose(&all), terms)?)?;
        let new: Vec<Workload> = left.iter().filter_map(|workload| beyond(&all, workload)).collect();
        rounds += 1;
        if new.is_empty() || rounds > ROUNDS {
            return Ok((all, left));
        }
        for workload in new {
            add(&mut all, workload);
        }
    }
}

/// The workload with the violations that are not among the known ones.
fn beyond(known: &[Workload], workload: &Workload) -> Option<Workload> {
    let same = known.iter().find(|known| known.namespace == workload.namespace && known.title == workload.title);
    let is_new = |denied: &Denied| same.is_none_or(|known| !known.denied.contains(denied));
    let denied: Vec<Denied> = workload.denied.iter().filter(|denied| is_new(denied)).cloned().collect();
    (!denied.is_empty()).then(|| Workload { denied, ..workload.clone() })
}

fn add(all: &mut Vec<Workload>, workload: Workload) {
    match all.iter_mut().find(|known| known.namespace == workload.namespace && known.title == workload.title) {
        Some(known) => known.denied.extend(workload.denied),
        None => all.push(workload),
    }
}

/// The exemptions as they will be in force.
fn compiled(grants: &BTreeMap<&str, Vec<Grant>>, terms: &Terms) -> Result<Vec<Arc<ObjectExemption>>, Failure> {
    let of_namespace = |(namespace, grants): (&&str, &Vec<Grant>)| -> Vec<_> {
        grants.iter().map(|grant| yaml::compiled(namespace, grant, terms)).collect()
    };
    grants.iter().flat_map(of_namespace).collect()
}

fn summarize(args: &Args, grants: &BTreeMap<&str, Vec<Grant>>) {
    let count: usize = grants.values().map(Vec::len).sum();
    if count == 0 {
        return output::diagnose("note", "nothing would be denied, so no exemption is needed");
    }
    let namespaces: Vec<&str> = grants.keys().copied().collect();
    let where_they_count = match args.output {
        Form::Objects => format!(
            "an Exemption counts if `exemptionNamespaces` of the chart (serve --exemption-namespaces) names its namespace: {}",
            namespaces.join(", ")
        ),
        Form::Values => "give the file to helm with --values".to_owned(),
    };
    output::diagnose(
        "note",
        &format!("{count} {}; {where_they_count}", if count == 1 { "exemption" } else { "exemptions" }),
    );
}

/// Prints what no exemption covers.
fn report_left(left: &[Workload]) -> Exit {
    for workload in left {
        let rules: Vec<&str> = workload.denied.iter().map(|denied| &*denied.rule).collect();
        output::diagnose("error", &format!("{} would still be denied by {}", workload.title, rules.join(", ")));
    }
    if left.is_empty() { Exit::Clean } else { Exit::Violations }
}
