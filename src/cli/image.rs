//! `podreeve image`: what is in an image, layer by layer, and what violates the policies.

mod argument;
pub mod facts;
mod formats;
mod layout;
mod name;
mod progress;
mod registry;
mod seal;
mod trust;

use super::check::outputs::{self, OutputSpec, Outputs, ReportFormat};
use super::check::{today, unusable};
use super::exit::{Exit, Failure};
use super::mode::ModeArgs;
use super::namespace;
use super::output_spec::OutputParser;
use super::suggested::POLICY;
use super::writing::{self, Destination, NewFile};
use super::{output, output_spec};
use crate::admit::Snapshot;
use crate::image::{ImageError, OpenedImage, Platform, Source, Wanted, open, read};
use crate::outcome::Verdict;
use crate::reference::ImageRef;
use crate::report::format::Format;
use crate::report::image::{Identity, ImageReport, NOT_JUDGED, judge, text};
use crate::report::text::TextOptions;
use crate::rule::{Judges, Rule};
use crate::sources::Sources;
use argument::Argument;
use formats::Whole;
use progress::Progress;
use registry::{Deadline, RegistryArgs, Repository};
use seal::Seal;
use std::path::{Path, PathBuf};

/// Show what is in an image, layer by layer, and judge it by the policies
///
/// The image is in a registry, in a file that `docker save` or `podman save` wrote, or in an archive or a folder with an OCI layout. podreeve
/// reads it itself: it needs no daemon, no root and no space on disk. Secrets that it finds are named, and not shown where they are set.
///
/// For a registry, the logins of docker, podman and skopeo are used.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("named").args(["trust", "seal", "facts", "namespace"]).multiple(true)))]
pub struct Args {
    /// An archive, with or without gzip or zstd, the folder of an OCI layout, or a reference such as registry.example.com/shop/web:1
    ///
    /// It may also be written as for skopeo: docker://REFERENCE, oci:FOLDER[:TAG], oci-archive:FILE and docker-archive:FILE.
    #[arg(value_name = "IMAGE", value_hint = clap::ValueHint::AnyPath)]
    image: String,

    /// Which image, if there are several: its name, its tag or its digest
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// Which platform, such as linux/amd64; all means each of them, and the worst one counts
    #[arg(long, value_name = "PLATFORM", default_value = "all", value_parser = platform)]
    platform: PlatformArg,

    /// Verify signatures and attestations by this trust document; for an image in a registry, or in the folder of an OCI layout
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    trust: Option<PathBuf>,

    /// Print the facts as an ImageFacts object, sealed with this key: for a cluster whose podreeve does not reach the registry
    ///
    /// The key is `seal.key` in podreeve's Secret of images. Nothing is judged. Hand the object to `kubectl apply --server-side -f -`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "policy", "all", "warnings_as_errors", "trust", "facts", "namespace"], value_hint = clap::ValueHint::FilePath)]
    seal: Option<PathBuf>,

    /// The name by which pods pull the image: the trust document has entries for prefixes of it, exemptions name it, and --facts and --seal write it
    #[arg(long = "as", value_name = "IMAGE", requires = "named")]
    pulled_as: Option<String>,

    /// Also write what is known of the image to this file, for `podreeve check --image-facts FILE`
    ///
    /// The file has the environment of the image: keep it as the image itself.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    facts: Option<PathBuf>,

    /// Policy to judge by: the name of a built-in one, a file, or a directory; may be repeated [default: owasp]
    #[arg(long, value_name = "POLICY", value_parser = POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// Namespace of the pods that run the image: exemptions of the policies for it count [default: none counts]
    #[arg(short, long, value_parser = namespace::name)]
    namespace: Option<String>,

    /// How to print, and into which file if not to stdout; may be repeated [default: text]
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = OutputParser::<ReportFormat>::NEW)]
    output: Vec<OutputSpec>,

    /// Also report what an author need not act on: audit findings; json always has them
    #[arg(long)]
    all: bool,

    /// Exit with 1 if there are warnings
    #[arg(long)]
    warnings_as_errors: bool,

    #[command(flatten)]
    registry: RegistryArgs,

    #[command(flatten)]
    mode: ModeArgs,
}

