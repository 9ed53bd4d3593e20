//! A violation, as the reply, the reports and the scan describe it.

use super::SubjectRef;
use crate::decide::{Case, Effect, Judged, Note, Stage};
use crate::facts::FactKinds;
use crate::patch::absolute;
use crate::policy::{Action, AppliedExemption, ExemptionSource};
use crate::rule::{Fix, Rule, Severity};
use jiff::civil::Date;

/// One violation, described in full.
#[derive(Debug, Clone)]
pub struct Violation {
    pub rule: &'static Rule,
    pub policy: String,
    pub action: Action,
    pub effect: Effect,
    pub severity: Severity,
    pub subject: SubjectRef,
    /// JSON pointer to the pod in the object that was sent; empty for a Pod.
    pub pod: String,
    /// JSON pointer into the object that was sent; it resolves there.
    pub pointer: String,
    /// JSON pointer to the judged field, which may be absent.
    pub field: String,
    pub found: String,
    pub wanted: String,
    pub why: String,
    /// What was found is in the cluster, and not in the request.
    pub from_cluster: bool,
    pub stage: Stage,
    /// Why it is not denied.
    pub note: Option<Note>,
    /// The exemption that covers it.
    pub exemption: Option<CoveringExemption>,
    /// The mutating webhook can repair it.
    pub repairable: bool,
}

/// The exemption that covers a violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoveringExemption {
    /// `spec.exemptions[0]` of the violation's policy, or `Exemption namespace/name`.
    pub name: String,
    /// The last day on which it holds; none when it has no end.
    pub until: Option<Date>,
}

impl CoveringExemption {
    fn new(applied: AppliedExemption<'_>) -> Self {
        let name = match applied.by {
            ExemptionSource::Policy(index) => format!("spec.exemptions[{index}]"),
            ExemptionSource::Object(name) => format!("Exemption {name}"),
        };
        Self { name, until: applied.until }
    }
}

impl Violation {
    /// `pod` is the JSON pointer from the object to the pod of the case.
    pub(crate) fn new(judged: &Judged<'_>, case: &Case<'_>, pod: &str) -> Self {
        let (finding, check) = (&judged.finding, &judged.compiled.check);
        let repairable = !judged.fixed && check.repair(case.pod, finding, &mut Fix::probe(case.scope));
        Self {
            rule: judged.rule,
            policy: judged.policy.to_owned(),
            action: judged.compiled.action,
            effect: judged.effect,
            severity: judged.severity(),
            subject: SubjectRef::of(finding),
            pod: pod.to_owned(),
            pointer: absolute(pod, &finding.at.pointer()),
            field: absolute(pod, &finding.at.field()),
            found: finding.found.to_string(),
            wanted: finding.wanted.to_string(),
            why: finding.why.as_deref().unwrap_or(judged.rule.why).to_owned(),
            from_cluster: case.pod.context.connect.is_some() || check.facts().contains(FactKinds::NETWORK_POLICIES),
            stage: case.stage,
            note: judged.note,
            exemption: judged.exemption.map(CoveringExemption::new),
            repairable,
        }
    }
}
