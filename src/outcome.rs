//! The outcome of a request: what was decided, for the reply, the log, the metrics and the reports.

mod severities;

use crate::decide::{Case, Change, Effect, Judged, Note, Stage};
use crate::effort::End;
use crate::facts::{FactKinds, FactQuery};
use crate::json::Raw;
use crate::patch::absolute;
use crate::policy::{Action, ExemptionSource};
use crate::rule::{Fix, Rule, Severity};
use crate::workload::fields::{self, Hint};
use crate::workload::{ContainerKind, Kind, KindClass, Unmet};
use json_patch::PatchOperation;
pub use severities::{Severities, displayed};

/// Larger objects are not looked through for misspelt keys.
const HINTS_MAX_BYTES: usize = 1024 * 1024;

/// What became of the request, from the mildest to the strictest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    Allow,
    Warn,
    Patch,
    Deny,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Allow, Self::Warn, Self::Patch, Self::Deny];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Patch => "patch",
            Self::Deny => "deny",
        }
    }
}

/// Whom the request is about. Text as it came; clean it before printing.
#[derive(Debug, Clone, Default)]
pub struct About {
    pub uid: String,
    pub operation: String,
    pub kind: String,
    pub sub_resource: String,
    pub namespace: String,
    pub name: String,
    pub user: String,
    pub class: KindClass,
}

/// One violation, told in full.
#[derive(Debug, Clone)]
pub struct Violation {
    pub rule: &'static Rule,
    pub policy: String,
    pub action: Action,
    pub effect: Effect,
    pub severity: Severity,
    pub container: Option<(ContainerKind, String)>,
    /// JSON pointer to the pod in the object that was sent; empty for a Pod.
    pub pod: String,
    /// JSON pointer into the object that was sent; it resolves there.
    pub pointer: String,
    /// JSON pointer to the judged field, which may be absent.
    pub field: String,
    pub found: String,
    pub wanted: String,
    pub why: String,
    /// What was found stands in the cluster, and not in what was sent.
    pub from_cluster: bool,
    /// Why it is not denied.
    pub note: Option<Note>,
    /// The exemption that covers it: its key in the policy, or the `Exemption` object.
    pub exemption: Option<String>,
    /// The repair, where the rule has one.
    pub repair: Vec<PatchOperation>,
}

/// What the labels `pod-security.kubernetes.io/*` of the namespace make of it, in upstream's words.
#[derive(Debug, Clone, Default)]
pub struct PodSecurity {
    /// Why it is denied.
    pub denied: Option<String>,
    pub warnings: Vec<String>,
    pub annotations: Vec<(&'static str, String)>,
}

impl PodSecurity {
    /// Longer is no annotation.
    const ROOM: usize = 2000;

