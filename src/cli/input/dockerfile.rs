//! Dockerfiles by their names.

use std::path::Path;

/// What a file with such a name is not, though it begins or ends like a Dockerfile: ignore lists, other languages, copies.
const OTHERS: [&str; 16] = [
    "bak",
    "cs",
    "dockerignore",
    "go",
    "gradle",
    "java",
    "js",
    "json",
    "md",
    "orig",
    "rej",
    "rst",
    "swp",
    "ts",
    "yaml",
    "yml",
];

/// Whether docker, buildah and the like call such a file a Dockerfile: `Dockerfile`, `Containerfile`, `Dockerfile.web`,
/// `web.dockerfile`.
pub fn is_dockerfile(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return false };
    if is_exact(name) {
        return true;
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let is_named = |text: &str| ["dockerfile", "containerfile"].iter().any(|known| text.eq_ignore_ascii_case(known));
    let is_other = || OTHERS.iter().any(|other| extension.eq_ignore_ascii_case(other)) || extension.ends_with('~');
    // `dockerfile.rs` is code, and `Dockerfile.rs` may be the one for a crate.
    let begins = ["Dockerfile.", "Containerfile."].iter().any(|begin| name.starts_with(begin));
    (begins && !is_other()) || (is_named(extension) && !stem.is_empty())
}

/// Whether the whole name says so. Other names may be those of templates or of something else.
pub fn is_exact(name: &str) -> bool {
    ["Dockerfile", "dockerfile", "Containerfile", "containerfile"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