impl Args {
    /// Who signed the image, by a trust document.
    fn verify(
        &self,
        document: &Path,
        argument: &Argument,
        (image, name): (&OpenedImage, &str),
        deadline: Deadline,
    ) -> Result<trust::Verdict, Failure> {
        if argument.is_file {
            return trust::verify(document, &trust::Place::Folder(Path::new(&argument.text)), name, image);
        }
        let repository = Repository::new(&argument.text, &self.registry, deadline)?;
        trust::verify(document, &trust::Place::Registry(&repository), name, image)
    }

    /// The source: a file or a folder, or else a registry.
    fn source(&self, argument: &Argument, deadline: Deadline) -> Result<Box<dyn Source>, Failure> {
        if !argument.is_file {
            return Ok(Box::new(Repository::new(&argument.text, &self.registry, deadline)?));
        }
        let source = argument.open()?;
        match self.registry.first() {
            Some(option) => Err(Failure::input(format!(
                "{option} is for an image in a registry, and {} is on this machine; leave the option out",
                argument.text
            ))),
            None => Ok(source),
        }
    }

    /// Compares the digest in the name by which pods pull the image.
    fn check_digest(&self, argument: &Argument, image: &OpenedImage) -> Result<(), Failure> {
        let Some(name) = self.pulled_as.as_deref() else { return Ok(()) };
        let reference = ImageRef::parse(name);
        let Some(digest) = reference.digest.as_deref().filter(|digest| *digest != image.digest.as_str()) else {
            return Ok(());
        };
        let differs = format!("--as names {digest}, and the image has {}", image.digest);
        // What is verified or sealed is a digest.
        if !argument.is_file || self.trust.is_some() || self.seal.is_some() {
            return Err(Failure::input(format!("{differs}; leave the digest out, or read that image")));
        }
        output::diagnose("note", &format!("{differs}: `docker save` changes it, and otherwise this is another image"));
        Ok(())
    }

    /// What is written for pods has a digest, and that of a saved archive is none of a registry.
    fn check_saved(&self, argument: &Argument) -> Result<(), Failure> {
        let why = "`docker save` unpacks the layers, so this archive has another digest than the image in a registry";
        if self.seal.is_some() {
            return Err(Failure::input(format!(
                "--seal: {why}, and pods with that digest could not start; read the image from its registry, or from a layout: \
                 skopeo copy docker://registry.example.com/shop/web:1 oci:web"
            )));
        }
        if self.facts.is_some() {
            output::diagnose("note", &format!("{}: {why}; do not write it into pods", argument.text));
        }
        Ok(())
    }

    /// Which image of the source.
    fn wanted(&self, argument: &Argument) -> Result<Wanted, Failure> {
        let name = match (&self.name, &argument.name) {
            (Some(name), Some(other)) if name != other => {
                return Err(Failure::input(format!(
                    "--name says {}, and {} stands behind the path; leave one of them out",
                    crate::text::clean(name, 200),
                    crate::text::clean(other, 200)
                )));
            }
            (name, other) => name.as_ref().or(other.as_ref()).cloned(),
        };
        Ok(Wanted { name, platform: self.platform.0.clone() })
    }

    /// The reports.
    fn specs(&self) -> Vec<OutputSpec> {
        let text = OutputSpec { format: ReportFormat::Text, file: None };
        if self.output.is_empty() { vec![text] } else { self.output.clone() }
    }

    /// Opens what is written: the reports, and then the facts.
    fn open(&self, specs: &[OutputSpec], argument: &Argument) -> Result<Vec<NewFile>, Failure> {
        let mut wanted = output_spec::destinations(specs);
        wanted.extend(self.facts.as_deref().map(|path| Destination { what: "--facts", path: Some(path) }));
        let files = writing::open(&wanted)?;
        let named = self.trust.as_deref().into_iter().chain(writing::policies(&self.policy));
        let mut read = writing::Inputs::default().files(named);
        if argument.is_file {
            read = read.image(Path::new(&argument.text));
        }
        read.protect(&files)?;
        Ok(files)
    }
}

/// `all`, or one platform.
#[derive(Debug, Clone)]
struct PlatformArg(Option<Platform>);

fn platform(text: &str) -> Result<PlatformArg, String> {
    if text == "all" { Ok(PlatformArg(None)) } else { text.parse().map(|platform| PlatformArg(Some(platform))) }
}

