//! Dockerfiles by their names, and a few by their first line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a file with such a name is not, though it begins or ends like a Dockerfile: ignore lists, texts, copies.
const OTHERS: [&str; 10] = ["bak", "dockerignore", "json", "md", "orig", "rej", "rst", "swp", "yaml", "yml"];

/// `Dockerfile.java` may be a class that has this name, or the Dockerfile of a program in Java.
const LANGUAGES: [&str; 6] = ["cs", "go", "gradle", "java", "js", "ts"];

/// How much of such a file is read.
const HEAD: u64 = 4096;

/// Whether docker, buildah and the like call such a file a Dockerfile: `Dockerfile`, `Containerfile`, `Dockerfile.web`,
/// `web.dockerfile`.
pub fn is_dockerfile(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    if is_exact(name) {
        return true;
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let is_named = |text: &str| ["dockerfile", "containerfile"].iter().any(|known| text.eq_ignore_ascii_case(known));
    let is = |list: &[&str]| list.iter().any(|other| extension.eq_ignore_ascii_case(other));
    let is_code = || is(&LANGUAGES) && !begins_a_stage(path);
    let is_other = || is(&OTHERS) || extension.ends_with('~') || is_code();
    // `dockerfile.rs` is code, and `Dockerfile.rs` may be the one for a crate.
    let begins = ["Dockerfile.", "Containerfile."].iter().any(|begin| name.starts_with(begin));
    (begins && !is_other()) || (is_named(extension) && !stem.is_empty())
}

/// Whether the first line that is no comment is one of a Dockerfile. A file that cannot be read, or begins with longer comments, is one by
/// its name, so that it is reported.
fn begins_a_stage(path: &Path) -> bool {
    let mut head = Vec::new();
    if File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).is_err() {
        return true;
    }
    let is_cut = head.len() as u64 == HEAD;
    let head = String::from_utf8_lossy(&head);
    let text = head.strip_prefix('\u{feff}').unwrap_or(&head);
    let mut lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = lines.next() else { return is_cut };
    if is_cut && text.ends_with(first) && !first.contains(char::is_whitespace) {
        return true;
    }
    let keyword = first.split_whitespace().next().unwrap_or_default();
    ["ARG", "FROM"].iter().any(|known| keyword.eq_ignore_ascii_case(known))
}

/// Whether the whole name says so. Other names may be those of templates or of something else.
pub fn is_exact(name: &str) -> bool {
    ["Dockerfile", "dockerfile", "Containerfile", "containerfile"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_code_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile.go");
        let comments = "# A service in Go.\n".repeat(300);
        for (text, wanted) in [
            ("FROM debian:12\n", true),
            ("\u{feff}FROM debian:12\n", true),
            ("\u{feff}# A service in Go.\nARG A\n", true),
            (&format!("{comments}FROM debian:12\n"), true),
            (&format!("{}FROM debian:12\n", "#".repeat(4093) + "\n"), true),
            ("package dockerfile\n", false),
            ("\u{feff}package dockerfile\n", false),
            (&format!("// {}\npackage a\n", "A".repeat(5000)), false),
            ("", false),
            ("# A\n", false),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(is_dockerfile(&path), wanted, "{text}");
        }
    }

    #[test]
    fn names_are_those_of_the_tools() {
        for name in [
            "Dockerfile",
            "a/dockerfile",
            "Containerfile",
            "Dockerfile.dev",
            "Dockerfile.arm64.v8",
            "web.dockerfile",
            "web.Dockerfile",
            "x.Containerfile",
        ] {
            assert!(is_dockerfile(Path::new(name)), "{name}");
        }
        for name in [
            "Dockerfile.dockerignore",
            "Dockerfile.md",
            "Dockerfile.yaml",
            "dockerfile.go",
            "dockerfile.rs",
            "Dockerfiles",
            "MyDockerfile",
            ".dockerfile",
            "Dockerfile.swp",
            "Dockerfile.x~",
            "a.yaml",
            "Dockerfile/x",
        ] {
            assert!(!is_dockerfile(Path::new(name)), "{name}");
        }
    }
}
