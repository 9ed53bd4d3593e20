//! The status of the custom resources. Podreeve writes it, for users and tools.

use super::{Action, CompiledPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The result of loading a Policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyStatus {
    /// The strictest of its actions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// The result of loading an Exemption.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ExemptionStatus {
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

/// A Kubernetes condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// `Ready`: podreeve uses the newest generation.
    #[serde(rename = "type")]
    #[schemars(length(max = 316))]
    pub kind: String,
    /// True or False.
    #[schemars(extend("enum" = ["True", "False", "Unknown"]))]
    pub status: String,
    /// The generation that the condition is about.
    #[serde(default)]
    pub observed_generation: i64,
    /// When `status` last changed.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// One word for tools.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// The cause, and what to do now.
    #[schemars(length(max = 32768))]
    pub message: String,
}

/// `deny`, or `deny after 2026-12-31` for a policy that is being rolled out.
#[must_use]
pub fn mode(policy: &CompiledPolicy) -> String {
    let strictest = policy.rules.iter().map(|rule| rule.action).max().unwrap_or(Action::Off);
    match policy.warn_until {
        Some(until) if strictest >= Action::Patch => format!("{strictest} after {until}"),
        _ => strictest.to_string(),
    }
}
