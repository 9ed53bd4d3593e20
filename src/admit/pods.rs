//! The pods of an object, each judged by itself; the answer is one.

use super::{Hook, Moment, Snapshot, context, pod_security, update};
use crate::decide::{Case, Change, Effect, Previous, Stage, judge, merged};
use crate::json::Raw;
use crate::outcome::{About, JudgedPod, Outcome, PodSecurity};
use crate::policy::{Action, CompiledPolicy, Subject};
use crate::review::{Operation, Request};
use crate::rule::{Fix, Scope};
use crate::workload::{Kind, Placed, Templates};
use jiff::civil::Date;
use std::cell::LazyCell;
use std::collections::HashMap;

/// What the pods of one request are judged by.
pub(super) struct Judging<'j, 'r> {
    pub request: &'j Request<'r>,
    pub object: Raw<'r>,
    pub kind: &'j Kind,
    pub hook: Hook,
    pub moment: Moment,
    pub snapshot: &'j Snapshot,
    pub subject: &'j Subject<'j>,
    pub policies: &'j [&'j CompiledPolicy],
    pub today: Date,
}

/// The pods as they were before the request, by where they stood. Read late: most requests violate nothing, and then
/// the old object does not matter.
type Before<'o, 'r> = LazyCell<HashMap<String, Placed<'r>>, Box<dyn FnOnce() -> HashMap<String, Placed<'r>> + 'o>>;

/// What was found in one pod.
struct Found<'p> {
    pod: JudgedPod<'p>,
    told: PodSecurity,
    change: Option<Change>,
}

impl<'j, 'r> Judging<'j, 'r> {
    /// # Errors
    /// When a pod cannot be let in, because nobody knows the labels.
    pub fn outcome(&self, about: About, found: Templates<'_>) -> Result<Outcome, String> {
        let before: Before<'_, 'r> = LazyCell::new(Box::new(|| self.before()));
        let (mut pods, mut told, mut change) = (Vec::with_capacity(found.pods.len()), PodSecurity::default(), None);
        for placed in &found.pods {
            let found = self.pod(placed, &before)?;
            pods.push(found.pod);
            told.add(found.told);
            change = change.or(found.change);
        }
        let outcome = Outcome::judged(about, self.kind, pods, self.snapshot.report_limit);
        let outcome = Outcome { pod_security: told, change, ..outcome };
        // Told once, by the hook that judges.
        Ok(if self.hook == Hook::Validate { outcome.with_unmet(found.unmet) } else { outcome })
    }

    fn pod<'p>(&self, placed: &'p Placed<'_>, before: &'p Before<'_, 'r>) -> Result<Found<'p>, String>
    where
        'j: 'p,
        'r: 'p,
    {
        let (pod, case) = (&*placed.pod, self.case(placed));
        let previous = LazyCell::new(|| {
            let old = before.get(&placed.at)?;
            let objects = (self.object, self.request.old_object?);
            Some(Previous { pod: &old.pod, change: update::change(self.kind, objects, placed, old) })
        });
        let mut judged = judge(&case, self.policies, || *previous);
        let mut told = PodSecurity::default();
        if self.hook == Hook::Validate {
            let sub_resource = self.request.sub_resource.as_deref().is_some_and(|sub| !sub.is_empty());
            let template = self.moment.warns(!self.kind.is_pod());
            let (subject, audience) = (self.subject, self.snapshot.audience);
            let asking = pod_security::Asking { subject, template, sub_resource, audience };
            let said = pod_security::judge(&asking, self.policies, pod, || *previous)?;
            judged = merged(judged, said.judged);
            told = said.told;
        } else {
            // The rest is told once, by the hook that judges.
            judged.retain(|j| j.effect == Effect::Patch);
        }
        let mut fix = Fix::new(case.scope);
        for j in judged.iter().filter(|j| j.effect == Effect::Patch) {
            j.compiled.check.repair(pod, &j.finding, &mut fix);
        }
        // What was there counts, and the denial says why.
        let was_there = judged.iter().any(|j| j.effect == Effect::Deny && (j.fixed || !self.kind.is_pod()));
        let change = if was_there { previous.and_then(|previous| previous.change) } else { None };
        Ok(Found { pod: JudgedPod { at: &placed.at, case, judged, fix }, told, change })
    }

    fn case<'p>(&self, placed: &'p Placed<'_>) -> Case<'p>
    where
        'j: 'p,
    {
        let is_pod = self.kind.is_pod();
        Case {
            pod: &placed.pod,
            namespace: self.subject.namespace,
            exemptions: &self.snapshot.policies.exemptions,
            stage: match self.hook {
                Hook::Mutate => Stage::Mutate,
                Hook::Validate if is_pod => Stage::Pod,
                Hook::Validate => Stage::Template,
            },
            scope: if self.is_update() && is_pod { Scope::Containers } else { Scope::Pod },
            only: (self.hook == Hook::Mutate).then_some(Action::Patch),
            is_update: self.is_update(),
            told: self.snapshot.report_limit,
            today: self.today,
        }
    }

    fn is_update(&self) -> bool {
        self.request.operation() == Operation::Update
    }

    fn before(&self) -> HashMap<String, Placed<'r>> {
        let old = self.request.old_object.filter(|_| self.is_update());
        // An old object that cannot be read excuses nothing.
        let old = old.and_then(|old| self.kind.pods(old).ok()).unwrap_or_default();
        let known = |mut placed: Placed<'r>| {
            let context = context::of(&placed.pod, &self.request.namespace, self.policies, &self.snapshot.facts);
            placed.pod.context = context.unwrap_or_default();
            (placed.at.clone(), placed)
        };
        old.pods.into_iter().map(known).collect()
    }
}
