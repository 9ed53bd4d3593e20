//! What the fuzz targets share.

use jiff::civil::{Date, date};
use podreeve::admit::Snapshot;
use podreeve::policy::{CompiledPolicy, PolicyDocument, PolicySet};
use podreeve::rule::Rule;
use podreeve::rules::RULES;
use serde_json::{Map, Value, json};

pub const TODAY: Date = date(2026, 11, 22);

/// Every rule on, and repairing where it can.
#[must_use]
pub fn snapshot() -> Snapshot {
    let rules: Map<String, Value> = RULES
        .iter()
        .map(|rule| {
            (
                rule.id.to_owned(),
                json!({"action": if rule.fixes() { "patch" } else { "deny" }, "params": needed_params(rule)}),
            )
        })
        .collect();
    let document = json!({
        "apiVersion": "podreeve.dev/v1alpha1",
        "kind": "Policy",
        "metadata": {"name": "fuzz"},
        "spec": {"rules": rules, "patchTemplates": true},
    });
    let document = PolicyDocument::from_json(&document.to_string()).expect("the policy loads");
    let policy = CompiledPolicy::new(&document).expect("the policy compiles");
    Snapshot::new(PolicySet::new(vec![policy], 1), 20)
}

/// The parameters without which a rule makes no sense: those of its first example.
fn needed_params(rule: &Rule) -> Value {
    let first = rule.examples().next().filter(|_| rule.pod().is_some_and(|pod| pod.needs.is_some()));
    first.map_or(Value::Null, |example| example.params_value())
}
