//! The files that a command reads. The arguments are those of kubectl.

mod exclude;
mod file;
pub mod kustomize;
mod walk;

pub use file::{Entry, Input, read};
pub use walk::{SETTINGS, directory};

pub use exclude::Exclude;

use super::exit::Failure;
use file::unreadable;
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
    Path(PathBuf),
    /// What is read already, or cannot be read.
    Ready(Entry),
}

impl Source {
    /// Calls `with` with the file, which is read if it is not yet.
    pub fn with<T>(&self, with: impl FnOnce(&Entry) -> T) -> T {
        match self {
            Self::Path(path) => with(&Entry::File(read(path))),
            Self::Ready(entry) => with(entry),
        }
    }
}

impl Inputs {
    /// The files in the order of the arguments; those of a directory in the order of their names. stdin is read at once, because
    /// it can be read only once. `more` are patterns in addition to those of `--exclude`.
    pub fn sources(&self, more: &[Exclude]) -> Vec<Source> {
        let exclude = [&self.exclude, more].concat();
        let found = self.names().into_iter().flat_map(|name| Self::paths(name, self.recursive, &exclude));
        found
            .map(|found| match found {
                Ok(path) if path.as_os_str() == "-" => Source::Ready(Entry::File(read(&path))),
                Ok(path) => Source::Path(path),
                Err(other) => Source::Ready(other),
            })
            .collect()
    }

    /// The arguments as they were given.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.filename.iter().chain(&self.files).map(String::as_str).collect()
    }

    /// # Errors
    /// If there is no argument.
    pub fn required(&self) -> Result<(), Failure> {
        if self.names().is_empty() {
            return Err(Failure::input(
                "no FILE is named: name manifests or a directory, or `-` to read stdin, such as `kubectl kustomize . | podreeve \
                 check -`\nUsage: podreeve check [OPTIONS] <FILE>...; see podreeve check --help",
            ));
        }
        Ok(())
    }

    fn paths(name: &str, recursive: bool, exclude: &[Exclude]) -> Vec<Result<PathBuf, Entry>> {
        let fail = |message: String| vec![Err(unreadable(name, message))];
        if name.starts_with("http://") || name.starts_with("https://") {
            return fail("podreeve fetches nothing; download it and name the file, or pipe it in with `-`".to_owned());
        }
        let path = PathBuf::from(name);
        if name == "-" {
            return vec![Ok(path)];
        }
        if exclude::covers(exclude, &path) {
            return Vec::new();
        }
        if !path.is_dir() {
            return vec![Ok(path)];
        }
        let found = directory(&path, recursive, exclude);
        if found.is_empty() {
            let deeper = if recursive { "" } else { "; -R also looks in the directories below" };
            return fail(format!("the directory holds no *.yaml, *.yml or *.json file{deeper}"));
        }
        found
    }
}
