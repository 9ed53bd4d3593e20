//! A check finds violations in a pod and repairs them; [`Findings`] collects what it finds.

use super::edit::Applicability;
use super::fix::{Fix, Scope};
use super::implied::{Same, Spot};
use crate::effort;
use crate::facts::FactKinds;
use crate::rule::finding::Finding;
use crate::workload::pod::Containers;
use crate::workload::{ContainerRef, Pod, PodFeatures};
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

/// The parameters of a rule, ready to judge pods.
pub trait Check: Send + Sync {
    /// Adds a finding for every place of the pod that violates the rule.
    fn check<'p>(&self, pod: &'p Pod<'p>, findings: &mut Findings<'p>);

    /// The rule finds nothing in a pod that has none of these features. Most rules judge what is absent as well, so they
    /// need the spec alone.
    fn requires(&self) -> PodFeatures {
        PodFeatures::SPEC
    }

    /// Whether the rule denies a connection to a pod that podreeve does not know.
    fn denies_unknown(&self) -> bool {
        false
    }

    /// The facts of the cluster that the rule needs.
    fn facts(&self) -> FactKinds {
        FactKinds::empty()
    }

    /// The facts on which only its repairs depend. They are read where the action repairs or denies.
    fn repair_facts(&self) -> FactKinds {
        FactKinds::empty()
    }

    /// Whether repairs of the rule depend on what is behind the images of the pod.
    fn repairs_by_images(&self) -> bool {
        false
    }

    /// Whether its repair writes the digests of images.
    fn writes_digests(&self) -> bool {
        false
    }

    /// The mutating webhook repairs pods alone, even where the policy lets it repair templates.
    fn repairs_pods_only(&self) -> bool {
        false
    }

    /// Repairs one finding of this rule by adding to `fix`. False means that the rule cannot repair it and has added
    /// nothing.
    fn fix(&self, _pod: &Pod<'_>, _finding: &Finding<'_>, _fix: &mut Fix) -> bool {
        false
    }

    /// As [`Self::fix`], for a person who reads the change before it is made. It is called where [`Self::fix`] repairs
    /// nothing.
    fn suggest(&self, _pod: &Pod<'_>, _finding: &Finding<'_>, _fix: &mut Fix) -> bool {
        false
    }
}

impl dyn Check + '_ {
    /// As [`Check::fix`], but leaves findings that no repair fits, and pods without containers, as they are: the API
    /// server refuses such a pod, and it may even lack the `spec` that a patch would change.
    pub fn repair(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        fix.begin(Applicability::Safe);
        pod.all_containers().next().is_some() && !finding.bars_repair() && self.fix(pod, finding, fix)
    }

    /// Adds the edits for one finding: those that the mutating webhook may make, or else those that a person may make.
    pub fn offer(&self, pod: &Pod<'_>, finding: &Finding<'_>, fix: &mut Fix) -> bool {
        if self.repair(pod, finding, fix) {
            return true;
        }
        fix.begin(Applicability::Suggested);
        pod.all_containers().next().is_some() && !finding.bars_repair() && self.suggest(pod, finding, fix)
    }
}

/// Collects what a rule finds: the first findings of each class, and the number of the others. Leaves out what another
/// violation implies. An empty one does not allocate.
#[derive(Debug)]
pub struct Findings<'p> {
    /// Each finding with its class.
    kept: Vec<(Finding<'p>, usize)>,
    /// How many of each class are kept; the others are only counted.
    most: usize,
    /// How many findings were added, those included that are left out.
    added: usize,
    /// How many findings there are of each class.
    counts: [usize; CLASSES],
    split: Option<RepairSplit<'p>>,
    /// Where the rule found something, if another rule needs to know.
    spots: Option<HashSet<Spot>>,
    /// Where another violation implies this one.
    implied: Vec<(Same, Arc<HashSet<Spot>>)>,
}

/// Findings of one class are all repairable or all not, held back by the same, and equally severe: the rule's own severity, or one
/// of four. So many mild findings cannot hide a severe one.
const CLASSES: usize = 2 * OF_EACH;
const OF_EACH: usize = SEVERITIES * HELD;
const SEVERITIES: usize = 5;
const HELD: usize = 5;

/// Separates what the rule can repair from what it cannot.
#[derive(Clone, Copy)]
pub struct RepairSplit<'p> {
    pub check: &'p dyn Check,
    pub pod: &'p Pod<'p>,
    pub scope: Scope,
}

impl fmt::Debug for RepairSplit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RepairSplit").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl<'p> RepairSplit<'p> {
    #[must_use]
    pub fn is_repairable(&self, finding: &Finding<'p>) -> bool {
        self.check.repair(self.pod, finding, &mut Fix::probe(self.scope))
    }
}

impl Default for Findings<'_> {
    /// Keeps every finding.
    fn default() -> Self {
        let (kept, implied) = (Vec::new(), Vec::new());
        Self { kept, most: usize::MAX, added: 0, counts: [0; CLASSES], split: None, spots: None, implied }
    }
}

