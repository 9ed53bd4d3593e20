//! Units of systemd as files: a unit and its drop-ins, without systemd.

mod commands;
mod socket;
mod specifiers;
mod variables;

pub use commands::{braced, names, unescaped_words, words};
use serde::{Deserialize, Serialize};
pub use socket::sockets;
use std::collections::{BTreeMap, BTreeSet};
pub use variables::variables;

/// Folders of units, in the order in which systemd looks. The first that has a name wins, and drop-ins come from all of them.
pub const FOLDERS: [&str; 13] = [
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/etc/systemd/system",
    "/etc/systemd/system.attached",
    "/run/systemd/system",
    "/run/systemd/system.attached",
    "/run/systemd/generator",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/run/systemd/generator.late",
];

/// Lines of a unit that are read.
const MOST_ASSIGNMENTS: usize = 10_000;

/// Bytes of the values that a command has from its variables. Linux starts no program with more.
const MOST_OF_VALUES: usize = 2 << 20;

/// Arguments of a command that are read, as many as of a process.
const MOST_ARGUMENTS: usize = 4096;

/// A unit with all that its drop-ins change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Unit {
    /// The name by which rules ask for it.
    pub name: String,
    /// Its other names, where links make some. The first is the one that systemd itself uses: that of the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The unit's file, and its drop-ins after it.
    pub files: Vec<String>,
    /// A link to `/dev/null` in its place.
    pub masked: bool,
    /// Of a socket: whether no unit and no link that podreeve reads starts it, and it does not listen. A user may still start it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_idle: bool,
    /// Its files that cannot be read, and why: what they say is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
    pub assignments: Vec<Assignment>,
}

/// A line `Key=Value` of a section.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    pub section: String,
    pub key: String,
    pub value: String,
    pub path: String,
    pub line: usize,
}

impl Unit {
    /// Adds a file. An empty assignment removes those before it, but not those of `[Unit]`: dependencies on other units can only be added.
    pub fn add(&mut self, path: &str, text: &str) {
        self.files.push(path.to_owned());
        let all = assignments(path, text);
        if all.len() + self.assignments.len() > MOST_ASSIGNMENTS {
            return self.doubts.push(format!("{path} has more lines than podreeve reads"));
        }
        for assignment in all {
            if assignment.value.is_empty() && assignment.section == "Unit" {
                continue;
            }
            if assignment.value.is_empty() {
                self.assignments.retain(|old| old.section != assignment.section || old.key != assignment.key);
            } else {
                self.assignments.push(assignment);
            }
        }
    }

