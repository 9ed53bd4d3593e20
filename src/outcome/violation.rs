//! A violation, as the reply, the reports and the scan describe it.

use super::{JudgedPod, SharedText, SubjectRef};
use crate::decide::{Effect, Judged, Note, Stage};
use crate::facts::FactKinds;
use crate::policy::{Action, AppliedExemption, ExemptionSource};
use crate::rule::{Fix, Rule, Severity};
use jiff::civil::Date;
use std::borrow::Cow;
use std::ops::Range;
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
    pub field: SharedText,
    /// How many bytes of the pointer exist in the object.
    pub present: usize,
    pub found: SharedText,
    pub wanted: Cow<'static, str>,
    pub why: Cow<'static, str>,
    /// What to do where no edit repairs it, as a clause of a sentence; empty where the edits always do.
    pub instead: &'static str,
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

/// A violation whose texts are written, and where they are.
struct Written<'a, 'p> {
    pod: &'a JudgedPod<'p>,
    judged: &'a Judged<'p>,
    field: Range<usize>,
    /// How many bytes of the field exist.
    present: usize,
    found: Range<usize>,
}

/// Room for the texts of a violation.
const TEXTS: usize = 112;

/// Describes violations, of which there are `most` at most.
pub(crate) fn described<'a, 'p: 'a>(
    violations: impl Iterator<Item = (&'a JudgedPod<'p>, &'a Judged<'p>)>,
    most: usize,
) -> Vec<Violation> {
    let mut texts = String::with_capacity(most.saturating_mul(TEXTS));
    let mut written = Vec::with_capacity(most);
    written.extend(violations.map(|(pod, judged)| {
        let begin = texts.len();
        let present = judged.finding.at.push_absolute(&mut texts, pod.at);
        let end = texts.len();
        texts.push_str(&judged.finding.found);
        Written { pod, judged, field: begin..end, present, found: end..texts.len() }
    }));
    let mut described: Vec<Violation> = Vec::with_capacity(written.len());
    if written.is_empty() {
        return described;
    }
    let texts: Arc<str> = texts.into();
    for written in written {
        // Violations of one pod follow each other.
        let at = match described.last() {
            Some(last) if *last.pod == *written.pod.at => Arc::clone(&last.pod),
            _ => written.pod.at.into(),
        };
        let known = described.last().map(|last| &last.subject);
        described.push(Violation::new(&written, &texts, at, known));
    }
    described
}

impl Violation {
    /// `at` is the JSON pointer from the object to the pod. `known` is the subject of the violation before this one.
    fn new(written: &Written<'_, '_>, texts: &Arc<str>, at: Arc<str>, known: Option<&SubjectRef>) -> Self {
        let (judged, case) = (written.judged, &written.pod.case);
        let (finding, check) = (&judged.finding, &judged.compiled.check);
        let repairable = !judged.fixed && check.repair(case.pod, finding, &mut Fix::probe(case.scope));
        Self {
            rule: judged.rule,
            policy: Arc::clone(judged.policy),
            action: judged.compiled.action,
            effect: judged.effect,
            severity: judged.severity(),
            subject: SubjectRef::of(finding, known),
            pod: at,
            field: SharedText::new(texts, written.field.clone()),
            present: written.present,
            found: SharedText::new(texts, written.found.clone()),
            wanted: finding.wanted.clone(),
            why: finding.why.clone().unwrap_or(Cow::Borrowed(judged.rule.why)),
            instead: finding.instead.unwrap_or(judged.rule.instead()),
            from_cluster: case.pod.context.connect.is_some()
                || check.facts().intersects(FactKinds::NETWORK_POLICIES | FactKinds::IMAGES),
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
