//! The merged edit for every example of every rule, in every list and kind.

use super::cases::{each, facts, kinds, pod_with, with_action, wrap};
use super::common::snapshot;
use super::repaired::repaired;
use podreeve::admit::Snapshot;
use podreeve::rule::{Example, Kinds, Rule};
use podreeve::rules::RULES;
use serde_json::{Map, Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Every rule that judges the pod alone, and this one with the example's parameters.
fn every_rule(rule: &Rule, example: &Example) -> Snapshot {
    let judged =
        RULES.iter().filter(|other| other.id != "image-registries" && other.judges_requests() && !other.judges_exec());
    let mut rules: Map<String, Value> = judged.map(|rule| (rule.id.to_owned(), json!({"action": "deny"}))).collect();
    rules.insert(rule.id.to_owned(), json!({"action": "deny", "params": example.params_value()}));
    let mut snapshot = snapshot(Value::Object(rules));
    snapshot.facts = facts(example);
    snapshot
}

/// Calls the test for every example in every list and kind, with one snapshot for each example and list, and fails with all
/// that failed.
fn every_case(
    snapshot: impl Fn(&'static Rule, &'static Example) -> Snapshot,
    test: impl Fn(&'static Rule, &str, &Value, &Snapshot),
) {
    let mut failed = Vec::new();
    each(|rule, example, list| {
        if example.kinds == Kinds::Entered {
            return;
        }
        let (pod, snapshot) = (pod_with(example, list), snapshot(rule, example));
        for kind in kinds(example) {
            let case = format!("{} / {} / {} / {}", rule.id, example.name, list.field(), kind.kind);
            let object = wrap(kind, &pod, example);
            if catch_unwind(AssertUnwindSafe(|| test(rule, &case, &object, &snapshot))).is_err() {
                failed.push(case);
            }
        }
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn the_edit_of_every_example_leaves_what_the_denial_says() {
    let denying = |rule: &'static Rule, example: &'static Example| with_action(rule, example, "deny");
    every_case(denying, |rule, case, object, snapshot| {
        let left = repaired(case, object, snapshot).map(|(_, left)| left);
        for violation in left.iter().flatten().filter(|left| !left.wanted.contains("windows")) {
            assert!(!violation.instead.is_empty(), "{case}: no edit and no words: {violation:?}");
            assert!(BY_HAND.contains(&rule.id), "{case}: no edit: {violation:?}");
        }
    });
}

#[test]
fn the_edit_and_the_edits_of_other_rules_agree() {
    every_case(every_rule, |_, case, object, snapshot| {
        if matches!(object["kind"].as_str(), Some("Pod" | "CronJob")) {
            repaired(case, object, snapshot);
        }
    });
}

/// Rules whose violations an edit cannot repair, or not all of them.
const BY_HAND: [&str; 15] = [
    "allow-privilege-escalation",
    "capabilities",
    "env-secrets",
    "exec-privileged",
    "health-probes",
    "host-ports",
    "host-users",
    "image-digest",
    "image-registries",
    "image-tag",
    "network-policy",
    "pids-limit",
    "seccomp-profile",
    "ssh-server",
    "undeclared-ports",
];
