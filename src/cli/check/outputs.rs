//! `-o FORMAT[=FILE]`: the formats of one run, and where each is written to.

use crate::cli::exit::Failure;
use crate::cli::{output, output_spec};
use crate::report::format::{
    Ending, FileFindings, Format, GithubReport, GitlabReport, HtmlReport, JsonReport, JunitReport, MarkdownReport,
    SarifReport,
};
use crate::report::text::{TextOptions, TextReport};
use crate::report::{CheckResults, Summary};
use clap::ValueEnum;
use std::fs::{self, File};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

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
        // A file is no terminal.
        Self::open_with(specs, |spec| {
            let width = options.width.filter(|_| spec.file.is_none());
            format(spec.format, TextOptions { width, ..options.clone() })
        })
    }

    /// Opens the files of reports that `make` writes.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with(specs: &[OutputSpec], make: impl Fn(&OutputSpec) -> Box<dyn Format>) -> Result<Self, Failure> {
        let mut outputs = Vec::new();
        distinct(specs)?;
        for spec in specs {
            let to = match &spec.file {
                None => Target::Stdout,
                Some(path) => Target::File(
                    File::create(path).map(BufWriter::new).map_err(|error| unwritable(path, &error))?,
                    path.clone(),
                ),
            };
            outputs.push(Output { format: make(spec), to });
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

    /// Prints a report that is whole at once, as `podreeve image` and `podreeve node` have it.
    pub fn print(mut self, results: &CheckResults) -> Result<(), Failure> {
        let mut summary = Summary::default();
        results.count(&mut summary);
        self.begin()?;
        self.file(&FileFindings { results, text: None })?;
        self.end(&Ending {
            errors: &[],
            passed_over: &[],
            without_pod: &[],
            waivers: None,
            fixes: None,
            summary: &summary,
            settings: None,
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

fn distinct(specs: &[OutputSpec]) -> Result<(), Failure> {
    let Some(place) = output_spec::shared(specs) else { return Ok(()) };
    Err(Failure::input(format!(
        "two formats go to {place}; give one of them another file, such as `-o sarif=podreeve.sarif`"
    )))
}

/// Finds out what [`Outputs::open`] would not write, before a work that takes minutes. All files stay as they are.
///
/// # Errors
/// As [`Outputs::open`].
pub fn check(specs: &[OutputSpec]) -> Result<(), Failure> {
    distinct(specs)?;
    specs.iter().filter_map(|spec| spec.file.as_deref()).try_for_each(check_writable)
}

/// # Errors
/// The file cannot be written.
pub fn check_writable(path: &Path) -> Result<(), Failure> {
    let known = fs::metadata(path);
    let opened = match &known {
        Ok(metadata) if metadata.is_dir() => Err(ErrorKind::IsADirectory.into()),
        // A pipe would wait for its reader.
        Ok(metadata) if !metadata.is_file() => Ok(()),
        Ok(_) => File::options().append(true).open(path).map(drop),
        // A link to a file that is not there yet.
        Err(_) if fs::symlink_metadata(path).is_ok() => Ok(()),
        Err(_) => File::create_new(path).and_then(|_| fs::remove_file(path)),
    };
    opened.map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::input(format!("{}: cannot be written: {error}", path.display()))
}

/// The format of `check`.
pub fn format(format: ReportFormat, options: TextOptions) -> Box<dyn Format> {
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
