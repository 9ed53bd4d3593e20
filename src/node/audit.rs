//! Rules of the Linux audit system, as `augenrules` and `auditctl` load them from `/etc/audit`: what they record.

mod line;
mod load;

use serde::{Deserialize, Serialize};

pub use load::{Line, lines, load, merged};

/// The rules of one list, in the order in which the kernel compares them: the first that fits decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct List {
    /// The file or the folder: `/etc/audit/rules.d`.
    pub name: String,
    pub entries: Vec<Entry>,
    /// The line `-e 2`, after which no rule is loaded before the next start of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked: Option<String>,
}

/// From where the rules of the next start come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// `augenrules` makes one file of those in `rules.d`.
    #[default]
    Folder,
    /// The same, and `rules.d` is empty, though `audit.rules` has rules: the next start loses them.
    EmptyFolder,
    /// `audit.rules` as it stands.
    File,
}

/// A rule that decides whether changes of files are recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Entry {
    pub kind: Kind,
    /// The file, or the folder with all that is below; none for a rule about every path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What the path leads to, if it is a link or has one in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Letters of `rwxa`: what is recorded, or left out.
    pub permissions: String,
    /// The system calls of one architecture alone: `b32` or `b64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// Whether it is about certain users, programs, calls or results alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_limited: bool,
    pub source: String,
    /// Why it is not loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// It records.
    #[default]
    Watch,
    /// It leaves out.
    Never,
    /// Nothing at all is recorded.
    Off,
    /// Some events are left out, and which ones is not known here.
    Gap,
}

impl Entry {
    fn is_above(&self, path: &str) -> bool {
        let own = [self.path.as_deref(), self.target.as_deref()];
        own.into_iter().flatten().any(|folder| is_inside(path, folder))
    }

    fn is_below(&self, path: &str) -> bool {
        let own = [self.path.as_deref(), self.target.as_deref()];
        own.into_iter().flatten().any(|below| is_inside(below, path))
    }

    fn has(&self, letter: char) -> bool {
        self.permissions.contains(letter)
    }
}

/// Whether a path is this folder, or below it.
fn is_inside(path: &str, folder: &str) -> bool {
    folder == "/" || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What one list says of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Coverage<'l> {
    /// Writes and changes of attributes are recorded by this rule.
    Watched(&'l Entry),
    /// The reason.
    Unsure(String),
    /// The rule that leaves it out, if there is one.
    Not(Option<&'l Entry>),
}

impl List {
    /// Whether writes to a path and changes of its attributes are recorded. A folder's rule is one for what is below.
    #[must_use]
    pub fn coverage(&self, path: &str) -> Coverage<'_> {
        if let Some(off) = self.entries.iter().find(|entry| entry.kind == Kind::Off) {
            return Coverage::Not(Some(off));
        }
        let mut hole = self.entries.iter().find(|entry| entry.kind == Kind::Gap);
        let mut halves: Vec<&str> = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.dropped.is_none()) {
            let is_about = entry.path.is_none() || entry.is_above(path);
            match entry.kind {
                Kind::Never if is_about && !entry.is_limited => return Coverage::Not(Some(entry)),
                Kind::Never if is_about || entry.is_below(path) => hole = hole.or(Some(entry)),
                Kind::Watch if is_about && !entry.is_limited && entry.has('w') && entry.has('a') => {
                    match entry.arch.as_deref() {
                        // One rule for the calls of each architecture stands for one for all.
                        Some(arch) if halves.is_empty() || halves.contains(&arch) => halves.push(arch),
                        _ => return watched(entry, hole),
                    }
                }
                Kind::Never | Kind::Watch | Kind::Off | Kind::Gap => {}
            }
        }
        let would = |entry: &&Entry| entry.kind == Kind::Watch && entry.is_above(path) && !entry.is_limited;
        let dropped = self.entries.iter().filter(would).find_map(|entry| Some((entry, entry.dropped.as_ref()?)));
        match dropped {
            Some((entry, why)) => Coverage::Unsure(format!("the watch at {} is not loaded: {why}", entry.source)),
            None => Coverage::Not(None),
        }
    }
}

fn watched<'l>(entry: &'l Entry, hole: Option<&Entry>) -> Coverage<'l> {
    match hole {
        None => Coverage::Watched(entry),
        Some(hole) => {
            let what = format!("{} records it, and the rule at {} leaves some of it out", entry.source, hole.source);
            // Rules of the other lists decide wherever they stand.
            let is_before = hole.kind == Kind::Never;
            Coverage::Unsure(if is_before { format!("{what}: move that rule behind the watches") } else { what })
        }
    }
}

#[cfg(test)]
mod tests;
