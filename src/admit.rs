//! How a request is answered. Everything here is pure: bytes and policies in, an outcome out.

mod context;
mod connect;
mod lookups;
mod namespace;
mod policy_objects;
mod pod_security;
mod pods;
mod reasons;
mod update;

use crate::effort::{self, End};
use crate::facts::{Facts, Known, Labels, FactQuery};
use crate::outcome::{About, Outcome};
use crate::policy::{CompiledPolicy, PolicySet, Subject};
use crate::review::{Request, Review, discreet::discreet, request, request::uid, response};
use crate::workload::{Kind, kinds};
use jiff::civil::Date;
pub use lookups::{Lookup, admit_guarded, judge_with_lookups};
use std::borrow::Cow;

/// Which webhook was called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// Repairs, and lets the rest go on to [`Hook::Validate`].
    Mutate,
    /// Judges.
    Validate,
}

impl Hook {
    pub const ALL: [Self; 2] = [Self::Mutate, Self::Validate];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mutate => "mutate",
            Self::Validate => "validate",
        }
    }
}

/// Who may read the answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Audience {
    /// The API server, and those to whom it hands them on.
    #[default]
    ApiServer,
    /// Whoever reaches the port: answers say nothing of the cluster.
    Anybody,
}

/// Everything that a request is judged by. Swapped as a whole.
#[derive(Debug, Clone)]
pub struct Snapshot {
    pub policies: PolicySet,
    pub facts: Facts,
    pub audience: Audience,
    /// How many violations an outcome tells in full; all are counted.
    pub report_limit: usize,
}

impl Snapshot {
    /// These policies, and no cluster around them.
    #[must_use]
    pub fn new(policies: PolicySet, report_limit: usize) -> Self {
        Self { policies, facts: Facts::default(), audience: Audience::default(), report_limit }
    }

    /// The labels of a namespace, as far as any policy asks for them.
    fn labels(&self, namespace: &str) -> Known<&Labels> {
        if self.policies.policies.iter().any(|policy| policy.asks_for_labels()) {
            self.facts.labels(namespace)
        } else {
            Known::Absent
        }
    }
}

/// Answers one AdmissionReview.
///
/// `today` (UTC) decides which exemptions still hold. The outcome always has a reply unless no uid
/// could be read; then [`Outcome::reply`] is empty and [`Outcome::problem`] says why.
#[must_use]
pub fn admit(body: &[u8], hook: Hook, snapshot: &Snapshot, today: Date) -> Outcome {
    admit_at(body, hook, Moment::Request, snapshot, today)
}

/// Answers as the validating webhook would for the pods that are made of the object: labels of a namespace, which only
/// warn of a template when it comes, deny what it makes.
#[must_use]
pub fn admit_as_created(body: &[u8], snapshot: &Snapshot, today: Date) -> Outcome {
    admit_at(body, Hook::Validate, Moment::PodCreation, snapshot, today)
}

/// When a template is judged by the labels of its namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// It comes; its pods are judged when they come.
    Request,
    /// Its pods are made.
    PodCreation,
}

impl Moment {
    /// Whether what the labels deny is only warned of.
    fn warns(self, template: bool) -> bool {
        template && self == Self::Request
    }
}

fn admit_at(body: &[u8], hook: Hook, moment: Moment, snapshot: &Snapshot, today: Date) -> Outcome {
    effort::begin();
    let read = request::text(body);
    let outcome = match read.and_then(Review::parse) {
        Ok((_, mut request)) => answer(&mut request, hook, moment, snapshot, today),
        Err(problem) => deny_unread(body, problem),
    };
    match (effort::end(), snapshot.audience) {
        // Whatever was decided by then was decided of a part.
        (Some(end), _) => ended(outcome.about, end),
        (None, Audience::ApiServer) => outcome,
        (None, Audience::Anybody) => discreet(outcome),
    }
}

/// The answer to a request that was not judged to its end.
fn ended(about: About, end: End) -> Outcome {
    let outcome = Outcome { ended: Some(end), ..Outcome::refused(about, end.problem().to_owned()) };
    response::finish(outcome)
}

/// The answer to a body that could not be read: an explicit denial wherever it has a uid.
#[must_use]
pub fn deny_unread(body: &[u8], problem: String) -> Outcome {
    refused(About { uid: uid(body).unwrap_or_default(), ..About::default() }, problem)
}

