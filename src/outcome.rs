//! The outcome of a request: the decision, for the reply, the log, the metrics and the reports.

mod about;
mod pod_security;
mod repair;
mod severities;
mod shared_text;
mod subject;
mod verdict;
mod violation;

use crate::decide::{Case, Change, Effect, Judged, Stage};
use crate::effort::End;
use crate::facts::FactQuery;
use crate::json::Raw;
use crate::policy::Mode;
use crate::rule::Fix;
use crate::workload::fields::{self, Hint};
use crate::workload::{Kind, Unmet};
pub use about::{About, Operation};
use json_patch::PatchOperation;
pub use pod_security::PodSecurity;
pub use repair::Repair;
pub use severities::{Severities, displayed};
pub use shared_text::SharedText;
pub use subject::SubjectRef;
pub use verdict::Verdict;
pub(crate) use violation::described;
pub use violation::{CoveringExemption, Violation};

/// Larger objects are not searched for misspelt keys.
const HINTS_MAX_BYTES: usize = 1024 * 1024;

/// A pod of an object, with its violations.
pub(crate) struct JudgedPod<'p> {
    /// JSON pointer from the object to the pod.
    pub at: &'p str,
    pub case: Case<'p>,
    pub judged: Vec<Judged<'p>>,
    pub fix: Fix,
}

/// How often a rule was violated with one effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub rule: &'static str,
    pub effect: Effect,
    pub count: usize,
    pub held_back: HeldBack,
}

/// How many violations mode deny would have denied or repaired, where the running mode did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct HeldBack {
    pub deny: usize,
    pub patch: usize,
}

impl HeldBack {
    fn add(&mut self, judged: &Judged<'_>) {
        match judged.held_back() {
            Some(Effect::Deny) => self.deny += judged.count,
            Some(Effect::Patch) => self.patch += judged.count,
            Some(Effect::Exempt | Effect::Audit | Effect::Warn) | None => {}
        }
    }
}

/// What the policies say to the author of an object that is denied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Help {
    /// Who decides about exemptions.
    pub contact: Option<String>,
    /// The address under which each rule has a page.
    pub docs: Option<String>,
}

/// The decision about a request.
#[derive(Debug)]
pub struct Outcome {
    pub about: About,
    pub verdict: Verdict,
    /// The mode in which it was decided.
    pub mode: Mode,
    pub stage: Stage,
    /// Ordered by container, then rule. There are at most `report_limit` of the denied ones, and as many of the others: the
    /// worst.
    pub violations: Vec<Violation>,
    /// The counts of all violations, ordered by rule.
    pub tallies: Vec<Tally>,
    /// The same counts, by severity.
    pub severities: Severities,
    pub patch: Vec<PatchOperation>,
    /// The edit that repairs what is denied or reported; none where nothing needs one, or where there is too much.
    pub repair: Option<Repair>,
    /// Whom to ask, and where to read more, about a denial.
    pub help: Help,
    /// Why the request could not be judged.
    pub problem: Option<String>,
    /// Why judging ended early, where that is the problem.
    pub ended: Option<End>,
    /// JSON pointer to the field that could not be read.
    pub problem_at: Option<String>,
    /// Keys of a denied object that are misspelt or misplaced.
    pub hints: Vec<Hint>,
    /// A fact that is missing: it must be looked up before the request is judged again.
    pub missing_fact: Option<FactQuery>,
    pub pod_security: PodSecurity,
    /// Paths of the policies that led to no pod in the object.
    pub unmet: Vec<Unmet>,
    /// Why an update was judged as a creation; set when it is denied.
    pub change: Option<Change>,
    /// The part that the reply leaves out, for the log.
    pub hidden: String,
    /// Why an object that no rule judges (a namespace, a Policy) is refused: each field and its fault.
    pub invalid: Vec<(String, String)>,
    /// The AdmissionReview to send back; empty when the request had no uid to answer to.
    pub reply: Vec<u8>,
}

impl Outcome {
    pub(crate) fn allow(about: About) -> Self {
        Self {
            about,
            verdict: Verdict::Allow,
            mode: Mode::Deny,
            stage: Stage::Pod,
            violations: Vec::new(),
            tallies: Vec::new(),
            severities: Severities::default(),
            patch: Vec::new(),
            repair: None,
            help: Help::default(),
            problem: None,
            ended: None,
            problem_at: None,
            hints: Vec::new(),
            missing_fact: None,
            pod_security: PodSecurity::default(),
            unmet: Vec::new(),
            change: None,
            hidden: String::new(),
            invalid: Vec::new(),
            reply: Vec::new(),
        }
    }

    pub(crate) fn refused(about: About, problem: String) -> Self {
        Self { verdict: Verdict::Deny, problem: Some(problem), ..Self::allow(about) }
    }

    /// No decision yet. It is a denial, for a caller that cannot look the fact up.
    pub(crate) fn needs_fact(about: About, query: FactQuery) -> Self {
        let problem = "a fact of the cluster that its rules need could not be looked up".to_owned();
        Self { missing_fact: Some(query), ..Self::refused(about, problem) }
    }

