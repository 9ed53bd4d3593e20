//! Which rules of a policy imply which others. For one cause, one violation is reported.

use super::{Action, CompiledRule};
use std::collections::HashSet;

/// Links each rule with the rules that imply it. `standard` has the ids of the rules that follow a Pod Security Standard.
///
/// A cause counts only where the policy judges it at least as strictly as the implied rule. If it were off or milder, the
/// violation that it implies would be admitted.
pub(super) fn link(rules: &mut [CompiledRule], standard: &HashSet<&str>) {
    for index in 0..rules.len() {
        let (before, rest) = rules.split_at_mut(index);
        let Some(implied) = rest.first_mut().filter(|implied| !standard.contains(implied.rule.id)) else { continue };
        for cause in implied.rule.implied_by() {
            let place = before.iter().position(|rule| rule.rule.id == cause.rule && !standard.contains(cause.rule));
            let Some((place, rule)) = place.and_then(|place| Some((place, before.get_mut(place)?))) else { continue };
            if is_as_strict(rule.action, implied.action) {
                implied.causes.push((place, cause.same));
                rule.implies.some = true;
                rule.implies.repaired |= implied.action == Action::Patch;
            }
        }
    }
}

/// A rule that patches is no cause: its violation is repaired, and the implied one may remain.
const fn is_as_strict(cause: Action, implied: Action) -> bool {
    match cause {
        Action::Deny => true,
        Action::Warn => matches!(implied, Action::Warn | Action::Audit | Action::Off),
        Action::Patch | Action::Audit | Action::Off => false,
    }
}
