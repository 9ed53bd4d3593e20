//! Host paths as the node resolves them, whatever way they are spelt.

/// The absolute path that `path` names on a node: `//`, `.`, `..` and a trailing `/` resolved,
/// a relative path taken from `/`, `/proc/<pid>/root` followed, `/var/run` as the link to `/run` it is,
/// and control characters and spaces at the ends left off (the safe side: nothing hides behind them).
#[must_use]
pub fn normalise(path: &str) -> String {
    let trimmed = path.trim_matches(|c: char| c.is_control() || c.is_whitespace());
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
    parts.iter().fold(String::new(), |path, part| path + "/" + part) + if parts.is_empty() { "/" } else { "" }
}

/// The links that every Linux node has.
fn follow_links(parts: &mut Vec<&str>) {
    match parts.as_slice() {
        ["proc", _, "root"] | ["proc", _, "task", _, "root"] => parts.clear(),
        ["var", "run"] => *parts = vec!["run"],
        _ => {}
    }
}

/// Whether `path` is `directory` or lies under it; both normalised. Compares whole segments.
#[must_use]
pub fn is_under(path: &str, directory: &str) -> bool {
    directory == "/" || path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ] {
            assert_eq!(normalise(spelling), "/run/docker.sock", "{spelling:?}");
        }
        for root in ["/", "", "/.", "/..", "/proc/1/root", "/proc/1/root/"] {
            assert_eq!(normalise(root), "/", "{root:?}");
        }
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
