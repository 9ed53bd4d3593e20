//! `kubectl exec`, `attach` and `port-forward`, and the proxy to a pod. The request has options and no pod, so the pod comes
//! from the facts.

mod images;

use super::{Conditions, Snapshot, about};
use crate::decide::{Case, Effect, Judged, Needed, Stage, judge};
use crate::facts::{FactAnswer, FactQuery, KeptPod, Known};
use crate::json::Raw;
use crate::outcome::{About, JudgedPod, Operation, Outcome, PodSecurity, Verdict};
use crate::policy::{CompiledPolicy, MatchInput};
use crate::review::Request;
use crate::rule::{Fix, Scope};
use crate::workload::{Connect, Pod, PodContext, Text, UnknownPod};
use crate::workload::{kinds, read::read_at};
use jiff::civil::Date;

pub(super) fn is_connect(request: &Request<'_>) -> bool {
    request.operation() != Operation::Delete
        && request.resource.group.is_empty()
        && *request.resource.resource == *"pods"
        && matches!(request.sub_resource.as_deref(), Some("exec" | "attach" | "portforward" | "proxy"))
}

pub(super) fn decide(request: &Request<'_>, conditions: &Conditions<'_>) -> Outcome {
    let Conditions { snapshot, today, .. } = *conditions;
    let mut about = about(request, None);
    // The pod is judged, whatever kind the options are.
    "Pod".clone_into(&mut about.kind);
    let labels = match snapshot.labels(&request.namespace) {
        Ok(labels) => labels,
        Err(query) => return Outcome::needs_fact(about, query),
    };
    let input = MatchInput {
        namespace: &request.namespace,
        labels,
        kind: "Pod",
        user: &request.user_info.username,
        groups: &request.user_info.groups,
    };
    let policies: Vec<&CompiledPolicy> = snapshot.policies.select(&input).filter(|p| p.judges_exec()).collect();
    if policies.is_empty() {
        return Outcome::allow(about);
    }
    let connection = Connection { request, snapshot, policies: &policies, today };
    if !snapshot.facts.cluster {
        return connection.unknown(about, UnknownPod::NoCluster);
    }
    let query = FactQuery::Pod { namespace: request.namespace.to_string(), name: request.name.to_string() };
    match snapshot.facts.pod(&request.namespace, &request.name) {
        Known::Is(kept) => match kept.raw() {
            Some(pod) => connection.known(about, Raw::new(pod.get()), kept, query),
            None => connection.unknown(about, UnknownPod::Unreadable),
        },
        // The API server refuses the request itself.
        Known::Absent => Outcome::allow(about),
        Known::Unknown => {
            if snapshot.facts.may_look_up(&query) {
                return Outcome::needs_fact(about, query);
            }
            connection.unknown(about, UnknownPod::NoAnswer)
        }
    }
}

/// A connection to a pod, and the policies that judge it.
struct Connection<'e, 'r> {
    request: &'e Request<'r>,
    snapshot: &'e Snapshot,
    policies: &'e [&'e CompiledPolicy],
    today: Date,
}

