//! `-o FORMAT[=FILE]`: the formats of one run, and where each is written to.

use crate::cli::exit::Failure;
use crate::cli::output_spec;
use crate::cli::writing::{self, NewFile};
use crate::policy::CompiledPolicy;
use crate::report::format::{
    Ending, FileFindings, Format, GithubReport, GitlabReport, HtmlReport, JsonReport, JunitReport, MarkdownReport,
    SarifReport,
};
use crate::report::text::{TextOptions, TextReport};
use crate::report::{CheckResults, Summary};
use crate::rule::{Judges, Rule};
use crate::rules::RULES;
use clap::ValueEnum;

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// One line for each finding, then a summary
    Text,
    /// Everything, for programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for test reports
    Junit,
    /// Annotations of GitHub Actions
    Github,
    /// Code quality report of GitLab
    Gitlab,
    /// A comment on a pull request
    Markdown,
    /// A page with charts
    Html,
}

/// A format of the report, and its file.
pub type OutputSpec = output_spec::OutputSpec<ReportFormat>;

/// The reports of one run.
pub struct Outputs {
    reports: Vec<Output>,
    /// Files that are put in their places with the reports.
    others: Vec<NewFile>,
}

struct Output {
    format: Box<dyn Format>,
    to: NewFile,
}

impl Outputs {
    /// The reports that `make` writes into these files, which [`writing::open`] opened for the same specs.
    pub fn new(specs: &[OutputSpec], files: Vec<NewFile>, make: impl Fn(&OutputSpec) -> Box<dyn Format>) -> Self {
        let output = |(spec, to)| Output { format: make(spec), to };
        Self { reports: specs.iter().zip(files).map(output).collect(), others: Vec::new() }
    }

    /// With a file that is written already.
    #[must_use]
    pub fn with(mut self, file: Option<NewFile>) -> Self {
        self.others.extend(file);
        self
    }

    /// Whether a report goes to stdout.
    pub fn has_stdout(&self) -> bool {
        self.reports.iter().any(|output| output.to.is_stdout())
    }

    pub fn begin(&mut self) -> Result<(), Failure> {
        self.reports.iter_mut().try_for_each(|output| {
            let part = output.format.begin();
            output.to.write(&part)
        })
    }

    pub fn file(&mut self, file: &FileFindings<'_>) -> Result<(), Failure> {
        self.reports.iter_mut().try_for_each(|output| {
            let part = output.format.file(file);
            output.to.write(&part)
        })
    }

    /// Writes the end. Without a verdict, files stay as they were; returns what is to be said of them.
    pub fn end(&mut self, ending: &Ending<'_>, has_verdict: bool) -> Result<Option<String>, Failure> {
        self.reports.iter_mut().try_for_each(|output| {
            let part = output.format.end(ending);
            output.to.write(&part)
        })?;
        let files: Vec<NewFile> = self.reports.drain(..).map(|output| output.to).chain(self.others.drain(..)).collect();
        let left = writing::left(files.iter()).filter(|_| !has_verdict);
        writing::finish(files.into_iter().filter(|file| has_verdict || !file.is_file()).collect())?;
        Ok(left)
    }

    /// Prints a report that is whole at once, as `podreeve image` and `podreeve node` have it.
    pub fn print(mut self, results: &CheckResults, has_verdict: bool) -> Result<Option<String>, Failure> {
        let mut summary = Summary::default();
        results.count(&mut summary);
        self.begin()?;
        self.file(&FileFindings { results, text: None })?;
        let ending = Ending {
            errors: &[],
            passed_over: &[],
            without_pod: &[],
            waivers: None,
            fixes: None,
            summary: &summary,
            settings: None,
        };
        self.end(&ending, has_verdict)
    }
}

/// The rules of these policies that judge such things, without those that are off.
pub fn rules<'p>(
    policies: impl Iterator<Item = &'p CompiledPolicy> + Clone,
    judges: impl Fn(&Judges) -> bool,
) -> Vec<&'static Rule> {
    let has = |policy: &CompiledPolicy, id: &str| {
        policy.rules.iter().any(|rule| rule.rule.id == id)
            || policy.files.iter().any(|rule| rule.rule.id == id)
            || policy.images.iter().any(|rule| rule.rule.id == id)
            || policy.nodes.iter().any(|rule| rule.rule.id == id)
    };
    RULES
        .iter()
        .copied()
        .filter(|rule| judges(&rule.judges) && policies.clone().any(|policy| has(policy, rule.id)))
        .collect()
}

/// The format of `check`.
pub fn format(format: ReportFormat, options: TextOptions) -> Box<dyn Format> {
    let all = options.all;
    match format {
        ReportFormat::Text => Box::new(TextReport::new(options)),
        ReportFormat::Json => Box::new(JsonReport::default()),
        ReportFormat::Sarif => Box::new(SarifReport::new(all, options.rules)),
        ReportFormat::Junit => Box::new(JunitReport::new(all)),
        ReportFormat::Github => Box::new(GithubReport { all }),
        ReportFormat::Gitlab => Box::new(GitlabReport::new(all)),
        ReportFormat::Markdown => Box::new(MarkdownReport::new(all)),
        ReportFormat::Html => Box::new(HtmlReport::new(all)),
    }
}
