//! The status of the custom resources. Podreeve writes it, for users and tools.

use super::document::Match;
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
    /// How many rules are not off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<u32>,
    /// What it applies to, in short.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<String>,
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

/// What `kubectl get policies` shows of a policy in addition to its conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    pub mode: String,
    pub rules: u32,
    pub matching: String,
}

impl Columns {
    #[must_use]
    pub fn of(policy: &CompiledPolicy) -> Self {
        Self {
            mode: mode(policy),
            rules: u32::try_from(policy.rules.len() + policy.files.len() + policy.images.len() + policy.nodes.len())
                .unwrap_or(u32::MAX),
            matching: policy.spec.matching.as_ref().map_or_else(|| ALL.to_owned(), matching),
        }
    }
}

/// The column of a policy that applies to all requests.
const ALL: &str = "all";
/// The most names of a list in the column.
const NAMES: usize = 2;

/// `namespaces shop, ci +3; kinds Pod`.
fn matching(matching: &Match) -> String {
    let Match { namespaces, exclude_namespaces, namespace_selector, kinds, users, groups } = matching;
    let lists = [
        ("namespaces", namespaces),
        ("not", exclude_namespaces),
        ("kinds", kinds),
        ("users", users),
        ("groups", groups),
    ];
    let list = |(what, names): (&str, &Vec<String>)| {
        let first: Vec<&str> = names.iter().take(NAMES).map(String::as_str).collect();
        let more = names.len().saturating_sub(NAMES);
        let more = if more == 0 { String::new() } else { format!(" +{more}") };
        (!names.is_empty()).then(|| format!("{what} {}{more}", first.join(", ")))
    };
    let mut parts: Vec<String> = lists.into_iter().filter_map(list).collect();
    if namespace_selector.is_some() {
        parts.insert(0, "namespaces by label".to_owned());
    }
    if parts.is_empty() { ALL.to_owned() } else { crate::text::clean(&parts.join("; "), 120) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Cluster;
    use serde_json::{Value, json};

    fn columns(spec: &Value) -> Columns {
        Columns::of(&CompiledPolicy::from_object("p", Some(&spec.to_string()), Cluster::With).unwrap())
    }

    #[test]
    fn the_columns_are_short() {
        let rules =
            json!({"privileged": {"action": "deny"}, "host-pid": {"action": "warn"}, "host-ipc": {"action": "off"}});
        let all = columns(&json!({"rules": rules}));
        assert_eq!(all, Columns { mode: "deny".to_owned(), rules: 2, matching: "all".to_owned() });
        assert_eq!(columns(&json!({"rules": {}, "match": {}})).matching, "all");
        let narrow = columns(&json!({"rules": rules, "match": {
            "namespaces": ["shop", "ci", "web", "db"], "kinds": ["Pod"], "namespaceSelector": {},
        }}));
        assert_eq!(narrow.matching, "namespaces by label; namespaces shop, ci +2; kinds Pod");
        assert_eq!(columns(&json!({"rules": rules, "match": {"excludeNamespaces": ["a"]}})).matching, "not a");
    }
}