/// # Errors
/// An image or a policy that cannot be read, and outputs that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let mut snapshot = Sources::new(&args.policy).load(1, usize::MAX).map_err(unusable)?;
    snapshot.ceiling = args.mode.ceiling();
    let argument = Argument::parse(&args.image)?;
    // What is wrong with the arguments is said before an image is read, which takes minutes.
    let given = name::given(args.pulled_as.as_deref(), &argument)?;
    let wanted = args.wanted(&argument)?;
    let specs = args.specs();
    let files = args.open(&specs, &argument)?;
    let left = writing::left(files.iter());
    let judged = judged(args, &snapshot, &argument, (wanted, given), (&specs, files));
    judged.map_err(|failure| match (failure, left) {
        (Failure::Input(message), Some(left)) => Failure::Input(format!("{message}\n{left}")),
        (failure, _) => failure,
    })
}

/// Reads and judges the image, and writes the reports.
fn judged(
    args: &Args,
    snapshot: &Snapshot,
    argument: &Argument,
    (wanted, given): (Wanted, Option<&str>),
    (specs, mut files): (&[OutputSpec], Vec<NewFile>),
) -> Result<Exit, Failure> {
    let fail = |error: ImageError| argument.unreadable(&error);
    let facts_file = args.facts.as_ref().and_then(|_| files.pop());
    let seal = args.seal.as_deref().map(|key| Seal::new(given, key)).transpose()?;
    let deadline = args.registry.deadline();
    let mut source = args.source(argument, deadline)?;
    let image = open(&mut *source, &wanted).map_err(fail)?;
    args.check_digest(argument, &image)?;
    if source.is_docker_save() && image.has_unpacked_layers() {
        args.check_saved(argument)?;
    }
    let needed = |option| name::needed(option, given, image.name.as_deref());
    let verify = |file| args.verify(file, argument, (&image, needed("--trust")?), deadline);
    let trust = args.trust.as_deref().map(verify).transpose()?;
    let name = image.name.as_deref().unwrap_or(&argument.text);
    let pulled_as = if args.facts.is_some() { needed("--facts")? } else { given.unwrap_or(name) };
    let mut progress = Progress::new(&image);
    let mut facts = read(&mut *source, &image, &mut |bytes| progress.read(bytes)).map_err(fail)?;
    progress.end();
    if let Some(seal) = seal {
        return seal.print(args, argument, &image, &facts, deadline);
    }
    for facts in &mut facts {
        facts.signed = trust.as_ref().and_then(trust::Verdict::newest);
        facts.trust.clone_from(&trust);
    }
    let facts_file = facts_file.map(|file| facts::write(file, pulled_as, &image.digest, &facts)).transpose()?;
    let identity = Identity { name, pulled_as, namespace: args.namespace.as_deref() };
    let signed = trust.is_some().then(trust::policy).transpose()?;
    let judged = judge(snapshot, signed.as_ref(), identity, &facts, today());
    let report = ImageReport::new(&argument.text, &image, facts, judged);
    let policies = snapshot.policies.policies.iter().map(|policy| &**policy).chain(&signed);
    let rules = outputs::rules(policies, |judges| matches!(judges, Judges::Image(_)));
    write(specs, (files, facts_file), &report, args.all, &rules)?;
    if !report.is_judged() {
        return Err(Failure::input(format!("{}: {NOT_JUDGED}", argument.text)));
    }
    Ok(match report.summary.verdict {
        Verdict::Deny => Exit::Violations,
        Verdict::Warn if args.warnings_as_errors => Exit::Violations,
        _ => Exit::Clean,
    })
}

fn write(
    specs: &[OutputSpec],
    (files, facts): (Vec<NewFile>, Option<NewFile>),
    report: &ImageReport,
    all: bool,
    rules: &[&'static Rule],
) -> Result<(), Failure> {
    let width = output::terminal_width();
    let outputs = Outputs::new(specs, files, |spec| -> Box<dyn Format> {
        let width = width.filter(|_| spec.file.is_none());
        match spec.format {
            ReportFormat::Text => Box::new(Whole::text(report, all, width)),
            ReportFormat::Html => Box::new(Whole::html(report, all)),
            ReportFormat::Json => Box::new(Whole::json(report)),
            other => {
                outputs::format(other, TextOptions { all, width, rules: rules.to_vec(), ..TextOptions::default() })
            }
        }
    });
    let is_seen = outputs.has_stdout() || !report.is_judged();
    outputs.with(facts).print(&report.as_results(), report.is_judged())?;
    if !is_seen {
        output::diagnose("note", &format!("{}: {}", report.source, text::summary(report, all)));
    }
    Ok(())
}
