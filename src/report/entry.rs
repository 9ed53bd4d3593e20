//! One line of a report: a violation, a warning, a misplaced key, or something that could not be read. All formats except
//! JSON are made of entries.

use super::dockerfile;
use super::file_error::FileError;
use super::style::{FOUND_MAX, holder};
use super::types::{CheckResults, HintReport, ObjectReport, ViolationReport};
use crate::decide::Effect;
use crate::rule::Severity;
use crate::rules;
use crate::text::clean;

/// The longest path and the longest other text that an entry repeats, in characters.
const PATH_MAX: usize = 4096;
const TEXT_MAX: usize = 1000;

/// What an entry means for the file, from the mildest to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Exempt,
    Audit,
    Repaired,
    Note,
    Warning,
    Denied,
    /// It could not be read.
    Error,
}

impl Level {
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Audit => "audit",
            Self::Repaired => "repaired",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Denied => "denied",
            Self::Error => "error",
        }
    }

    const fn of(effect: Effect) -> Self {
        match effect {
            Effect::Exempt => Self::Exempt,
            Effect::Audit => Self::Audit,
            Effect::Patch => Self::Repaired,
            Effect::Warn => Self::Warning,
            Effect::Deny => Self::Denied,
        }
    }

    /// Whether it is reported without `--all`: the author has something to do.
    #[must_use]
    pub const fn needs_attention(self) -> bool {
        matches!(self, Self::Note | Self::Warning | Self::Denied | Self::Error)
    }
}

/// What an entry reports that is no violation of a rule. Its id stands where a rule's id stands.
#[derive(Debug)]
pub struct Topic {
    pub id: &'static str,
    pub title: &'static str,
    pub severity: Severity,
}

/// A file or a document that could not be read.
pub const UNREADABLE: Topic =
    Topic { id: "unreadable", title: "podreeve can read the file", severity: Severity::Critical };
/// A field of a pod that could not be read, which denies the pod.
pub const UNREADABLE_FIELD: Topic =
    Topic { id: "unreadable-field", title: "podreeve can read the pod", severity: Severity::Critical };
/// A path of a policy at which the object has no pod template.
pub const POLICY_PATH: Topic =
    Topic { id: "policy-path", title: "a policy's path leads to a pod template", severity: Severity::Medium };
/// A key that is misspelt or misplaced.
pub const UNKNOWN_KEY: Topic =
    Topic { id: "unknown-key", title: "each key has a meaning at its position", severity: Severity::Low };

/// All topics.
pub const TOPICS: [&Topic; 4] = [&UNREADABLE, &UNREADABLE_FIELD, &POLICY_PATH, &UNKNOWN_KEY];

/// One line of a report. Its texts are safe to print.
#[derive(Debug, Clone)]
pub struct Entry<'r> {
    pub file: String,
    /// From 1; none for the file as a whole.
    pub line: Option<usize>,
    pub column: Option<usize>,
    /// The id of the rule, or of a topic.
    pub rule: &'static str,
    pub severity: Severity,
    pub level: Level,
    /// `Deployment shop/web, container "app"`; empty for a file.
    pub subject: String,
    /// What is wrong: the field, what was found and what is wanted.
    pub message: String,
    /// Stays the same when lines move; empty for what is no violation.
    pub fingerprint: &'r str,
    pub object: Option<&'r ObjectReport>,
    pub violation: Option<&'r ViolationReport>,
}

impl Entry<'_> {
    /// `file:line:column`, as far as it is known.
    #[must_use]
    pub fn place(&self) -> String {
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", self.file),
            (Some(line), None) => format!("{}:{line}", self.file),
            _ => self.file.clone(),
        }
    }

    /// The subject and what is wrong, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.subject.is_empty() { self.message.clone() } else { format!("{}, {}", self.subject, self.message) }
    }

    /// What an attacker or a fault does with it; empty where there is nothing to add.
    #[must_use]
    pub fn why(&self) -> String {
        self.violation.map(|violation| clean(&violation.why, TEXT_MAX)).unwrap_or_default()
    }

    fn new(file: &str, topic: &'static Topic, level: Level) -> Self {
        Entry {
            file: clean(file, PATH_MAX),
            line: None,
            column: None,
            rule: topic.id,
            severity: topic.severity,
            level,
            subject: String::new(),
            message: String::new(),
            fingerprint: "",
            object: None,
            violation: None,
        }
    }
}

