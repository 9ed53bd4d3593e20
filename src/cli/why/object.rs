//! The Exemption objects that admit what was denied.

use crate::decide::Effect;
use crate::exempt::object_name;
use crate::observe::decisions::record::{DecisionLine, ViolationRecord};
use crate::policy::document::API_VERSION;
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// For how long a suggested exemption holds, in days.
const DAYS: i64 = 90;
const REASON: &str = "why this is right";

/// The rules of one object, by the containers that they exempt: all of the pod where the set is empty.
type Rules<'l> = BTreeMap<BTreeSet<&'l str>, BTreeSet<&'l str>>;

/// As few Exemption objects as exempt these rules where they deny, and no other container. For a rule of which the line
/// describes only a part of the violations, the object names no container.
#[must_use]
pub fn exemptions(line: &DecisionLine, denied: &[&ViolationRecord], rules: &[&str], today: Date) -> Vec<Value> {
    let is_partly_described = |rule: &&str| {
        let described = denied.iter().filter(|violation| violation.rule == **rule).count();
        let of_rule = line.rules.iter().filter(|count| count.rule == **rule);
        let counted = of_rule.map(|of| if of.effect == Effect::Deny { of.count } else { of.would_deny });
        described < counted.sum()
    };
    let grouped = grouped(denied, rules.iter().copied().filter(is_partly_described).collect());
    let count = grouped.len();
    let until = today.saturating_add(DAYS.days());
    let objects = grouped.into_iter().enumerate().map(|(number, (containers, rules))| {
        let name = if count == 1 { name(line) } else { format!("{}-{}", name(line), number + 1) };
        let mut spec = json!({"rules": rules, "reason": REASON, "until": until});
        if let (Some(spec), false) = (spec.as_object_mut(), containers.is_empty()) {
            spec.insert("containers".to_owned(), json!(containers));
        }
        json!({
            "apiVersion": API_VERSION,
            "kind": "Exemption",
            "metadata": {"name": name, "namespace": line.namespace},
            "spec": spec,
        })
    });
    objects.collect()
}

/// `whole` are rules whose objects name no container.
fn grouped<'l>(denied: &[&'l ViolationRecord], mut whole: BTreeSet<&'l str>) -> Rules<'l> {
    let mut containers_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for violation in denied {
        match &violation.container {
            Some(container) => {
                containers_of.entry(&violation.rule).or_default().insert(container);
            }
            // A violation of the pod itself is exempt only where every container is.
            None => {
                whole.insert(&violation.rule);
            }
        }
    }
    let mut groups = Rules::new();
    for rule in containers_of.keys().copied().chain(whole.iter().copied()) {
        let of_rule =
            if whole.contains(rule) { BTreeSet::new() } else { containers_of.get(rule).cloned().unwrap_or_default() };
        groups.entry(of_rule).or_default().insert(rule);
    }
    groups
}

/// A name that the API server takes, from that of the object.
fn name(line: &DecisionLine) -> String {
    let name = object_name(&line.name);
    if name.is_empty() { object_name(&line.kind) } else { name }
}