    /// All values of a key.
    #[must_use]
    pub fn all<'u>(&'u self, section: &'u str, key: &'u str) -> impl DoubleEndedIterator<Item = &'u Assignment> {
        self.assignments.iter().filter(move |found| found.section == section && found.key == key)
    }

    /// The value that counts where a key has one: the last.
    #[must_use]
    pub fn last<'u>(&'u self, section: &'u str, key: &'u str) -> Option<&'u Assignment> {
        self.all(section, key).next_back()
    }

    /// The name that systemd itself uses, and that `%n` stands for.
    #[must_use]
    pub fn id(&self) -> &str {
        self.aliases.first().unwrap_or(&self.name)
    }

    /// Whether it has this name, by a link too.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|alias| alias == name)
    }

    /// The value of an assignment with its specifiers replaced. One that no file shows is a doubt, and stays as it is.
    #[must_use]
    pub fn expand(&self, text: &str, from: &Assignment, doubts: &mut Vec<String>) -> String {
        specifiers::expand(text, self.id()).unwrap_or_else(|unknown| {
            doubts.push(format!("{}:{} has {unknown}, and podreeve does not know its value", from.path, from.line));
            text.to_owned()
        })
    }

    /// The variables of `Environment=`. systemd passes over one with a specifier that it cannot replace, so only the command's own count.
    #[must_use]
    pub fn environment(&self, doubts: &mut Vec<String>) -> BTreeMap<String, String> {
        let command = self.command().unwrap_or_default();
        let used: BTreeSet<&str> = command.iter().flat_map(|word| names(word)).collect();
        let mut all = BTreeMap::new();
        for assignment in self.all("Service", "Environment") {
            for pair in unescaped_words(&assignment.value) {
                let Some((name, value)) = pair.split_once('=') else { continue };
                let is_used = used.contains(name);
                let mut unknown = Vec::new();
                all.insert(name.to_owned(), self.expand(value, assignment, &mut unknown));
                doubts.extend(unknown.into_iter().filter(|_| is_used));
            }
        }
        self.unset(&mut all, doubts);
        all
    }

    /// Takes away the variables of `UnsetEnvironment=`, which counts after all others: a name, or a name with the value that it must have.
    pub fn unset(&self, variables: &mut BTreeMap<String, String>, doubts: &mut Vec<String>) {
        for assignment in self.all("Service", "UnsetEnvironment") {
            for word in unescaped_words(&assignment.value) {
                let word = self.expand(&word, assignment, doubts);
                match word.split_once('=') {
                    Some((name, value)) if variables.get(name).is_none_or(|found| found != value) => {}
                    Some((name, _)) => _ = variables.remove(name),
                    None => _ = variables.remove(&word),
                }
            }
        }
    }

    /// The arguments of the command, with its variables: `$NAME` as a word is split at spaces, `${NAME}` is one part of a word, and a
    /// variable without a value is nothing. Specifiers are replaced before.
    #[must_use]
    pub fn command_with(&self, variables: &BTreeMap<String, String>, doubts: &mut Vec<String>) -> Option<Vec<String>> {
        let start = self.all("Service", "ExecStart").next()?;
        let is_plain = start.value.chars().take_while(|c| PREFIXES.contains(c)).any(|c| c == ':');
        let mut expanded = Vec::new();
        let mut room = MOST_OF_VALUES;
        for word in self.command()? {
            let word = self.expand(&word, start, doubts);
            // The prefix `:` leaves variables as they are.
            let more = if is_plain { Some(vec![word]) } else { commands::with_variables(&word, variables, &mut room) };
            let Some(more) = more.filter(|more| more.len() + expanded.len() <= MOST_ARGUMENTS) else {
                doubts.push(format!("{}:{} has a longer command than podreeve reads", start.path, start.line));
                break;
            };
            expanded.extend(more);
        }
        Some(expanded)
    }

    /// The arguments of the first command of `ExecStart`, without its prefixes.
    #[must_use]
    pub fn command(&self) -> Option<Vec<String>> {
        let start = self.all("Service", "ExecStart").next()?;
        let mut words = unescaped_words(&start.value);
        let first = words.first_mut()?;
        *first = first.trim_start_matches(PREFIXES).to_owned();
        Some(words)
    }
}

/// What may stand before a command.
const PREFIXES: [char; 6] = ['-', '@', ':', '+', '!', '|'];

/// The assignments of one file. A line that ends with a backslash goes on with the next; comments between them are left out.
fn assignments(path: &str, text: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut section = String::new();
    for (line, text) in lines(text) {
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, value)) = text.split_once('=') {
            let (key, value) = (key.trim().to_owned(), value.trim().to_owned());
            found.push(Assignment { section: section.clone(), key, value, path: path.to_owned(), line });
        }
    }
    found
}