/// The entries of a file: the worst first, and those alike in the order of the file. Without `all`, only those that need
/// attention.
#[must_use]
pub fn entries(results: &CheckResults, all: bool) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = results.errors.iter().map(of_error).collect();
    for object in &results.objects {
        of_object(object, &mut entries);
    }
    entries.retain(|entry| all || entry.level.needs_attention());
    entries.sort_by_key(|entry| {
        (std::cmp::Reverse((entry.level, entry.severity)), entry.line, entry.column, rules::order(entry.rule))
    });
    entries
}

fn of_error(error: &FileError) -> Entry<'_> {
    Entry {
        line: error.line,
        column: error.column,
        message: clean(&error.message, TEXT_MAX),
        ..Entry::new(&error.file, &UNREADABLE, Level::Error)
    }
}

fn of_object<'r>(object: &'r ObjectReport, entries: &mut Vec<Entry<'r>>) {
    let base = |topic, level| Entry {
        line: Some(object.line),
        subject: object_name(object),
        object: Some(object),
        ..Entry::new(&object.file, topic, level)
    };
    if let Some(problem) = &object.problem {
        entries.push(Entry {
            line: object.problem_line.or(Some(object.line)),
            column: object.problem_column,
            message: format!("it could not be judged: {}", clean(problem, TEXT_MAX)),
            ..base(&UNREADABLE_FIELD, Level::Denied)
        });
    }
    for warning in &object.warnings {
        entries.push(Entry { message: clean(warning, TEXT_MAX), ..base(&POLICY_PATH, Level::Warning) });
    }
    for HintReport { field, line, column, message, .. } in &object.hints {
        let message = format!("{field}: {}", clean(message, TEXT_MAX));
        entries.push(Entry { line: Some(*line), column: Some(*column), message, ..base(&UNKNOWN_KEY, Level::Note) });
    }
    for violation in &object.violations {
        entries.push(Entry {
            line: has_lines(object).then_some(violation.line),
            column: has_lines(object).then_some(violation.column),
            rule: violation.rule,
            severity: violation.severity,
            subject: subject(object, violation),
            message: message(violation),
            fingerprint: &violation.fingerprint,
            violation: Some(violation),
            ..base(&UNREADABLE, Level::of(violation.effect))
        });
    }
}

/// The kind of an image in a report, where objects of Kubernetes have theirs.
pub const IMAGE: &str = "Image";

/// The same of a host of containers.
pub const NODE: &str = "Node";

/// Whether it is in a file with lines, and no image and no host.
#[must_use]
pub fn has_lines(object: &ObjectReport) -> bool {
    !object.api_version.is_empty() || ![IMAGE, NODE].contains(&object.kind.as_str())
}

/// `Deployment shop/web`.
#[must_use]
pub fn object_name(object: &ObjectReport) -> String {
    if object.kind == IMAGE {
        return format!("image {}", clean(&object.name, 300));
    }
    // A Node of Kubernetes has an apiVersion.
    if object.kind == NODE && object.api_version.is_empty() {
        return format!("node {}", clean(&object.name, 253));
    }
    if object.is_dockerfile() {
        return dockerfile::KIND.to_owned();
    }
    let name = if object.name.is_empty() { "(no name)".to_owned() } else { clean(&object.name, 253) };
    format!("{} {}/{name}", clean(&object.kind, 63), clean(&object.namespace, 63))
}

fn subject(object: &ObjectReport, violation: &ViolationReport) -> String {
    let name = object_name(object);
    match (&violation.container, violation.container_kind) {
        (None, _) => name,
        (container, list) => format!("{name}, {}", holder(container.as_deref(), list)),
    }
}

/// The field inside the container if it is one of a container, with what was found and what is wanted.
fn message(violation: &ViolationReport) -> String {
    // What is found in an image is a sentence of its own, and no value that is repeated.
    let is_of_image = rules::find(violation.rule).is_some_and(|rule| rule.image().is_some());
    let most = if is_of_image { TEXT_MAX } else { FOUND_MAX };
    let (found, wanted) = (clean(&violation.found, most), clean(&violation.wanted, most));
    let note = violation.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{}: found {found}, wanted {wanted}{note}", short_field(violation))
}

/// `securityContext.privileged` for a field of a container, whose name is in the subject; else the whole field.
fn short_field(violation: &ViolationReport) -> &str {
    let field = violation.field.as_str();
    let below = violation.container_kind.and_then(|list| {
        let (_, rest) = field.split_once(&format!("{list}["))?;
        rest.split_once("].").map(|(_, below)| below)
    });
    below.unwrap_or(field)
}
