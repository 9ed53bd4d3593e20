//! `podreeve test`: tests of policies.

use super::exit::{Exit, Failure};
use super::input::{self, Entry, How, Input};
use super::output;
use super::output_spec::{self, OutputParser, OutputSpec};
use super::writing::{self, NewFile};
use crate::policy_test::report::{Results, TextOptions, junit, text};
use crate::policy_test::{Suite, SuiteResult, bless, is_mentioned, read, run as run_suite};
use crate::report::FileError;
use crate::sources::SourceError;
use clap::ValueEnum;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Test policies: what they do with an object, and what you expect
///
/// A test is a PolicyTest in a YAML or JSON file: policies, and cases with an object and what must come of it. Objects are judged as by the
/// webhooks in a cluster: repaired first, then validated.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    /// Files with tests, and directories, in which all files with a PolicyTest are run, also those in directories below
    #[arg(value_name = "PATH", required = true, value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<PathBuf>,

    /// Run only the cases whose name, or `FILE: NAME`, has this text; may be repeated
    #[arg(long, value_name = "TEXT")]
    run: Vec<String>,

    /// Write what is found into the files, where it is not what they expect; comments, order and layout stay
    #[arg(long)]
    bless: bool,

    /// Fail also for each rule of the tested policies that no case violates
    #[arg(long, conflicts_with = "run")]
    coverage: bool,

    /// Also print the cases that pass (text only)
    #[arg(short, long)]
    verbose: bool,

    /// How to print, and into which file if not to stdout; may be repeated [default: text]
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = OutputParser::<TestFormat>::NEW)]
    output: Vec<OutputSpec<TestFormat>>,
}

const HELP: &str = "Exit codes: 0 all cases pass, 1 a case fails, 2 wrong usage or unreadable input, 3 internal failure. \
    With a case that fails and unreadable input it is 1.";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TestFormat {
    /// A line for each test, and the difference for each case that fails
    Text,
    /// Everything, for programs
    Json,
    /// JUnit XML, for test reports
    Junit,
}

/// # Errors
/// Files without a test, and files that cannot be written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let text_to_stdout = [OutputSpec { format: TestFormat::Text, file: None }];
    let specs = if args.output.is_empty() { &text_to_stdout[..] } else { &args.output };
    let files = writing::open(&output_spec::destinations(specs))?;
    let mut loaded = Loaded::new(args)?;
    let suites = loaded.suites.iter().map(|suite| Path::new(&suite.file));
    writing::Inputs::default().files(suites).protect(&files)?;
    if args.bless && write(&loaded.results(args)?)? {
        loaded = Loaded::new(args)?;
    }
    let results = loaded.results(args)?;
    let summary = results.summary();
    let is_covered = results.uncovered.as_ref().is_none_or(Vec::is_empty);
    print(args, results, specs, files)?;
    Ok(if summary.failed > 0 || !is_covered {
        Exit::Violations
    } else if summary.errors > 0 {
        Exit::InputError
    } else {
        Exit::Clean
    })
}

/// The tests in the files, and what could not be read.
#[derive(Default)]
struct Loaded {
    suites: Vec<Suite>,
    errors: Vec<FileError>,
}

impl Loaded {
    fn new(args: &Args) -> Result<Self, Failure> {
        let mut loaded = Self::default();
        for path in &args.paths {
            let is_directory = path.is_dir();
            let how = How { recursive: true, exclude: &[], dockerfiles: false };
            let entries = if is_directory { input::directory(path, how) } else { vec![Ok(path.clone())] };
            for entry in entries {
                match entry {
                    Ok(path) => loaded.file(input::read(&path), is_directory),
                    Err(Entry::File(input)) => loaded.file(input, is_directory),
                    Err(Entry::PassedOver { .. }) => {}
                }
            }
        }
        if loaded.suites.is_empty() && loaded.errors.is_empty() {
            let names: Vec<String> = args.paths.iter().map(|path| path.display().to_string()).collect();
            let names = names.join(", ");
            return Err(Failure::input(format!(
                "there is no PolicyTest in {names}; `podreeve test` tests policies, and `podreeve check` judges manifests"
            )));
        }
        Ok(loaded)
    }

