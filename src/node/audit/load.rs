//! Lists of rules, loaded line by line.

use super::line::{Action, Order, read};
use super::{Entry, Kind, List};
use std::cmp::Ordering;

/// Lines of one list that are read.
const MOST_LINES: usize = 4_000;

/// A line with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub source: String,
    pub text: String,
}

/// The lines of `audit.rules`, without comments.
#[must_use]
pub fn lines(path: &str, text: &str) -> Vec<Line> {
    let row = |(at, line): (usize, &str)| {
        let line = line.trim_start_matches(' ');
        let is_rule = !line.is_empty() && !line.starts_with('#');
        is_rule.then(|| Line { source: format!("{path}:{}", at + 1), text: line.to_owned() })
    };
    text.lines().enumerate().filter_map(row).collect()
}

/// The files of `rules.d` as `augenrules` makes one of them: in the order of `ls -v`, with the last `-D` at the beginning and the last `-e` at
/// the end.
#[must_use]
pub fn merged(mut files: Vec<(String, String)>) -> Vec<Line> {
    files.sort_by(|(one, _), (other, _)| by_version(one, other));
    let (mut clear, mut switch) = (None, None);
    let mut rest = Vec::new();
    for (path, text) in &files {
        for (at, line) in text.lines().enumerate() {
            let rule = line.trim_start();
            if rule.is_empty() || rule.starts_with('#') {
                continue;
            }
            let found =
                Some(Line { source: format!("{path}:{}", at + 1), text: line.trim_start_matches(' ').to_owned() });
            match rule {
                _ if rule.starts_with("-e") => switch = found,
                _ if rule.trim_end() == "-D" => clear = found,
                // Sizes and what happens on faults.
                _ if rule.starts_with("-f") || rule.starts_with("-b") => {}
                _ => rest.extend(found),
            }
        }
    }
    clear.into_iter().chain(rest).chain(switch).collect()
}

/// The order of `ls -v`: numbers in names by their value.
fn by_version(one: &str, other: &str) -> Ordering {
    let key = |name: &str| -> Vec<(u8, u64, char)> {
        let mut parts = Vec::new();
        let mut number: Option<u64> = None;
        for c in name.strip_suffix(".rules").unwrap_or(name).chars() {
            if let Some(digit) = c.to_digit(10) {
                number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit)));
                continue;
            }
            parts.extend(number.take().map(|value| (1, value, '0')));
            parts.push((if c.is_alphabetic() { 2 } else { 3 }, 0, c));
        }
        parts.extend(number.map(|value| (1, value, '0')));
        parts
    };
    key(one).cmp(&key(other)).then_with(|| one.cmp(other))
}

struct Loaded {
    text: String,
    key: Option<String>,
    entry: Option<Entry>,
}

#[derive(Default)]
struct Loader {
    all: Vec<Loaded>,
    goes_on: bool,
    /// Why no further line is loaded.
    stopped: Option<String>,
    off: Option<String>,
    locked: Option<String>,
}

/// The rules that `auditctl` loads from these lines. It stops at the first one that is refused, unless `-i` or `-c` stands before.
/// `is_there` says of a path whether the host has it.
#[must_use]
pub fn load(name: &str, lines: &[Line], is_there: &dyn Fn(&str) -> bool) -> List {
    let mut loader = Loader::default();
    for line in lines.iter().take(MOST_LINES) {
        loader.take(line, is_there);
    }
    let too_many = lines.get(MOST_LINES).map(|line| Entry {
        kind: Kind::Gap,
        source: format!("{} and after it, where podreeve reads no more", line.source),
        ..Entry::default()
    });
    let off = loader.off.map(|source| Entry { kind: Kind::Off, source, ..Entry::default() });
    let entries = loader.all.into_iter().filter_map(|loaded| loaded.entry).chain(too_many).chain(off).collect();
    List { name: name.to_owned(), entries, locked: loader.locked }
}

impl Loader {
    fn take(&mut self, line: &Line, is_there: &dyn Fn(&str) -> bool) {
        let read = read(&line.text, &line.source);
        if let Some(why) = self.stopped.clone() {
            let watch = read.ok().and_then(|order| order.entry).filter(|entry| entry.kind == Kind::Watch);
            let entry = watch.map(|entry| Entry { dropped: Some(why), ..entry });
            return self.all.extend(entry.map(|entry| Loaded { text: String::new(), key: None, entry: Some(entry) }));
        }
        let done = read.and_then(|order| self.run(order, &line.source, is_there));
        if let Err(why) = done
            && !self.goes_on
        {
            self.stopped = Some(format!("auditctl stops at {}, since {why}", line.source));
        }
    }

    fn run(&mut self, order: Order, source: &str, is_there: &dyn Fn(&str) -> bool) -> Result<(), String> {
        match order.action {
            Action::Append | Action::Prepend => {
                if self.all.iter().any(|loaded| loaded.text == order.text) {
                    return Err("the rule is there already".to_owned());
                }
                missing(&order, is_there)?;
                let at = if order.action == Action::Prepend { 0 } else { self.all.len() };
                self.all.insert(at, Loaded { text: order.text, key: order.key, entry: order.entry });
            }
            Action::Remove => {
                let path = order.entry.as_ref().filter(|entry| entry.kind == Kind::Watch).map(|entry| &entry.path);
                let before = self.all.len();
                // A watch of this path is taken for removed, whatever else the two say.
                let is_watch = |loaded: &Loaded| {
                    let watch = loaded.entry.as_ref().filter(|entry| entry.kind == Kind::Watch);
                    path.is_some_and(|path| watch.is_some_and(|watch| watch.path == *path))
                };
                self.all.retain(|loaded| loaded.text != order.text && !is_watch(loaded));
                if self.all.len() == before {
                    return Err("no such rule is there".to_owned());
                }
            }
            Action::Clear => self.all.retain(|loaded| order.key.is_some() && loaded.key != order.key),
            Action::Switch(value) => {
                self.off = (value == 0).then(|| format!("{source} (-e 0)"));
                if value == 2 {
                    self.stopped = Some(format!("-e 2 at {source} locks the rules"));
                    self.locked = Some(source.to_owned());
                }
            }
            Action::GoOn => self.goes_on = true,
            Action::Other => {}
        }
        Ok(())
    }
}

/// The kernel finds the file's folder, or the folder itself, when the rule is added.
fn missing(order: &Order, is_there: &dyn Fn(&str) -> bool) -> Result<(), String> {
    let Some(path) = order.entry.as_ref().and_then(|entry| entry.path.as_deref()) else { return Ok(()) };
    if path == "/" && !order.is_folder {
        return Err("the kernel takes no watch of `/`".to_owned());
    }
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder });
    let needed = if order.is_folder { path } else { folder };
    if needed == "/" || is_there(needed) { Ok(()) } else { Err(format!("{needed} does not exist")) }
}
