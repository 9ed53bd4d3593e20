//! Runs rules over a pod.

use super::{Case, Stage};
use crate::effort;
use crate::policy::{Action, CompiledPolicy, CompiledRule};
use crate::rule::{Finding, Findings, RepairSplit, Same, Spot};
use crate::workload::{Pod, PodFeatures};
use std::collections::HashSet;
use std::sync::Arc;

/// Runs the rules of the policy in their order, and passes on the findings of each rule. A finding that the violation of
/// another rule implies is left out.
///
/// `is_countable` means that findings of one rule differ in nothing but whether the rule can repair them. Then the first
/// findings are kept, up to the case's `report_limit`, and the others are only counted.
pub(super) fn run<'p>(
    case: &Case<'p>,
    policy: &'p CompiledPolicy,
    is_countable: bool,
    mut found: impl FnMut(&'p CompiledRule, &mut Findings<'p>),
) {
    let (features, is_windows) = (PodFeatures::of(case.pod), case.pod.is_windows());
    let is_template = case.stage == Stage::Mutate && case.pod.kind != "Pod";
    let mut findings = Findings::default();
    let mut causes = Causes::default();
    for (place, compiled) in policy.rules.iter().enumerate() {
        if effort::is_over() {
            return;
        }
        let (matters, implies) = case.needed.of(compiled);
        let skipped = compiled.linux_only && is_windows || is_template && compiled.check.repairs_pods_only();
        if !(matters || implies) || !features.intersects(compiled.requires) || skipped {
            continue;
        }
        let split = RepairSplit { check: &*compiled.check, pod: case.pod, scope: case.scope };
        let split = (compiled.action == Action::Patch).then_some(split);
        // Every repair is made, so none is only counted.
        let counts = is_countable && !compiled.exempted && (split.is_none() || case.stage != Stage::Mutate);
        findings.keep(if counts { case.report_limit.max(1) } else { usize::MAX }, split);
        causes.leave_out(compiled, &mut findings);
        findings.remember_spots(implies);
        compiled.check.check(case.pod, &mut findings);
        // Nearly every rule finds nothing.
        if findings.is_empty() {
            continue;
        }
        causes.add(place, findings.take_spots());
        if matters {
            found(compiled, &mut findings);
        }
        findings.clear();
    }
}

/// What a rule finds in a pod.
#[must_use]
pub fn findings<'p>(compiled: &CompiledRule, pod: &'p Pod<'p>) -> Vec<Finding<'p>> {
    let mut findings = Findings::default();
    if !compiled.linux_only || !pod.is_windows() {
        compiled.check.check(pod, &mut findings);
    }
    findings.into_vec()
}

/// Where the rules of a policy that imply others found something, by their place in the policy.
#[derive(Default)]
struct Causes(Vec<(usize, Arc<HashSet<Spot>>)>);

impl Causes {
    fn add(&mut self, place: usize, spots: Option<HashSet<Spot>>) {
        self.0.extend(spots.map(|spots| (place, Arc::new(spots))));
    }

    /// Leaves out what is found where causes of this rule were found.
    fn leave_out(&self, compiled: &CompiledRule, findings: &mut Findings<'_>) {
        let known = |(place, same): &(usize, Same)| {
            let (_, spots) = self.0.iter().find(|(cause, _)| cause == place)?;
            Some((*same, Arc::clone(spots)))
        };
        findings.leave_out(compiled.causes.iter().filter_map(known));
    }
}
