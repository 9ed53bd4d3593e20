//! Rules of the Linux audit system in `/etc/audit/`: which paths are watched.

use serde::{Deserialize, Serialize};

/// A rule that watches a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    pub path: String,
    /// What the path leads to, if it is a link or has one in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Letters of `rwxa`: what is recorded.
    pub permissions: String,
    pub source: String,
}

/// The watches of one file. Other rules, and those that cannot be read, watch nothing.
#[must_use]
pub fn watches(file: &str, text: &str) -> Vec<Watch> {
    let row = |(at, line): (usize, &str)| {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        let source = format!("{file}:{}", at + 1);
        let after = |flag: &str| words.iter().position(|word| *word == flag).and_then(|at| words.get(at + 1)).copied();
        if let Some(path) = after("-w") {
            return Some(Watch {
                path: trim(path),
                target: None,
                permissions: after("-p").unwrap_or("rwxa").to_owned(),
                source,
            });
        }
        let action = after("-a").or_else(|| after("-A"))?;
        // A rule with `never` records nothing, and one of another list is about no file.
        if action.split(',').any(|word| word == "never")
            || !action.split(',').any(|word| matches!(word, "exit" | "always"))
        {
            return None;
        }
        let fields = || words.windows(2).filter(|pair| pair.first() == Some(&"-F")).filter_map(|pair| pair.get(1));
        let field = |name: &str| fields().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let path = field("path").or_else(|| field("dir"))?;
        // A rule of certain calls, or of calls that failed, does not record every change.
        let calls = after("-S").is_some_and(|calls| calls != "all");
        let of_failures = field("success") == Some("0") || field("exit").is_some_and(|code| code != "0");
        let otherwise = if calls { "" } else { "rwxa" };
        let permissions = if of_failures { "" } else { field("perm").unwrap_or(otherwise) };
        Some(Watch { path: trim(path), target: None, permissions: permissions.to_owned(), source })
    };
    let lines = || text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.starts_with('#'));
    // The last switch counts: `-e 0` records nothing.
    let switch = lines().filter_map(|(_, line)| line.strip_prefix("-e")).last();
    if switch.is_some_and(|value| value.trim() == "0") {
        return Vec::new();
    }
    lines().filter_map(row).collect()
}

fn trim(path: &str) -> String {
    let trimmed = path.trim_matches('"').trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_owned() }
}

/// The watch that records writes and changes of attributes of a path: its own, or that of a folder above.
#[must_use]
pub fn covering<'w>(watches: &'w [Watch], path: &str) -> Option<&'w Watch> {
    let is_below = |folder: &str| {
        let below = path.strip_prefix(folder);
        folder == "/" || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let covers = |watch: &&Watch| is_below(&watch.path) || watch.target.as_deref().is_some_and(is_below);
    watches.iter().filter(|watch| watch.permissions.contains('w') && watch.permissions.contains('a')).find(covers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_watches() {
        let text = "## docker\n-D\n-w /usr/bin/dockerd -p wa -k docker\n  -w /etc/docker/ -k docker\n-a always,exit -F path=/etc/default/docker -F perm=wa -k d\n\
-a exit,always -S all -F dir=/var/lib/docker -F perm=r\n-a never,exit -F path=/x\n-w /run/x.sock -p r\n-w\n";
        let watches = watches("docker.rules", text);
        assert_eq!(watches.len(), 5);
        let covered = |path| covering(&watches, path).map(|watch| watch.source.as_str());
        assert_eq!(covered("/usr/bin/dockerd"), Some("docker.rules:3"));
        assert_eq!(covered("/etc/docker/certs.d/x"), Some("docker.rules:4"));
        assert_eq!(covered("/etc/default/docker"), Some("docker.rules:5"));
        for path in ["/etc/dockerish", "/var/lib/docker", "/x", "/run/x.sock", "/usr/bin/dockerd-x"] {
            assert_eq!(covered(path), None, "{path}");
        }
    }

    #[test]
    fn what_records_a_part_of_the_changes() {
        let is_covered = |rule: &str| covering(&watches("f", rule), "/x").is_some();
        assert!(
            is_covered("-a always,exit -S all -F path=/x")
                && is_covered("-a always,exit -S unlink -F perm=wa -F path=/x")
        );
        assert!(!is_covered("-a always,exit -F arch=b64 -S unlink -F path=/x"), "one call");
        assert!(
            !is_covered("-a always,exit -F path=/x -F success=0")
                && !is_covered("-a always,exit -F path=/x -F exit=-EACCES")
        );
        assert!(is_covered("-w /x\n-e 2\n") && !is_covered("-w /x -p wa\n-e 0\n"), "switched off");
    }
}
