//! `.podreeve.yaml`: the settings of `check` for the files below its directory.

mod values;

use super::outputs::OutputSpec;
use crate::cli::exit::Failure;
use crate::cli::input::{Exclude, SETTINGS, is_stream, kustomize::normal};
use crate::manifest::{self, Content, Member, Position};
use crate::rule::{Severity, nearest_name};
use crate::text::clean;
use std::path::{Path, PathBuf};
use values::{Values, one_of};

/// The settings. An argument replaces the setting of the same meaning; `exclude` adds up.
#[derive(Debug, Default)]
pub struct Settings {
    /// The file, if there is one.
    pub file: Option<PathBuf>,
    pub policies: Vec<String>,
    pub exclude: Vec<Exclude>,
    pub severity: Option<Severity>,
    pub formats: Vec<OutputSpec>,
    pub warnings_as_errors: bool,
    pub all: bool,
    pub namespace: Option<String>,
    pub exemption_namespaces: Vec<String>,
    pub baseline: Option<PathBuf>,
    pub image_facts: Vec<PathBuf>,
}

/// The keys of the file.
const KEYS: [&str; 10] = [
    "policies",
    "exclude",
    "severity",
    "formats",
    "warningsAsErrors",
    "all",
    "namespace",
    "exemptionNamespaces",
    "baseline",
    "imageFacts",
];

/// The settings for these files: those of the nearest `.podreeve.yaml`, at the files or above them, in the same repository.
///
/// # Errors
/// A file that cannot be read, and each key or value that has no meaning.
pub fn find(names: &[&str]) -> Result<Settings, Failure> {
    match nearest(names) {
        Some(path) => read(&path),
        None => Ok(Settings::default()),
    }
}

/// The settings file for all of these files: at the directory that has them all, or above it up to the repository's root.
fn nearest(names: &[&str]) -> Option<PathBuf> {
    let mut common: Option<PathBuf> = None;
    for name in names {
        let path = if is_stream(Path::new(name)) { Path::new(".") } else { Path::new(name) };
        let path = normal(&std::path::absolute(path).ok()?);
        let directory = if path.is_dir() { path } else { path.parent()?.to_path_buf() };
        common = Some(match common {
            None => directory,
            Some(common) => common.ancestors().find(|above| directory.starts_with(above))?.to_path_buf(),
        });
    }
    for directory in common?.ancestors() {
        let file = directory.join(SETTINGS);
        if file.is_file() {
            return Some(file);
        }
        if directory.join(".git").exists() {
            return None;
        }
    }
    None
}

/// Reads a settings file.
///
/// # Errors
/// All faults, each with its position.
pub fn read(path: &Path) -> Result<Settings, Failure> {
    let name = display(path);
    let bytes = std::fs::read(path).map_err(|error| Failure::input(format!("{name}: cannot be read: {error}")))?;
    let fail = |at: Position, message: &str| Failure::input(format!("{name}:{}:{}: {message}", at.line, at.column));
    let documents = manifest::parse(&bytes).map_err(|error| fail(error.at, &error.message))?;
    let mut settings = Settings { file: Some(path.to_path_buf()), ..Settings::default() };
    if let Some(second) = documents.get(1) {
        return Err(fail(second.root.at, "settings are one document; take the second one out"));
    }
    // An empty file has no settings.
    let Some(document) = documents.first() else { return Ok(settings) };
    let Content::Map(members) = &document.root.content else {
        return Err(fail(document.root.at, "settings are a map of keys, such as `policies: [owasp]`"));
    };
    let directory = std::path::absolute(path).map(|path| normal(&path)).unwrap_or_default();
    let directory = directory.parent().unwrap_or(Path::new("/")).to_path_buf();
    let mut faults = Vec::new();
    for member in members {
        let mut values = Values { member, faults: &mut faults };
        settings.set(member, &mut values, &directory);
    }
    if faults.is_empty() {
        return Ok(settings);
    }
    let lines: Vec<String> =
        faults.iter().map(|(at, message)| format!("{name}:{}:{}: {message}", at.line, at.column)).collect();
    Err(Failure::input(lines.join("\n")))
}

impl Settings {
    fn set(&mut self, member: &Member, values: &mut Values<'_>, directory: &Path) {
        match member.key.as_str() {
            "policies" => self.policies = values.texts(|text| Ok(policy(text, directory))),
            "exclude" => {
                self.exclude = values.texts(|text| text.parse().map(|exclude: Exclude| exclude.below(directory)));
            }
            "severity" => self.severity = values.text(|text| one_of(text, &Severity::WORST_FIRST, Severity::as_str)),
            "formats" => self.formats = values.texts(|text| format(text, directory)),
            "warningsAsErrors" => self.warnings_as_errors = values.flag(),
            "all" => self.all = values.flag(),
            "namespace" => self.namespace = values.text(crate::cli::namespace::name),
            "exemptionNamespaces" => self.exemption_namespaces = values.texts(crate::cli::namespace::name),
            "baseline" => self.baseline = values.text(|text| Ok(relative(&directory.join(text)))),
            "imageFacts" => self.image_facts = values.texts(|text| Ok(relative(&directory.join(text)))),
            other => {
                let remedy = match nearest_name(other, KEYS.into_iter()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the keys are {}", KEYS.join(", ")),
                };
                values.fault(member.at, format!("there is no setting `{}`; {remedy}", clean(other, 60)));
            }
        }
    }
}

/// The name of a built-in policy, or a path relative to the settings file.
fn policy(text: &str, directory: &Path) -> String {
    match crate::policy::builtin(text) {
        Ok(None) => relative(&directory.join(text)).display().to_string(),
        _ => text.to_owned(),
    }
}

fn format(text: &str, directory: &Path) -> Result<OutputSpec, String> {
    let spec: OutputSpec = text.parse()?;
    Ok(OutputSpec { file: spec.file.map(|file| relative(&directory.join(file))), ..spec })
}

/// The path as seen from here if it is below, because it is shorter in messages.
fn relative(path: &Path) -> PathBuf {
    let path = normal(path);
    let here = std::env::current_dir().unwrap_or_default();
    let below = path.strip_prefix(here).ok().filter(|below| !below.as_os_str().is_empty());
    below.map_or(path.clone(), Path::to_path_buf)
}

/// The path for messages.
#[must_use]
pub fn display(path: &Path) -> String {
    relative(path).display().to_string()
}
