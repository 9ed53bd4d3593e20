//! What the rules of the policies find in a pod.

use super::{Case, Stage};
use crate::effort;
use crate::policy::{Action, CompiledPolicy, CompiledRule};
use crate::rule::{Finding, Findings, RepairSplit, Same, Spot};
use crate::workload::PodFeatures;
use std::collections::HashSet;
use std::sync::Arc;

/// A finding, and by which policy.
pub(super) struct Found<'p> {
    pub policy: &'p CompiledPolicy,
    pub compiled: &'p CompiledRule,
    pub finding: Finding<'p>,
    /// The rule has a repair for it.
    pub repairable: bool,
    /// How many it stands for.
    pub count: usize,
}

/// In the order of policies and rules, without what another violation implies.
pub(super) fn find<'p>(case: &Case<'p>, policies: &[&'p CompiledPolicy]) -> Vec<Found<'p>> {
    let mut found = Vec::new();
    let mut findings = Findings::default();
    let (parts, is_windows) = (PodFeatures::of(case.pod), case.pod.is_windows());
    for policy in policies {
        // Then nothing but the rule, and whether it can repair them, decides what becomes of its violations.
        let alike = policies.len() == 1
            && !case.is_update
            && policy.pod_security_labels.is_none()
            && case.exemptions.is_empty();
        let mut causes = Causes::default();
        for (place, compiled) in policy.rules.iter().enumerate() {
            if effort::is_over() {
                return Vec::new();
            }
            let (wanted, implies) = match case.only {
                None => (true, compiled.implies.some),
                Some(only) => (compiled.action == only, compiled.implies.repaired),
            };
            if !(wanted || implies) || !parts.intersects(compiled.requires) || compiled.linux_only && is_windows {
                continue;
            }
            let sorting = RepairSplit { check: &*compiled.check, pod: case.pod, scope: case.scope };
            let sorting = (compiled.action == Action::Patch).then_some(sorting);
            // Each repair is made.
            let counted = alike && !compiled.exempted && (sorting.is_none() || case.stage != Stage::Mutate);
            findings.keep(if counted { case.report_limit.max(1) } else { usize::MAX }, sorting);
            findings.leave_out(causes.of(compiled));
            findings.remember_spots(implies);
            compiled.check.check(case.pod, &mut findings);
            // As nearly all are.
            if findings.is_empty() {
                continue;
            }
            let mut findings = std::mem::take(&mut findings);
            causes.add(place, findings.take_spots());
            if wanted {
                found.extend(findings.into_counted().map(|(finding, repairable, count)| Found {
                    policy,
                    compiled,
                    finding,
                    repairable,
                    count,
                }));
            }
        }
    }
    found
}

/// Where rules of a policy that imply others found something, by their place in the policy.
#[derive(Default)]
struct Causes(Vec<(usize, Arc<HashSet<Spot>>)>);

impl Causes {
    fn add(&mut self, place: usize, spots: Option<HashSet<Spot>>) {
        self.0.extend(spots.map(|spots| (place, Arc::new(spots))));
    }

    /// Where causes of this rule were found.
    fn of(&self, compiled: &CompiledRule) -> Vec<(Same, Arc<HashSet<Spot>>)> {
        let known = |(place, same): &(usize, Same)| {
            let (_, spots) = self.0.iter().find(|(cause, _)| cause == place)?;
            Some((*same, Arc::clone(spots)))
        };
        compiled.causes.iter().filter_map(known).collect()
    }
}
