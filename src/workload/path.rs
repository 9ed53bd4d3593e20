//! Host paths, normalised in the way the node resolves them.

use std::borrow::Cow;

/// The absolute path that `path` means on a node.
///
/// It resolves `//`, `.`, `..` and a trailing `/`, and takes a relative path from `/`. It follows `/proc/<pid>/root`,
/// `/proc/<pid>/cwd` and the link from `/var/run` to `/run`. A Windows path (`C:\\logs`) becomes lower case with `/`.
/// Control characters and spaces at both ends are removed, so that they cannot hide a path from a rule. A path that is normal
/// but for the link is borrowed.
#[must_use]
pub fn normalise(path: &str) -> Cow<'_, str> {
    borrowed(path).map_or_else(|| Cow::Owned(resolved(path)), Cow::Borrowed)
}

fn resolved(path: &str) -> String {
    let trimmed = path.trim_matches(|c: char| c.is_control() || c.is_whitespace());
    let windows = has_drive(trimmed).then(|| trimmed.to_lowercase().replace('\\', "/"));
    let trimmed = windows.as_deref().unwrap_or(trimmed);
    let mut parts: Vec<&str> = Vec::new();
    for part in trimmed.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
        follow_links(&mut parts);
    }
    let mut path = String::with_capacity(trimmed.len() + 1);
    for part in &parts {
        path.push('/');
        path.push_str(part);
    }
    if path.is_empty() {
        path.push('/');
    }
    path
}

/// The part of the path that is its normal form. None if no part is.
fn borrowed(path: &str) -> Option<&str> {
    if path == "/" {
        return Some(path);
    }
    let parts = path.strip_prefix('/')?;
    let is_trimmed = |c: char| c.is_control() || c.is_whitespace();
    if parts.ends_with(is_trimmed) || parts.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return None;
    }
    match parts.split_once('/').unwrap_or((parts, "")) {
        ("proc", _) => None,
        ("var", rest) if rest == "run" || rest.starts_with("run/") => path.strip_prefix("/var"),
        _ => Some(path),
    }
}

/// Follows the links that every Linux node has.
fn follow_links(parts: &mut Vec<&str>) {
    match parts.as_slice() {
        // The directory of a process is unknown, and `/` is the safe assumption.
        ["proc", _, "root" | "cwd"] | ["proc", _, "task", _, "root" | "cwd"] => parts.clear(),
        ["var", "run"] => *parts = vec!["run"],
        _ => {}
    }
}

/// Whether the path is absolute on Linux or on Windows.
#[must_use]
pub fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || has_drive(path)
}

fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [drive, b':', b'/' | b'\\', ..] if drive.is_ascii_alphabetic())
}

/// Whether `path` is `directory` or is inside it. Both must be normalised. Compares whole segments.
#[must_use]
pub fn is_under(path: &str, directory: &str) -> bool {
    directory == "/" || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// What is borrowed is what the long way makes.
        #[test]
        fn a_normal_path_is_as_it_was(parts in proptest::collection::vec("a|b|\\.|\\.\\.||proc|root|var|run|c:| |\n|\u{a0}", 0..6)) {
            for path in [parts.join("/"), format!("/{}", parts.join("/"))] {
                prop_assert_eq!(&*normalise(&path), resolved(&path), "{:?}", path);
            }
        }
    }

    #[test]
    fn every_spelling_is_one_path() {
        for spelling in [
            "/var/run/docker.sock",
            "//var//run/docker.sock",
            "/var/./run/docker.sock",
            "/var/lib/../run/docker.sock",
            "var/run/docker.sock",
            "/run/docker.sock/",
            "/run/docker.sock\n",
            "/proc/1/root/run/docker.sock",
            "/proc/self/root/var/run/docker.sock",
            "/proc/1/cwd/run/docker.sock",
        ] {
            assert_eq!(normalise(spelling), "/run/docker.sock", "{spelling:?}");
        }
        for root in ["/", "", "/.", "/..", "/proc/1/root", "/proc/1/root/"] {
            assert_eq!(normalise(root), "/", "{root:?}");
        }
    }

    #[test]
    fn windows_paths_have_one_spelling_too() {
        assert_eq!(normalise(r"C:\Logs\.\app\"), "/c:/logs/app");
        assert_eq!(normalise("c:/logs/app"), "/c:/logs/app");
        assert_eq!(normalise(r"/a\b"), r"/a\b");
        assert!(is_absolute("C:/") && is_absolute("/x") && !is_absolute("c:x") && !is_absolute("x"));
    }

    #[test]
    fn a_prefix_ends_at_a_segment() {
        assert!(is_under("/etc/ssl", "/etc"));
        assert!(is_under("/etc", "/etc"));
        assert!(is_under("/etc", "/"));
        assert!(!is_under("/etcetera", "/etc"));
        assert!(!is_under("/etc", "/etc/ssl"));
    }
}
