//! `kubectl exec`, `attach` and `port-forward`, and the proxy to a pod: the request carries options and no pod, so the
//! pod is one of those that are known.

use super::{Conditions, Snapshot, about};
use crate::decide::{Case, Effect, Judged, Stage, judge};
use crate::facts::{FactAnswer, FactQuery, Known};
use crate::json::Raw;
use crate::outcome::{About, JudgedPod, Outcome, PodSecurity};
use crate::policy::{CompiledPolicy, Subject};
use crate::review::{Operation, Request};
use crate::rule::{Fix, Scope};
use crate::workload::{Connect, Pod, PodContext, Text, UnknownPod};
use crate::workload::{kinds, read::read_at};
use jiff::civil::Date;

pub(super) fn is_one(request: &Request<'_>) -> bool {
    request.operation() != Operation::Delete
        && request.resource.group.is_empty()
        && *request.resource.resource == *"pods"
        && matches!(request.sub_resource.as_deref(), Some("exec" | "attach" | "portforward" | "proxy"))
}

pub(super) fn decide(request: &Request<'_>, conditions: &Conditions<'_>) -> Outcome {
    let Conditions { snapshot, today, .. } = *conditions;
    let mut about = about(request, None);
    // What is judged is the pod, whatever its options are called.
    "Pod".clone_into(&mut about.kind);
    let labels = match snapshot.labels(&request.namespace) {
        Ok(labels) => labels,
        Err(query) => return Outcome::needs_fact(about, query),
    };
    let subject = Subject {
        namespace: &request.namespace,
        labels,
        kind: "Pod",
        user: &request.user_info.username,
        groups: &request.user_info.groups,
    };
    let policies: Vec<&CompiledPolicy> = snapshot.policies.select(&subject).filter(|p| p.judges_exec()).collect();
    if policies.is_empty() {
        return Outcome::allow(about);
    }
    let entry = Entry { request, snapshot, policies: &policies, today };
    if !snapshot.facts.cluster {
        return entry.unknown(about, UnknownPod::NoCluster);
    }
    let wanted = FactQuery::Pod { namespace: request.namespace.to_string(), name: request.name.to_string() };
    match snapshot.facts.pod(&request.namespace, &request.name) {
        Known::Is(kept) => match kept.raw() {
            Some(pod) => entry.known(about, Raw::new(pod.get()), wanted),
            None => entry.unknown(about, UnknownPod::Unreadable),
        },
        // The API server says so itself.
        Known::Absent => Outcome::allow(about),
        Known::Unknown => {
            if snapshot.facts.may_ask(&wanted) {
                return Outcome::needs_fact(about, wanted);
            }
            entry.unknown(about, UnknownPod::NoAnswer)
        }
    }
}

/// Somebody connects, and these policies judge it.
struct Entry<'e, 'r> {
    request: &'e Request<'r>,
    snapshot: &'e Snapshot,
    policies: &'e [&'e CompiledPolicy],
    today: Date,
}

