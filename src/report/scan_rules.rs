//! What a scan would deny, by rule.

use crate::decide::Effect;
use crate::rule::Severity;
use crate::scan::{NamespaceFindings, Owner};
use schemars::JsonSchema;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// A rule that would deny something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeniedRule {
    /// Null for owners that could not be judged, which denies them.
    pub rule: Option<&'static str>,
    /// The severity of its worst violation.
    pub severity: Severity,
    /// How many owners it would deny.
    pub owners: usize,
    /// Their namespaces, the one with the most owners first.
    pub namespaces: Vec<DeniedNamespace>,
}

/// A namespace, and how many of its owners a rule would deny.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeniedNamespace {
    pub namespace: String,
    pub owners: usize,
}

/// Counts the rules that would deny, namespace by namespace.
#[derive(Debug, Default)]
pub struct DeniedRules(BTreeMap<&'static str, DeniedRule>);

impl DeniedRules {
    pub fn add(&mut self, found: &NamespaceFindings) {
        let mut owners: HashSet<(&str, *const Owner)> = HashSet::new();
        for finding in found.findings.iter().filter(|finding| finding.effect() == Effect::Deny) {
            let rule = finding.rule();
            let counted = self.0.entry(rule).or_insert_with(|| DeniedRule {
                rule: (!rule.is_empty()).then_some(rule),
                severity: Severity::Low,
                owners: 0,
                namespaces: Vec::new(),
            });
            counted.severity = counted.severity.max(finding.severity());
            if !owners.insert((rule, Arc::as_ptr(&finding.owner))) {
                continue;
            }
            counted.owners += 1;
            match counted.namespaces.last_mut().filter(|last| last.namespace == found.namespace) {
                Some(last) => last.owners += 1,
                None => counted.namespaces.push(DeniedNamespace { namespace: found.namespace.clone(), owners: 1 }),
            }
        }
    }

    /// The most severe rules first, and of these the ones that would deny most owners.
    #[must_use]
    pub fn finish(self) -> Vec<DeniedRule> {
        let mut rules: Vec<DeniedRule> = self.0.into_values().collect();
        for rule in &mut rules {
            // The order of the scan is kept among equals.
            rule.namespaces.sort_by_key(|namespace| Reverse(namespace.owners));
        }
        rules.sort_by_key(|rule| (Reverse(rule.severity), Reverse(rule.owners)));
        rules
    }
}
