//! A finding is a value with a field path; text is made at the edge.

use crate::workload::{ContainerRef, Pod};
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const WORST_FIRST: [Self; 4] = [Self::Critical, Self::High, Self::Medium, Self::Low];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A step of a path into the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'p> {
    Key(&'p str),
    Index(usize),
}

/// No path that a rule judges is longer, counted from the container or from `spec`.
const STEPS: usize = 6;

/// A field of the pod, there or not. Made without allocating: a pod may have 20,000 containers.
#[derive(Debug, Clone, Copy)]
pub struct Location<'p> {
    container: Option<ContainerRef<'p>>,
    steps: [Step<'p>; STEPS],
    len: u8,
    /// How many of the steps exist in the pod.
    present: u8,
}

impl<'p> Location<'p> {
    const fn new(container: Option<ContainerRef<'p>>) -> Self {
        Self { container, steps: [Step::Index(0); STEPS], len: 0, present: 0 }
    }

    /// The pod's `spec`.
    /// ```
    /// # use podreeve::rule::Location;
    /// let at = Location::spec().key("securityContext", true).key("runAsUser", false);
    /// assert_eq!(at.pointer(), "/spec/securityContext");
    /// assert_eq!(at.missing(), "/runAsUser");
    /// ```
    #[must_use]
    pub fn spec() -> Self {
        Self::pod().key("spec", true)
    }

    /// The pod itself, for `metadata`.
    #[must_use]
    pub const fn pod() -> Self {
        Self::new(None)
    }

    /// The spec of the Job whose template the pod is.
    #[must_use]
    pub fn job() -> Self {
        Self::pod().key("..", true)
    }

    #[must_use]
    pub const fn container(container: ContainerRef<'p>) -> Self {
        Self::new(Some(container))
    }

    /// A field of a container's `securityContext`; `present` tells whether it is set.
    #[must_use]
    pub fn security_context(container: ContainerRef<'p>, field: &'p str, present: bool) -> Self {
        let parent = container.container.security_context.is_some();
        Self::container(container).key("securityContext", parent).key(field, present)
    }

    /// One key further; `present` tells whether it is there and not null.
    #[must_use]
    pub fn key(self, key: &'p str, present: bool) -> Self {
        self.step(Step::Key(key), present)
    }

    /// One list element further; elements are always there.
    #[must_use]
    pub fn index(self, index: usize) -> Self {
        self.step(Step::Index(index), true)
    }

    fn step(mut self, step: Step<'p>, present: bool) -> Self {
        if let Some(place) = self.steps.get_mut(usize::from(self.len)) {
            *place = step;
            if present && self.present == self.len {
                self.present += 1;
            }
            self.len += 1;
        }
        self
    }

    /// The last key of the path, for rules that repair some of their findings.
    #[must_use]
    pub fn last_key(&self) -> Option<&'p str> {
        match self.steps(0, self.len).last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    #[must_use]
    pub const fn container_ref(&self) -> Option<ContainerRef<'p>> {
        self.container
    }

    fn steps(&self, from: u8, to: u8) -> &[Step<'p>] {
        self.steps.get(usize::from(from)..usize::from(to)).unwrap_or_default()
    }

    /// Whether the path goes through this key.
    #[must_use]
    pub fn has_key(&self, key: &str) -> bool {
        self.steps(0, self.len).contains(&Step::Key(key))
    }

    /// The first list index of the path.
    #[must_use]
    pub fn list_index(&self) -> Option<usize> {
        self.steps(0, self.len).iter().find_map(|step| match step {
            Step::Index(index) => Some(*index),
            Step::Key(_) => None,
        })
    }

    /// JSON pointer to the deepest part of the path that is there: it resolves in the pod.
    #[must_use]
    pub fn pointer(&self) -> String {
        let base = self.container.map(|c| c.pointer()).unwrap_or_default();
        join(base, self.steps(0, self.present))
    }

    /// JSON pointer from [`Self::pointer`] to the judged field; empty when the field is there.
    #[must_use]
    pub fn missing(&self) -> String {
        join(String::new(), self.steps(self.present, self.len))
    }

    /// JSON pointer to the judged field, there or not.
    #[must_use]
    pub fn field(&self) -> String {
        join(self.pointer(), self.steps(self.present, self.len))
    }
}

