//! The repair of what is denied: the edits that the rules offer, merged, and judged again by the same code.

use super::pods::{Judging, PodResult, PreviousPods};
use crate::decide::{Effect, Judged, calls_for_repair};
use crate::effort;
use crate::json::Raw;
use crate::outcome::{Repair, Violation};
use crate::patch::absolute;
use crate::repair::{Offer, Tree, diff, operations};
use crate::rule::{Applicability, Edit, Fix, Severity};
use crate::workload::read::read_at;
use crate::workload::{List, Placed};
use serde::Deserialize;

/// An object with more violations gets no edit: it would fill pages, and cost more than the judgement.
const MOST: usize = 200;
/// A larger object gets none either: each round reads and judges it again.
const LARGEST: usize = 128 * 1024;
/// A repair may uncover a violation that another one implied. After so many rounds, the denial names what is left.
const ROUNDS: usize = 4;

/// For which violations a repair is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repairs {
    None,
    /// Those that deny the request.
    Denials,
    /// Those that a report shows.
    Reported(ReportedRepairs),
}

/// Which repairs a report shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportedRepairs {
    /// Edits of this applicability at most.
    pub most: Applicability,
    /// For violations of this severity at least.
    pub least: Severity,
}

impl ReportedRepairs {
    /// Every edit of this applicability at most.
    #[must_use]
    pub const fn all(most: Applicability) -> Self {
        Self { most, least: Severity::Low }
    }
}

impl Repairs {
    fn wants(self, judged: &Judged<'_>) -> bool {
        match self {
            Self::None => false,
            _ if judged.fixed => false,
            Self::Denials => judged.effect == Effect::Deny,
            Self::Reported(wanted) => judged.severity() >= wanted.least && calls_for_repair(judged.effect, judged.note),
        }
    }

    fn most(self) -> Applicability {
        match self {
            Self::Reported(wanted) => wanted.most,
            Self::None | Self::Denials => Applicability::Suggested,
        }
    }
}

/// The edits so far.
struct Merging<'a> {
    tree: Tree<'a>,
    offers: Vec<Offer>,
}

impl Merging<'_> {
    /// Adds the edits for one violation of the pod at `at`: first those that it needs.
    fn add(&mut self, judged: &Judged<'_>, edits: Vec<Edit>, applicability: Applicability, at: &str) -> bool {
        let mut changed = false;
        let (optional, needed): (Vec<Edit>, Vec<Edit>) = edits.into_iter().partition(|edit| edit.optional);
        for (edits, optional) in [(needed, false), (optional, true)] {
            if edits.is_empty() {
                continue;
            }
            let by = self.offers.len();
            self.offers.push(Offer {
                rule: judged.rule,
                severity: judged.severity(),
                why: judged.finding.why.as_deref().map(str::to_owned),
                applicability,
                remark: edits.iter().find_map(|edit| edit.remark.clone()).filter(|_| !optional),
                optional,
            });
            for edit in edits {
                let place = absolute(at, &edit.at);
                changed |= self.tree.apply(&place, edit, by);
            }
        }
        changed
    }
}

