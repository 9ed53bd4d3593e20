//! The repair of what is denied: the edits that the rules offer, merged, and judged again by the same code.

use super::pods::{Judging, PodResult, PreviousPods};
use crate::decide::{Effect, Judged, Needed, Note, calls_for_repair};
use crate::effort;
use crate::json::Raw;
use crate::outcome::{Repair, Violation, described};
use crate::patch::resolved;
use crate::repair::{Offer, Tree, diff, operations};
use crate::rule::{Applicability, Edit, Fix, Severity};
use crate::workload::read::read_at;
use crate::workload::{List, Placed};
use serde::Deserialize;

/// An object with more violations gets no edit: it would fill pages, and cost more than the judgement.
pub(super) const MOST: usize = 200;
/// A larger object gets none either: each round reads and judges it again.
pub(super) const LARGEST: usize = 128 * 1024;
/// A repair may uncover a violation that another one implied. After so many rounds, the denial names what is left.
const ROUNDS: usize = 4;

/// For which violations a repair is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repairs {
    None,
    /// Those that deny the request. If nothing denies it, those of which the mode or the severity makes a warning.
    Denials,
    /// Those that would be denied, and are warnings.
    HeldBack,
    /// Those that a report shows.
    Reported(ReportedRepairs),
    /// Those that policies repair in the pods of a template; with `held_back` those that mode deny would repair, too.
    InPods {
        held_back: bool,
    },
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
        // An edit changes none of those in the fixed part of a pod.
        !judged.fixed && self.is_about(judged)
    }

    fn is_about(self, judged: &Judged<'_>) -> bool {
        match self {
            Self::None => false,
            Self::Denials => judged.effect == Effect::Deny,
            Self::HeldBack => is_held_back(judged),
            Self::Reported(wanted) => judged.severity() >= wanted.least && calls_for_repair(judged.effect, judged.note),
            Self::InPods { held_back } => match judged.note {
                Some(Note::WillBePatched) => true,
                Some(Note::WouldBePatched) => held_back,
                _ => false,
            },
        }
    }

    /// What a repair needs to know of an object.
    const fn needed(self) -> Needed {
        match self {
            Self::None | Self::Denials | Self::HeldBack => Needed::Denials,
            Self::Reported(_) => Needed::All,
            Self::InPods { .. } => Needed::Repairs,
        }
    }

    /// The violations of a pod after the edits.
    fn left(self, result: &PodResult<'_>) -> Vec<Violation> {
        let left = || {
            let left = result.pod.judged.iter().filter(|judged| self.is_about(judged));
            left.map(|judged| (&result.pod, judged))
        };
        described(left(), left().count())
    }

    fn most(self) -> Applicability {
        match self {
            Self::Reported(wanted) => wanted.most,
            // In pods, a policy that patches makes each of its repairs.
            Self::None | Self::Denials | Self::HeldBack | Self::InPods { .. } => Applicability::Suggested,
        }
    }
}

/// Whether mode deny would deny it, and the user is warned.
fn is_held_back(judged: &Judged<'_>) -> bool {
    judged.effect == Effect::Warn && matches!(judged.note, Some(Note::WouldBeDenied(_)))
}

/// The edits so far.
pub(super) struct Merging<'a> {
    repairs: Repairs,
    tree: Tree<'a>,
    offers: Vec<Offer>,
    /// The place of the current edit.
    place: String,
}

/// Room for the offers for most objects.
const OFFERS: usize = 32;

impl<'a> Merging<'a> {
    pub(super) fn new(object: Raw<'a>, repairs: Repairs) -> Self {
        let (offers, place) = (Vec::with_capacity(OFFERS), String::with_capacity(128));
        Self { repairs, tree: Tree::new(object), offers, place }
    }

    /// The object with the edits.
    pub(super) fn into_json(mut self) -> String {
        self.tree.settle();
        self.tree.to_json()
    }

    /// Adds the pending edits for one violation of the pod at `at`: first those that it needs.
    fn add(&mut self, judged: &Judged<'_>, fix: &mut Fix, at: &str) -> bool {
        let pending = fix.pending();
        let applicability = most(pending);
        let mut remark = pending.iter().filter(|edit| !edit.optional).find_map(|edit| edit.remark.clone());
        let (mut changed, mut offered) = (false, None);
        let Self { offers, tree, place, .. } = self;
        fix.take_edits(|place_in_pod, edit| {
            if offered != Some(edit.optional) {
                offered = Some(edit.optional);
                offers.push(Offer {
                    rule: judged.rule,
                    severity: judged.severity(),
                    why: judged.finding.why.clone(),
                    applicability,
                    remark: remark.take().filter(|_| !edit.optional),
                    optional: edit.optional,
                });
            }
            let (above, below) = resolved(at, place_in_pod);
            place.clear();
            place.push_str(above);
            place.push_str(below);
            changed |= tree.apply(place, edit, offers.len() - 1);
        });
        changed
    }
}

