//! From findings to a decision: action x exemption x what the request introduces.

use crate::policy::{Action, By, CompiledPolicy, CompiledRule, Cover, ObjectExemption, Whole};
use crate::rules::{Finding, Findings, Rule, Scope, Sorting};
use crate::workload::{ContainerKind, Parts, Pod};
use jiff::{ToSpan, civil::Date};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What happens with a violation, from the mildest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Let through by an exemption; metrics and audit annotations tell.
    Exempt,
    Audit,
    Warn,
    Patch,
    Deny,
}

impl Effect {
    pub const ALL: [Self; 5] = [Self::Exempt, Self::Audit, Self::Warn, Self::Patch, Self::Deny];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Audit => "audit",
            Self::Warn => "warn",
            Self::Patch => "patch",
            Self::Deny => "deny",
        }
    }
}

/// Where on its way the object is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// On the mutating path, where repairs are made.
    Mutate,
    /// A pod on the validating path: what was not repaired by now stays.
    Pod,
    /// A template on the validating path: its pods will be repaired when they are created.
    Template,
}

/// Why a violation that is let in with a warning is not denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Note {
    /// The object had it before the request.
    WasThere,
    /// Its pods will be repaired when they are created.
    WillBePatched,
    /// The policy is being rolled out; from the day after this one it denies.
    WarnedUntil(Date),
    /// An exemption lets it through up to this day, which is near.
    ExemptUntil(Date),
}

/// How many days before an exemption ends it begins to warn.
pub const EXPIRY_NOTICE: i64 = 14;

/// A violation that is to be judged: the policy's action, and what is known about it.
#[derive(Debug, Clone, Copy)]
struct Facts<'f> {
    action: Action,
    stage: Stage,
    exempt: Option<Cover<'f>>,
    /// The request brings it; it was not there before.
    introduced: bool,
    /// The rule has a repair for it.
    repairable: bool,
    /// The policy only warns up to this day.
    warn_until: Option<Date>,
    today: Date,
}

/// The whole of deciding: the action, softened by what is known, and never hardened.
fn effect(facts: Facts<'_>) -> (Effect, Option<Note>) {
    let (effect, note) = by_action(facts);
    match (facts.exempt, effect) {
        (Some(Cover { until: Some(until), .. }), Effect::Deny) if is_near(until, facts.today) => {
            (Effect::Warn, Some(Note::ExemptUntil(until)))
        }
        (Some(_), _) => (Effect::Exempt, None),
        (None, Effect::Deny) => match facts.warn_until {
            Some(until) if facts.today <= until => (Effect::Warn, Some(Note::WarnedUntil(until))),
            _ => (Effect::Deny, None),
        },
        (None, _) => (effect, note),
    }
}

const fn by_action(facts: Facts<'_>) -> (Effect, Option<Note>) {
    match facts {
        Facts { action: Action::Off, .. } => (Effect::Exempt, None),
        Facts { action: Action::Audit, .. } => (Effect::Audit, None),
        Facts { introduced: false, .. } => (Effect::Warn, Some(Note::WasThere)),
        Facts { action: Action::Warn, .. } => (Effect::Warn, None),
        Facts { action: Action::Patch, repairable: true, stage, .. } => match stage {
            Stage::Mutate => (Effect::Patch, None),
            Stage::Template => (Effect::Warn, Some(Note::WillBePatched)),
            Stage::Pod => (Effect::Deny, None),
        },
        Facts { action: Action::Patch | Action::Deny, .. } => (Effect::Deny, None),
    }
}

fn is_near(until: Date, today: Date) -> bool {
    until <= today.saturating_add(EXPIRY_NOTICE.days())
}

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
    pub exemption: Option<By<'p>>,
    /// How many violations it stands for: of many that are alike, only the first ones are kept.
    pub times: usize,
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
    pub told: usize,
    pub today: Date,
}

