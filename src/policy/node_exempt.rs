//! Exemptions of nodes: they narrow, they never widen.

use super::document::NodeExemption;
use super::rule_settings::unknown_rule;
use super::{PolicyError, PolicyErrors, selector};
use crate::rule::Rule;
use crate::rules;
use jiff::civil::Date;
use kube::core::{Selector, SelectorExt};
use std::collections::BTreeMap;

/// The node that is judged: its name, and its labels.
#[derive(Debug, Clone, Copy)]
pub struct NodeIdentity<'n> {
    pub name: &'n str,
    pub labels: &'n BTreeMap<String, String>,
}

/// An exemption of nodes without errors.
#[derive(Debug)]
pub struct CompiledNodeExemption {
    document: NodeExemption,
    selector: Option<Selector>,
}

impl CompiledNodeExemption {
    /// # Errors
    /// All errors: for example a selector that would mean all nodes, a rule about pods, or a missing reason.
    pub fn new(place: &[&str], exemption: &NodeExemption) -> Result<Self, PolicyErrors> {
        let mut errors = faults(exemption);
        let selector = exemption.node_selector.as_ref().map(|selector| selector::compile(selector, &["nodeSelector"]));
        let selector = match selector.transpose() {
            Ok(selector) => selector,
            Err(wrong) => {
                errors.extend(wrong.0);
                None
            }
        };
        if errors.is_empty() {
            return Ok(Self { document: exemption.clone(), selector });
        }
        Err(PolicyErrors(errors.into_iter().map(|error| error.below(place)).collect()))
    }

    /// The exemption as it was written.
    #[must_use]
    pub const fn document(&self) -> &NodeExemption {
        &self.document
    }

    /// Whether it covers what the rule says about this subject of the node today.
    #[must_use]
    pub fn covers(&self, rule: &Rule, subject: &str, node: NodeIdentity<'_>, today: Date) -> bool {
        let NodeExemption { rules, nodes, node_selector: _, subjects, reason: _, until } = &self.document;
        rules.iter().any(|id| id == rule.id)
            && until.is_none_or(|until| today <= until)
            && (nodes.is_empty() || nodes.iter().any(|name| name == node.name))
            && (subjects.is_empty() || subjects.iter().any(|name| name == subject))
            && self.selector.as_ref().is_none_or(|selector| selector.matches(node.labels))
    }
}

/// The errors of an exemption, by its keys.
fn faults(exemption: &NodeExemption) -> Vec<PolicyError> {
    let NodeExemption { rules, nodes, node_selector, subjects: _, reason, until: _ } = exemption;
    let mut errors = Vec::new();
    if rules.is_empty() {
        errors.push(PolicyError::at(&["rules"], "name at least one rule"));
    }
    for (position, id) in rules.iter().enumerate() {
        let message = match rules::find(id) {
            Some(rule) if rule.node().is_some() => continue,
            Some(_) => format!("`{id}` is no rule about nodes; exempt pods under `exemptions`"),
            None => unknown_rule(id),
        };
        errors.push(PolicyError::at(&["rules", &position.to_string()], message));
    }
    match node_selector {
        None if nodes.is_empty() => {
            errors.push(PolicyError::at(&["nodeSelector"], "name `nodes`, or select them by their labels"));
        }
        Some(selector) if selector.match_labels.is_empty() && selector.match_expressions.is_empty() => {
            let message = "has no requirement, which would mean all nodes; name labels, or change the rule's `action`";
            errors.push(PolicyError::at(&["nodeSelector"], message));
        }
        None | Some(_) => {}
    }
    if reason.trim().is_empty() {
        errors.push(PolicyError::at(&["reason"], "say why this is right"));
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use serde_json::{Value, json};

    fn compile(exemption: Value) -> Result<CompiledNodeExemption, String> {
        let document: NodeExemption = serde_json::from_value(exemption).map_err(|error| error.to_string())?;
        CompiledNodeExemption::new(&["spec", "nodeExemptions", "0"], &document).map_err(|errors| errors.to_string())
    }

    #[test]
    fn everything_that_is_given_must_match() {
        let rule = rules::find("node-files").unwrap();
        let other = rules::find("node-tls").unwrap();
        let labels: BTreeMap<String, String> = [("pool".to_owned(), "build".to_owned())].into();
        let node = NodeIdentity { name: "n1", labels: &labels };
        let today = date(2026, 11, 27);
        let covers = |exemption: Value| {
            let exemption = compile(exemption).unwrap();
            assert!(!exemption.covers(other, "/etc/docker", node, today), "another rule");
            exemption.covers(rule, "/etc/docker", node, today)
        };
        let with = |more: Value| {
            let mut all = json!({"rules": ["node-files"], "reason": "a test"});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        assert!(covers(with(json!({"nodeSelector": {"matchLabels": {"pool": "build"}}}))));
        assert!(covers(with(json!({"nodes": ["n1"], "until": "2026-11-27", "subjects": ["/etc/docker"]}))));
        for more in [
            json!({"nodeSelector": {"matchLabels": {"pool": "web"}}}),
            json!({"nodes": ["n2"]}),
            json!({"nodes": ["n1"], "nodeSelector": {"matchLabels": {"pool": "web"}}}),
            json!({"nodes": ["n1"], "until": "2026-11-26"}),
            json!({"nodes": ["n1"], "subjects": ["/etc"]}),
        ] {
            assert!(!covers(with(more.clone())), "{more}");
        }
    }

    #[test]
    fn what_would_mean_all_nodes_is_refused() {
        for (exemption, says) in [
            (json!({"rules": ["node-files"], "reason": "r"}), "spec.nodeExemptions[0].nodeSelector: name `nodes`"),
            (
                json!({"rules": ["node-files"], "reason": "r", "nodeSelector": {}}),
                "spec.nodeExemptions[0].nodeSelector: has no requirement",
            ),
            (json!({"rules": ["node-files"], "reason": "r", "nodes": []}), "is an empty list"),
            (
                json!({"rules": ["privileged"], "reason": "r", "nodes": ["a"]}),
                "spec.nodeExemptions[0].rules[0]: `privileged` is no rule about nodes",
            ),
            (
                json!({"rules": ["node-file"], "reason": "r", "nodes": ["a"]}),
                "spec.nodeExemptions[0].rules[0]: there is no rule `node-file`; did you mean `node-files`?",
            ),
            (
                json!({"rules": ["node-files"], "reason": " ", "nodes": ["a"]}),
                "spec.nodeExemptions[0].reason: say why this is right",
            ),
        ] {
            let error = compile(exemption).map(|_| ()).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