fn join(mut pointer: String, steps: &[Step<'_>]) -> String {
    for step in steps {
        pointer.push('/');
        match step {
            Step::Key(key) => pointer.push_str(&crate::patch::escape(key)),
            Step::Index(index) => pointer.push_str(&index.to_string()),
        }
    }
    pointer
}

/// One violation of one rule at one place.
#[derive(Debug, Clone)]
pub struct Finding<'p> {
    pub at: Location<'p>,
    /// The container that inherits what stands at a place of the pod.
    inheritor: Option<ContainerRef<'p>>,
    /// The value that was found; `not set` for an absent one. Never a secret.
    pub found: Cow<'p, str>,
    /// What would pass.
    pub wanted: Cow<'p, str>,
    /// Instead of the rule's own sentence, where there is something closer to say.
    pub why: Option<Cow<'p, str>>,
    /// Instead of the rule's own severity.
    pub severity: Option<Severity>,
    /// For limits: a smaller amount is a milder violation, so lowering it introduces nothing.
    pub amount: Option<i128>,
    /// Nothing is repaired, whatever the rule could do.
    is_final: bool,
    /// It implies no other violation, whatever its rule implies.
    is_alone: bool,
}

const WHY_WINDOWS: &str = "the pod chooses Windows nodes, but is judged as one of Linux until it says what it is: set \
spec.os.name: windows, and what Windows does not have is not asked for";

/// What a finding says of an absent field.
pub const NOT_SET: &str = "not set";

impl<'p> Finding<'p> {
    /// `found` at this place instead of `wanted`.
    #[must_use]
    pub fn new(at: Location<'p>, found: impl Into<Cow<'p, str>>, wanted: impl Into<Cow<'p, str>>) -> Self {
        Self {
            at,
            inheritor: None,
            found: found.into(),
            wanted: wanted.into(),
            why: None,
            severity: None,
            amount: None,
            is_final: false,
            is_alone: false,
        }
    }

    /// The violation is this container's, though the value stands in the pod, so a container that
    /// an update adds brings a violation of its own.
    #[must_use]
    pub fn inherited_by(mut self, container: ContainerRef<'p>) -> Self {
        self.inheritor = Some(container);
        self
    }

    /// The violation implies no other one: what else is wrong there is a violation of its own.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    #[must_use]
    pub(crate) const fn is_alone(&self) -> bool {
        self.is_alone
    }

    #[must_use]
    pub fn why(mut self, why: impl Into<Cow<'p, str>>) -> Self {
        self.why = Some(why.into());
        self
    }

    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    #[must_use]
    pub fn amount(mut self, amount: i128) -> Self {
        self.amount = Some(amount);
        self
    }

    /// Windows has no such field. A pod that chooses Windows nodes is to say that it is one of Windows, and gets no field
    /// that is of no use there.
    #[must_use]
    pub fn of_linux(self, pod: &Pod<'_>) -> Self {
        if !pod.chooses_windows() {
            return self;
        }
        Self { wanted: "spec.os.name: windows".into(), is_final: true, ..self }.why(WHY_WINDOWS)
    }

    /// Whether the rule may repair it.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        self.is_final
    }

    /// Whether the value stands in the pod and the violation is a container's.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        self.inheritor.is_some()
    }

    /// The container that violates; none for a violation of the pod.
    #[must_use]
    pub fn container(&self) -> Option<ContainerRef<'p>> {
        self.inheritor.or(self.at.container_ref())
    }
}

/// How a text of the pod reads in a finding.
#[must_use]
pub fn display_value(value: Option<&str>) -> Cow<'_, str> {
    match value {
        None => NOT_SET.into(),
        Some(text) if text.trim() == text && !text.is_empty() => text.into(),
        // Nobody sees a blank without quotes.
        Some(text) => format!("{text:?}").into(),
    }
}

/// How a flag of the pod reads in a finding.
#[must_use]
pub const fn display_flag(value: Option<bool>) -> &'static str {
    match value {
        None => NOT_SET,
        Some(true) => "true",
        Some(false) => "false",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_so_that_it_can_be_seen() {
        let found = [None, Some("a b"), Some(""), Some(" "), Some("a\n")].map(display_value);
        assert_eq!(found, ["not set", "a b", "\"\"", "\" \"", "\"a\\n\""]);
        assert_eq!([None, Some(true), Some(false)].map(display_flag), ["not set", "true", "false"]);
    }
}
