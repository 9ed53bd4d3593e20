//! What a command reads, so that no report takes its place.

use super::NewFile;
use super::place::Identity;
use crate::cli::exit::Failure;
use crate::cli::input::{Content, Source, read};
use crate::manifest::{self, Node};
use std::fs;
use std::path::Path;

/// The files that a command reads.
#[derive(Default)]
pub struct Inputs<'i> {
    /// Each replaces nothing, and nothing replaces it.
    files: Vec<&'i Path>,
    /// Folders that hold images.
    layouts: Vec<&'i Path>,
    /// Files that a folder has. One of an earlier run may be a report.
    found: Vec<(&'i Path, Content)>,
}

impl<'i> Inputs<'i> {
    /// Files that the user named. `-` is stdin.
    pub fn files(mut self, files: impl IntoIterator<Item = &'i Path>) -> Self {
        self.files.extend(files);
        self
    }

    /// The folder of an OCI layout, or else a file.
    pub fn image(mut self, path: &'i Path) -> Self {
        if path.is_dir() {
            self.layouts.push(path);
        } else {
            self.files.push(path);
        }
        self
    }

    /// What the arguments lead to.
    pub fn sources(mut self, sources: &'i [Source], names: &[&str]) -> Self {
        for source in sources {
            match source {
                Source::Path(path, _) if path.to_str().is_some_and(|path| names.contains(&path)) => {
                    self.files.push(path);
                }
                Source::Path(path, content) => self.found.push((path, *content)),
                Source::Ready(_) => {}
            }
        }
        if names.contains(&"-") {
            self.files.push(Path::new("-"));
        }
        self
    }

    /// # Errors
    /// A file that is written is one of them.
    pub fn protect(&self, files: &[NewFile]) -> Result<(), Failure> {
        for file in files.iter().filter(|file| !file.is_stdout()) {
            if self.has(file) {
                let place = file.place.shown();
                return Err(Failure::input(format!(
                    "{place}: podreeve reads this file, and what it writes would take its place; name another file"
                )));
            }
        }
        Ok(())
    }

    fn has(&self, file: &NewFile) -> bool {
        let is = |path: &Path| {
            let read = if path == Path::new("-") { Identity::of_stdin() } else { Identity::of(path) };
            read.is_some_and(|read| file.place.is(&read))
        };
        self.files.iter().any(|path| is(path))
            || self.found.iter().any(|(path, content)| is(path) && !is_report(path, *content))
            || self.layouts.iter().any(|layout| is_of_layout(layout, &file.place.path))
    }
}

/// What podreeve reads in the folder of an OCI layout.
const LAYOUT: [&str; 3] = ["blobs", "index.json", "oci-layout"];

fn is_of_layout(layout: &Path, target: &Path) -> bool {
    let parts = LAYOUT.iter().map(|name| layout.join(name));
    parts.filter_map(|part| fs::canonicalize(part).ok()).any(|part| target.starts_with(part))
}

/// Whether the file is a report of an earlier run, and no manifest.
fn is_report(path: &Path, content: Content) -> bool {
    if content == Content::Dockerfile {
        return false;
    }
    let reading = manifest::read(&read(path).bytes.unwrap_or_default());
    reading.errors.is_empty() && reading.documents.iter().all(|document| is_report_of_check(&document.root))
}

fn is_report_of_check(root: &Node) -> bool {
    let text = |key| root.get(key).and_then(Node::as_str).unwrap_or_default();
    // SARIF has `runs`, and the report of GitLab is a list.
    let has_form = root.get("runs").is_some() || matches!(root.content, manifest::Content::List(_));
    has_form
        || (text("apiVersion").starts_with("podreeve.dev/") && text("kind").ends_with("Report"))
        || text("kind") == "CheckBaseline"
}

/// The files among the values of `--policy`.
pub fn policies(values: &[String]) -> impl Iterator<Item = &Path> {
    values.iter().map(Path::new).filter(|path| path.is_file())
}
