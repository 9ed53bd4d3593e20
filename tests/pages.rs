//! The pages (docs/, README.md and others): their commands run, their links lead somewhere, their words are plain.
//!
//! CONTRIBUTING.md, "Write a page", says what the language of a code block means.

#[path = "pages/commands.rs"]
mod commands;
#[path = "pages/links.rs"]
mod links;
#[path = "pages/markdown.rs"]
mod markdown;
#[path = "pages/words.rs"]
mod words;

use markdown::Page;
use std::fs;
use std::path::{Path, PathBuf};

/// Pages outside of docs/.
const OTHERS: &[&str] = &["README.md", "SECURITY.md", "CONTRIBUTING.md", "ARCHITECTURE.md"];

/// Pages that a program writes. Their words, length and code blocks are those of their sources.
const GENERATED: &[&str] = &[
    // `make gen`
    "docs/rules.md",
    "docs/owasp.md",
    "docs/reference/command-line.md",
    "docs/reference/metrics.md",
    // `make fuzz-parity`
    "docs/psa-parity.md",
];

/// Whether a program writes the page.
fn is_generated(path: &str) -> bool {
    GENERATED.contains(&path) || path.starts_with("docs/rules/")
}

/// Two screens.
const MAX_LINES: usize = 95;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages that people write, by path below the root.
fn pages() -> Vec<Page> {
    let mut paths: Vec<String> = OTHERS.iter().map(ToString::to_string).collect();
    paths.extend(files(&root().join("docs"), "md"));
    paths.retain(|path| !is_generated(path));
    paths.iter().map(|path| Page::read(path)).collect()
}

/// Files with this extension in a folder and those below it, by path below the root.
fn files(dir: &Path, extension: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap_or_else(|error| panic!("{}: {error}", dir.display()))
        .map(|e| e.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.is_symlink() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|it| it == extension) {
            let below = path.strip_prefix(root()).expect("below the root");
            found.push(below.to_str().expect("UTF-8").replace('\\', "/"));
        }
    }
    found
}

/// Fails with all complaints at once.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn a_page_is_at_most_two_screens_long() {
    // A table of contents has a line for each page.
    let short =
        |page: &Page| page.path.starts_with("docs/") && page.path != "docs/SUMMARY.md" || page.path == "README.md";
    let long = pages().into_iter().filter(|page| short(page) && page.lines > MAX_LINES);
    none(
        &long.map(|p| format!("{}: {} lines; split it, or cut it to {MAX_LINES}", p.path, p.lines)).collect::<Vec<_>>(),
    );
}
