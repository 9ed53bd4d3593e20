//! The files that a command reads, named as kubectl has them named.

use crate::manifest::MAX_BYTES;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
pub struct Inputs {
    /// Manifests, YAML or JSON; a directory stands for the *.yaml, *.yml and *.json files in it, - for stdin
    #[arg(value_name = "FILE", required_unless_present = "filename")]
    files: Vec<String>,

    /// The same as a flag, for those used to kubectl
    #[arg(short, long, value_name = "FILE")]
    filename: Vec<String>,

    /// Look for manifests in directories below directories
    #[arg(short = 'R', long)]
    recursive: bool,
}

/// A file's name as it is printed, and its bytes or why there are none.
pub struct Input {
    pub name: String,
    pub bytes: Result<Vec<u8>, String>,
}

impl Inputs {
    /// Reads one file at a time, in the order given, directories by name.
    pub fn read(&self) -> impl Iterator<Item = Input> {
        self.filename.iter().chain(&self.files).flat_map(|name| self.paths(name)).map(|found| match found {
            Ok(path) => read(&path),
            Err(input) => input,
        })
    }

    fn paths(&self, name: &str) -> Vec<Result<PathBuf, Input>> {
        let fail = |message: String| vec![Err(Input { name: name.to_owned(), bytes: Err(message) })];
        if name.starts_with("http://") || name.starts_with("https://") {
            return fail("podreeve fetches nothing; download it and name the file, or pipe it in with `-`".to_owned());
        }
        let path = PathBuf::from(name);
        if name == "-" || !path.is_dir() {
            return vec![Ok(path)];
        }
        let mut found = Vec::new();
        match directory(&path, self.recursive, &mut found) {
            Err(error) => fail(format!("cannot be read: {error}")),
            Ok(()) if found.is_empty() => {
                let deeper = if self.recursive { "" } else { "; -R looks in the directories below, too" };
                fail(format!("the directory holds no *.yaml, *.yml or *.json file{deeper}"))
            }
            Ok(()) => found.into_iter().map(Ok).collect(),
        }
    }
}

fn directory(path: &Path, recursive: bool, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(path)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        // A link to a directory is not followed: it may lead back up.
        if entry.file_type()?.is_dir() {
            if recursive {
                directory(&path, recursive, found)?;
            }
        } else if is_manifest(&path) && !path.is_dir() {
            found.push(path);
        }
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known)))
}

/// Reads one file, or stdin for `-`.
pub fn read(path: &Path) -> Input {
    let name = path.display().to_string();
    let mut bytes = Vec::new();
    // One byte more than the manifest reader takes, so that it says what is wrong.
    let limit = MAX_BYTES as u64 + 1;
    let read = if name == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    let bytes = match read {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("there is no such file".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    };
    Input { name, bytes }
}
