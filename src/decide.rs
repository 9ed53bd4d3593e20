//! From findings to a decision: action x exemption x what the request introduces.

mod effect;
mod find;
mod previous;

use crate::effort;
use crate::policy::{
    Action, AppliedExemption, CompiledPolicy, CompiledRule, ExemptionSource, ObjectExemption, PodExemptions,
};
use crate::rule::{Finding, Findings, Rule, Scope, Severity};
use crate::workload::{ContainerKind, Pod};
use effect::{DecisionInput, effect};
pub use effect::{EXPIRY_NOTICE, Effect, Note, Stage};
use find::{Found, find};
use jiff::civil::Date;
use previous::PreviousViolations;
pub use previous::{Change, Previous};
use std::collections::HashMap;
use std::sync::Arc;

/// A finding and what becomes of it.
#[derive(Debug)]
pub struct Judged<'p> {
    pub rule: &'static Rule,
    pub finding: Finding<'p>,
    pub policy: &'p str,
    pub compiled: &'p CompiledRule,
    pub effect: Effect,
    pub note: Option<Note>,
    /// The exemption that covers it.
    pub exemption: Option<ExemptionSource<'p>>,
    /// It stands in a part of an existing pod that nobody can repair.
    pub fixed: bool,
    /// How many violations it stands for: of many that are alike, only the first ones are kept.
    pub count: usize,
}

impl Judged<'_> {
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.finding.severity.unwrap_or(self.rule.severity)
    }
}

/// What is judged.
#[derive(Debug, Clone, Copy)]
pub struct Case<'p> {
    pub pod: &'p Pod<'p>,
    pub namespace: &'p str,
    /// `Exemption` objects of the cluster.
    pub exemptions: &'p [Arc<ObjectExemption>],
    pub stage: Stage,
    pub scope: Scope,
    /// Which actions matter here: the mutating path needs only `patch`.
    pub only: Option<Action>,
    /// The request changes an object that was there before.
    pub is_update: bool,
    /// How many violations of a rule are told in full; the others may be counted.
    pub report_limit: usize,
    pub today: Date,
}

impl<'p> Case<'p> {
    /// Whether a pod is changed that exists: most of it is as it is.
    const fn in_place(&self) -> bool {
        self.is_update && matches!(self.scope, Scope::Containers)
    }

    /// The exemption that covers the finding, which is one of the pod that `whole` knows.
    fn exemption(
        &self,
        policy: &'p CompiledPolicy,
        compiled: &CompiledRule,
        finding: &Finding<'_>,
        whole: &PodExemptions<'_>,
    ) -> Option<AppliedExemption<'p>> {
        policy.cover(self.exemptions, compiled.rule, finding, self.namespace, whole, self.today)
    }
}

/// Runs the rules of the policies over the pod.
///
/// `previous` reads the pod as it was before the request; it is asked only when something was found.
/// Result: the violations, ordered by container, then rule; with several policies one violation
/// is told once, by the policy that is strictest about it. Where all violations of a rule have one
/// effect, those beyond `case.report_limit` are counted in [`Judged::times`].
pub fn judge<'p>(
    case: &Case<'p>,
    policies: &[&'p CompiledPolicy],
    previous: impl FnOnce() -> Option<Previous<'p>>,
) -> Vec<Judged<'p>> {
    let found = find(case, policies);
    if found.is_empty() {
        return Vec::new();
    }
    let before = PreviousViolations::new(previous(), case, found.iter().map(|found| (found.policy, found.compiled)));
    let whole = PodExemptions::new(case.pod);
    let mut judged: Vec<Judged<'p>> = found
        .into_iter()
        .take_while(|_| effort::step(1))
        .map(|Found { policy, compiled, finding, repairable, count }| {
            let exempt = case.exemption(policy, compiled, &finding, &whole);
            let fixed = before.is_fixed(&finding);
            let (effect, note) = effect(DecisionInput {
                action: compiled.action,
                stage: case.stage,
                exempt,
                introduced: before.introduces(compiled, &finding),
                repairable: repairable && !fixed,
                warn_until: policy.warn_until,
                today: case.today,
            });
            let exemption = exempt.map(|cover| cover.by);
            Judged {
                rule: compiled.rule,
                finding,
                policy: &policy.name,
                compiled,
                effect,
                note,
                exemption,
                fixed,
                count,
            }
        })
        .collect();
    if policies.len() > 1 {
        judged = strictest(judged);
    }
    ordered(judged)
}

/// Told once, ordered by container, then rule.
#[must_use]
pub fn merged<'p>(mut judged: Vec<Judged<'p>>, more: Vec<Judged<'p>>) -> Vec<Judged<'p>> {
    if more.is_empty() {
        return judged;
    }
    judged.extend(more);
    ordered(strictest(judged))
}

/// By container, then rule.
fn ordered(mut judged: Vec<Judged<'_>>) -> Vec<Judged<'_>> {
    judged.sort_by_key(|j| (j.finding.container().map(|c| (c.kind, c.index)), j.compiled.order));
    judged
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

/// Of several policies that say the same, the strictest speaks.
fn strictest<'p>(judged: Vec<Judged<'p>>) -> Vec<Judged<'p>> {
    let mut first: HashMap<(Place<'p>, String, String), usize> = HashMap::new();
    let mut kept: Vec<Judged<'p>> = Vec::new();
    for j in judged {
        let key = (place(j.compiled, &j.finding), j.finding.at.field(), j.finding.found.to_string());
        match first.get(&key).and_then(|index| kept.get_mut(*index)) {
            Some(before) if before.effect >= j.effect => {}
            Some(before) => *before = j,
            None => {
                first.insert(key, kept.len());
                kept.push(j);
            }
        }
    }
    kept
}

/// Where a violation stands: the rule's order, and the container's list and name.
type Place<'p> = (usize, Option<(ContainerKind, &'p str)>);

fn place<'p>(compiled: &CompiledRule, finding: &Finding<'p>) -> Place<'p> {
    (compiled.order, finding.container().map(|c| (c.kind, &*c.container.name.0)))
}
