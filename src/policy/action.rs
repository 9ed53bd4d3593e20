//! The action of a rule.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// What a policy does with violations of a rule, from the mildest action to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The rule does not run.
    Off,
    /// Admitted; only audit annotations, metrics and reports have the violation.
    Audit,
    /// Admitted; the user sees a warning.
    Warn,
    /// Repaired when a pod is created; what cannot be repaired is denied.
    Patch,
    /// Refused.
    Deny,
}

impl Action {
    pub const ALL: [Self; 5] = [Self::Off, Self::Audit, Self::Warn, Self::Patch, Self::Deny];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Patch => "patch",
            Self::Deny => "deny",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ActionVisitor)
    }
}

struct ActionVisitor;

impl Visitor<'_> for ActionVisitor {
    type Value = Action;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of off, audit, warn, patch, deny")
    }
    fn visit_str<E: Error>(self, word: &str) -> Result<Action, E> {
        let known = Action::ALL.into_iter().find(|action| action.as_str() == word);
        known.ok_or_else(|| {
            let word = crate::text::clean(word, 60);
            E::custom(format_args!("`{word}` is no action; use one of off, audit, warn, patch, deny"))
        })
    }
    /// In the YAML of Kubernetes, an `off` without quotes is a `false`.
    fn visit_bool<E: Error>(self, value: bool) -> Result<Action, E> {
        if value { Err(E::invalid_type(serde::de::Unexpected::Bool(value), &self)) } else { Ok(Action::Off) }
    }
}