impl<'e> Entry<'e, '_> {
    fn known(&self, about: About, pod: Raw<'_>, wanted: FactQuery) -> Outcome {
        let pod = kinds::find("", "Pod").and_then(|kind| kind.pod(pod).ok()?);
        // No pod is without containers.
        let Some(pod) = pod.filter(|pod| pod.all_containers().next().is_some()) else {
            return self.unknown(about, UnknownPod::Unreadable);
        };
        let named = self.container().filter(|name| !name.is_empty());
        let is_there = named.is_none_or(|name| pod.all_containers().any(|container| container.name == name));
        // A debug container may have come this instant. Once the API server has shown the pod, it says itself what is missing.
        match self.snapshot.facts.was_asked(&wanted) {
            _ if is_there => {}
            None => return Outcome::needs_fact(about, wanted),
            Some(FactAnswer::Nothing(_)) => return self.unknown(about, UnknownPod::NoAnswer),
            Some(_) => {}
        }
        let pod = self.connected(pod, None);
        let judged = self.judged(&pod);
        self.outcome(about, &pod, judged)
    }

    /// A pod of which the name is known, and the container's if the request has it: exemptions go by those. What the
    /// rules about it make of a pod that may be anything, they decide themselves.
    fn unknown(&self, about: About, unknown: UnknownPod) -> Outcome {
        let container = self.container().unwrap_or_default();
        let text = serde_json::json!({"spec": {"containers": [{"name": *container}]}}).to_string();
        let pod = kinds::find("", "Pod").and_then(|kind| kind.pod(Raw::new(&text)).ok()?);
        let pod = self.connected(pod.unwrap_or_default(), Some(unknown));
        let judged = self.judged(&pod);
        let keeps_out = |judged: &Judged<'_>| {
            let denies = unknown != UnknownPod::NoCluster && judged.compiled.check.denies_unknown();
            denies && judged.effect == Effect::Deny
        };
        let (denied, rest): (Vec<_>, Vec<_>) = judged.into_iter().partition(keeps_out);
        let outcome = self.outcome(about, &pod, denied);
        unjudged(outcome, unknown, &rest)
    }

    fn judged<'p>(&self, pod: &'p Pod<'p>) -> Vec<Judged<'p>>
    where
        'e: 'p,
    {
        let mut judged = judge(&self.case(pod), self.policies, || None);
        // The pod was let in already; here only those count that judge who enters it.
        judged.retain(|judged| judged.rule.judges_exec());
        debug_assert!(judged.iter().all(|judged| judged.effect != Effect::Patch), "these rules repair nothing");
        judged
    }

    fn outcome<'p>(&self, about: About, pod: &'p Pod<'p>, judged: Vec<Judged<'p>>) -> Outcome
    where
        'e: 'p,
    {
        let Some(kind) = kinds::find("", "Pod") else { return Outcome::allow(about) };
        let pod = JudgedPod { at: "", case: self.case(pod), judged, fix: Fix::new(Scope::Pod) };
        Outcome::judged(about, kind, vec![pod], self.snapshot.report_limit)
    }

    fn case<'p>(&self, pod: &'p Pod<'p>) -> Case<'p>
    where
        'e: 'p,
    {
        Case {
            pod,
            namespace: &self.request.namespace,
            exemptions: &self.snapshot.policies.exemptions,
            stage: Stage::Pod,
            scope: Scope::Pod,
            only: None,
            is_update: false,
            report_limit: self.snapshot.report_limit,
            today: self.today,
        }
    }

    fn connected<'p>(&self, pod: Pod<'p>, unknown: Option<UnknownPod>) -> Pod<'p>
    where
        'e: 'p,
    {
        let context =
            PodContext { connect: Some(Connect { container: self.container(), unknown }), ..PodContext::default() };
        Pod { context, ..pod }
    }

    /// Only these name one.
    fn container(&self) -> Option<Text<'e>> {
        let options = self
            .request
            .object()
            .filter(|_| matches!(self.request.sub_resource.as_deref(), Some("exec" | "attach")))?;
        read_at::<Text<'_>>(options, &["container".into()]).ok()?
    }
}

/// What would have been judged, had anybody known the pod: the caller gets in, and hears of it unless it is for
/// reports alone.
fn unjudged(outcome: Outcome, unknown: UnknownPod, rest: &[Judged<'_>]) -> Outcome {
    let rules = |effects: &[Effect]| {
        let mut rules: Vec<&str> =
            rest.iter().filter(|judged| effects.contains(&judged.effect)).map(|judged| judged.rule.id).collect();
        rules.dedup();
        rules.join(", ")
    };
    let (heard, all) = (rules(&[Effect::Deny, Effect::Warn]), rules(&[Effect::Deny, Effect::Warn, Effect::Audit]));
    let mut told = PodSecurity::default();
    if !heard.is_empty() && outcome.verdict != crate::outcome::Verdict::Deny {
        told.warnings = vec![format!("podreeve: {}, so {heard} did not judge who enters it", unknown.why())];
    }
    if !all.is_empty() {
        told.annotations = vec![("unjudged", format!("{}: {all}", unknown.why()))];
    }
    let verdict = if told.warnings.is_empty() { outcome.verdict } else { crate::outcome::Verdict::Warn };
    Outcome { verdict, pod_security: told, ..outcome }
}