    /// What is to be said of one more pod of the same object. Most say the same, which is said once.
    pub(crate) fn add(&mut self, more: Self) {
        match (&mut self.denied, more.denied) {
            (Some(denied), Some(more)) if *denied != more && denied.len() < Self::ROOM => {
                denied.push('\n');
                denied.push_str(&more);
            }
            (denied @ None, more) => *denied = more,
            (Some(_), _) => {}
        }
        for warning in more.warnings {
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        for (key, value) in more.annotations {
            match self.annotations.iter_mut().find(|(known, _)| *known == key) {
                Some((_, known)) if *known != value && known.len() < Self::ROOM => {
                    known.push_str("; ");
                    known.push_str(&value);
                }
                Some(_) => {}
                None => self.annotations.push((key, value)),
            }
        }
    }
}

/// A pod of an object, and what was found in it.
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
}

/// What was decided.
#[derive(Debug)]
pub struct Outcome {
    pub about: About,
    pub verdict: Verdict,
    pub stage: Stage,
    /// Ordered by container, then rule; of the denied ones and of the others at most the snapshot's `report_limit` each, the
    /// worst ones.
    pub violations: Vec<Violation>,
    /// Every violation, counted; ordered by rule.
    pub tallies: Vec<Tally>,
    /// The same, by severity.
    pub severities: Severities,
    pub patch: Vec<PatchOperation>,
    /// Why the request could not be judged.
    pub problem: Option<String>,
    /// Why it was not judged to its end, where that is the problem.
    pub ended: Option<End>,
    /// JSON pointer to the field that could not be read.
    pub problem_at: Option<String>,
    /// Keys of a denied object that are misspelt or misplaced.
    pub hints: Vec<Hint>,
    /// A fact that is missing: to be asked for before the request is judged again.
    pub missing_fact: Option<FactQuery>,
    pub pod_security: PodSecurity,
    /// Paths of the policies that met no pod in the object.
    pub unmet: Vec<Unmet>,
    /// Why an update is judged as a creation, where it is denied.
    pub change: Option<Change>,
    /// What the reply leaves out of it, for the log.
    pub hidden: String,
    /// Why an object that is not judged by rules (a namespace, a Policy) is refused: each field and its fault.
    pub invalid: Vec<(String, String)>,
    /// The AdmissionReview to send back; empty when the request had no uid to answer to.
    pub reply: Vec<u8>,
}

impl Outcome {
    pub(crate) fn allow(about: About) -> Self {
        Self {
            about,
            verdict: Verdict::Allow,
            stage: Stage::Pod,
            violations: Vec::new(),
            tallies: Vec::new(),
            severities: Severities::default(),
            patch: Vec::new(),
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

    /// Not decided yet. Where nobody can be asked, it is a denial.
    pub(crate) fn needs_fact(about: About, query: FactQuery) -> Self {
        let problem = "what the cluster knows of it could not be asked for".to_owned();
        Self { missing_fact: Some(query), ..Self::refused(about, problem) }
    }

    /// What is to be said of a namespace.
    pub(crate) fn labelled(about: About, pod_security: PodSecurity) -> Self {
        let verdict = if pod_security.warnings.is_empty() { Verdict::Allow } else { Verdict::Warn };
        Self { verdict, pod_security, ..Self::allow(about) }
    }

    pub(crate) fn invalid(about: About, invalid: Vec<(String, String)>) -> Self {
        Self { verdict: Verdict::Deny, invalid, ..Self::allow(about) }
    }

    /// Whoever sends an object hears that a policy found no pod in it.
    pub(crate) fn with_unmet(self, unmet: Vec<Unmet>) -> Self {
        let verdict = if unmet.is_empty() { self.verdict } else { self.verdict.max(Verdict::Warn) };
        Self { verdict, unmet, ..self }
    }

    pub(crate) fn judged(mut about: About, kind: &Kind, pods: Vec<JudgedPod<'_>>, limit: usize) -> Self {
        if let (true, true, Some(pod)) = (about.name.is_empty(), kind.is_pod(), pods.first()) {
            let metadata = &pod.case.pod.metadata;
            about.name = match (&metadata.name, &metadata.generate_name) {
                (Some(name), _) if !name.is_empty() => name.to_string(),
                (_, Some(generate)) => format!("{generate}*"),
                _ => String::new(),
            };
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
            violations: chosen.map(|(pod, j)| Violation::new(j, &pod.case, pod.at)).collect(),
            tallies: tally(all.iter().map(|(_, j)| *j)),
            severities,
            patch: pods.into_iter().flat_map(|pod| pod.fix.into_patch().finish(pod.at)).collect(),
            ..Self::allow(about)
        }
    }

    /// What is denied for a field that is missing may have it where it means nothing.
    pub(crate) fn with_hints(self, object: Raw<'_>, kind: &Kind) -> Self {
        let hints = if self.verdict == Verdict::Deny { hints(object, kind) } else { Vec::new() };
        Self { hints, ..self }
    }

    /// How many violations have this effect, told or not.
    #[must_use]
    pub fn count(&self, effect: Effect) -> usize {
        self.tallies.iter().filter(|t| t.effect == effect).map(|t| t.count).sum()
    }
}

/// Keys of the object that are misspelt or misplaced; of one that is large nobody reads them.
#[must_use]
pub fn hints(object: Raw<'_>, kind: &Kind) -> Vec<Hint> {
    if object.get().len() > HINTS_MAX_BYTES {
        return Vec::new();
    }
    if kind.paths.is_empty() { fields::hints(object, &kind.kind) } else { fields::template_hints(object, &kind.paths) }
}

fn tally<'j>(judged: impl Iterator<Item = &'j Judged<'j>>) -> Vec<Tally> {
    let mut tallies: Vec<(usize, Tally)> = Vec::new();
    for j in judged {
        // At most one entry for each rule and effect: short, whatever the pod holds.
        match tallies.iter_mut().find(|(order, t)| *order == j.compiled.order && t.effect == j.effect) {
            Some((_, tally)) => tally.count += j.count,
            None => tallies.push((j.compiled.order, Tally { rule: j.rule.id, effect: j.effect, count: j.count })),
        }
    }
    tallies.sort_by_key(|(order, tally)| (*order, tally.effect));
    tallies.into_iter().map(|(_, tally)| tally).collect()
}

impl Violation {
    fn new(judged: &Judged<'_>, case: &Case<'_>, prefix: &str) -> Self {
        let finding = &judged.finding;
        let mut fix = Fix::new(case.scope);
        if !judged.fixed {
            judged.compiled.check.repair(case.pod, finding, &mut fix);
        }
        Self {
            rule: judged.rule,
            policy: judged.policy.to_owned(),
            action: judged.compiled.action,
            effect: judged.effect,
            severity: judged.severity(),
            container: finding.container().map(|c| (c.kind, c.container.name.to_string())),
            pod: prefix.to_owned(),
            pointer: absolute(prefix, &finding.at.pointer()),
            field: absolute(prefix, &finding.at.field()),
            found: finding.found.to_string(),
            wanted: finding.wanted.to_string(),
            why: finding.why.as_deref().unwrap_or(judged.rule.why).to_owned(),
            from_cluster: {
                let check = &judged.compiled.check;
                case.pod.context.connect.is_some() || check.facts().contains(FactKinds::NETWORK_POLICIES)
            },
            note: judged.note,
            exemption: judged.exemption.map(|by| match by {
                ExemptionSource::Policy(index) => format!("spec.exemptions.{index}"),
                ExemptionSource::Object(name) => format!("Exemption {name}"),
            }),
            repair: fix.into_patch().finish(prefix),
        }
    }
}
