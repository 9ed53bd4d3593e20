//! Writes the files of this repository that are generated from the code: `make gen`, or `cargo run --example gen`.
//!
//! It writes only into the source tree of podreeve.

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

fn main() -> ExitCode {
    let root = Path::new(".");
    if !is_source_tree(root) {
        eprintln!("error: this is not the source tree of podreeve; run `make gen` at its root");
        return ExitCode::from(2);
    }
    for (name, content) in podreeve::cli::generate::files() {
        match write(&root.join(&name), &content) {
            Ok(true) => println!("{name}"),
            Ok(false) => {}
            Err(error) => {
                eprintln!("error: {name}: cannot be written: {error}");
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}

/// Whether this is the root of podreeve's source tree.
fn is_source_tree(root: &Path) -> bool {
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap_or_default();
    manifest.lines().any(|line| line == "name = \"podreeve\"") && root.join("src/cli/generate.rs").is_file()
}

/// Writes the file if its content changed, and returns whether it did.
fn write(path: &Path, content: &str) -> io::Result<bool> {
    if fs::read_to_string(path).is_ok_and(|old| old == content) {
        return Ok(false);
    }
    path.parent().map_or(Ok(()), fs::create_dir_all)?;
    fs::write(path, content).map(|()| true)
}
