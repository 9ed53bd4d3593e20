//! From findings to decisions: the action, the exemption, and whether the request introduces the violation.

mod case;
mod collect;
mod effect;
mod find;
mod previous;

use crate::effort;
use crate::policy::{CompiledPolicy, PodExemptions};
use crate::workload::ContainerKind;
pub use case::{Case, Judged, Needed};
use collect::Collector;
use effect::softened;
use effect::{DecisionInput, effect};
pub use effect::{EXPIRY_NOTICE, Effect, Note, Stage, calls_for_repair, capped, effect_on_file};
pub use find::findings;
use previous::PreviousPod;
pub use previous::{Change, Previous};
use std::cell::LazyCell;
use std::collections::HashMap;

/// Runs the rules of the policies over the pod, and decides about each finding.
///
/// `previous` reads the pod as it was before the request. It is called once at most, and only when a rule found something.
/// The violations are ordered by container, then rule. A violation that several policies find is returned once, for the
/// policy that is strictest about it. With one policy, at most `case.report_limit` violations of a class are returned; the
/// first one of the class represents the others in [`Judged::count`].
pub fn judge<'p>(
    case: &Case<'p>,
    policies: &[&'p CompiledPolicy],
    previous: impl FnOnce() -> Option<Previous<'p>>,
) -> Vec<Judged<'p>> {
    let previous = LazyCell::new(|| previous().map(|previous| PreviousPod::new(previous, case)));
    let exemptions = PodExemptions::new(case.pod);
    let mut collector = Collector::new(case.kept_of_a_class(policies));
    for policy in policies {
        let is_countable = case.has_fixed_effects(policies);
        find::run(case, policy, is_countable, |compiled, findings| {
            let before = previous.as_ref().map(|pod| pod.violations(case, policy, compiled));
            collector.start_rule();
            for (finding, repairable, count) in findings.drain_counted().take_while(|_| effort::step(1)) {
                let exempt = case.exemption(policy, compiled, &finding, &exemptions);
                let fixed = previous.as_ref().is_some_and(|pod| pod.is_fixed(&finding));
                let severity = finding.severity.unwrap_or(compiled.rule.severity);
                let can_repair = repairable && !fixed;
                let (effect, note) = effect(DecisionInput {
                    action: softened(compiled.action, finding.most, can_repair),
                    stage: case.stage,
                    exempt,
                    introduced: before.as_ref().is_none_or(|before| before.introduces(&finding)),
                    repairable: can_repair,
                    warn_until: policy.warn_until,
                    today: case.today,
                    cap: case.ceiling.cap(severity, case.today),
                });
                let (rule, policy) = (compiled.rule, &policy.name);
                collector.add(Judged {
                    rule,
                    finding,
                    policy,
                    compiled,
                    effect,
                    note,
                    exemption: exempt,
                    fixed,
                    count,
                });
            }
        });
    }
    let judged = collector.into_judged();
    ordered(if policies.len() > 1 { strictest(judged) } else { judged })
}

/// Both lists together: each violation once, ordered by container, then rule.
#[must_use]
pub fn merged<'p>(mut judged: Vec<Judged<'p>>, others: Vec<Judged<'p>>) -> Vec<Judged<'p>> {
    if others.is_empty() {
        return judged;
    }
    judged.extend(others);
    ordered(strictest(judged))
}

/// By container, then rule.
fn ordered(mut judged: Vec<Judged<'_>>) -> Vec<Judged<'_>> {
    let key = |j: &Judged<'_>| (j.finding.container().map(|c| (c.kind, c.index)), j.compiled.order);
    if !judged.is_sorted_by_key(key) {
        // They are large, so each moves once.
        judged.sort_by_cached_key(key);
    }
    judged
}

/// A violation that several policies found is kept once, with its strictest effect.
fn strictest<'p>(judged: Vec<Judged<'p>>) -> Vec<Judged<'p>> {
    let mut first: HashMap<(Place<'p>, String, String), usize> = HashMap::new();
    let mut kept: Vec<Judged<'p>> = Vec::new();
    for j in judged {
        let key = (place(&j), j.finding.at.field(), j.finding.found.to_string());
        match first.get(&key).and_then(|index| kept.get_mut(*index)) {
            Some(other) if other.strictness() >= j.strictness() => {}
            Some(other) => *other = j,
            None => {
                first.insert(key, kept.len());
                kept.push(j);
            }
        }
    }
    kept
}

/// The place of a violation: the rule's order, and the container's list and name.
type Place<'p> = (usize, Option<(ContainerKind, &'p str)>);

fn place<'p>(judged: &Judged<'p>) -> Place<'p> {
    (judged.compiled.order, judged.finding.container().map(|c| (c.kind, c.name)))
}