    fn file(&mut self, input: Input, of_directory: bool) {
        let Input { name, bytes, .. } = input;
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(message) => return self.errors.push(FileError::whole(&name, &message)),
        };
        // A directory has manifests, too, and templates that are no YAML.
        if of_directory && !is_mentioned(&bytes) {
            return;
        }
        let (suites, faults) = read(&name, &bytes);
        if suites.is_empty() && faults.is_empty() && !of_directory {
            self.errors.push(FileError::whole(&name, "there is no PolicyTest in it"));
        }
        self.errors.extend(faults);
        self.suites.extend(suites);
    }

    fn results(&self, args: &Args) -> Result<Results<'_>, Failure> {
        let mut results = Results { errors: self.errors.clone(), ..Results::default() };
        for suite in &self.suites {
            let is_selected = |name: &str| {
                let full = format!("{}: {name}", suite.file);
                args.run.is_empty() || args.run.iter().any(|text| full.contains(text.as_str()))
            };
            match run_suite(suite, super::check::today(), is_selected) {
                Ok(result) if result.cases.is_empty() => {}
                Ok(result) => results.suites.push(result),
                Err(faults) => {
                    let fault = |fault: &SourceError| FileError::whole(&suite.file, &format!("policies: {fault}"));
                    results.errors.extend(faults.0.iter().map(fault));
                }
            }
        }
        if results.suites.is_empty() && results.errors.is_empty() {
            return Err(Failure::input(format!("no case has `{}` in its name", args.run.join("` or `"))));
        }
        results.uncovered = args.coverage.then(|| uncovered(&results.suites));
        Ok(results)
    }
}

/// The rules of the policies that no case violates. A policy may be tested in several files.
fn uncovered(suites: &[SuiteResult<'_>]) -> Vec<(String, &'static str)> {
    let violated: BTreeSet<_> = suites.iter().flat_map(|suite| &suite.violated).collect();
    let rules: BTreeSet<_> = suites.iter().flat_map(|suite| &suite.rules).collect();
    rules.difference(&violated).map(|rule| (*rule).clone()).collect()
}

/// Writes what was found into the files of the tests; whether a file changed.
fn write(results: &Results<'_>) -> Result<bool, Failure> {
    let mut changed = false;
    // The tests of one file are next to each other.
    for suites in results.suites.chunk_by(|one, other| one.suite.file == other.suite.file) {
        let Some(file) = suites.first().map(|result| result.suite.file.as_str()) else { continue };
        if file == "-" {
            return Err(Failure::input("--bless cannot write to stdin; name the file"));
        }
        let fail = |error: std::io::Error| Failure::input(format!("{file}: cannot be read: {error}"));
        let text = std::fs::read_to_string(file).map_err(fail)?;
        if let Some(blessed) = bless::blessed(&text, suites).map_err(Failure::input)? {
            writing::replace(file, text.as_bytes(), blessed.as_bytes())
                .map_err(|message| Failure::input(format!("{file}: {message}")))?;
            output::diagnose("note", &format!("{file}: written; read the change before you commit it"));
            changed = true;
        }
    }
    Ok(changed)
}

fn print(
    args: &Args,
    results: Results<'_>,
    specs: &[OutputSpec<TestFormat>],
    mut files: Vec<NewFile>,
) -> Result<(), Failure> {
    for error in &results.errors {
        output::diagnose("error", &error.to_string());
    }
    let options = TextOptions { verbose: args.verbose, blessed: args.bless };
    let (as_text, as_junit) = (text(&results, options), junit(&results));
    let report = results.report();
    for (spec, file) in specs.iter().zip(&mut files) {
        file.write(&match spec.format {
            TestFormat::Text => as_text.clone(),
            TestFormat::Junit => as_junit.clone(),
            TestFormat::Json => {
                serde_json::to_string_pretty(&report).map_err(|error| Failure::internal(error.to_string()))? + "\n"
            }
        })?;
    }
    writing::finish(files)
}