impl<'p> Extend<Finding<'p>> for Findings<'p> {
    fn extend<I: IntoIterator<Item = Finding<'p>>>(&mut self, findings: I) {
        findings.into_iter().for_each(|finding| self.add(finding));
    }
}

impl<'p> Findings<'p> {
    /// Keeps the first `most` and counts the others; with `split`, the repairable ones and the others separately. Call it
    /// before anything is added.
    pub const fn keep(&mut self, most: usize, split: Option<RepairSplit<'p>>) {
        self.most = most;
        self.split = split;
    }

    /// Calls `judge` with each container. A copy of a container in which nothing was found is passed over, so `judge` must
    /// look at nothing of the container but its content and its list: not at its name or index, nor at other containers.
    #[inline]
    pub fn of_each(&mut self, containers: Containers<'p>, mut judge: impl FnMut(ContainerRef<'p>, &mut Self)) {
        let mut containers = containers;
        while let Some(container) = containers.next() {
            let before = self.added;
            judge(container, self);
            if self.added == before {
                containers.skip_copies();
            }
        }
    }

    /// Leaves out what is found at these spots. Call it before anything is added.
    pub fn leave_out(&mut self, implied: impl Iterator<Item = (Same, Arc<HashSet<Spot>>)>) {
        self.implied.clear();
        self.implied.extend(implied);
    }

    /// Whether to remember where something is found. Call it before anything is added.
    pub fn remember_spots(&mut self, remember: bool) {
        self.spots = remember.then(HashSet::new);
    }

    /// Where something was found, kept or counted. None if nothing was found, or if the spots were not remembered.
    pub fn take_spots(&mut self) -> Option<HashSet<Spot>> {
        self.spots.take().filter(|spots| !spots.is_empty())
    }

    fn is_implied(&self, finding: &Finding<'p>) -> bool {
        self.implied.iter().any(|(same, spots)| same.spot(finding).is_some_and(|spot| spots.contains(&spot)))
    }

    #[inline]
    pub fn add(&mut self, finding: Finding<'p>) {
        self.added += 1;
        if !effort::step(1) || self.is_implied(&finding) {
            return;
        }
        if let Some(spots) = self.spots.as_mut().filter(|_| !finding.implies_nothing()) {
            spots.extend(Same::cause_spot(&finding));
        }
        let repairable = self.split.is_some_and(|split| split.is_repairable(&finding));
        let severity = finding.severity.map_or(0, |severity| severity as usize + 1);
        let held = finding.most.map_or(0, |most| most as usize + 1);
        let class = usize::from(repairable) * OF_EACH + severity * HELD + held;
        if let Some(count) = self.counts.get_mut(class) {
            *count += 1;
            if *count <= self.most && effort::hold(effort::FINDING) {
                self.kept.push((finding, class));
            }
        }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Forgets what was found, for the next rule.
    pub fn clear(&mut self) {
        self.kept.clear();
        self.counts = [0; CLASSES];
    }

    /// The kept findings, each with whether it can be repaired and how many violations it represents. The first finding of a
    /// class also represents those that are only counted.
    pub fn drain_counted(&mut self) -> impl Iterator<Item = (Finding<'p>, bool, usize)> {
        let mut dropped = self.counts.map(|count| count.saturating_sub(self.most));
        self.kept.drain(..).map(move |(finding, class)| {
            let dropped = dropped.get_mut(class).map(std::mem::take).unwrap_or_default();
            (finding, class >= OF_EACH, 1 + dropped)
        })
    }

    #[must_use]
    pub fn into_vec(self) -> Vec<Finding<'p>> {
        self.kept.into_iter().map(|(finding, _)| finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::finding::Severity;
    use crate::rule::pod::location::Location;

    /// A rule that says nothing about facts, features and repairs, as most do.
    struct Plain;

    impl Check for Plain {
        fn check<'p>(&self, _: &'p Pod<'p>, _: &mut Findings<'p>) {}
    }

    #[test]
    fn a_rule_needs_and_repairs_nothing_unless_it_says_so() {
        let finding = Finding::new(Location::spec(), "a", "b");
        assert!(!Plain.fix(&Pod::default(), &finding, &mut Fix::new(Scope::Pod)));
        assert_eq!(Plain.requires(), PodFeatures::SPEC);
        assert!(!Plain.denies_unknown() && Plain.facts().is_empty());
    }

    #[test]
    fn the_first_are_kept_and_the_others_counted() {
        let mut findings = Findings::default();
        findings.keep(2, None);
        findings.extend(["a", "b", "c"].map(|found| Finding::new(Location::spec(), found, "d")));
        let severe = Finding::new(Location::spec(), "severe", "d").severity(Severity::Critical);
        findings.extend([severe.clone(), severe]);
        let kept: Vec<_> = findings.drain_counted().map(|(finding, _, count)| (finding.found, count)).collect();
        assert_eq!(kept, [("a", 2), ("b", 1), ("severe", 1), ("severe", 1)].map(|(found, n)| (found.into(), n)));
    }
}
