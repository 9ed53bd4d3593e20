//! A violation, as the reply, the reports and the scan describe it.

use super::SubjectRef;
use crate::decide::{Case, Effect, Judged, Note, Stage};
use crate::facts::FactKinds;
use crate::policy::{Action, AppliedExemption, ExemptionSource};
use crate::rule::{Fix, NOT_SET, Rule, Severity};
use jiff::civil::Date;
use std::borrow::Cow;
use std::sync::Arc;

/// One violation, described in full.
#[derive(Debug, Clone)]
pub struct Violation {
    pub rule: &'static Rule,
    pub policy: Arc<str>,
    pub action: Action,
    pub effect: Effect,
    pub severity: Severity,
    pub subject: SubjectRef,
    /// JSON pointer to the pod in the object that was sent; empty for a Pod.
    pub pod: Arc<str>,
    /// JSON pointer to the judged field, which may be absent, in the object that was sent.
    pub field: String,
    /// How many bytes of the pointer exist in the object.
    pub present: usize,
    pub found: Cow<'static, str>,
    pub wanted: Cow<'static, str>,
    pub why: Cow<'static, str>,
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

/// The texts of most findings are one of these.
const COMMON: [&str; 4] = [NOT_SET, "false", "true", "0 (root)"];

fn found(text: &str) -> Cow<'static, str> {
    match COMMON.iter().find(|common| **common == text) {
        Some(common) => Cow::Borrowed(common),
        None => Cow::Owned(text.to_owned()),
    }
}

impl Violation {
    /// `pod` is the JSON pointer from the object to the pod of the case.
    pub(super) fn new(judged: &Judged<'_>, case: &Case<'_>, pod: &Arc<str>, known: Option<&SubjectRef>) -> Self {
        let (finding, check) = (&judged.finding, &judged.compiled.check);
        let repairable = !judged.fixed && check.repair(case.pod, finding, &mut Fix::probe(case.scope));
        let mut field = String::with_capacity(96);
        let present = finding.at.push_absolute(&mut field, pod);
        Self {
            rule: judged.rule,
            policy: Arc::clone(judged.policy),
            action: judged.compiled.action,
            effect: judged.effect,
            severity: judged.severity(),
            subject: SubjectRef::of(finding, known),
            pod: Arc::clone(pod),
            field,
            present,
            found: found(&finding.found),
            wanted: finding.wanted.clone(),
            why: finding.why.clone().unwrap_or(Cow::Borrowed(judged.rule.why)),
            from_cluster: case.pod.context.connect.is_some() || check.facts().contains(FactKinds::NETWORK_POLICIES),
            stage: case.stage,
            note: judged.note,
            exemption: judged.exemption.map(CoveringExemption::new),
            repairable,
        }
    }

    /// JSON pointer to the deepest part of [`Self::field`] that exists: it resolves in the object that was sent.
    #[must_use]
    pub fn pointer(&self) -> &str {
        self.field.get(..self.present).unwrap_or(&self.field)
    }
}
