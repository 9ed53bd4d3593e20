//! What is judged, and the decision about one finding.

use super::{Effect, Note, Stage};
use crate::policy::{Action, AppliedExemption, Ceiling, CompiledPolicy, CompiledRule, ObjectExemption, PodExemptions};
use crate::rule::{Finding, Rule, Scope, Severity};
use crate::workload::Pod;
use jiff::civil::Date;
use std::sync::Arc;

/// A pod, and the circumstances in which it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Case<'p> {
    pub pod: &'p Pod<'p>,
    pub namespace: &'p str,
    /// The `Exemption` objects of the cluster.
    pub exemptions: &'p [Arc<ObjectExemption>],
    pub stage: Stage,
    pub scope: Scope,
    pub needed: Needed,
    /// The request changes an object that exists.
    pub is_update: bool,
    /// How many violations of a rule are described in full; the others may be counted.
    pub report_limit: usize,
    pub ceiling: Ceiling,
    pub today: Date,
}

/// Which violations the caller needs. Rules that find none of them do not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// One for each cause: those that the violation of another rule implies are left out.
    All,
    /// Those, too.
    Implied,
    /// Those that the mutating webhook repairs.
    Repairs,
    /// Those that mode deny may deny.
    Denials,
}

impl Needed {
    /// Whether the violations of the rule are needed, and whether the rule implies any that are.
    pub(super) fn of(self, compiled: &CompiledRule) -> (bool, bool) {
        match self {
            Self::All => (true, compiled.implies.some),
            Self::Implied => (true, false),
            Self::Repairs => (compiled.action == Action::Patch, compiled.implies.repaired),
            // No circumstance makes a milder action deny.
            Self::Denials => (compiled.action >= Action::Patch, compiled.implies.some),
        }
    }
}

impl<'p> Case<'p> {
    /// Whether a pod that exists is changed: the API server allows few changes of it.
    pub(super) const fn is_in_place(&self) -> bool {
        self.is_update && matches!(self.scope, Scope::Containers)
    }

    /// The exemption that covers the finding today. `pod` belongs to the pod of the finding.
    pub(super) fn exemption(
        &self,
        policy: &CompiledPolicy,
        compiled: &CompiledRule,
        finding: &Finding<'_>,
        pod: &PodExemptions<'_>,
    ) -> Option<AppliedExemption<'p>> {
        policy.exemption_for(self.exemptions, compiled.rule, finding, self.namespace, pod, self.today)
    }

    /// How many violations of a class the answer needs. Where violations of several sources are merged, it needs each of
    /// them.
    pub(super) fn kept_of_a_class(&self, policies: &[&CompiledPolicy]) -> usize {
        match policies {
            [policy] if policy.pod_security_labels.is_none() => self.report_limit.max(1),
            _ => usize::MAX,
        }
    }

    /// Whether the effect of a violation depends on nothing but its rule, its severity, and whether the rule can repair it. No `Exemption`
    /// object and no previous pod changes it.
    pub(super) fn has_fixed_effects(&self, policies: &[&CompiledPolicy]) -> bool {
        !self.is_update && self.exemptions.is_empty() && self.kept_of_a_class(policies) < usize::MAX
    }
}

/// A finding, and the decision about it.
#[derive(Debug)]
pub struct Judged<'p> {
    pub rule: &'static Rule,
    pub finding: Finding<'p>,
    pub policy: &'p Arc<str>,
    pub compiled: &'p CompiledRule,
    pub effect: Effect,
    pub note: Option<Note>,
    /// The exemption that covers it.
    pub exemption: Option<AppliedExemption<'p>>,
    /// It is in a part of an existing pod that the API server lets no user change.
    pub fixed: bool,
    /// How many violations it represents: of many of one class, only the first ones are kept.
    pub count: usize,
}

impl Judged<'_> {
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.finding.severity.unwrap_or(self.rule.severity)
    }

    /// Whether the same rule of the same policy found both in one place. What is found in the pod may be about any of its containers.
    #[must_use]
    pub fn is_at_place_of(&self, other: &Judged<'_>) -> bool {
        let is_same = match (self.finding.container(), other.finding.container()) {
            (Some(one), Some(other)) => (one.kind, one.name) == (other.kind, other.name),
            _ => true,
        };
        is_same && self.compiled.order == other.compiled.order && **self.policy == **other.policy
    }

    /// What mode deny would do, where the running mode holds it back.
    #[must_use]
    pub fn held_back(&self) -> Option<Effect> {
        self.note.and_then(Note::held_back)
    }

    /// Among several policies that find the same, the strictest is reported: the one that denies, or that would deny.
    #[must_use]
    pub fn strictness(&self) -> (Effect, Option<Effect>) {
        (self.effect, self.held_back())
    }
}