/// Who has to look at all these edits.
fn most(edits: &[Edit]) -> Applicability {
    edits.iter().map(|edit| edit.applicability).max().unwrap_or(Applicability::Safe)
}

impl<'j, 'r: 'j> Judging<'j, 'r> {
    /// The repair; none if nothing needs one, or if there is too much to repair.
    pub(super) fn repair(
        &self,
        found: &[Placed<'_>],
        pods: &[PodResult<'_>],
        previous: &PreviousPods<'_, 'r>,
    ) -> Option<Repair> {
        let all = || pods.iter().flat_map(|result| &result.pod.judged);
        let repairs = match self.conditions.repairs {
            Repairs::Denials if !all().any(|judged| judged.effect == Effect::Deny) => Repairs::HeldBack,
            repairs => repairs,
        };
        let wanted = || all().filter(|judged| repairs.wants(judged));
        let count: usize = wanted().map(|judged| judged.count).sum();
        if count == 0 || count > MOST || self.object.get().len() > LARGEST {
            return None;
        }
        let mut merging = Merging::new(self.object, repairs);
        let mut changed = false;
        if wanted().any(|judged| judged.count > 1) {
            // The first ones of each class were kept, and all are repaired.
            let needed = repairs.needed();
            let results = found.iter().map(|placed| self.pod(placed, previous, (needed, usize::MAX)).ok());
            let mut results = results.collect::<Option<Vec<_>>>()?;
            self.soften_as_in_pods(self.object, (found, &mut results), previous, needed);
            for result in &results {
                changed |= Self::merge(&mut merging, result);
            }
        } else {
            for result in pods {
                changed |= Self::merge(&mut merging, result);
            }
        }
        let mut left = Vec::new();
        for round in 0..ROUNDS {
            if !changed {
                if round == 0 {
                    left = pods.iter().flat_map(|result| repairs.left(result)).collect();
                }
                break;
            }
            changed = self.judge_again(&mut merging, previous, &mut left)?;
        }
        Some(self.described(merging, left))
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
        let needed = merging.repairs.needed();
        let results = again.pods.iter().map(|placed| self.pod(placed, previous, (needed, usize::MAX)).ok());
        let mut results = results.collect::<Option<Vec<_>>>()?;
        self.soften_as_in_pods(Raw::new(&json), (&again.pods, &mut results), previous, needed);
        let mut changed = false;
        for result in &results {
            left.extend(merging.repairs.left(result));
            changed |= Self::merge(merging, result);
        }
        effort::release(json.len());
        Some(changed)
    }

    /// Adds the edits for one pod. False if they change nothing.
    pub(super) fn merge(merging: &mut Merging<'_>, result: &PodResult<'_>) -> bool {
        let repairs = merging.repairs;
        let (case, at) = (&result.pod.case, result.pod.at);
        let mut fix = Fix::edits(case.scope);
        let mut changed = false;
        for judged in result.pod.judged.iter().filter(|judged| repairs.wants(judged)) {
            if !judged.compiled.check.offer(case.pod, &judged.finding, &mut fix) {
                continue;
            }
            if most(fix.pending()) > repairs.most() {
                fix.take_edits(|_, _| {});
                continue;
            }
            changed |= merging.add(judged, &mut fix, at);
        }
        changed
    }

    fn described(&self, merging: Merging<'_>, left: Vec<Violation>) -> Repair {
        let Merging { tree, offers, .. } = merging;
        let (diff, at) = diff(&tree, &(self.kind.prefix() + "/spec"));
        let is_report = matches!(self.conditions.repairs, Repairs::Reported(_));
        let is_debug = self.request.sub_resource.as_deref() == Some("ephemeralcontainers") && !diff.lines.is_empty();
        let (operations, operations_for) =
            if is_report { operations(&tree).into_iter().unzip() } else { (Vec::new(), Vec::new()) };
        Repair {
            diff,
            at,
            offers,
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