impl<'j, 'r: 'j> Judging<'j, 'r> {
    /// The repair; none if nothing needs one, or if there is too much to repair.
    pub(super) fn repair(
        &self,
        found: &[Placed<'_>],
        pods: &[PodResult<'_>],
        previous: &PreviousPods<'_, 'r>,
    ) -> Option<Repair> {
        let repairs = self.conditions.repairs;
        let wanted = || pods.iter().flat_map(|result| &result.pod.judged).filter(|j| repairs.wants(j));
        let count: usize = wanted().map(|judged| judged.count).sum();
        if count == 0 || count > MOST || self.object.get().len() > LARGEST {
            return None;
        }
        let mut merging = Merging { tree: Tree::new(self.object), offers: Vec::new() };
        let mut changed = false;
        if wanted().any(|judged| judged.count > 1) {
            // The first ones of each class were kept, and all are repaired.
            for placed in found {
                let result = self.pod(placed, previous, usize::MAX).ok()?;
                changed |= self.merge(&mut merging, &result);
            }
        } else {
            for result in pods {
                changed |= self.merge(&mut merging, result);
            }
        }
        let mut left = Vec::new();
        for round in 0..ROUNDS {
            if !changed {
                if round == 0 {
                    left = pods.iter().flat_map(|result| self.left(result)).collect();
                }
                break;
            }
            changed = self.judge_again(&mut merging, previous, &mut left)?;
        }
        Some(self.described(&merging, left))
    }

    /// Judges the object with the edits so far, and adds those that it still needs. False if there are none.
    fn judge_again(
        &self,
        merging: &mut Merging<'_>,
        previous: &PreviousPods<'_, 'r>,
        left: &mut Vec<Violation>,
    ) -> Option<bool> {
        merging.tree.settle();
        let json = merging.tree.to_json();
        if !effort::hold(json.len()) {
            return None;
        }
        let mut again = self.kind.pods(Raw::new(&json)).ok()?;
        self.add_context(&mut again.pods).ok()?;
        left.clear();
        let mut changed = false;
        for placed in &again.pods {
            let result = self.pod(placed, previous, usize::MAX).ok()?;
            left.extend(self.left(&result));
            changed |= self.merge(merging, &result);
        }
        effort::release(json.len());
        Some(changed)
    }

    fn left(&self, result: &PodResult<'_>) -> Vec<Violation> {
        let repairs = self.conditions.repairs;
        let wanted = result.pod.judged.iter().filter(|judged| {
            if repairs == Repairs::Denials { judged.effect == Effect::Deny } else { repairs.wants(judged) }
        });
        wanted.map(|judged| Violation::new(judged, &result.pod.case, result.pod.at)).collect()
    }

    /// Adds the edits for one pod. False if they change nothing.
    fn merge(&self, merging: &mut Merging<'_>, result: &PodResult<'_>) -> bool {
        let repairs = self.conditions.repairs;
        let (case, at) = (&result.pod.case, result.pod.at);
        let mut fix = Fix::edits(case.scope);
        let mut changed = false;
        for judged in result.pod.judged.iter().filter(|judged| repairs.wants(judged)) {
            if !judged.compiled.check.offer(case.pod, &judged.finding, &mut fix) {
                continue;
            }
            let edits = fix.take_edits();
            let applicability = edits.iter().map(|edit| edit.applicability).max().unwrap_or(Applicability::Safe);
            if applicability > repairs.most() {
                continue;
            }
            changed |= merging.add(judged, edits, applicability, at);
        }
        changed
    }

    fn described(&self, merging: &Merging<'_>, left: Vec<Violation>) -> Repair {
        let Merging { tree, offers } = merging;
        let (diff, at) = diff(tree, &(self.kind.prefix() + "/spec"));
        let is_report = matches!(self.conditions.repairs, Repairs::Reported(_));
        let is_debug = self.request.sub_resource.as_deref() == Some("ephemeralcontainers") && !diff.lines.is_empty();
        let (operations, operations_for) =
            if is_report { operations(tree).into_iter().unzip() } else { (Vec::new(), Vec::new()) };
        Repair {
            diff,
            at,
            offers: offers.clone(),
            operations,
            operations_for,
            left,
            custom: if is_debug { custom(&tree.to_json()) } else { None },
        }
    }
}

/// The `securityContext` of the newest debug container, as a container that `kubectl debug --custom` merges into its own.
fn custom(json: &str) -> Option<String> {
    #[derive(Default, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Container<'a> {
        #[serde(borrow)]
        security_context: Option<Raw<'a>>,
    }
    let path = ["spec".into(), "ephemeralContainers".into()];
    let containers = read_at::<List<Container<'_>>>(Raw::new(json), &path).ok()??;
    let context = containers.iter().next_back()?.security_context?;
    Some(format!(r#"{{"securityContext":{}}}"#, context.get()))
}
