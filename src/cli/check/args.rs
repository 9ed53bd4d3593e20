//! The arguments of `check`, and what they are with the settings of `.podreeve.yaml`.

use super::fix::Fixing;
use super::outputs::{OutputSpec, ReportFormat};
use super::settings::{self, Settings};
use crate::cli::exit::Failure;
use crate::cli::input::{Exclude, Inputs};
use crate::cli::mode::ModeArgs;
use crate::cli::output_spec::OutputParser;
use crate::cli::{namespace, suggested::POLICY};
use crate::report::text::quoted;
use crate::rule::{Applicability, Severity};
use std::path::PathBuf;

/// Judge manifests as the webhook would, before they reach a cluster, and Dockerfiles
///
/// Pods and everything that has a pod template are judged as if they were created now. Other objects are counted, and
/// named if they look like a workload; so are templates, kustomizations and files of other tools. Dockerfiles are judged by the
/// rules about Dockerfiles.
///
/// Settings are read from the nearest .podreeve.yaml, in the directory that has all files or above it. An argument
/// replaces a setting.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub struct Args {
    #[command(flatten)]
    pub inputs: Inputs,

    /// A Dockerfile whose name does not say so; - is stdin; may be repeated
    ///
    /// Files named Dockerfile, Containerfile, Dockerfile.* and *.dockerfile are judged as such in any case.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub dockerfile: Vec<String>,

    /// Facts of images, as `podreeve image IMAGE --facts FILE` writes them; may be repeated
    ///
    /// Pods that run these images are judged by the rules about images, too, as in a cluster where image facts are switched on.
    /// Other images are not judged.
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    image_facts: Vec<PathBuf>,

    /// Policy to judge by: the name of a built-in one, a file, or a directory; may be repeated [default: owasp]
    #[arg(long, value_name = "POLICY", value_parser = POLICY, hide_possible_values = true)]
    policy: Vec<String>,

    /// Namespace of objects that name none [default: default]
    #[arg(short, long, value_parser = namespace::name)]
    namespace: Option<String>,

    /// Namespaces in which the Exemption objects among the files count; may be repeated [default: none]
    #[arg(long, value_name = "NAMESPACES", value_delimiter = ',', value_parser = namespace::name)]
    exemption_namespaces: Vec<String>,

    /// List the exemptions that nothing in the files needs, that end within 14 days, or that have ended
    ///
    /// They do not change the exit code: a violation that is no longer exempt is denied by itself.
    #[arg(long)]
    pub waivers: bool,

    /// Exit with 2 if nothing was judged; stdin always does
    #[arg(long)]
    pub require_objects: bool,

    /// How to print, and into which file if not to stdout; may be repeated [default: text]
    #[arg(short, long, value_name = "FORMAT[=FILE]", value_parser = OutputParser::<ReportFormat>::NEW)]
    output: Vec<OutputSpec>,

    /// Also report what an author need not act on: audit findings, exemptions and repairs; json always has them
    #[arg(long)]
    all: bool,

    /// Show the lines of the file that are wrong (text only)
    #[arg(long)]
    pub snippet: bool,

    /// Show for each object the one edit that repairs it (text only); with --fix, show what would be written, and write nothing
    #[arg(long)]
    pub diff: bool,

    /// Edit the files so that they pass, as far as the program does not notice it
    ///
    /// Comments, order and layout stay. What helm or kustomize made, stdin, and what cannot be edited surely are left, and the
    /// report says why. It then has what is left, which decides the exit code.
    #[arg(long)]
    fix: bool,

    /// With --fix, also make edits that need a person who knows the program: a user, a port, an amount of memory
    #[arg(long, requires = "fix")]
    unsafe_fixes: bool,

    /// Leave out findings below this severity; they do not count for the exit code
    #[arg(long, value_name = "SEVERITY", value_enum)]
    min_severity: Option<SeverityArg>,

    /// Exit with 1 if there are warnings
    #[arg(long)]
    warnings_as_errors: bool,

    /// Leave out the violations that this file knows; they do not count for the exit code
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    baseline: Option<PathBuf>,

    /// Write the violations that there are to this file, and exit with 0
    #[arg(long, value_name = "FILE", conflicts_with = "baseline", value_hint = clap::ValueHint::FilePath)]
    pub write_baseline: Option<PathBuf>,

    /// Settings to use in place of the nearest .podreeve.yaml
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    config: Option<PathBuf>,

    /// Use no .podreeve.yaml
    #[arg(long, conflicts_with = "config")]
    no_config: bool,

    #[command(flatten)]
    pub mode: ModeArgs,
}

