//! What one exemption admits.

use std::collections::{BTreeMap, BTreeSet};

/// The most rules, containers or images that the API server accepts in one exemption.
const MAX_NAMES: usize = 100;

/// Whether a rule was violated by containers or by the pod itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    Container,
    Pod,
}

/// An exemption without its namespace, reason and end. It covers each rule for each of the containers with each of the images.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    pub(super) rules: BTreeSet<(String, Level)>,
    pub containers: BTreeSet<String>,
    /// Registries and repositories. Empty if an image has no readable reference, so that the names alone decide.
    pub images: BTreeSet<String>,
    /// Each workload that needs it, with the rules and containers that it needs it for.
    pub needed_by: BTreeMap<String, BTreeSet<String>>,
    /// The name of the first workload that needs it.
    pub name: String,
}

impl Grant {
    /// The ids of the rules.
    #[must_use]
    pub fn rules(&self) -> BTreeSet<&str> {
        self.rules.iter().map(|(rule, _)| &**rule).collect()
    }

    /// Each rule, container and image that it covers.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'_>> {
        let images =
            move || self.images.iter().map(|image| Some(&**image)).chain(self.images.is_empty().then_some(None));
        let containers = move |rule| {
            let of_rule = move |name| images().map(move |image| Cell { rule, container: name, image });
            self.containers.iter().flat_map(move |name| of_rule(&**name))
        };
        self.rules.iter().flat_map(move |(rule, level)| containers((&**rule, *level)))
    }

    /// One exemption in place of both, if it covers no more than `found`.
    ///
    /// A violation of the pod is covered if all its containers match. So for such a rule the sets of containers and images may not grow:
    /// a pod with other combinations was not found.
    pub(super) fn merged(&self, other: &Self, found: &BTreeSet<Cell<'_>>) -> Option<Self> {
        let union = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.union(b).cloned().collect::<BTreeSet<_>>();
        // A name without an image covers all images, so it joins none.
        if self.images.is_empty() != other.images.is_empty() {
            return None;
        }
        let mut merged = Self {
            rules: self.rules.union(&other.rules).cloned().collect(),
            containers: union(&self.containers, &other.containers),
            images: union(&self.images, &other.images),
            needed_by: self.needed_by.clone(),
            name: self.name.clone().min(other.name.clone()),
        };
        let keeps_pods = |grant: &Self| {
            let has_pod_rule = grant.rules.iter().any(|(_, level)| *level == Level::Pod);
            !has_pod_rule || (merged.containers == grant.containers && merged.images == grant.images)
        };
        let is_small =
            [merged.rules.len(), merged.containers.len(), merged.images.len()].iter().all(|n| *n <= MAX_NAMES);
        let covers_no_more =
            is_small && keeps_pods(self) && keeps_pods(other) && merged.cells().all(|cell| found.contains(&cell));
        if !covers_no_more {
            return None;
        }
        for (workload, needs) in &other.needed_by {
            merged.needed_by.entry(workload.clone()).or_default().extend(needs.iter().cloned());
        }
        Some(merged)
    }
}

/// One rule for one container with one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cell<'g> {
    pub rule: (&'g str, Level),
    pub container: &'g str,
    pub image: Option<&'g str>,
}
