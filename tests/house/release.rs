//! A release: one version in all files, a changelog with its date, and the script that writes both.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// What `release/prepare` reads and writes, and the scripts themselves.
const FILES: &[&str] = &[
    "Cargo.toml",
    "Cargo.lock",
    "Dockerfile",
    "CHANGELOG.md",
    "charts/podreeve/Chart.yaml",
    "integrations/gitlab.yml",
    "release/lib",
    "release/check",
    "release/notes",
    "release/prepare",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A folder with these files alone.
fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    for file in FILES {
        let to = dir.path().join(file);
        fs::create_dir_all(to.parent().expect("a parent")).expect("a folder");
        fs::copy(root().join(file), to).expect("copied");
    }
    dir
}

fn run(dir: &Path, script: &str, args: &[&str]) -> Output {
    let out = dir.join("out");
    Command::new("bash").arg(dir.join(script)).args(args).env("PODREEVE_RELEASE", out).output().expect("bash runs")
}

fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "it passes: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn edit(dir: &Path, file: &str, from: &str, to: &str) {
    let path = dir.join(file);
    let text = fs::read_to_string(&path).expect("text");
    assert!(text.contains(from), "{file} has no {from}");
    fs::write(path, text.replacen(from, to, 1)).expect("written");
}

#[test]
fn all_files_name_one_version_and_the_changelog_has_its_date() {
    let dir = copy();
    let said = run(dir.path(), "release/check", &[]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(String::from_utf8_lossy(&said.stdout).trim(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_file_with_another_version_is_named() {
    let version = env!("CARGO_PKG_VERSION");
    for (file, from) in [
        ("Cargo.lock", format!("name = \"podreeve\"\nversion = \"{version}\"")),
        ("charts/podreeve/Chart.yaml", format!("\nversion: {version}")),
        ("charts/podreeve/Chart.yaml", format!("appVersion: {version}")),
        ("integrations/gitlab.yml", format!("default: {version}")),
        ("CHANGELOG.md", format!("## {version} - ")),
    ] {
        let dir = copy();
        edit(dir.path(), file, &from, &from.replace(version, "9.9.9"));
        let says = complaint(&run(dir.path(), "release/check", &[]));
        assert!(says.contains(file) && says.contains(&format!("release/prepare {version}")), "{from}: {says}");
    }
}

#[test]
fn a_tag_is_the_version_and_leaves_nothing_unreleased() {
    let dir = copy();
    let says = complaint(&run(dir.path(), "release/check", &["v9.9.9"]));
    assert!(says.contains("the tag v9.9.9 is not v"), "{says}");
    edit(dir.path(), "CHANGELOG.md", "## Unreleased\n", "## Unreleased\n\n### Added\n\n- A thing.\n");
    let tag = concat!("v", env!("CARGO_PKG_VERSION"));
    let says = complaint(&run(dir.path(), "release/check", &[tag]));
    assert!(says.contains("entries under Unreleased"), "{says}");
}

fn prepared(changelog: &str, version: &str) -> String {
    let dir = copy();
    fs::write(dir.path().join("CHANGELOG.md"), changelog).expect("written");
    let said = run(dir.path(), "release/prepare", &[version, "2030-01-02"]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    let said = run(dir.path(), "release/check", &[&format!("v{version}")]);
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    fs::read_to_string(dir.path().join("CHANGELOG.md")).expect("text")
}

#[test]
fn a_new_version_takes_what_is_unreleased() {
    let before = "# Changelog\n\n## Unreleased\n\n### Added\n\n- New,\n  in two lines.\n\n## 9.0.0 - 2029-01-01\n\n### Added\n\n- Old.\n";
    let after = "# Changelog\n\n## Unreleased\n\n## 9.1.0 - 2030-01-02\n\n### Added\n\n- New,\n  in two lines.\n\n## 9.0.0 - 2029-01-01\n\n### Added\n\n- Old.\n";
    assert_eq!(prepared(before, "9.1.0"), after);
    assert_eq!(prepared(after, "9.1.0"), after, "a second time nothing changes");
}

#[test]
fn entries_that_come_late_go_to_the_lists_of_the_same_version() {
    let before = "# Changelog\n\n## Unreleased\n\n### Fixed\n\n- Late.\n\n### Removed\n\n- Gone.\n\n## 9.1.0 - 2029-12-31\n\n### Added\n\n- New.\n\n### Fixed\n\n- Early.\n";
    let after = "# Changelog\n\n## Unreleased\n\n## 9.1.0 - 2030-01-02\n\n### Added\n\n- New.\n\n### Fixed\n\n- Late.\n- Early.\n\n### Removed\n\n- Gone.\n";
    assert_eq!(prepared(before, "9.1.0"), after);
    let older = "\n## 9.0.0 - 2029-01-01\n\n### Added\n\n- Old.\n";
    assert_eq!(prepared(&format!("{before}{older}"), "9.1.0"), format!("{after}{older}"));
}

#[test]
fn artifact_hub_gets_one_line_for_each_entry() {
    let dir = copy();
    let changelog = "# Changelog\n\n## Unreleased\n\n### Added\n\n- Not yet.\n\n## 9.1.0 - 2030-01-02\n\n### Added\n\n- A \"thing\" of\n  [the page](docs/page.md) and C:\\.\n\n### Fixed\n\n- Mended.\n\n## 9.0.0 - 2029-01-01\n\n### Added\n\n- Old.\n";
    fs::write(dir.path().join("CHANGELOG.md"), changelog).expect("written");
    edit(dir.path(), "Cargo.toml", concat!("version = \"", env!("CARGO_PKG_VERSION")), "version = \"9.1.0");
    let said = run(dir.path(), "release/notes", &["artifacthub"]);
    let list = String::from_utf8_lossy(&said.stdout).into_owned();
    let read: serde_json::Value = serde_saphyr::from_str(&list).expect("YAML");
    assert_eq!(
        read,
        serde_json::json!([
            {"kind": "added", "description": "A \"thing\" of the page and C:\\."},
            {"kind": "fixed", "description": "Mended."},
        ])
    );
}
