//! `podreeve check`: files judged by the same code as the webhook's requests.

mod exemptions;

use super::input::{Input, Inputs};
use super::output::{self, Format};
use super::{Exit, Failure};
use crate::manifest::{self, Document, ManifestError, Position};
use crate::report::{CheckReport, FileError, Judge, Usage, Waiver, text};
use crate::sources::{SourceErrors, Sources};
use exemptions::{Exemptions, Namespaces};
use jiff::{Timestamp, civil::Date, tz::Offset};

/// Judge manifests as the webhook would, before they reach a cluster
///
/// Pods and everything that holds a pod template are judged as if they were created now; other objects are passed over.
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
    /// The exit code stays that of the objects: what an exemption no longer lets through is denied by itself.
    #[arg(long)]
    waivers: bool,

    /// How to print
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// # Errors
/// Policies that do not load, and a stdout that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let loaded = Sources::new(&args.policy).load_with_origins(1, usize::MAX);
    let (mut snapshot, origins) = loaded.map_err(unusable)?;
    let mut exemptions = Exemptions::default();
    let (mut objects, mut errors, mut usage) = (Vec::new(), Vec::new(), Usage::default());
    let within = Namespaces { default: &args.namespace, allowed: &args.exemption_namespaces };
    let mut inputs: Box<dyn Iterator<Item = Input> + '_> = Box::new(args.inputs.read());
    // An exemption may stand behind what it exempts; stdin is read only once.
    if !within.allowed.is_empty() {
        let all: Vec<Input> = inputs.collect();
        for (input, documents) in all.iter().filter_map(|input| Some((input, parse(input).ok()?))) {
            for object in documents.iter().filter_map(|document| document.objects().ok()).flatten() {
                errors.extend(exemptions.read(&input.name, &object, within).err().map(|error| at(input, error)));
            }
        }
        inputs = Box::new(all.into_iter());
        snapshot.policies.exemptions.clone_from(&exemptions.found);
    }
    let judge = Judge { snapshot: &snapshot, namespace: &args.namespace, today: today() };
    for input in inputs {
        let documents = match parse(&input) {
            Ok(documents) => documents,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        for document in &documents {
            match document.objects() {
                Ok(found) => {
                    for object in &found {
                        within.mention(&input.name, object);
                        if args.waivers {
                            usage.note(&judge, object);
                        }
                    }
                    objects.extend(found.iter().filter_map(|object| judge.object(&input.name, object)));
                }
                Err(error) => errors.push(at(&input, error)),
            }
        }
    }
    let mut report = CheckReport::new(objects, errors);
    if args.waivers {
        report.waivers = Some(usage.waivers(&snapshot, judge.today, |waiver| match waiver {
            Waiver::Policy(policy, exemption) => {
                let origin = origins.get(*policy);
                let at = origin.and_then(|origin| origin.exemptions.get(*exemption));
                (origin.map(|origin| origin.file.clone()).unwrap_or_default(), at.copied().unwrap_or(Position::START))
            }
            Waiver::Object(name) => exemptions.place(name),
        }));
    }
    match args.output {
        Format::Text => output::print(&text::render(&report))?,
        Format::Json => output::json(&report)?,
    }
    for error in &report.errors {
        output::diagnose("error", &text::error(error));
    }
    Ok(match report.summary {
        summary if summary.errors > 0 => Exit::Unreadable,
        summary if summary.denied > 0 => Exit::Violations,
        _ => Exit::Clean,
    })
}

fn parse(input: &Input) -> Result<Vec<Document>, FileError> {
    let whole =
        |message: &String| FileError { file: input.name.clone(), line: None, column: None, message: message.clone() };
    let bytes = input.bytes.as_ref().map_err(whole)?;
    manifest::parse(bytes).map_err(|error| at(input, error))
}

fn at(input: &Input, error: ManifestError) -> FileError {
    FileError {
        file: input.name.clone(),
        line: Some(error.at.line),
        column: Some(error.at.column),
        message: error.message,
    }
}

pub(super) fn unusable(errors: SourceErrors) -> Failure {
    Failure::unreadable(errors.to_string())
}

/// By UTC, as exemptions count.
pub(super) fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}
