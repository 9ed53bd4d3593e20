//! A template is judged as its pods will be: after the repairs that policies make in them.

use super::Hook;
use super::pods::{Judging, PodResult, PreviousPods};
use super::repairs::{LARGEST, MOST, Merging, Repairs};
use crate::decide::{Effect, Judged, Needed, Note};
use crate::effort;
use crate::json::Raw;
use crate::policy::CompiledPolicy;
use crate::workload::Placed;

/// Whether pods that are repaired may lack it. `held_back` asks for what mode deny would deny.
fn may_go(judged: &Judged<'_>, held_back: bool) -> bool {
    if held_back { judged.held_back() == Some(Effect::Deny) } else { judged.effect >= Effect::Warn }
}

impl<'j, 'r: 'j> Judging<'j, 'r> {
    /// Makes milder what the template violates and its pods will not. `needed` is what the results were judged for.
    pub(super) fn soften_as_in_pods<'p>(
        &self,
        object: Raw<'_>,
        (found, results): (&'p [Placed<'_>], &mut [PodResult<'p>]),
        previous: &'p PreviousPods<'_, 'r>,
        needed: Needed,
    ) where
        'j: 'p,
        'r: 'p,
    {
        let is_template = self.conditions.hook == Hook::Validate && !self.kind.is_pod();
        if !is_template || object.get().len() > LARGEST {
            return;
        }
        let all = || results.iter().flat_map(|result| &result.pod.judged);
        let held_back = !all().any(|judged| judged.effect == Effect::Deny) && all().any(|judged| may_go(judged, true));
        let count: usize = all().filter(|judged| may_go(judged, held_back)).map(|judged| judged.count).sum();
        let policies = if (1..=MOST).contains(&count) { self.of_its_pods() } else { Vec::new() };
        if policies.is_empty() {
            return;
        }
        let in_pods = Judging { policies: &policies, ..*self };
        let mut merging = Merging::new(object, Repairs::InPods { held_back });
        let mut changed = false;
        for placed in found {
            let Ok(result) = in_pods.pod(placed, previous, (Needed::Repairs, usize::MAX)) else { return };
            changed |= Self::merge(&mut merging, &result);
        }
        if !changed {
            return;
        }
        let json = merging.into_json();
        if effort::hold(json.len()) {
            self.soften_by(&json, (found, results), previous, (needed, held_back));
            effort::release(json.len());
        }
    }

    /// The policies that repair the pods of the template. Others than its own may do so.
    fn of_its_pods(&self) -> Vec<&'j CompiledPolicy> {
        let repairs = |policy: &&CompiledPolicy| {
            policy.repairs && policy.matcher.applies_to_pods(self.input.namespace, self.input.labels)
        };
        self.conditions.snapshot.policies.policies.iter().map(AsRef::as_ref).filter(repairs).collect()
    }

    /// `json` is the object with the repairs.
    fn soften_by<'p>(
        &self,
        json: &str,
        (found, results): (&'p [Placed<'_>], &mut [PodResult<'p>]),
        previous: &'p PreviousPods<'_, 'r>,
        (needed, held_back): (Needed, bool),
    ) where
        'j: 'p,
        'r: 'p,
    {
        let Ok(mut repaired) = self.kind.pods(Raw::new(json)) else { return };
        for (repaired, placed) in repaired.pods.iter_mut().zip(found) {
            // A digest that is written into a reference leads to the same image.
            repaired.pod.context = placed.pod.context.clone();
        }
        for ((repaired, placed), result) in repaired.pods.iter().zip(found).zip(results) {
            let Ok(after) = self.pod(repaired, previous, (needed, usize::MAX)) else { return };
            if result.pod.judged.iter().any(|judged| judged.count > 1) {
                // The first ones of each class were kept, and others of the class may stay as they are.
                let Ok(whole) = self.pod(placed, previous, (needed, usize::MAX)) else { return };
                *result = whole;
            }
            for judged in result.pod.judged.iter_mut().filter(|judged| may_go(judged, held_back)) {
                let left = after.pod.judged.iter().filter(|other| other.is_at_place_of(judged));
                match left.max_by_key(|other| other.strictness()) {
                    None => {
                        let note = if held_back { Note::WouldBePatched } else { Note::WillBePatched };
                        (judged.effect, judged.note) = (Effect::Audit, Some(note));
                    }
                    Some(milder) if milder.strictness() < judged.strictness() => {
                        (judged.effect, judged.note) = (milder.effect, milder.note);
                    }
                    Some(_) => {}
                }
            }
        }
    }
}
