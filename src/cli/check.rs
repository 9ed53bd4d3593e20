//! `podreeve check`: judges files by the same code as the webhook's requests.

mod accounts;
mod exemptions;
mod files;
mod other_tools;

use super::exit::{Exit, Failure};
use super::input::{Entry, Inputs};
use super::mode::ModeArgs;
use super::output::{self, Format};
use crate::manifest::{self, Position};
use crate::report::{CheckReport, ExemptionId, FileError, Judge, Usage, text};
use crate::sources::{Origin, SourceErrors, Sources};
use exemptions::{Exemptions, Namespaces};
use files::Files;
use jiff::{Timestamp, civil::Date, tz::Offset};
use std::sync::Arc;

/// Judge manifests as the webhook would, before they reach a cluster
///
/// Pods and everything that has a pod template are judged as if they were created now. Other objects are counted, and
/// named if they look like a workload; so are templates, kustomizations and files of other tools.
#[derive(Debug, clap::Args)]
#[command(after_help = super::exit::HELP)]
pub struct Args {
    #[command(flatten)]
    inputs: Inputs,

    /// Policy to judge by: the name of a built-in one, a file, or a directory; may be repeated [default: owasp]
    #[arg(long, value_name = "POLICY")]
    policy: Vec<String>,

    /// Namespace of objects that name none
    #[arg(short, long, default_value = "default")]
    namespace: String,

    /// Namespaces in which the Exemption objects among the files count; may be repeated [default: none]
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',')]
    exemption_namespaces: Vec<String>,

    /// List the exemptions that nothing in the files needs, that end within 14 days, or that have ended
    ///
    /// They do not change the exit code: a violation that is no longer exempt is denied by itself.
    #[arg(long)]
    waivers: bool,

    /// Exit with 2 if nothing was judged; stdin always does
    #[arg(long)]
    require_objects: bool,

    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,

    #[command(flatten)]
    mode: ModeArgs,
}

/// # Errors
/// Policies that do not load, and a stdout that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let loaded = Sources::new(&args.policy).load_with_origins(1, usize::MAX);
    let (mut snapshot, origins) = loaded.map_err(unusable)?;
    snapshot.ceiling = args.mode.ceiling();
    let namespaces = Namespaces { default: &args.namespace, allowed: &args.exemption_namespaces };
    let (mut exemptions, mut errors) = (Exemptions::default(), Vec::new());
    // All files are read first, because a ServiceAccount may come after its pods, and an exemption after what it exempts; stdin
    // can be read only once.
    let all: Vec<Entry> = args.inputs.read().collect();
    snapshot.facts.manifest_accounts = Some(Arc::new(accounts::read(&all, namespaces.default)));
    if !namespaces.allowed.is_empty() {
        errors = read_exemptions(&all, namespaces, &mut exemptions);
        snapshot.policies.exemptions.clone_from(&exemptions.found);
    }
    let judge = Judge { snapshot: &snapshot, namespace: &args.namespace, today: today() };
    let mut files = Files::new(judge, namespaces, args.waivers.then(Usage::default));
    files.results.errors = errors;
    for entry in &all {
        files.add(entry);
    }
    if args.require_objects && files.results.objects.is_empty() && files.results.errors.is_empty() {
        let message = "nothing was judged: there is no pod and no pod template";
        files.results.errors.push(FileError::whole(&args.inputs.names().join(" "), message));
    }
    let usage = files.usage;
    let mut report = CheckReport::new(files.results);
    report.waivers =
        usage.map(|usage| usage.waivers(&snapshot, judge.today, |waiver| place(waiver, &origins, &exemptions)));
    match args.output {
        Format::Text => output::print(&text::render(&report))?,
        Format::Json => output::json(&report)?,
    }
    for error in &report.errors {
        output::diagnose("error", &text::error(error));
    }
    Ok(match report.summary {
        summary if summary.errors > 0 => Exit::InputError,
        summary if summary.denied > 0 => Exit::Violations,
        _ => Exit::Clean,
    })
}

/// Adds the exemptions among the files, and returns what is wrong with them.
fn read_exemptions(all: &[Entry], namespaces: Namespaces<'_>, exemptions: &mut Exemptions) -> Vec<FileError> {
    let mut errors = Vec::new();
    for entry in all {
        let Entry::File(input) = entry else { continue };
        let Ok(bytes) = &input.bytes else { continue };
        for document in manifest::read(bytes).documents {
            for object in document.objects().iter().flatten() {
                let wrong = exemptions.read(&input.name, object, namespaces).err().unwrap_or_default();
                errors.extend(wrong.iter().map(|error| FileError::at(&input.name, error)));
            }
        }
    }
    errors
}

/// The file and position of an exemption.
fn place(waiver: &ExemptionId, origins: &[Origin], exemptions: &Exemptions) -> (String, Position) {
    match waiver {
        ExemptionId::Policy(policy, exemption) => {
            let origin = origins.get(*policy);
            let at = origin.and_then(|origin| origin.exemptions.get(*exemption));
            (origin.map(|origin| origin.file.clone()).unwrap_or_default(), at.copied().unwrap_or(Position::START))
        }
        ExemptionId::Object(name) => exemptions.place(name),
    }
}

pub(super) fn unusable(errors: SourceErrors) -> Failure {
    Failure::input(errors.to_string())
}

/// The date in UTC, which decides when exemptions end.
pub(super) fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}
