//! Collects findings: the first ones of each sort, where the others only count, and none that another rule implies.

use super::{Check, Finding, Fix, Same, Scope, Spot};
use crate::effort;
use crate::workload::Pod;
use std::collections::HashSet;
use std::sync::Arc;

/// What is held of a finding that is kept, until it is answered: it, what becomes of it, and its repair.
const KEPT: usize = 768;

/// Collects what a rule finds. Empty costs nothing.
#[derive(Debug)]
pub struct Findings<'p> {
    /// Each with its class.
    kept: Vec<(Finding<'p>, usize)>,
    /// How many of each class are kept; the others are counted.
    most: usize,
    /// How many there are of each class.
    counts: [usize; CLASSES],
    sorting: Option<RepairSplit<'p>>,
    /// Where something was found, while other rules ask.
    spots: Option<HashSet<Spot>>,
    /// Where something else says it already.
    implied: Vec<(Same, Arc<HashSet<Spot>>)>,
}

/// Findings of one class are repaired or not, and are equally severe: the rule's own severity, or one of four. So no flood of
/// mild ones hides a grave one.
const CLASSES: usize = 2 * SEVERITIES;
const SEVERITIES: usize = 5;

/// Tells apart what the rule can repair.
#[derive(Clone, Copy)]
pub struct RepairSplit<'p> {
    pub check: &'p dyn Check,
    pub pod: &'p Pod<'p>,
    pub scope: Scope,
}

impl std::fmt::Debug for RepairSplit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    /// Keeps all.
    fn default() -> Self {
        let (kept, implied) = (Vec::new(), Vec::new());
        Self { kept, most: usize::MAX, counts: [0; CLASSES], sorting: None, spots: None, implied }
    }
}

impl<'p> Extend<Finding<'p>> for Findings<'p> {
    fn extend<I: IntoIterator<Item = Finding<'p>>>(&mut self, findings: I) {
        findings.into_iter().for_each(|finding| self.add(finding));
    }
}

impl<'p> Findings<'p> {
    /// While it is empty: it is to keep the first `most`, and to count the others; with `sorting`, of those
    /// that can be repaired and of those that cannot.
    pub const fn keep(&mut self, most: usize, sorting: Option<RepairSplit<'p>>) {
        self.most = most;
        self.sorting = sorting;
    }

    /// While it is empty: it is to leave out what is found at these spots.
    pub fn leave_out(&mut self, implied: Vec<(Same, Arc<HashSet<Spot>>)>) {
        self.implied = implied;
    }

    /// While it is empty: whether it is to remember where something is found.
    pub fn remember_spots(&mut self, remember: bool) {
        self.spots = remember.then(HashSet::new);
    }

    /// Where something was found, of the kept and the counted; none where nothing was, or nobody asked.
    pub fn take_spots(&mut self) -> Option<HashSet<Spot>> {
        self.spots.take().filter(|spots| !spots.is_empty())
    }

    fn is_implied(&self, finding: &Finding<'p>) -> bool {
        self.implied.iter().any(|(same, spots)| same.spot(finding).is_some_and(|spot| spots.contains(&spot)))
    }

    #[inline]
    pub fn add(&mut self, finding: Finding<'p>) {
        if !effort::step(1) || self.is_implied(&finding) {
            return;
        }
        if let Some(spots) = self.spots.as_mut().filter(|_| !finding.is_alone()) {
            spots.extend(Same::spots(&finding));
        }
        let repairable = self.sorting.is_some_and(|sorting| sorting.is_repairable(&finding));
        let class = usize::from(repairable) * SEVERITIES + finding.severity.map_or(0, |severity| severity as usize + 1);
        if let Some(count) = self.counts.get_mut(class) {
            *count += 1;
            if *count <= self.most && effort::hold(KEPT) {
                self.kept.push((finding, class));
            }
        }
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// What is kept: whether it can be repaired, and how many it stands for. The first one of a class stands for those of it
    /// that are only counted.
    pub fn into_counted(self) -> impl Iterator<Item = (Finding<'p>, bool, usize)> {
        let mut dropped = self.counts.map(|count| count.saturating_sub(self.most));
        self.kept.into_iter().map(move |(finding, class)| {
            let dropped = dropped.get_mut(class).map(std::mem::take).unwrap_or_default();
            (finding, class >= SEVERITIES, 1 + dropped)
        })
    }

    #[must_use]
    pub fn into_vec(self) -> Vec<Finding<'p>> {
        self.kept.into_iter().map(|(finding, _)| finding).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Location, Severity};
    use super::*;

    #[test]
    fn the_first_are_kept_and_the_others_counted() {
        let mut findings = Findings::default();
        findings.keep(2, None);
        findings.extend(["a", "b", "c"].map(|found| Finding::new(Location::spec(), found, "d")));
        let grave = Finding::new(Location::spec(), "grave", "d").severity(Severity::Critical);
        findings.extend([grave.clone(), grave]);
        let kept: Vec<_> = findings.into_counted().map(|(finding, _, times)| (finding.found, times)).collect();
        assert_eq!(kept, [("a", 2), ("b", 1), ("grave", 1), ("grave", 1)].map(|(found, n)| (found.into(), n)));
    }
}