impl<'e> Connection<'e, '_> {
    fn known(&self, about: About, pod: Raw<'_>, kept: &KeptPod, query: FactQuery) -> Outcome {
        let pod = kinds::find("", "Pod").and_then(|kind| kind.pod(pod).ok()?);
        // Every pod has containers.
        let Some(pod) = pod.filter(|pod| pod.all_containers().next().is_some()) else {
            return self.unknown(about, UnknownPod::Unreadable);
        };
        let target = self.container().filter(|name| !name.is_empty());
        let exists = target.is_none_or(|name| pod.all_containers().any(|container| container.name == &*name));
        // A debug container may be newer than the pod that is known. After a lookup, the API server refuses what is missing.
        match self.snapshot.facts.answer_to(&query) {
            _ if exists => {}
            None => return Outcome::needs_fact(about, query),
            Some(FactAnswer::Nothing(_)) => return self.unknown(about, UnknownPod::NoAnswer),
            Some(_) => {}
        }
        let mut pod = self.connected(pod, None);
        if let Err(query) = self.add_images(&mut pod, kept) {
            return Outcome::needs_fact(about, query);
        }
        let judged = self.judged(&pod);
        self.outcome(about, &pod, judged)
    }

    /// # Errors
    /// The images that must be looked up first.
    fn add_images(&self, pod: &mut Pod<'_>, kept: &KeptPod) -> Result<(), FactQuery> {
        let mut rules = self.policies.iter().flat_map(|policy| &policy.rules).map(|compiled| compiled.rule);
        if !rules.any(|rule| rule.judges_exec() && rule.judges_images()) {
            return Ok(());
        }
        pod.context.images = images::known(pod, kept, &self.snapshot.facts, &self.request.namespace, self.today)?;
        Ok(())
    }

    /// The pod is not known, but its name is, and the container's name if the request has it: exemptions use those. Each rule
    /// decides itself whether it denies a connection to a pod that may be anything.
    fn unknown(&self, about: About, unknown: UnknownPod) -> Outcome {
        let container = self.container().unwrap_or_default();
        let text = serde_json::json!({"spec": {"containers": [{"name": *container}]}}).to_string();
        let pod = kinds::find("", "Pod").and_then(|kind| kind.pod(Raw::new(&text)).ok()?);
        let pod = self.connected(pod.unwrap_or_default(), Some(unknown));
        let judged = self.judged(&pod);
        let is_denied = |judged: &Judged<'_>| {
            let denies_unknown = unknown != UnknownPod::NoCluster && judged.compiled.check.denies_unknown();
            denies_unknown && (judged.effect == Effect::Deny || judged.held_back() == Some(Effect::Deny))
        };
        let (denied, unjudged): (Vec<_>, Vec<_>) = judged.into_iter().partition(is_denied);
        let outcome = self.outcome(about, &pod, denied);
        with_unjudged(outcome, unknown, &unjudged)
    }

    fn judged<'p>(&self, pod: &'p Pod<'p>) -> Vec<Judged<'p>>
    where
        'e: 'p,
    {
        let mut judged = judge(&self.case(pod), self.policies, || None);
        // The pod was admitted before. Only the rules that judge connections count here.
        judged.retain(|judged| judged.rule.judges_exec());
        debug_assert!(
            judged.iter().all(|judged| judged.effect != Effect::Patch),
            "rules that judge connections repair nothing"
        );
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
            needed: Needed::All,
            is_update: false,
            report_limit: self.snapshot.report_limit,
            ceiling: self.snapshot.ceiling,
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

    /// The container that the request names. Only exec and attach have one.
    fn container(&self) -> Option<Text<'e>> {
        let options = self
            .request
            .object()
            .filter(|_| matches!(self.request.sub_resource.as_deref(), Some("exec" | "attach")))?;
        read_at::<Text<'_>>(options, &["container".into()]).ok()?
    }
}

/// Adds the rules that could not judge the connection: it is admitted. The user is warned of the rules that deny or warn, and
/// an audit annotation has all of them.
fn with_unjudged(outcome: Outcome, unknown: UnknownPod, unjudged: &[Judged<'_>]) -> Outcome {
    let rules = |effects: &[Effect]| {
        let mut rules: Vec<&str> =
            unjudged.iter().filter(|judged| effects.contains(&judged.effect)).map(|judged| judged.rule.id).collect();
        rules.dedup();
        rules.join(", ")
    };
    let visible = rules(&[Effect::Deny, Effect::Warn]);
    let all = rules(&[Effect::Deny, Effect::Warn, Effect::Audit]);
    let mut pod_security = PodSecurity::default();
    if !visible.is_empty() && outcome.verdict != Verdict::Deny {
        let warning = format!("podreeve: {}, so {visible} did not judge who enters it", unknown.why());
        pod_security.warnings = vec![warning];
    }
    if !all.is_empty() {
        pod_security.annotations = vec![("unjudged", format!("{}: {all}", unknown.why()))];
    }
    let verdict = if pod_security.warnings.is_empty() { outcome.verdict } else { Verdict::Warn };
    Outcome { verdict, pod_security, ..outcome }
}
