//! The outcome of a request: what was decided, for the reply, the log, the metrics and the reports.

use crate::decide::{Case, Change, Effect, Judged, Note, Stage};
use crate::effort::End;
use crate::facts::Wanted;
use crate::patch::absolute;
use crate::policy::{Action, By};
use crate::rules::{Fix, Rule, Severity};
use crate::workload::{ContainerKind, Kind, KindClass};
use json_patch::PatchOperation;

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
    /// Ordered by container, then rule; of the denied ones and of the others at most the snapshot's `report_limit` each.
    pub violations: Vec<Violation>,
    /// Every violation, counted; ordered by rule.
    pub tallies: Vec<Tally>,
    pub patch: Vec<PatchOperation>,
    /// Why the request could not be judged.
    pub problem: Option<String>,
    /// Why it was not judged to its end, where that is the problem.
    pub ended: Option<End>,
    /// A fact that is missing: to be asked for before the request is judged again.
    pub wanted: Option<Wanted>,
    pub pod_security: PodSecurity,
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
            patch: Vec::new(),
            problem: None,
            ended: None,
            wanted: None,
            pod_security: PodSecurity::default(),
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
    pub(crate) fn wanting(about: About, wanted: Wanted) -> Self {
        let problem = "what the cluster knows of it could not be asked for".to_owned();
        Self { wanted: Some(wanted), ..Self::refused(about, problem) }
    }

    /// What is to be said of a namespace.
    pub(crate) fn labelled(about: About, pod_security: PodSecurity) -> Self {
        let verdict = if pod_security.warnings.is_empty() { Verdict::Allow } else { Verdict::Warn };
        Self { verdict, pod_security, ..Self::allow(about) }
    }

    pub(crate) fn invalid(about: About, invalid: Vec<(String, String)>) -> Self {
        Self { verdict: Verdict::Deny, invalid, ..Self::allow(about) }
    }

    pub(crate) fn judged(
        mut about: About,
        case: &Case<'_>,
        kind: &Kind,
        judged: &[Judged<'_>],
        fix: Fix,
        limit: usize,
    ) -> Self {
        let prefix = kind.prefix();
        if about.name.is_empty() && kind.template.is_empty() {
            let metadata = &case.pod.metadata;
            about.name = match (&metadata.name, &metadata.generate_name) {
                (Some(name), _) if !name.is_empty() => name.to_string(),
                (_, Some(generate)) => format!("{generate}*"),
                _ => String::new(),
            };
        }
        let verdict = match judged.iter().map(|j| j.effect).max() {
            Some(Effect::Deny) => Verdict::Deny,
            Some(Effect::Patch) => Verdict::Patch,
            Some(Effect::Warn) => Verdict::Warn,
            Some(Effect::Audit | Effect::Exempt) | None => Verdict::Allow,
        };
        // Each has its own room, so that a flood of warnings hides no denial, nor the other way round.
        let mut room = (limit, limit);
        let chosen = judged.iter().filter(|j| {
            let room = if j.effect == Effect::Deny { &mut room.0 } else { &mut room.1 };
            let told = *room > 0;
            *room = room.saturating_sub(1);
            told
        });
        Self {
            verdict,
            stage: case.stage,
            violations: chosen.map(|j| Violation::new(j, case, &prefix)).collect(),
            tallies: tally(judged),
            patch: fix.into_patch().finish(&prefix),
            ..Self::allow(about)
        }
    }

    /// How many violations have this effect, told or not.
    #[must_use]
    pub fn count(&self, effect: Effect) -> usize {
        self.tallies.iter().filter(|t| t.effect == effect).map(|t| t.count).sum()
    }
}

fn tally(judged: &[Judged<'_>]) -> Vec<Tally> {
    let mut tallies: Vec<(usize, Tally)> = Vec::new();
    for j in judged {
        // At most one entry for each rule and effect: short, whatever the pod holds.
        match tallies.iter_mut().find(|(order, t)| *order == j.compiled.order && t.effect == j.effect) {
            Some((_, tally)) => tally.count += j.times,
            None => tallies.push((j.compiled.order, Tally { rule: j.rule.id, effect: j.effect, count: j.times })),
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
            severity: finding.severity.unwrap_or(judged.rule.severity),
            container: finding.container().map(|c| (c.kind, c.container.name.to_string())),
            pointer: absolute(prefix, &finding.at.pointer()),
            field: absolute(prefix, &finding.at.field()),
            found: finding.found.to_string(),
            wanted: finding.wanted.to_string(),
            why: finding.why.as_deref().unwrap_or(judged.rule.why).to_owned(),
            from_cluster: {
                let check = &judged.compiled.check;
                case.pod.around.connect.is_some() || check.asks_for_network_policies()
            },
            note: judged.note,
            exemption: judged.exemption.map(|by| match by {
                By::Policy(index) => format!("spec.exemptions.{index}"),
                By::Object(name) => format!("Exemption {name}"),
            }),
            repair: fix.into_patch().finish(prefix),
        }
    }
}