fn answer(request: &mut Request<'_>, hook: Hook, moment: Moment, snapshot: &Snapshot, today: Date) -> Outcome {
    if let Some(outcome) = without_pod(request, hook, snapshot, today) {
        return response::finish(outcome);
    }
    let kind = match pod_bearing(request, &snapshot.policies) {
        Ok(Some(kind)) => kind,
        Ok(None) => return response::finish(Outcome::allow(about(request, None))),
        Err(problem) => return refused(about(request, None), problem),
    };
    let about = about(request, Some(&kind));
    let Some(object) = request.object else {
        return refused(about, "the request has no `object` to judge".to_owned());
    };
    let mut found = match request.take_pods(&kind, object) {
        Ok(found) => found,
        Err(error) => {
            let field = if error.field.is_empty() { String::new() } else { format!(" `{}`", error.field) };
            let problem = format!("the object's field{field} could not be read: {}", error.in_words());
            let refused = Outcome { problem_at: Some(error.pointer), ..Outcome::refused(about, problem) };
            return response::finish(refused);
        }
    };
    let subject = Subject {
        namespace: &request.namespace,
        labels: snapshot.labels(&request.namespace),
        kind: &kind.kind,
        user: &request.user_info.username,
        groups: &request.user_info.groups,
    };
    if subject.labels == Known::Unknown {
        let wanted = FactQuery::Namespace(request.namespace.to_string());
        if snapshot.facts.may_ask(&wanted) {
            return response::finish(Outcome::needs_fact(about, wanted));
        }
    }
    let mut policies: Vec<&CompiledPolicy> = snapshot.policies.select(&subject).collect();
    if hook == Hook::Mutate && !kind.is_pod() {
        let owned = policies.iter().any(|p| p.patch_templates) && kinds::is_owned(object);
        policies.retain(|p| p.patch_templates && !owned);
    }
    for placed in &mut found.pods {
        match context::of(&placed.pod, &request.namespace, &policies, &snapshot.facts) {
            Ok(context) => placed.pod.context = context,
            Err(wanted) => return response::finish(Outcome::needs_fact(about, wanted)),
        }
    }
    let (kind, subject, policies) = (&*kind, &subject, &*policies);
    let judging = pods::Judging { request, object, kind, hook, moment, snapshot, subject, policies, today };
    match judging.outcome(about.clone(), found) {
        Ok(outcome) => response::finish(outcome.with_hints(object, kind)),
        Err(problem) => refused(about, problem),
    }
}

/// A namespace, an object of podreeve's own, or somebody who connects to a pod.
fn without_pod(request: &Request<'_>, hook: Hook, snapshot: &Snapshot, today: Date) -> Option<Outcome> {
    if hook != Hook::Validate {
        None
    } else if namespace::is_one(request) && request.brings_object() {
        Some(namespace::judge(request, snapshot, about(request, None)))
    } else if policy_objects::is_one(request) && request.brings_object() {
        Some(policy_objects::judge(request, about(request, None)))
    } else {
        connect::is_one(request).then(|| connect::decide(request, snapshot, today))
    }
}

fn about(request: &Request<'_>, kind: Option<&Kind>) -> About {
    About {
        uid: request.uid.to_string(),
        operation: request.operation.to_string(),
        kind: request.kind.kind.to_string(),
        sub_resource: request.sub_resource.as_deref().unwrap_or_default().to_owned(),
        namespace: request.namespace.to_string(),
        name: request.name.to_string(),
        user: request.user_info.username.to_string(),
        class: kind.map(|kind| kind.class).unwrap_or_default(),
    }
}

/// The kind whose pod is to be judged; none when the request carries no pod.
fn pod_bearing<'s>(request: &Request<'_>, policies: &'s PolicySet) -> Result<Option<Cow<'s, Kind>>, String> {
    if !request.brings_object() {
        return Ok(None);
    }
    if let Some(kind) = policies.kind(&request.kind.group, &request.kind.kind) {
        return Ok(Some(kind));
    }
    // Sub-resources of pods that are known to carry no pod. Anything else might.
    let of_pods = request.resource.group.is_empty() && *request.resource.resource == *"pods";
    match request.sub_resource.as_deref() {
        Some("binding" | "eviction" | "exec" | "attach" | "portforward" | "proxy" | "log") => Ok(None),
        sub if of_pods => Err(format!(
            "pods/{} with a {} is not known to podreeve",
            crate::text::clean(sub.unwrap_or_default(), 60),
            crate::text::clean(&request.kind.kind, 60)
        )),
        _ => Ok(None),
    }
}

fn refused(about: About, problem: String) -> Outcome {
    response::finish(Outcome::refused(about, problem))
}
