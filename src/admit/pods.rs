//! Judges each pod of an object by itself, and makes one answer.

use super::images::ImageContext;
use super::{Conditions, Hook, about, context, pod_security, update};
use crate::decide::{Case, Change, Effect, Needed, Previous, Stage, judge, merged};
use crate::facts::FactQuery;
use crate::json::Raw;
use crate::outcome::{About, Help, JudgedPod, Operation, Outcome, PodSecurity};
use crate::policy::{CompiledPolicy, MatchInput};
use crate::review::Request;
use crate::rule::{Fix, Scope};
use crate::workload::{Kind, Placed, Templates};
use crate::workload::{kinds, read::Unreadable};
use std::cell::LazyCell;
use std::collections::HashMap;

/// The outcome for an object with pods.
pub(super) fn decide(request: &mut Request<'_>, kind: &Kind, conditions: &Conditions<'_>) -> Outcome {
    let about = about(request, Some(kind));
    let Some(object) = request.object() else {
        return Outcome::refused(about, "the request has no `object` to judge".to_owned());
    };
    let mut found = match request.take_pods(kind, object) {
        Ok(found) => found,
        Err(error) => return unreadable(about, error),
    };
    let labels = match conditions.snapshot.labels(&request.namespace) {
        Ok(labels) => labels,
        Err(query) => return Outcome::needs_fact(about, query),
    };
    let input = MatchInput {
        namespace: &request.namespace,
        labels,
        kind: &kind.kind,
        user: &request.user_info.username,
        groups: &request.user_info.groups,
    };
    let mut policies: Vec<&CompiledPolicy> = conditions.snapshot.policies.select(&input).collect();
    if conditions.hook == Hook::Mutate && !kind.is_pod() {
        let is_owned = policies.iter().any(|policy| policy.patch_templates) && kinds::is_owned(object);
        policies.retain(|policy| policy.patch_templates && !is_owned);
    }
    let judging = Judging { request, object, kind, conditions, input: &input, policies: &policies };
    if let Err(query) = judging.add_context(&mut found.pods) {
        return Outcome::needs_fact(about, query);
    }
    judging.outcome(about, found).with_hints(object, kind)
}

fn unreadable(about: About, error: Unreadable) -> Outcome {
    let field = if error.field.is_empty() { String::new() } else { format!(" `{}`", error.field) };
    let problem = format!("the object's field{field} could not be read: {}", error.in_words());
    Outcome { problem_at: Some(error.pointer), ..Outcome::refused(about, problem) }
}

/// A request, and what its pods are judged by.
pub(super) struct Judging<'j, 'r> {
    pub(super) request: &'j Request<'r>,
    pub(super) object: Raw<'r>,
    pub(super) kind: &'j Kind,
    pub(super) conditions: &'j Conditions<'j>,
    pub(super) input: &'j MatchInput<'j>,
    pub(super) policies: &'j [&'j CompiledPolicy],
}

/// The pods before the request, by their pointers. They are read late: most requests violate nothing, and then the old object
/// does not matter.
pub(super) type PreviousPods<'o, 'r> =
    LazyCell<HashMap<String, Placed<'r>>, Box<dyn FnOnce() -> HashMap<String, Placed<'r>> + 'o>>;

/// The result for one pod.
pub(super) struct PodResult<'p> {
    pub(super) pod: JudgedPod<'p>,
    pod_security: PodSecurity,
    change: Option<Change>,
}