const HELP: &str = "Exit codes: 0 clean, 1 violations, 2 wrong usage or unreadable input, 3 internal failure. \
    With violations and unreadable input it is 1: what would be denied is certain.";

/// A severity as an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SeverityArg {
    Low,
    Medium,
    High,
    Critical,
}

impl From<SeverityArg> for Severity {
    fn from(arg: SeverityArg) -> Self {
        match arg {
            SeverityArg::Low => Self::Low,
            SeverityArg::Medium => Self::Medium,
            SeverityArg::High => Self::High,
            SeverityArg::Critical => Self::Critical,
        }
    }
}

/// What is checked, and how: the arguments, and the settings where there is no argument.
pub struct Plan {
    pub policies: Vec<String>,
    pub exclude: Vec<Exclude>,
    pub namespace: String,
    pub exemption_namespaces: Vec<String>,
    pub outputs: Vec<OutputSpec>,
    pub all: bool,
    pub severity: Severity,
    pub warnings_as_errors: bool,
    pub baseline: Option<PathBuf>,
    pub image_facts: Vec<PathBuf>,
    /// The settings file, for messages.
    pub settings: Option<String>,
}

impl Args {
    /// How files are edited, if they are.
    pub fn fixing(&self) -> Option<Fixing> {
        let most = if self.unsafe_fixes { Applicability::Suggested } else { Applicability::Safe };
        self.fix.then_some(Fixing { most, writes: !self.diff })
    }

    /// The files as they were given.
    pub fn names(&self) -> Vec<&str> {
        let mut names = self.inputs.names();
        names.extend(self.dockerfile.iter().map(String::as_str));
        names
    }

    /// # Errors
    /// No file is named, or the settings cannot be read.
    pub fn plan(&self) -> Result<Plan, Failure> {
        if self.names().is_empty() {
            return Err(Failure::input(
                "no FILE is named: name manifests, Dockerfiles or a directory, or `-` to read stdin, such as `kubectl kustomize . | \
                 podreeve check -`\nUsage: podreeve check [OPTIONS] <FILE>...; see podreeve check --help",
            ));
        }
        let settings = match (&self.config, self.no_config) {
            (Some(path), _) => settings::read(path)?,
            (None, true) => Settings::default(),
            (None, false) => settings::find(&self.names())?,
        };
        let outputs = if self.output.is_empty() { settings.formats } else { self.output.clone() };
        let text = OutputSpec { format: ReportFormat::Text, file: None };
        Ok(Plan {
            policies: or(&self.policy, settings.policies),
            exclude: settings.exclude,
            namespace: self.namespace.clone().or(settings.namespace).unwrap_or_else(|| "default".to_owned()),
            exemption_namespaces: or(&self.exemption_namespaces, settings.exemption_namespaces),
            outputs: if outputs.is_empty() { vec![text] } else { outputs },
            all: self.all || settings.all,
            severity: self.min_severity.map(Severity::from).or(settings.severity).unwrap_or(Severity::Low),
            warnings_as_errors: self.warnings_as_errors || settings.warnings_as_errors,
            baseline: self.baseline.clone().or(settings.baseline).filter(|_| self.write_baseline.is_none()),
            image_facts: or(&self.image_facts, settings.image_facts),
            settings: settings.file.as_deref().map(settings::display),
        })
    }
}

/// The arguments if there are some, or else the settings.
fn or<T: Clone>(mine: &[T], others: Vec<T>) -> Vec<T> {
    if mine.is_empty() { others } else { mine.to_vec() }
}

impl Plan {
    /// The command that explains a file by the same policies and facts, without the file.
    pub fn explain(&self) -> String {
        let mut command = "podreeve explain".to_owned();
        for policy in &self.policies {
            command.push_str(&format!(" --policy {}", quoted(policy)));
        }
        for file in &self.image_facts {
            command.push_str(&format!(" --image-facts {}", quoted(&file.display().to_string())));
        }
        if self.namespace != "default" {
            command.push_str(&format!(" -n {}", self.namespace));
        }
        command
    }
}
