//! What the built-in policy does with a rule, and with which parameters.

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

/// The parameters that the built-in policy gives to a rule: `onlyEscalationDenies: true`.
#[must_use]
pub fn default_params(rule: &Rule) -> Option<String> {
    let snapshot = Sources::new(&[]).load(0, 0).ok()?;
    let params = snapshot.policies.policies.iter().find_map(|policy| policy.params(rule))?.as_object()?;
    let params: Vec<String> = params.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    Some(params.join(", "))
}
