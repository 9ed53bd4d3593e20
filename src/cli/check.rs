//! `podreeve check`: judges files by the same code as the webhook's requests.

mod accounts;
mod args;
pub(super) mod exemptions;
mod files;
pub(super) mod first_pass;
mod fix;
mod found;
pub(super) mod ordered;
mod origin;
mod other_tools;
pub(super) mod outputs;
mod run;
mod settings;

pub use args::Args;
use args::Plan;

use super::exit::{Exit, Failure};
use super::input::Source;
use super::writing::{self, Destination, NewFile};
use super::{output, output_spec};
use crate::cli::image::facts as image_facts;
use crate::manifest::Position;
use crate::report::text::TextOptions;
use crate::report::{Baseline, ExemptionId, FileError, Judge, KnownFindings};
use crate::rule::Judges;
use crate::sources::{Origin, SourceErrors, Sources};
use exemptions::Exemptions;
pub(super) use exemptions::Namespaces;
pub(super) use files::Files;
use jiff::{Timestamp, civil::Date, tz::Offset};
use outputs::{Outputs, ReportFormat};
use run::{Progress, Run};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// # Errors
/// Settings and policies that do not load, and outputs that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let plan = args.plan()?;
    let loaded = Sources::new(&plan.policies).load_with_origins(1, usize::MAX);
    let (mut snapshot, origins) = loaded.map_err(unusable)?;
    snapshot.ceiling = args.mode.ceiling();
    let known = plan.baseline.as_deref().map(known_findings).transpose()?;
    let namespaces = Namespaces { default: &plan.namespace, allowed: &plan.exemption_namespaces };
    let sources = args.inputs.files(&plan.exclude, &args.dockerfile)?;
    let mut files = args.open(&plan, &sources)?;
    let baseline = args.write_baseline.as_ref().and_then(|_| files.pop());
    // A ServiceAccount may come after its pods, and an exemption after what it exempts.
    let first = first_pass::read(&sources, namespaces)?;
    snapshot.facts.manifest_accounts = Some(Arc::new(first.accounts));
    snapshot.facts.images = image_facts::read(&plan.image_facts)?;
    snapshot.policies.exemptions.clone_from(&first.exemptions.found);
    let fixing = args.fixing();
    let judge = Judge {
        snapshot: &snapshot,
        namespace: &plan.namespace,
        today: today(),
        severity: plan.severity,
        // With --fix, the diff is that of the file.
        diffs: args.diff && fixing.is_none(),
        images: plan.outputs.iter().any(|output| output.format == ReportFormat::Json),
    };
    let keeps_text = args.snippet;
    let offers_fixes = plan.outputs.iter().any(|output| output.format == ReportFormat::Sarif);
    let named = args.names();
    let judging =
        Files { judge, namespaces, named: &named, notes_usage: args.waivers, keeps_text, offers_fixes, fixing };
    let options = TextOptions {
        all: plan.all,
        width: output::terminal_width(),
        snippet: args.snippet,
        diff: args.diff,
        explain: plan.explain(),
        policies: snapshot.policies.policies.clone(),
        rules: outputs::rules(snapshot.policies.policies.iter().map(|policy| &**policy), |judges| match judges {
            Judges::Pod(_) | Judges::Dockerfile(_) => true,
            Judges::Image(_) => snapshot.facts.images.is_some(),
            Judges::Exec(_) | Judges::Node(_) => false,
        }),
    };
    let outputs = Outputs::new(&plan.outputs, files, |spec| {
        // A file is no terminal.
        let width = options.width.filter(|_| spec.file.is_none());
        outputs::format(spec.format, TextOptions { width, ..options.clone() })
    });
    let mut run = Run::new(outputs, &plan, known, args.write_baseline.is_some(), fixing.is_some());
    run.begin(first.errors)?;
    let progress = Progress::new(sources.len());
    ordered::ordered(
        sources,
        |source| source.with(|entry| judging.judge(entry)),
        |found| progress.step(run.has_stdout(), || run.file(found)),
    )?;
    progress.end();
    if args.require_objects && run.nothing_judged() {
        let message = "nothing was judged: there is no pod, no pod template and no Dockerfile";
        run.error(FileError::whole(&args.names().join(" "), message))?;
    }
    let waivers = run
        .take_usage(args.waivers)
        .map(|usage| usage.waivers(&snapshot, today(), |waiver| place(waiver, &origins, &first.exemptions)));
    let exit = run.end(waivers.as_deref(), plan.settings.as_deref(), plan.warnings_as_errors)?;
    image_facts::note_missing(snapshot.facts.images.as_deref());
    baseline.map_or(Ok(exit), |file| write_baseline(file, run))
}

impl Args {
    /// Opens what is written: the reports, and then the baseline.
    fn open(&self, plan: &Plan, sources: &[Source]) -> Result<Vec<NewFile>, Failure> {
        let mut wanted = output_spec::destinations(&plan.outputs);
        let baseline = self.write_baseline.as_deref();
        wanted.extend(baseline.map(|path| Destination { what: "--write-baseline", path: Some(path) }));
        let files = writing::open(&wanted)?;
        let read = plan.baseline.iter().chain(&plan.image_facts).map(PathBuf::as_path);
        let read = read.chain(writing::policies(&plan.policies)).chain(plan.settings.as_deref().map(Path::new));
        writing::Inputs::default().files(read).sources(sources, &self.names()).protect(&files)?;
        Ok(files)
    }
}

fn known_findings(path: &Path) -> Result<KnownFindings, Failure> {
    let fail = |message: String| Failure::input(format!("{}: {message}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| fail(format!("cannot be read: {error}; --write-baseline makes a baseline")))?;
    Baseline::parse(&text).map(KnownFindings::new).map_err(fail)
}

fn write_baseline(mut file: NewFile, run: Run) -> Result<Exit, Failure> {
    let (baseline, exit) = run.baseline();
    if exit == Exit::InputError {
        if let Some(left) = writing::left(std::iter::once(&file)) {
            output::diagnose("error", &left);
        }
        return Ok(exit);
    }
    file.write(&baseline.to_json())?;
    let count: usize = baseline.findings.iter().map(|known| known.count).sum();
    let written = format!("{}: written, with {count} violation{}", file.shown(), if count == 1 { "" } else { "s" });
    writing::finish(vec![file])?;
    output::diagnose("note", &written);
    Ok(exit)
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
