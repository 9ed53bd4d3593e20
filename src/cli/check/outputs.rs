//! `-o FORMAT[=FILE]`: the formats of one run, and where each is written to.

use crate::cli::exit::Failure;
use crate::cli::output;
use crate::report::format::{
    Ending, FileFindings, Format, GithubReport, GitlabReport, HtmlReport, JsonReport, JunitReport, MarkdownReport,
    SarifReport,
};
use crate::report::text::{TextOptions, TextReport};
use crate::rule::nearest_name;
use clap::ValueEnum;
use clap::builder::{PossibleValue, TypedValueParser};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::str::FromStr;

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

/// A format, and the file that it is written to; stdout without one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSpec {
    pub format: ReportFormat,
    pub file: Option<PathBuf>,
}

impl FromStr for OutputSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) = text.split_once('=').map_or((text, None), |(name, file)| (name, Some(file)));
        if file == Some("") {
            return Err(format!("name a file behind `{name}=`"));
        }
        let format = ReportFormat::from_str(name, true).map_err(|_| unknown(name))?;
        Ok(Self { format, file: file.filter(|file| *file != "-").map(PathBuf::from) })
    }
}

fn unknown(name: &str) -> String {
    let names: Vec<String> = possible().map(|value| value.get_name().to_owned()).collect();
    let near = nearest_name(name, names.iter().map(String::as_str));
    let meant = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    format!(
        "there is no such format; {meant}The formats are {}, each with =FILE if it is not for stdout",
        names.join(", ")
    )
}

fn possible() -> impl Iterator<Item = PossibleValue> {
    ReportFormat::value_variants().iter().filter_map(ValueEnum::to_possible_value)
}

/// Parses an [`OutputSpec`], and names the formats to completions and help.
#[derive(Debug, Clone)]
pub struct OutputParser;

impl TypedValueParser for OutputParser {
    type Value = OutputSpec;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<OutputSpec, clap::Error> {
        <OutputSpec as FromStr>::from_str.parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(possible()))
    }
}

/// The reports of one run.
pub struct Outputs(Vec<Output>);

struct Output {
    format: Box<dyn Format>,
    to: Target,
}

enum Target {
    Stdout,
    File(BufWriter<File>, PathBuf),
}

impl Outputs {
    /// Opens the files.
    ///
    /// # Errors
    /// Two formats for one place, and a file that cannot be written.
    pub fn open(specs: &[OutputSpec], options: TextOptions) -> Result<Self, Failure> {
        let mut outputs = Vec::new();
        for (index, spec) in specs.iter().enumerate() {
            if specs.iter().take(index).any(|other| other.file == spec.file) {
                let place = spec.file.as_ref().map_or("stdout".to_owned(), |file| file.display().to_string());
                return Err(Failure::input(format!(
                    "two formats go to {place}; give one of them another file, such as `-o sarif=podreeve.sarif`"
                )));
            }
            let to = match &spec.file {
                None => Target::Stdout,
                Some(path) => Target::File(
                    File::create(path).map(BufWriter::new).map_err(|error| unwritable(path, &error))?,
                    path.clone(),
                ),
            };
            // A file is no terminal.
            let width = options.width.filter(|_| spec.file.is_none());
            outputs.push(Output { format: format(spec.format, TextOptions { width, ..options.clone() }), to });
        }
        Ok(Self(outputs))
    }

    /// Whether a report goes to stdout.
    pub fn has_stdout(&self) -> bool {
        self.0.iter().any(|output| matches!(output.to, Target::Stdout))
    }

    pub fn begin(&mut self) -> Result<(), Failure> {
        self.0.iter_mut().try_for_each(|output| {
            let part = output.format.begin();
            output.to.write(&part)
        })
    }

    pub fn file(&mut self, file: &FileFindings<'_>) -> Result<(), Failure> {
        self.0.iter_mut().try_for_each(|output| {
            let part = output.format.file(file);
            output.to.write(&part)
        })
    }

    pub fn end(&mut self, ending: &Ending<'_>) -> Result<(), Failure> {
        self.0.iter_mut().try_for_each(|output| {
            let part = output.format.end(ending);
            output.to.write(&part)?;
            output.to.close()
        })
    }
}

impl Target {
    fn write(&mut self, part: &str) -> Result<(), Failure> {
        match self {
            _ if part.is_empty() => Ok(()),
            Self::Stdout => output::print(part),
            Self::File(file, path) => {
                // The file gets no colours.
                let plain = anstream::adapter::strip_str(part).to_string();
                file.write_all(plain.as_bytes()).map_err(|error| unwritable(path, &error))
            }
        }
    }

    fn close(&mut self) -> Result<(), Failure> {
        match self {
            Self::Stdout => Ok(()),
            Self::File(file, path) => file.flush().map_err(|error| unwritable(path, &error)),
        }
    }
}

fn unwritable(path: &std::path::Path, error: &std::io::Error) -> Failure {
    Failure::input(format!("{}: cannot be written: {error}", path.display()))
}

fn format(format: ReportFormat, options: TextOptions) -> Box<dyn Format> {
    let all = options.all;
    match format {
        ReportFormat::Text => Box::new(TextReport::new(options)),
        ReportFormat::Json => Box::new(JsonReport::default()),
        ReportFormat::Sarif => Box::new(SarifReport::new(all)),
        ReportFormat::Junit => Box::new(JunitReport::new(all)),
        ReportFormat::Github => Box::new(GithubReport { all }),
        ReportFormat::Gitlab => Box::new(GitlabReport::new(all)),
        ReportFormat::Markdown => Box::new(MarkdownReport::new(all)),
        ReportFormat::Html => Box::new(HtmlReport::new(all)),
    }
}
