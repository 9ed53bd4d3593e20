//! `kubectl exec` and `attach`: the request carries options and no pod, so the pod is one of those that are known.

use super::{Snapshot, about};
use crate::decide::{Case, Effect, Stage, judge};
use crate::facts::{Known, Wanted};
use crate::json::Raw;
use crate::outcome::{Outcome, PodSecurity};
use crate::policy::{CompiledPolicy, Subject};
use crate::review::{Operation, Request};
use crate::rules::{Fix, Scope};
use crate::workload::kinds::{self, read_at};
use crate::workload::{Around, Connect, Pod, Text};
use jiff::civil::Date;

pub(super) fn is_one(request: &Request<'_>) -> bool {
    request.operation() != Operation::Delete
        && request.resource.group.is_empty()
        && *request.resource.resource == *"pods"
        && matches!(request.sub_resource.as_deref(), Some("exec" | "attach"))
}

pub(super) fn decide(request: &Request<'_>, snapshot: &Snapshot, today: Date) -> Outcome {
    let mut about = about(request, None);
    // What is judged is the pod, whatever its options are called.
    "Pod".clone_into(&mut about.kind);
    let subject = Subject {
        namespace: &request.namespace,
        labels: snapshot.labels(&request.namespace),
        kind: "Pod",
        user: &request.user_info.username,
        groups: &request.user_info.groups,
    };
    let wanted = Wanted::Namespace(request.namespace.to_string());
    if subject.labels == Known::Unknown && snapshot.facts.may_ask(&wanted) {
        return Outcome::wanting(about, wanted);
    }
    let policies: Vec<&CompiledPolicy> = snapshot.policies.select(&subject).filter(|p| p.judges_connects()).collect();
    let Some(kind) = kinds::find("", "Pod").filter(|_| !policies.is_empty()) else { return Outcome::allow(about) };
    let kept = match snapshot.facts.pod(&request.namespace, &request.name) {
        Known::Is(kept) => kept,
        // The API server says so itself.
        Known::Absent => return Outcome::allow(about),
        Known::Unknown => {
            let wanted = Wanted::Pod { namespace: request.namespace.to_string(), name: request.name.to_string() };
            if snapshot.facts.may_ask(&wanted) {
                return Outcome::wanting(about, wanted);
            }
            return unjudged(about);
        }
    };
    let Some(Ok(Some(pod))) = kept.raw().map(|raw| kind.pod(Raw::new(raw.get()))) else { return unjudged(about) };
    let container = request.object.and_then(|options| read_at::<Text<'_>>(options, &["container".into()]).ok()?);
    let around = Around { connect: Some(Connect { container }), ..Around::default() };
    let pod = Pod { around, ..pod };
    let case = Case {
        pod: &pod,
        namespace: &request.namespace,
        exemptions: &snapshot.policies.exemptions,
        stage: Stage::Pod,
        scope: Scope::Pod,
        only: None,
        is_update: false,
        told: snapshot.report_limit,
        today,
    };
    let mut judged = judge(&case, &policies, || None);
    // The pod was let in already; here only those count that judge who enters it.
    judged.retain(|judged| judged.compiled.check.judges_connects());
    debug_assert!(judged.iter().all(|judged| judged.effect != Effect::Patch), "these rules repair nothing");
    Outcome::judged(about, &case, kind, &judged, Fix::new(case.scope), snapshot.report_limit)
}

/// Nobody is locked out because podreeve could not look.
fn unjudged(about: crate::outcome::About) -> Outcome {
    let warning = "podreeve: the pod could not be looked at in time, so nobody judged who enters it".to_owned();
    let annotations = vec![("unjudged", "the pod could not be looked at in time".to_owned())];
    Outcome::labelled(about, PodSecurity { warnings: vec![warning], annotations, ..PodSecurity::default() })
}
