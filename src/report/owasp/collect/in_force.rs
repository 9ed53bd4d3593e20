//! Which rules the policies in force switch on.

use crate::facts::FactKinds;
use crate::policy::{Action, PolicySet};
use crate::report::owasp::subject::Place;
use crate::rule::{Judges, Rule};
use crate::rules::RULES;

/// The policies in force, as far as the report needs them.
#[derive(Debug, Clone)]
pub struct InForce {
    pub names: Vec<String>,
    /// What is done with each rule that is not off.
    pub actions: Vec<(&'static Rule, Action)>,
    /// Rules that find nothing without facts of the cluster: about nodes, or about NetworkPolicies.
    pub of_nodes: Vec<&'static str>,
    pub of_networks: Vec<&'static str>,
}

/// Rules that judge an image by its trust document.
pub const NEEDS_TRUST: [&str; 4] = ["image-signature", "image-freshness", "image-sbom", "image-vulnerabilities"];

impl InForce {
    pub fn new(policies: &PolicySet) -> Self {
        let action = |rule: &Rule| policies.policies.iter().map(|policy| policy.action(rule)).max();
        let actions = RULES.iter().filter_map(|rule| Some((*rule, action(rule)?)));
        let needing = |facts: FactKinds| {
            let rules = policies.policies.iter().flat_map(|policy| &policy.rules);
            rules.filter(|rule| rule.check.facts().intersects(facts)).map(|rule| rule.rule.id).collect()
        };
        Self {
            of_nodes: needing(FactKinds::NODES),
            of_networks: needing(FactKinds::NETWORK_POLICIES),
            names: policies.policies.iter().map(|policy| policy.name.to_string()).collect(),
            actions: actions.filter(|(_, action)| *action != Action::Off).collect(),
        }
    }

    pub fn of_item(&self, item: u8) -> impl Iterator<Item = &(&'static Rule, Action)> {
        self.actions.iter().filter(move |(rule, _)| rule.owasp.contains(&item))
    }

    /// How many rules judge the item in a subject of this kind.
    pub fn judging(&self, item: u8, place: Place) -> usize {
        let judges = |rule: &Rule| match place {
            Place::Workload => is_pod(&rule.judges),
            Place::Dockerfile => is_file(&rule.judges),
            Place::Image { trust } => is_image(&rule.judges) && (trust || !NEEDS_TRUST.contains(&rule.id)),
            Place::Node => is_node(&rule.judges),
        };
        self.of_item(item).filter(|(rule, _)| judges(rule)).count()
    }
}

pub const fn is_pod(judges: &Judges) -> bool {
    matches!(judges, Judges::Pod(_))
}

pub const fn is_file(judges: &Judges) -> bool {
    matches!(judges, Judges::Dockerfile(_))
}

pub const fn is_image(judges: &Judges) -> bool {
    matches!(judges, Judges::Image(_))
}

pub const fn is_node(judges: &Judges) -> bool {
    matches!(judges, Judges::Node(_))
}
