//! Finds decisions in the lines of a log, whatever a log collector wrote around them.

use super::record::{DecisionLine, RuleCount, TARGET, ViolationRecord};
use crate::policy::Mode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What a line of a log holds.
#[derive(Debug, PartialEq, Eq)]
pub enum LogLine {
    Decision(Box<DecisionLine>),
    /// A decision that cannot be read: the line is cut off, or a newer podreeve wrote it.
    Unreadable,
    /// Any other line.
    Other,
}

/// How many braces of a line may begin the decision. A prefix has none or few.
const BRACES: usize = 4;
/// How many log formats may be around a line.
const WRAPPED: usize = 3;

/// Reads one line: JSON or text, behind a prefix such as that of `kubectl logs --prefix --timestamps`, or in the JSON of a
/// log collector.
#[must_use]
pub fn read(line: &str) -> LogLine {
    if !line.contains(TARGET) {
        return LogLine::Other;
    }
    match decision(line, WRAPPED) {
        Some(decision) => LogLine::Decision(Box::new(decision)),
        None => LogLine::Unreadable,
    }
}

fn decision(line: &str, wrapped: usize) -> Option<DecisionLine> {
    // A brace behind the target is a part of the decision, and what it holds may be a stranger's text.
    let before = line.split(TARGET).next().unwrap_or_default();
    let braces = before.match_indices('{').take(BRACES).filter_map(|(at, _)| line.get(at..));
    braces.clone().find_map(json).or_else(|| text(line)).or_else(|| {
        let wrapped = wrapped.checked_sub(1)?;
        braces.filter_map(first::<Map<String, Value>>).find_map(|map| inside(&Value::Object(map), wrapped))
    })
}

/// The first JSON value of the text, whatever follows it.
fn first<T: DeserializeOwned>(text: &str) -> Option<T> {
    T::deserialize(&mut serde_json::Deserializer::from_str(text)).ok()
}

fn json(text: &str) -> Option<DecisionLine> {
    first::<DecisionLine>(text).filter(|line| line.target == TARGET)
}

/// The decision in a record of a log collector: a member that is one, or a text that holds one.
fn inside(value: &Value, wrapped: usize) -> Option<DecisionLine> {
    match value {
        Value::String(text) if text.contains(TARGET) => decision(text, wrapped),
        Value::Object(map) if map.get("target").is_some_and(|target| target == TARGET) => {
            DecisionLine::deserialize(value).ok()
        }
        Value::Object(map) => {
            let wrapped = wrapped.checked_sub(1)?;
            map.values().find_map(|value| inside(value, wrapped))
        }
        _ => None,
    }
}

/// A line of `--log-format text`.
fn text(line: &str) -> Option<DecisionLine> {
    let (before, after) = line.split_once(TARGET)?;
    let before = before.trim_end().strip_suffix("INFO")?.trim_end();
    let timestamp = before.rsplit(char::is_whitespace).next()?.parse().ok()?;
    let mut words = Words(after.strip_prefix(": ")?.trim_end());
    let (verdict, hook) = (lowercase(words.next()?)?, lowercase(words.next()?)?);
    let operation = unquoted(words.next()?)?;
    let (kind, sub_resource) = parts(words.next()?);
    let (first, second) = parts(words.next()?);
    let (namespace, name) = second.map_or((None, first), |name| (Some(first), name));
    let mut read = DecisionLine {
        timestamp,
        level: "INFO".to_owned(),
        target: TARGET.to_owned(),
        message: "decided".to_owned(),
        hook,
        uid: String::new(),
        user: String::new(),
        caller: None,
        operation,
        kind: unquoted(kind)?,
        sub_resource: sub_resource.and_then(unquoted),
        namespace: namespace.map_or(Some(String::new()), unquoted)?,
        name: unquoted(name)?,
        dry_run: false,
        mode: Mode::default(),
        verdict,
        problem: None,
        detail: None,
        pod_security_labels: false,
        rules: Vec::new(),
        micros: 0,
        violations: Vec::new(),
        left_out: 0,
    };
    for word in words {
        let (key, value) = word.split_once('=')?;
        set(&mut read, key, value)?;
    }
    (!read.uid.is_empty()).then_some(read)
}

/// Sets one field. A key of a newer podreeve changes nothing.
fn set(read: &mut DecisionLine, key: &str, value: &str) -> Option<()> {
    match key {
        "uid" => read.uid = unquoted(value)?,
        "user" => read.user = unquoted(value)?,
        "caller" => read.caller = Some(unquoted(value)?),
        "mode" => read.mode = lowercase(value)?,
        "dry_run" => read.dry_run = value == "true",
        "problem" => read.problem = Some(unquoted(value)?),
        "detail" => read.detail = Some(unquoted(value)?),
        "pod_security_labels" => read.pod_security_labels = value == "true",
        "rules" => read.rules = value.split(',').filter(|rule| !rule.is_empty()).map(rule).collect::<Option<_>>()?,
        "micros" => read.micros = value.parse().ok()?,
        "violations" => read.violations = serde_json::from_str::<Vec<ViolationRecord>>(value).ok()?,
        "left_out" => read.left_out = value.parse().ok()?,
        _ => {}
    }
    Some(())
}

/// `privileged:deny:2`, `privileged:warn:2:would_deny:2`.
fn rule(text: &str) -> Option<RuleCount> {
    let mut parts = text.split(':');
    let (rule, effect) = (parts.next()?.to_owned(), lowercase(parts.next()?)?);
    let mut count = RuleCount { rule, effect, count: parts.next()?.parse().ok()?, would_deny: 0, would_patch: 0 };
    while let Some(key) = parts.next() {
        let value = parts.next()?.parse().ok()?;
        match key {
            "would_deny" => count.would_deny = value,
            "would_patch" => count.would_patch = value,
            _ => {}
        }
    }
    Some(count)
}

/// A value that JSON writes as a word.
fn lowercase<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::from(word)).ok()
}

fn unquoted(word: &str) -> Option<String> {
    if word.starts_with('"') { serde_json::from_str(word).ok() } else { Some(word.to_owned()) }
}

/// What is in front of the first slash outside of quotes, and what is behind it.
fn parts(word: &str) -> (&str, Option<&str>) {
    match end(word, '/') {
        Some(at) => (word.get(..at).unwrap_or_default(), word.get(at + 1..)),
        None => (word, None),
    }
}

/// The position of the first such character outside of quotes.
fn end(text: &str, wanted: char) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    text.char_indices()
        .find(|(_, c)| match c {
            _ if escaped => {
                escaped = false;
                false
            }
            '\\' if quoted => {
                escaped = true;
                false
            }
            '"' => {
                quoted = !quoted;
                false
            }
            c => *c == wanted && !quoted,
        })
        .map(|(at, _)| at)
}

/// The words of a line; blanks inside quotes end none.
struct Words<'l>(&'l str);

impl<'l> Iterator for Words<'l> {
    type Item = &'l str;

    fn next(&mut self) -> Option<&'l str> {
        self.0 = self.0.trim_start_matches(' ');
        if self.0.is_empty() {
            return None;
        }
        let at = end(self.0, ' ').unwrap_or(self.0.len());
        let word = self.0.get(..at)?;
        self.0 = self.0.get(at..)?;
        Some(word)
    }
}