/// Whom to ask, and where to read more: what the first policy says that denies something, or else any policy.
fn help(policies: &[&CompiledPolicy], pods: &[JudgedPod<'_>]) -> Help {
    let denied = || pods.iter().flat_map(|pod| &pod.judged).filter(|judged| judged.effect == Effect::Deny);
    if denied().next().is_none() {
        return Help::default();
    }
    let is_denying = |policy: &&&CompiledPolicy| denied().any(|judged| **judged.policy == *policy.name);
    let first = |text: fn(&CompiledPolicy) -> Option<&String>| {
        let denying = policies.iter().filter(is_denying).find_map(|policy| text(policy));
        denying.or_else(|| policies.iter().find_map(|policy| text(policy))).cloned()
    };
    Help { contact: first(|policy| policy.contact.as_ref()), docs: first(|policy| policy.docs.as_ref()) }
}

impl<'j, 'r> Judging<'j, 'r> {
    fn outcome(&self, about: About, found: Templates<'_>) -> Outcome {
        let previous: PreviousPods<'_, 'r> = LazyCell::new(Box::new(|| self.previous()));
        let report_limit = self.conditions.snapshot.report_limit;
        let mut results = Vec::with_capacity(found.pods.len());
        for placed in &found.pods {
            match self.pod(placed, &previous, (self.needed(), report_limit)) {
                Ok(result) => results.push(result),
                Err(problem) => return Outcome::refused(about, problem),
            }
        }
        self.soften_as_in_pods(self.object, (&found.pods, &mut results), &previous, self.needed());
        let repair = self.repair(&found.pods, &results, &previous);
        let (mut pods, mut pod_security, mut change) =
            (Vec::with_capacity(results.len()), PodSecurity::default(), None);
        for result in results {
            pods.push(result.pod);
            pod_security.add(result.pod_security);
            change = change.or(result.change);
        }
        let help = help(self.policies, &pods);
        let outcome = Outcome::judged(about, self.kind, pods, report_limit);
        let outcome = Outcome { repair, help, pod_security, change, ..outcome };
        // Each request reaches both hooks, and one of them reports it.
        if self.conditions.hook == Hook::Validate { outcome.with_unmet(found.unmet) } else { outcome }
    }

    /// # Errors
    /// The fact that must be looked up first.
    pub(super) fn add_context(&self, pods: &mut [Placed<'_>]) -> Result<(), FactQuery> {
        for placed in pods.iter_mut() {
            let facts = &self.conditions.snapshot.facts;
            placed.pod.context = context::of(&placed.pod, self.input.namespace, self.policies, facts)?;
        }
        self.images().add(pods)
    }

    fn images(&self) -> ImageContext<'_> {
        let Conditions { hook, snapshot, today, .. } = *self.conditions;
        let (facts, policies) = (&snapshot.facts, self.policies);
        let (namespace, labels) = (self.input.namespace, self.input.labels);
        ImageContext { facts, policies, in_force: &snapshot.policies.policies, hook, namespace, labels, today }
    }

    /// # Errors
    /// The pod cannot be admitted, because the labels of its namespace are not known.
    pub(super) fn pod<'p>(
        &self,
        placed: &'p Placed<'_>,
        previous: &'p PreviousPods<'_, 'r>,
        (needed, report_limit): (Needed, usize),
    ) -> Result<PodResult<'p>, String>
    where
        'j: 'p,
        'r: 'p,
    {
        let (pod, case) = (&*placed.pod, self.case(placed, needed, report_limit));
        let previous = LazyCell::new(|| {
            let old = previous.get(&placed.at)?;
            let objects = (self.object, self.request.old_object?);
            Some(Previous { pod: &old.pod, change: update::change(self.kind, objects, placed, old) })
        });
        let mut judged = judge(&case, self.policies, || *previous);
        let mut labels = PodSecurity::default();
        if self.conditions.hook == Hook::Validate {
            let sub_resource = self.request.sub_resource.as_deref().is_some_and(|sub| !sub.is_empty());
            let is_template = self.conditions.moment.only_warns(!self.kind.is_pod());
            let (input, audience) = (self.input, self.conditions.snapshot.audience);
            let (ceiling, today) = (self.conditions.snapshot.ceiling, self.conditions.today);
            let case = pod_security::LabelCase { input, is_template, sub_resource, audience, ceiling, today };
            let verdict = pod_security::judge(&case, self.policies, pod, || *previous)?;
            judged = merged(judged, verdict.judged);
            labels = verdict.pod_security;
        } else {
            // The validating hook reports the others.
            judged.retain(|j| j.effect == Effect::Patch);
        }
        let mut fix = Fix::new(case.scope);
        for j in judged.iter().filter(|j| j.effect == Effect::Patch) {
            j.compiled.check.repair(pod, &j.finding, &mut fix);
        }
        // Violations that the object may have had before are denied, and the denial says why.
        let may_be_old = judged.iter().any(|j| j.effect == Effect::Deny && (j.fixed || !self.kind.is_pod()));
        let change = if may_be_old { previous.and_then(|previous| previous.change) } else { None };
        Ok(PodResult { pod: JudgedPod { at: &placed.at, case, judged, fix }, pod_security: labels, change })
    }

    fn case<'p>(&self, placed: &'p Placed<'_>, needed: Needed, report_limit: usize) -> Case<'p>
    where
        'j: 'p,
    {
        let is_pod = self.kind.is_pod();
        Case {
            pod: &placed.pod,
            namespace: self.input.namespace,
            exemptions: &self.conditions.snapshot.policies.exemptions,
            stage: match self.conditions.hook {
                Hook::Mutate => Stage::Mutate,
                Hook::Validate if is_pod => Stage::Pod,
                Hook::Validate => Stage::Template,
            },
            scope: if self.is_update() && is_pod { Scope::Containers } else { Scope::Pod },
            needed,
            is_update: self.is_update(),
            report_limit,
            ceiling: self.conditions.snapshot.ceiling,
            today: self.conditions.today,
        }
    }

    /// The mutating webhook repairs, and the validating one reports the rest.
    const fn needed(&self) -> Needed {
        match self.conditions.hook {
            Hook::Mutate => Needed::Repairs,
            Hook::Validate if self.conditions.snapshot.reports_implied => Needed::Implied,
            Hook::Validate => Needed::All,
        }
    }

    fn is_update(&self) -> bool {
        self.request.operation() == Operation::Update
    }

    fn previous(&self) -> HashMap<String, Placed<'r>> {
        let old = self.request.old_object.filter(|_| self.is_update());
        // An old object that cannot be read makes no violation milder.
        let old = old.and_then(|old| self.kind.pods(old).ok()).unwrap_or_default();
        let mut pods = old.pods;
        for placed in &mut pods {
            let context =
                context::of(&placed.pod, &self.request.namespace, self.policies, &self.conditions.snapshot.facts);
            placed.pod.context = context.unwrap_or_default();
        }
        // An image that is gone is no question.
        drop(self.images().add(&mut pods));
        pods.into_iter().map(|placed| (placed.at.clone(), placed)).collect()
    }
}