/// Runs the rules of the policies over the pod.
///
/// `old` reads the pod as it was before the request; it is asked only when something was found.
/// Result: the violations, ordered by container, then rule; with several policies one violation
/// is told once, by the policy that is strictest about it. Where all violations of a rule have one
/// effect, those beyond `case.told` are counted in [`Judged::times`].
pub fn judge<'p>(
    case: &Case<'p>,
    policies: &[&'p CompiledPolicy],
    old: impl FnOnce() -> Option<&'p Pod<'p>>,
) -> Vec<Judged<'p>> {
    let mut found = Vec::new();
    let mut findings = Findings::default();
    let (parts, is_windows) = (Parts::of(case.pod), case.pod.is_windows());
    for policy in policies {
        // Then nothing but the rule, and whether it can repair them, decides what becomes of its violations.
        let alike = policies.len() == 1
            && !case.is_update
            && policy.pod_security_labels.is_none()
            && case.exemptions.is_empty();
        for compiled in &policy.rules {
            if case.only.is_some_and(|only| compiled.action != only)
                || !parts.intersects(compiled.needs)
                || compiled.linux_only && is_windows
            {
                continue;
            }
            let sorting = Sorting { check: &*compiled.check, pod: case.pod, scope: case.scope };
            let sorting = (compiled.action == Action::Patch).then_some(sorting);
            // Each repair is made.
            let counted = alike && !compiled.exempted && (sorting.is_none() || case.stage != Stage::Mutate);
            findings.keep(if counted { case.told.max(1) } else { usize::MAX }, sorting);
            compiled.check.check(case.pod, &mut findings);
            // As nearly all are.
            if findings.is_empty() {
                continue;
            }
            let mut more = findings.more();
            found.extend(std::mem::take(&mut findings).into_vec().into_iter().map(|finding| {
                let repairable = sorting.is_some_and(|sorting| sorting.is_repairable(&finding));
                // The first one of a sort stands for those that are only counted.
                let more = more.get_mut(usize::from(repairable)).map(std::mem::take).unwrap_or_default();
                (*policy, compiled, finding, repairable, 1 + more)
            }));
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    let before = Before::new(old(), found.iter().map(|(_, compiled, ..)| *compiled));
    let whole = Whole::new(case.pod);
    let mut judged: Vec<Judged<'p>> = found
        .into_iter()
        .map(|(policy, compiled, finding, repairable, times)| {
            let exempt = policy.cover(case.exemptions, compiled.rule, &finding, case.namespace, &whole, case.today);
            let (effect, note) = effect(Facts {
                action: compiled.action,
                stage: case.stage,
                exempt,
                introduced: before.introduces(compiled, &finding),
                repairable,
                warn_until: policy.warn_until,
                today: case.today,
            });
            let exemption = exempt.map(|cover| cover.by);
            Judged { rule: compiled.rule, finding, policy: &policy.name, compiled, effect, note, exemption, times }
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

/// The violations of the old object. They only narrow what is judged again.
struct Before<'p> {
    violations: HashSet<(Place<'p>, String)>,
    /// For limits: the highest amount of each rule in each container.
    amounts: HashMap<Place<'p>, i128>,
}

impl<'p> Before<'p> {
    fn new(old: Option<&'p Pod<'p>>, rules: impl Iterator<Item = &'p CompiledRule>) -> Self {
        let mut before = Self { violations: HashSet::new(), amounts: HashMap::new() };
        let Some(old) = old else { return before };
        let mut seen: Vec<*const CompiledRule> = Vec::new();
        for compiled in rules {
            // Findings come grouped by rule, so the last one is enough to look at.
            if seen.last().is_some_and(|last| std::ptr::eq(*last, compiled)) {
                continue;
            }
            seen.push(compiled);
            for finding in findings(compiled, old) {
                let place = place(compiled, &finding);
                if let Some(amount) = finding.amount {
                    let highest = before.amounts.entry(place).or_insert(amount);
                    *highest = amount.max(*highest);
                }
                if finding.is_inherited() {
                    // The value stood in the pod before, whoever inherits it now.
                    before.violations.insert(((compiled.order, None), finding.found.to_string()));
                }
                before.violations.insert((place, finding.found.into_owned()));
            }
        }
        before
    }

    fn introduces(&self, compiled: &CompiledRule, finding: &Finding<'p>) -> bool {
        let place = place(compiled, finding);
        let milder = || {
            let before = self.amounts.get(&place);
            finding.amount.zip(before).is_some_and(|(now, before)| now <= *before)
        };
        let known = || self.violations.contains(&(place, finding.found.to_string()));
        !(known() || milder())
    }
}

fn place<'p>(compiled: &CompiledRule, finding: &Finding<'p>) -> Place<'p> {
    (compiled.order, finding.container().map(|c| (c.kind, &*c.container.name.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = jiff::civil::date(2026, 11, 22);

    fn facts(action: Action, stage: Stage) -> Facts<'static> {
        Facts { action, stage, exempt: None, introduced: true, repairable: true, warn_until: None, today: TODAY }
    }

    const fn exempt(until: Option<Date>) -> Cover<'static> {
        Cover { by: By::Policy(0), until }
    }

    #[test]
    fn the_labels_of_metrics_stay_what_they_are() {
        assert_eq!(Effect::ALL.map(Effect::as_str), ["exempt", "audit", "warn", "patch", "deny"]);
    }

    #[test]
    fn a_violation_that_was_there_only_warns() {
        for action in [Action::Deny, Action::Patch, Action::Warn] {
            for stage in [Stage::Mutate, Stage::Pod, Stage::Template] {
                let facts = Facts { introduced: false, ..facts(action, stage) };
                assert_eq!(effect(facts), (Effect::Warn, Some(Note::WasThere)));
            }
        }
    }

    #[test]
    fn patch_repairs_where_it_can_and_denies_what_is_left() {
        assert_eq!(effect(facts(Action::Patch, Stage::Mutate)).0, Effect::Patch);
        assert_eq!(effect(facts(Action::Patch, Stage::Template)), (Effect::Warn, Some(Note::WillBePatched)));
        assert_eq!(effect(facts(Action::Patch, Stage::Pod)).0, Effect::Deny);
        for stage in [Stage::Mutate, Stage::Pod, Stage::Template] {
            assert_eq!(effect(Facts { repairable: false, ..facts(Action::Patch, stage) }).0, Effect::Deny);
            assert_eq!(effect(facts(Action::Deny, stage)).0, Effect::Deny);
            assert_eq!(effect(facts(Action::Audit, stage)).0, Effect::Audit);
            assert_eq!(effect(facts(Action::Warn, stage)), (Effect::Warn, None));
        }
    }

    #[test]
    fn an_exemption_beats_every_action_and_warns_before_it_ends() {
        let far = TODAY.saturating_add(15.days());
        let near = TODAY.saturating_add(14.days());
        for action in Action::ALL {
            for until in [None, Some(far)] {
                let facts = Facts { exempt: Some(exempt(until)), ..facts(action, Stage::Pod) };
                assert_eq!(effect(facts), (Effect::Exempt, None));
            }
        }
        let ending = |action| effect(Facts { exempt: Some(exempt(Some(near))), ..facts(action, Stage::Pod) });
        assert_eq!(ending(Action::Deny), (Effect::Warn, Some(Note::ExemptUntil(near))));
        assert_eq!(ending(Action::Audit), (Effect::Exempt, None));
    }

    #[test]
    fn a_rollout_warns_up_to_its_last_day() {
        let on = |today| effect(Facts { warn_until: Some(TODAY), today, ..facts(Action::Deny, Stage::Pod) });
        assert_eq!(on(TODAY), (Effect::Warn, Some(Note::WarnedUntil(TODAY))));
        assert_eq!(on(TODAY.saturating_add(1.days())), (Effect::Deny, None));
        let patching = Facts { warn_until: Some(TODAY), ..facts(Action::Patch, Stage::Mutate) };
        assert_eq!(effect(patching).0, Effect::Patch);
    }
}