/// Lines with their numbers, those that go on as one.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut whole_lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    // systemd passes over the mark of the byte order that some editors write.
    for (at, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim_start();
        if line.starts_with(['#', ';']) || (line.trim_end().is_empty() && open.is_none()) {
            continue;
        }
        let (start, mut whole) = open.take().unwrap_or((at + 1, String::new()));
        // A backslash that is escaped, or before a space, is one of the value.
        let backslashes = line.bytes().rev().take_while(|b| *b == b'\\').count();
        if let Some(part) = line.strip_suffix('\\').filter(|_| backslashes % 2 == 1) {
            whole.push_str(part.trim_end());
            whole.push(' ');
            open = Some((start, whole));
        } else {
            whole.push_str(line.trim_end());
            whole_lines.push((start, whole));
        }
    }
    whole_lines.extend(open.map(|(start, whole)| (start, whole.trim_end().to_owned())));
    whole_lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drop_ins_add_and_reset() {
        let mut unit = Unit { name: "docker.service".to_owned(), ..Unit::default() };
        unit.add(
            "/lib/systemd/system/docker.service",
            "[Unit]\nAfter=a\n# comment\n[Service]\nExecStart=-/usr/bin/dockerd -H fd:// \\\n  # not this\n  --label 'a b'\nLimitNOFILE=1024\n",
        );
        assert_eq!(unit.command().unwrap(), ["/usr/bin/dockerd", "-H", "fd://", "--label", "a b"]);
        assert_eq!(unit.last("Service", "ExecStart").unwrap().line, 5);
        unit.add(
            "/etc/systemd/system/docker.service.d/a.conf",
            "[Service]\nExecStart=\nExecStart=/usr/bin/dockerd --icc=false\nLimitNOFILE=infinity\n",
        );
        assert_eq!(unit.command().unwrap(), ["/usr/bin/dockerd", "--icc=false"]);
        assert_eq!(unit.last("Service", "LimitNOFILE").unwrap().value, "infinity");
        assert_eq!(unit.all("Service", "LimitNOFILE").count(), 2);
        assert_eq!(unit.files.len(), 2);
        unit.add("w", "[Unit]\nWants=a.socket\n");
        unit.add("x", "[Unit]\nWants=\nWants=b.socket\n");
        assert_eq!(unit.all("Unit", "Wants").count(), 2, "systemd takes no dependency back");
    }

    #[test]
    fn odd_lines() {
        let mut unit = Unit::default();
        unit.add("u", "[Service]\r\nA=1 \\\r\n  2\r\nB=x\\\\\nC=y\\ \nD=z\\\n\nE=last\\");
        let value = |key| unit.last("Service", key).map(|found| found.value.as_str());
        assert_eq!(
            [value("A"), value("B"), value("C"), value("D")],
            [Some("1 2"), Some("x\\\\"), Some("y\\"), Some("z")]
        );
        // systemd ends the last line at the end of the file, too.
        assert_eq!(value("E"), Some("last"));
    }

    #[test]
    fn a_mark_of_the_byte_order_is_no_text() {
        for text in ["\u{feff}[Service]\nA=1\n", "\u{feff}# x\n[Service]\nA=1\n"] {
            let mut unit = Unit::default();
            unit.add("u", text);
            assert_eq!(unit.last("Service", "A").map(|found| found.value.as_str()), Some("1"), "{text}");
        }
    }

    #[test]
    fn a_command_that_grows_is_a_doubt() {
        let value = "x".repeat(100_000);
        for (command, is_whole) in [
            ("a ${A}".to_owned(), true),
            ("a".to_owned() + &" ${A}".repeat(100), false),
            ("a".to_owned() + &" b".repeat(5000), false),
        ] {
            let mut unit = Unit::default();
            unit.add("u", &format!("[Service]\nEnvironment=A={value}\nExecStart={command}\n"));
            let mut doubts = Vec::new();
            let words = unit.command_with(&unit.environment(&mut doubts), &mut doubts).unwrap();
            assert!(words.iter().map(String::len).sum::<usize>() <= MOST_OF_VALUES + 1);
            assert_eq!(doubts.is_empty(), is_whole, "{doubts:?}");
        }
    }

    #[test]
    fn variables_that_are_taken_away() {
        let mut unit = Unit::default();
        unit.add("u", "[Service]\nEnvironment=A=1 B=2 C=3 D=4\nUnsetEnvironment=A \\x42\nUnsetEnvironment=C=3 D=5\n");
        let left: Vec<String> = unit.environment(&mut Vec::new()).into_keys().collect();
        assert_eq!(left, ["D"]);
    }
}
