//! The files that a command reads. The arguments are those of kubectl.

mod exclude;
mod file;
pub mod kustomize;
mod walk;

pub use file::{Entry, Input, read};

use exclude::Exclude;
use file::unreadable;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct Inputs {
    /// Manifests, YAML or JSON; of a directory, the *.yaml, *.yml and *.json files in it; - is stdin
    #[arg(value_name = "FILE", required_unless_present = "filename")]
    files: Vec<String>,

    /// The same as a flag, as in kubectl
    #[arg(short, long, value_name = "FILE")]
    filename: Vec<String>,

    /// Look for manifests in directories below directories; .git, .github and node_modules are left out
    #[arg(short = 'R', long)]
    recursive: bool,

    /// Leave out what this matches: the path as it is printed, or any name in it for a pattern without `/`; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<Exclude>,
}

impl Inputs {
    /// Reads one file at a time, in the order of the arguments; files of a directory in the order of their names.
    pub fn read(&self) -> impl Iterator<Item = Entry> {
        self.filename.iter().chain(&self.files).flat_map(|name| self.paths(name)).map(|found| match found {
            Ok(path) => Entry::File(read(&path)),
            Err(other) => other,
        })
    }

    /// The arguments as they were given.
    #[must_use]
    pub fn names(&self) -> Vec<&str> {
        self.filename.iter().chain(&self.files).map(String::as_str).collect()
    }

    fn paths(&self, name: &str) -> Vec<Result<PathBuf, Entry>> {
        let fail = |message: String| vec![Err(unreadable(name, message))];
        if name.starts_with("http://") || name.starts_with("https://") {
            return fail("podreeve fetches nothing; download it and name the file, or pipe it in with `-`".to_owned());
        }
        let path = PathBuf::from(name);
        if name == "-" {
            return vec![Ok(path)];
        }
        if exclude::covers(&self.exclude, &path) {
            return Vec::new();
        }
        if !path.is_dir() {
            return vec![Ok(path)];
        }
        let found = walk::directory(&path, self.recursive, &self.exclude);
        if found.is_empty() {
            let deeper = if self.recursive { "" } else { "; -R also looks in the directories below" };
            return fail(format!("the directory holds no *.yaml, *.yml or *.json file{deeper}"));
        }
        found
    }
}
