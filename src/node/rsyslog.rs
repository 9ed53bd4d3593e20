//! Files of rsyslog: whether they send what containers and daemons log to another host.

mod statements;

use self::statements::{Reach, Statement, filter, parameter, selects_containers, statements};
use super::address::is_own;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// What rsyslog sends to another host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Forwarding {
    /// Files with an action that sends all that the journal and the socket of syslog get.
    pub journal: Vec<String>,
    /// Files that it reads itself and sends.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<Followed>,
    /// Why it may send less.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// An input of rsyslog: files that it follows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Followed {
    /// In lower case: `/var/log/containers/*.log`.
    pub pattern: String,
    /// The file with the action that sends them.
    pub source: String,
}

/// What the files of one rsyslog say, in the order in which they are read.
pub struct Rsyslog<'n> {
    node: &'n str,
    /// That of messages without another one, and after it the others.
    rulesets: Vec<Ruleset>,
    /// Rulesets that get all messages of the journal.
    called: HashSet<String>,
    /// Patterns of files that are followed, with the ruleset that gets them.
    inputs: Vec<(String, Option<String>)>,
    read: HashSet<String>,
    includes: usize,
}

#[derive(Default)]
struct Ruleset {
    name: String,
    /// Files with an action that sends.
    sending: Vec<String>,
    /// Whether an action that sends gets a part alone.
    doubt: Option<String>,
    /// The condition of an earlier `stop`, if it has one.
    stopped: Option<Reach>,
}

/// Includes that are read.
const MOST_INCLUDES: usize = 100;
const MOST_DEPTH: usize = 5;

/// Paths and texts of the files that fit a pattern.
pub type Include<'h> = dyn Fn(&str) -> Vec<(String, String)> + 'h;

impl<'n> Rsyslog<'n> {
    #[must_use]
    pub fn new(node: &'n str) -> Self {
        let rulesets = vec![Ruleset::default()];
        let (called, inputs, read) = (HashSet::new(), Vec::new(), HashSet::new());
        Self { node, rulesets, called, inputs, read, includes: 0 }
    }

    /// Adds a file, with those that it includes where it includes them.
    pub fn add(&mut self, path: &str, text: &str, include: &Include<'_>) {
        self.add_at(path, text, include, 0);
    }

    fn add_at(&mut self, path: &str, text: &str, include: &Include<'_>, depth: usize) {
        // A file that is included again says nothing new, and may include itself.
        if !self.read.insert(path.to_owned()) {
            return;
        }
        let found = statements(text);
        let first = self.rulesets.len();
        self.rulesets.extend(found.rulesets.into_iter().map(|name| Ruleset { name, ..Ruleset::default() }));
        let mut last = Reach::Some;
        for Statement { text, ruleset, reach } in found.all {
            let lower = text.to_ascii_lowercase();
            if let Some(pattern) = included(&text, &lower) {
                self.includes += 1;
                if ruleset.is_none() && reach == Reach::All && depth < MOST_DEPTH && self.includes <= MOST_INCLUDES {
                    for (path, text) in include(&pattern) {
                        self.add_at(&path, &text, include, depth + 1);
                    }
                }
                continue;
            }
            let at = ruleset.map_or(0, |ruleset| first + ruleset);
            last = self.take(path, &lower, at, reach, last);
        }
    }

    /// Takes a statement, and returns what its filter leaves, for an action after `&`.
    fn take(&mut self, path: &str, text: &str, ruleset: usize, around: Reach, last: Reach) -> Reach {
        let (own, action) = match text.strip_prefix('&') {
            Some(action) => (last, action.trim()),
            None => split(text),
        };
        let reach = around.min(own);
        self.input(text);
        let Some(ruleset) = self.rulesets.get_mut(ruleset) else { return own };
        let has_stopped = ruleset.stopped;
        if matches!(action, "~" | "stop" | "discard") {
            if reach != Reach::None {
                ruleset.stopped = Some(has_stopped.map_or(reach, |before| before.max(reach)));
            }
        } else if reach == Reach::All && sends(action, self.node) {
            match has_stopped {
                None | Some(Reach::None) => ruleset.sending.push(path.to_owned()),
                Some(Reach::Some) => {
                    ruleset.doubt = Some(format!(
                        "a condition before the action in {path} stops messages, and which ones is not known"
                    ));
                }
                Some(Reach::All) => {}
            }
        } else if reach == Reach::All && has_stopped.is_none() && ruleset.name.is_empty() {
            let name = action.strip_prefix("call ").or_else(|| text.strip_prefix("$defaultruleset "));
            self.called.extend(name.map(str::to_owned));
        }
        own
    }

