//! `--exclude GLOB`.

use glob::{MatchOptions, Pattern};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A pattern for paths, or for single names in them when it has no `/`.
#[derive(Debug, Clone)]
pub struct Exclude {
    pattern: Pattern,
    matches_names: bool,
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
        Ok(Self { pattern, matches_names })
    }
}

impl Exclude {
    fn matches(&self, path: &Path) -> bool {
        if self.matches_names {
            let name = path.file_name().unwrap_or_default();
            return self.pattern.matches_with(&name.to_string_lossy(), OPTIONS);
        }
        self.pattern.matches_path_with(path, OPTIONS)
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
        assert!("[".parse::<Exclude>().is_err());
    }
}
