//! A finding is a value with a place; text is made at the edge.

use super::pod::location::Location;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
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

/// One violation of one rule at one place. `P` is the kind of place that the rule's subject has: a [`Location`] in a pod.
#[derive(Debug, Clone)]
pub struct Finding<'p, P = Location<'p>> {
    pub at: P,
    /// The value that was found; `not set` for an absent one. Never a secret.
    pub found: Cow<'p, str>,
    /// What would pass.
    pub wanted: Cow<'static, str>,
    /// Replaces the rule's own sentence where a more precise one is known.
    pub why: Option<Cow<'static, str>>,
    /// Replaces what the rule says to do, as a clause of a sentence.
    pub instead: Option<&'static str>,
    /// Replaces the rule's own severity.
    pub severity: Option<Severity>,
    /// Replaces the items of the OWASP list that the rule cites: those that this finding is about.
    pub items: Option<&'static [u8]>,
    /// For limits: a smaller amount is a milder violation, so an update that lowers it introduces nothing.
    pub amount: Option<i128>,
    /// The most that happens because of it, whatever the policy says.
    pub most: Option<AtMost>,
    pub(super) bars_repair: bool,
    implies_nothing: bool,
}

/// The most that may happen because of a finding, below the action of its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AtMost {
    Audit,
    Warn,
    /// A warning, where the action is to repair and nothing can be repaired now. Other actions happen as the policy says.
    WarnUnrepaired,
    /// As [`Self::WarnUnrepaired`], and without a warning.
    AuditUnrepaired,
}

/// What a finding says of an absent field.
pub const NOT_SET: &str = "not set";

impl<'p, P> Finding<'p, P> {
    /// `found` at this place instead of `wanted`.
    #[must_use]
    pub fn new(at: P, found: impl Into<Cow<'p, str>>, wanted: impl Into<Cow<'static, str>>) -> Self {
        Self {
            at,
            found: found.into(),
            wanted: wanted.into(),
            why: None,
            instead: None,
            severity: None,
            items: None,
            amount: None,
            most: None,
            bars_repair: false,
            implies_nothing: false,
        }
    }

    #[must_use]
    pub fn why(mut self, why: impl Into<Cow<'static, str>>) -> Self {
        self.why = Some(why.into());
        self
    }

    #[must_use]
    pub fn instead(mut self, instead: &'static str) -> Self {
        self.instead = Some(instead);
        self
    }

    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// The finding is about these items of the OWASP list, and not about all that the rule cites.
    #[must_use]
    pub fn items(mut self, items: &'static [u8]) -> Self {
        self.items = Some(items);
        self
    }

    #[must_use]
    pub fn amount(mut self, amount: i128) -> Self {
        self.amount = Some(amount);
        self
    }

    /// Whatever the policy says, nothing worse happens.
    #[must_use]
    pub fn at_most(mut self, most: impl Into<Option<AtMost>>) -> Self {
        self.most = most.into().or(self.most);
        self
    }

    /// The violation implies no other one, whatever its rule implies: what else is wrong there is a violation of its own.
    #[must_use]
    pub fn implying_nothing(mut self) -> Self {
        self.implies_nothing = true;
        self
    }

    pub(crate) const fn implies_nothing(&self) -> bool {
        self.implies_nothing
    }

    /// Whether the finding is left as it is, even if its rule has a repair.
    #[must_use]
    pub const fn bars_repair(&self) -> bool {
        self.bars_repair
    }
}

/// A text as a finding shows it.
#[must_use]
pub fn display_value(value: Option<&str>) -> Cow<'_, str> {
    match value {
        None => NOT_SET.into(),
        Some(text) if text.trim() == text && !text.is_empty() => text.into(),
        // Without quotes, blanks cannot be seen.
        Some(text) => format!("{text:?}").into(),
    }
}

/// A flag as a finding shows it.
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
    fn a_text_is_shown_so_that_its_blanks_can_be_seen() {
        let found = [None, Some("a b"), Some(""), Some(" "), Some("a\n")].map(display_value);
        assert_eq!(found, ["not set", "a b", "\"\"", "\" \"", "\"a\\n\""]);
        assert_eq!([None, Some(true), Some(false)].map(display_flag), ["not set", "true", "false"]);
    }
}