    /// The outcome for a namespace: the labels deny nothing, they may warn.
    pub(crate) fn namespace(about: About, pod_security: PodSecurity) -> Self {
        let verdict = if pod_security.warnings.is_empty() { Verdict::Allow } else { Verdict::Warn };
        Self { verdict, pod_security, ..Self::allow(about) }
    }

    pub(crate) fn invalid(about: About, invalid: Vec<(String, String)>) -> Self {
        Self { verdict: Verdict::Deny, invalid, ..Self::allow(about) }
    }

    /// The user is warned that a path of a policy led to no pod.
    pub(crate) fn with_unmet(self, unmet: Vec<Unmet>) -> Self {
        let verdict = if unmet.is_empty() { self.verdict } else { self.verdict.max(Verdict::Warn) };
        Self { verdict, unmet, ..self }
    }

    pub(crate) fn judged(mut about: About, kind: &Kind, pods: Vec<JudgedPod<'_>>, limit: usize) -> Self {
        if let (true, true, Some(pod)) = (about.name.is_empty(), kind.is_pod(), pods.first()) {
            about.name = name_of(pod);
        }
        let all: Vec<_> = pods.iter().flat_map(|pod| pod.judged.iter().map(move |j| (pod, j))).collect();
        let verdict = match all.iter().map(|(_, j)| j.effect).max() {
            Some(Effect::Deny) => Verdict::Deny,
            Some(Effect::Patch) => Verdict::Patch,
            Some(Effect::Warn) => Verdict::Warn,
            Some(Effect::Audit | Effect::Exempt) | None => Verdict::Allow,
        };
        let mut severities = Severities::default();
        for (_, j) in &all {
            severities.add(j.effect, j.severity(), j.count);
        }
        let chosen = displayed(&all, limit, |(_, j)| (j.effect, j.severity()));
        Self {
            verdict,
            stage: pods.first().map_or(Stage::Pod, |pod| pod.case.stage),
            violations: described(chosen.copied(), all.len().min(limit.saturating_mul(2))),
            tallies: tally(all.iter().map(|(_, j)| *j)),
            severities,
            patch: pods.into_iter().flat_map(|pod| pod.fix.into_patch().finish(pod.at)).collect(),
            ..Self::allow(about)
        }
    }

    /// A field whose absence is denied may be misspelt, or in a place where it means nothing.
    pub(crate) fn with_hints(self, object: Raw<'_>, kind: &Kind) -> Self {
        let hints = if self.verdict == Verdict::Deny { hints(object, kind) } else { Vec::new() };
        Self { hints, ..self }
    }

    /// How many violations mode deny would deny, where the running mode does not.
    #[must_use]
    pub fn would_be_denied(&self) -> usize {
        self.tallies.iter().map(|tally| tally.held_back.deny).sum()
    }

    /// How many violations have this effect, whether they are described in full or only counted.
    #[must_use]
    pub fn count(&self, effect: Effect) -> usize {
        self.tallies.iter().filter(|t| t.effect == effect).map(|t| t.count).sum()
    }
}

/// Keys of the object that are misspelt or misplaced; none for a large object.
#[must_use]
pub fn hints(object: Raw<'_>, kind: &Kind) -> Vec<Hint> {
    if object.get().len() > HINTS_MAX_BYTES {
        return Vec::new();
    }
    if kind.paths.is_empty() { fields::hints(object, &kind.kind) } else { fields::template_hints(object, &kind.paths) }
}

/// The pod's name. A pod that the API server names later has its prefix and a `*`.
fn name_of(pod: &JudgedPod<'_>) -> String {
    let metadata = &pod.case.pod.metadata;
    match (&metadata.name, &metadata.generate_name) {
        (Some(name), _) if !name.is_empty() => name.to_string(),
        (_, Some(prefix)) => format!("{prefix}*"),
        _ => String::new(),
    }
}

/// Room for the rules that most pods violate.
const TALLIES: usize = 20;

fn tally<'j>(judged: impl Iterator<Item = &'j Judged<'j>>) -> Vec<Tally> {
    let mut tallies: Vec<(usize, Tally)> = Vec::new();
    for j in judged {
        // There is at most one entry for each rule and effect, so the list is short for any pod.
        let place = tallies.iter().position(|(order, t)| *order == j.compiled.order && t.effect == j.effect);
        let new = Tally { rule: j.rule.id, effect: j.effect, count: 0, held_back: HeldBack::default() };
        if tallies.is_empty() {
            tallies.reserve(TALLIES);
        }
        if place.is_none() {
            tallies.push((j.compiled.order, new));
        }
        let place = place.unwrap_or(tallies.len() - 1);
        if let Some((_, tally)) = tallies.get_mut(place) {
            tally.count += j.count;
            tally.held_back.add(j);
        }
    }
    tallies.sort_by_key(|(order, tally)| (*order, tally.effect));
    tallies.into_iter().map(|(_, tally)| tally).collect()
}
