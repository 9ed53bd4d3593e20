//! `podreeve image`: what is in an image, layer by layer, and what violates the policies.

pub mod facts;
mod formats;
mod layout;
mod progress;
mod registry;
mod seal;
mod trust;

use super::check::outputs::{self, OutputSpec, Outputs, ReportFormat};
use super::check::{today, unusable};
use super::exit::{Exit, Failure};
use super::mode::ModeArgs;
use super::namespace;
use super::output;
use super::output_spec::OutputParser;
use super::suggested::POLICY;
use crate::image::{ImageError, OpenedImage, Platform, Source, Wanted, open, read};
use crate::image_files::open_path;
use crate::outcome::Verdict;
use crate::report::format::Format;
use crate::report::image::{Identity, ImageReport, judge};
use crate::report::text::TextOptions;
use crate::sources::Sources;
use crate::workload::image::ImageRef;
use formats::Whole;
use progress::Progress;
use registry::{Deadline, RegistryArgs, Repository};
use seal::Seal;
use std::path::{Path, PathBuf};

/// Show what is in an image, layer by layer, and judge it by the policies
///
/// The image is in a registry, in a file that `docker save` or `podman save` wrote, or in an archive or a folder with an OCI layout. podreeve
/// reads it itself: it needs no daemon, no root and no space on disk. Secrets are named and never shown.
///
/// For a registry, the logins of docker, podman and skopeo are used.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// An archive, with or without gzip or zstd, the folder of an OCI layout, or a reference such as registry.example.com/shop/web:1
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
    /// The key is `seal.key` in podreeve's Secret of images. Nothing is judged.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["output", "policy", "all", "warnings_as_errors", "trust", "facts", "namespace"], value_hint = clap::ValueHint::FilePath)]
    seal: Option<PathBuf>,

    /// The name by which pods pull the image: the trust document has entries for prefixes of it, exemptions name it, and --facts and --seal write it
    #[arg(long = "as", value_name = "IMAGE")]
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
    fn is_file(&self) -> bool {
        Path::new(&self.image).exists() || is_path(&self.image)
    }

    /// Who signed the image, by a trust document.
    fn verify(&self, document: &Path, image: &OpenedImage, deadline: Deadline) -> Result<trust::Verdict, Failure> {
        let name = self.pulled_as.as_deref();
        if self.is_file() {
            return trust::verify(document, &trust::Place::Folder(Path::new(&self.image)), name, image);
        }
        let repository = Repository::new(&self.image, &self.registry, deadline)?;
        trust::verify(document, &trust::Place::Registry(&repository), name, image)
    }

    /// The source: a file or a folder if there is one, or else a registry.
    fn source(&self, deadline: Deadline) -> Result<Box<dyn Source>, Failure> {
        if self.is_file() {
            return open_path(Path::new(&self.image)).map_err(|error| unreadable(&self.image, &error));
        }
        if !ImageRef::parse(&self.image).is_well_formed() {
            let image = crate::text::clean(&self.image, 200);
            let lower = ImageRef::parse(&self.image.to_lowercase()).is_well_formed();
            let advice = if lower { "; the names of registries and repositories are in lower case" } else { "" };
            return Err(Failure::input(format!(
                "{image}: there is no such file, and it is no reference such as registry.example.com/shop/web:1{advice}"
            )));
        }
        Ok(Box::new(Repository::new(&self.image, &self.registry, deadline)?))
    }
}

/// Whether the argument is meant as a path, even if there is no such file.
fn is_path(image: &str) -> bool {
    let ends = [".tar", ".tgz", ".oci", "/"];
    let name = image.rsplit('/').next().unwrap_or_default();
    image.starts_with(['.', '/', '~']) || name.contains(".tar.") || ends.iter().any(|end| image.ends_with(end))
}

/// Errors of files begin with the path themselves.
fn unreadable(image: &str, error: &ImageError) -> Failure {
    let error = error.to_string();
    let error = error.strip_prefix(image).map_or(error.as_str(), |rest| rest.trim_start_matches([':', ' ']));
    Failure::input(format!("{image}: {error}"))
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
    let text = OutputSpec { format: ReportFormat::Text, file: None };
    let specs = if args.output.is_empty() { vec![text] } else { args.output.clone() };
    let fail = |error: ImageError| unreadable(&args.image, &error);
    // What is wrong with the arguments is said before an image is read, which takes minutes.
    let seal = args.seal.as_deref().map(|key| Seal::new(args, key)).transpose()?;
    let deadline = args.registry.deadline();
    let mut source = args.source(deadline)?;
    let wanted = Wanted { name: args.name.clone(), platform: args.platform.0.clone() };
    let image = open(&mut *source, &wanted).map_err(fail)?;
    let trust = args.trust.as_deref().map(|file| args.verify(file, &image, deadline)).transpose()?;
    let name = image.name.as_deref().unwrap_or(&args.image);
    let pulled_as = args.pulled_as.as_deref().unwrap_or(name);
    if args.facts.is_some() {
        facts::check_name(pulled_as)?;
    }
    let mut progress = Progress::new(&image);
    let mut facts = read(&mut *source, &image, &mut |bytes| progress.read(bytes)).map_err(fail)?;
    progress.end();
    if let Some(seal) = seal {
        return seal.print(args, &image, &facts, deadline);
    }
    for facts in &mut facts {
        facts.signed = trust.as_ref().and_then(trust::Verdict::newest);
        facts.trust.clone_from(&trust);
    }
    if let Some(path) = &args.facts {
        facts::write(path, pulled_as, &image.digest, &facts)?;
    }
    let identity = Identity { name, pulled_as, namespace: args.namespace.as_deref() };
    let violations = judge(&snapshot, identity, &facts, today());
    let report = ImageReport::new(&args.image, &image, facts, violations);
    write(&specs, &report, args.all)?;
    Ok(match report.summary.verdict {
        Verdict::Deny => Exit::Violations,
        Verdict::Warn if args.warnings_as_errors => Exit::Violations,
        _ => Exit::Clean,
    })
}

fn write(specs: &[OutputSpec], report: &ImageReport, all: bool) -> Result<(), Failure> {
    let width = output::terminal_width();
    let outputs = Outputs::open_with(specs, |spec| -> Box<dyn Format> {
        let width = width.filter(|_| spec.file.is_none());
        match spec.format {
            ReportFormat::Text => Box::new(Whole::text(report, all, width)),
            ReportFormat::Html => Box::new(Whole::html(report, all)),
            ReportFormat::Json => Box::new(Whole::json(report)),
            other => outputs::format(other, TextOptions { all, width, ..TextOptions::default() }),
        }
    })?;
    outputs.print(&report.as_results())
}