    fn input(&mut self, text: &str) {
        let is_module = text.starts_with("module(");
        if !is_module && !text.starts_with("input(") {
            return;
        }
        let kind = parameter(text, if is_module { "load" } else { "type" }).unwrap_or_default();
        match kind.as_str() {
            "imfile" if !is_module => {
                let ruleset = parameter(text, "ruleset");
                self.inputs.extend(parameter(text, "file").map(|file| (file, ruleset)));
            }
            "imuxsock" | "imjournal" => self.called.extend(parameter(text, "ruleset")),
            _ => {}
        }
    }

    /// What is sent in the end.
    #[must_use]
    pub fn forwarding(self) -> Forwarding {
        let is_of_journal = |ruleset: &&Ruleset| ruleset.name.is_empty() || self.called.contains(&ruleset.name);
        let mut journal: Vec<String> =
            self.rulesets.iter().filter(is_of_journal).flat_map(|ruleset| ruleset.sending.iter().cloned()).collect();
        journal.dedup();
        let sending = |wanted: &Option<String>| match wanted {
            None => journal.first().cloned(),
            Some(name) => self
                .rulesets
                .iter()
                .find(|ruleset| ruleset.name == *name)
                .and_then(|found| found.sending.first().cloned()),
        };
        let inputs = self.inputs.iter().take(MOST_INCLUDES);
        let files = inputs
            .filter_map(|(pattern, ruleset)| Some(Followed { pattern: pattern.clone(), source: sending(ruleset)? }));
        let files = files.collect();
        let doubt = self.rulesets.iter().find_map(|ruleset| ruleset.doubt.clone());
        Forwarding { journal, files, doubt }
    }
}

/// The pattern of an include, in the letters of the file.
fn included(text: &str, lower: &str) -> Option<String> {
    let pattern = if lower.starts_with("$includeconfig ") {
        text.split(' ').nth(1).map(str::to_owned)
    } else if lower.starts_with("include(") {
        parameter(text, "file")
    } else {
        None
    }?;
    Some(if pattern.ends_with('/') { format!("{pattern}*") } else { pattern })
}

/// What the filter of a statement leaves, and its action.
fn split(text: &str) -> (Reach, &str) {
    if selects_containers(text).is_some() {
        return (filter(text), text.split_once(' ').map_or("", |(_, action)| action).trim());
    }
    if text.starts_with(':') && !text.starts_with(":om") {
        return (filter(text), text.rsplit('"').next().unwrap_or_default().trim());
    }
    if ["if ", "if("].iter().any(|word| text.starts_with(word)) {
        return (filter(text), text.rsplit_once(" then ").map_or("", |(_, action)| action));
    }
    if text.starts_with("else") || text.starts_with("foreach") {
        return (Reach::Some, text.rsplit_once(' ').map_or("", |(_, action)| action));
    }
    (Reach::All, text)
}

/// Whether an action sends to another host: `@@HOST`, `:omrelp:HOST`, or `action(type="omfwd" target="HOST")`.
fn sends(action: &str, node: &str) -> bool {
    let target = action.strip_prefix('@').map(|rest| rest.trim_start_matches('@'));
    let target = target.or_else(|| action.strip_prefix(":omrelp:")).or_else(|| action.strip_prefix(":omfwd:"));
    if let Some(target) = target {
        // Options of a transport may stand before the host: `@@(z9)logs`.
        return !is_own(target.rsplit(')').next().unwrap_or(target).trim(), node);
    }
    let kind = parameter(action, "type").filter(|_| action.starts_with("action"));
    let target = || parameter(action, "target");
    kind.is_some_and(|kind| kind == "omfwd" || kind == "omrelp")
        && target().is_some_and(|target| !is_own(&target, node))
}

#[cfg(test)]
mod tests;
