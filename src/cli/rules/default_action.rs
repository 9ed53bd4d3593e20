//! What the built-in policy does with a rule.

use crate::policy::Action;
use crate::rule::Rule;
use crate::sources::Sources;

/// The action of the built-in policy; off if it does not name the rule.
#[must_use]
pub fn default_action(rule: &Rule) -> Action {
    let snapshot = Sources::new(&[]).load(0, 0);
    let policies = snapshot.iter().flat_map(|snapshot| &snapshot.policies.policies);
    policies.map(|policy| policy.action(rule)).max().unwrap_or(Action::Off)
}
