//! The files that a command reads. The arguments are those of kubectl.

mod dockerfile;
mod exclude;
mod file;
pub mod kustomize;
mod walk;

pub use dockerfile::{is_dockerfile, is_exact};
pub use file::{Content, Entry, Input, is_stream, read};
pub use walk::{How, SETTINGS, directory};

pub use exclude::Exclude;

use super::exit::Failure;
use file::{read_as, unreadable};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Inputs {
    /// Manifests, YAML or JSON; of a directory, the *.yaml, *.yml and *.json files in it; - is stdin
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    files: Vec<String>,

    /// The same as a flag, as in kubectl
    #[arg(short, long, value_name = "FILE", value_hint = clap::ValueHint::AnyPath)]
    filename: Vec<String>,

    /// Look for manifests in directories below directories; .git, .github and node_modules are left out
    #[arg(short = 'R', long)]
    recursive: bool,

    /// Leave out what this matches: the path as it is printed, or any name in it for a pattern without `/`; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Exclude>,
}

/// A file to read. Large files are read one by one, when their turn comes.
pub enum Source {
    Path(PathBuf, Content),
    /// What is read already, or cannot be read.
    Ready(Entry),
}

impl Source {
    /// Calls `with` with the file, which is read if it is not yet.
    pub fn with<T>(&self, with: impl FnOnce(&Entry) -> T) -> T {
        match self {
            Self::Path(path, content) => with(&Entry::File(read_as(path, *content))),
            Self::Ready(entry) => with(entry),
        }
    }

    fn new(path: PathBuf, content: Content) -> Self {
        // Files are read more than once.
        if is_stream(&path) {
            return Self::Ready(Entry::File(read_as(&path, content)));
        }
        Self::Path(path, content)
    }
}

impl Inputs {
    /// The manifests in the order of the arguments; those of a directory in the order of their names.
    pub fn manifests(&self) -> Vec<Source> {
        self.sources(&[], false)
    }

    /// As [`Self::manifests`], with the Dockerfiles, by their names and those that `dockerfiles` names. `more` are patterns in
    /// addition to those of `--exclude`.
    ///
    /// # Errors
    /// stdin twice.
    pub fn files(&self, more: &[Exclude], dockerfiles: &[String]) -> Result<Vec<Source>, Failure> {
        let is_stdin = |name: &&str| *name == "-";
        if self.names().into_iter().chain(dockerfiles.iter().map(String::as_str)).filter(is_stdin).count() > 1 {
            return Err(Failure::input(
                "`-` is named twice, and stdin can be read only once; name a file in its place",
            ));
        }
        let named = dockerfiles.iter().map(|name| Source::new(PathBuf::from(name), Content::Dockerfile));
        // stdin is read after the arguments are known to be right.
        let mut sources = self.sources(more, true);
        sources.extend(named);
        Ok(sources)
    }

    fn sources(&self, more: &[Exclude], dockerfiles: bool) -> Vec<Source> {
        let exclude = [&self.exclude, more].concat();
        let how = How { recursive: self.recursive, exclude: &exclude, dockerfiles };
        let found = self.names().into_iter().flat_map(|name| Self::paths(name, how));
        let source = |found: Result<PathBuf, Entry>| match found {
            Ok(path) => {
                let is_dockerfile = dockerfiles && dockerfile::is_dockerfile(&path);
                Source::new(path, if is_dockerfile { Content::Dockerfile } else { Content::Manifest })
            }
            Err(other) => Source::Ready(other),
        };
        found.map(source).collect()
    }

    /// The arguments as they were given.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.filename.iter().chain(&self.files).map(String::as_str).collect()
    }

    fn paths(name: &str, how: How<'_>) -> Vec<Result<PathBuf, Entry>> {
        let fail = |message: String| vec![Err(unreadable(name, message))];
        if name.starts_with("http://") || name.starts_with("https://") {
            return fail("podreeve fetches nothing; download it and name the file, or pipe it in with `-`".to_owned());
        }
        let path = PathBuf::from(name);
        if name == "-" {
            return vec![Ok(path)];
        }
        if exclude::covers(how.exclude, &path) {
            return Vec::new();
        }
        if !path.is_dir() {
            return vec![Ok(path)];
        }
        let found = directory(&path, how);
        if found.is_empty() {
            let dockerfiles = if how.dockerfiles { " and no Dockerfile" } else { "" };
            let deeper = if how.recursive { "" } else { "; -R also looks in the directories below" };
            return fail(format!("the directory holds no *.yaml, *.yml or *.json file{dockerfiles}{deeper}"));
        }
        found
    }
}
