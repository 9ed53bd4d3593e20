//! `--exclude GLOB`.

use super::kustomize::normal;
use glob::{MatchOptions, Pattern};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A pattern for paths, or for single names in them when it has no `/`.
#[derive(Debug, Clone)]
pub struct Exclude {
    pattern: Pattern,
    matches_names: bool,
    /// The directory that the pattern is relative to; none for the path as it is printed.
    base: Option<PathBuf>,
}

/// `*` and `?` match no `/`, `**` does.
const OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: false };

impl FromStr for Exclude {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("./").unwrap_or(text);
        let matches_names = !path.trim_end_matches('/').contains('/');
        let pattern = Pattern::new(path.trim_end_matches('/')).map_err(|error| error.to_string())?;
        Ok(Self { pattern, matches_names, base: None })
    }
}

impl Exclude {
    /// The pattern relative to a directory, whose path is absolute.
    #[must_use]
    pub fn below(self, base: &Path) -> Self {
        Self { base: Some(base.to_path_buf()), ..self }
    }

    fn matches(&self, path: &Path) -> bool {
        if self.matches_names {
            let name = path.file_name().unwrap_or_default();
            return self.pattern.matches_with(&name.to_string_lossy(), OPTIONS);
        }
        let Some(base) = &self.base else { return self.pattern.matches_path_with(path, OPTIONS) };
        let path = std::path::absolute(path).map(|path| normal(&path)).unwrap_or_default();
        path.strip_prefix(base).is_ok_and(|path| self.pattern.matches_path_with(path, OPTIONS))
    }
}

/// Whether one of the patterns matches the path or a directory above it.
pub fn covers(excludes: &[Exclude], path: &Path) -> bool {
    let path = path.strip_prefix(".").unwrap_or(path);
    let mut above = PathBuf::new();
    path.components().any(|component| {
        above.push(component);
        excludes.iter().any(|exclude| exclude.matches(&above))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_a_name_or_a_path() {
        for (pattern, path, covered) in [
            ("charts", "deploy/charts/a.yaml", true),
            ("charts", "charts.yaml", false),
            ("*.json", "a/b.json", true),
            ("*.json", "a/b.json.yaml", false),
            ("a/*.yaml", "a/b.yaml", true),
            ("a/*.yaml", "a/b/c.yaml", false),
            ("a/*.yaml", "x/a/b.yaml", false),
            ("a/**/c.yaml", "a/b/b/c.yaml", true),
            ("**/a/*.yaml", "x/a/b.yaml", true),
            ("./a/", "./a/b.yaml", true),
            ("a", "./x/a", true),
            ("/a/b", "/a/b/c.yaml", true),
        ] {
            let exclude: Exclude = pattern.parse().unwrap();
            assert_eq!(covers(&[exclude], Path::new(path)), covered, "{pattern} {path}");
        }
        let below: Exclude = "vendor/*.yaml".parse::<Exclude>().unwrap().below(Path::new("/repository"));
        assert!(covers(std::slice::from_ref(&below), Path::new("/repository/x/../vendor/a.yaml")));
        assert!(!covers(&[below], Path::new("/elsewhere/vendor/a.yaml")));
        assert!("[".parse::<Exclude>().is_err());
    }
}
