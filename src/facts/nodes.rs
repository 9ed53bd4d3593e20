//! How many processes the nodes allow a pod, and which nodes run Windows.
//!
//! A pod that selects its nodes by several labels is judged by the label whose nodes have the lowest limit: the nodes that
//! have all labels are among those. So the answer takes no longer on a large cluster, and it is never lower than the real limit.

use super::Labels;
use crate::workload::os;
use std::collections::{HashMap, HashSet};

/// The limit of a kubelet for each pod. Of several nodes, the worst one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PidLimit {
    At(i64),
    None,
    /// The kubelet has not been read.
    Unknown,
}

impl PidLimit {
    /// From the `podPidsLimit` of a kubelet's configuration.
    #[must_use]
    pub const fn new(pod_pids_limit: Option<i64>) -> Self {
        match pod_pids_limit {
            Some(limit) if limit > 0 => Self::At(limit),
            Some(_) => Self::None,
            None => Self::Unknown,
        }
    }
}

/// The limits of all nodes, by name and by label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nodes {
    all: Option<PidLimit>,
    by_name: HashMap<String, PidLimit>,
    /// By key, then value: the worst limit of the nodes with that label.
    by_label: HashMap<String, HashMap<String, PidLimit>>,
    windows: HashSet<String>,
}

impl Nodes {
    pub fn add(&mut self, name: String, labels: &Labels, limit: PidLimit) {
        self.all = self.all.max(Some(limit));
        for (key, value) in labels {
            let worst = self.by_label.entry(key.clone()).or_default().entry(value.clone()).or_insert(limit);
            *worst = limit.max(*worst);
        }
        if os::is_windows(labels) {
            self.windows.insert(name.clone());
        }
        self.by_name.insert(name, limit);
    }

    /// Whether a node is known to run Windows.
    #[must_use]
    pub fn is_windows(&self, name: &str) -> bool {
        self.windows.contains(name)
    }

    /// Whether there are nodes, and the limit of each is known.
    #[must_use]
    pub fn all_known(&self) -> bool {
        self.all.is_some_and(|worst| worst != PidLimit::Unknown)
    }

    /// The highest limit of the nodes that a pod with this `nodeName` and `nodeSelector` can run on: -1 when one of them has
    /// no limit; none when the limit of one is not known, or no such node exists yet.
    #[must_use]
    pub fn highest(&self, name: Option<&str>, selector: &Labels) -> Option<i64> {
        let labelled =
            |(key, value)| self.by_label.get(key).and_then(|values: &HashMap<_, _>| values.get(value)).copied();
        let worst = match name.filter(|name| !name.is_empty()) {
            Some(name) => self.by_name.get(name).copied(),
            None => selector.iter().map(labelled).fold(self.all, Ord::min),
        };
        match worst? {
            PidLimit::At(limit) => Some(limit),
            PidLimit::None => Some(-1),
            PidLimit::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    type Pairs<'a> = &'a [(&'a str, &'a str)];

    fn nodes(nodes: &[(&str, Pairs<'_>, Option<i64>)]) -> Nodes {
        let mut all = Nodes::default();
        for (name, pairs, limit) in nodes {
            all.add((*name).to_owned(), &labels(pairs), PidLimit::new(*limit));
        }
        all
    }

    #[test]
    fn the_worst_of_all_nodes_counts() {
        let of = |limits: &[Option<i64>]| {
            let limits: Vec<_> = limits.iter().map(|limit| ("a", &[][..], *limit)).collect();
            nodes(&limits).highest(None, &Labels::new())
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[Some(100), Some(4096)]), Some(4096));
        assert_eq!(of(&[Some(100), Some(-1)]), Some(-1));
        assert_eq!(of(&[Some(0), Some(100)]), Some(-1));
        assert_eq!(of(&[None, Some(-1), Some(100)]), None);
        let known = |limits: &[Option<i64>]| {
            let limits: Vec<_> = limits.iter().map(|limit| ("a", &[][..], *limit)).collect();
            nodes(&limits).all_known()
        };
        assert!(known(&[Some(-1), Some(100)]) && !known(&[]) && !known(&[Some(100), None]));
    }

    #[test]
    fn windows_nodes_are_known_by_their_label() {
        let nodes =
            nodes(&[("a", &[("kubernetes.io/os", "windows")], None), ("b", &[("kubernetes.io/os", "linux")], None)]);
        assert!(nodes.is_windows("a") && !nodes.is_windows("b") && !nodes.is_windows("c"));
    }

    #[test]
    fn only_the_nodes_that_a_pod_selects_count() {
        let nodes = nodes(&[
            ("a", &[("pool", "batch"), ("zone", "1")], Some(512)),
            ("b", &[("pool", "batch"), ("zone", "2")], Some(1024)),
            ("c", &[("pool", "free"), ("zone", "2")], Some(-1)),
            ("d", &[("pool", "new"), ("zone", "3")], None),
        ]);
        let highest = |name, pairs: &[(&str, &str)]| nodes.highest(name, &labels(pairs));
        assert_eq!(highest(None, &[]), None);
        assert_eq!(highest(Some(""), &[("pool", "batch")]), Some(1024));
        assert_eq!(highest(None, &[("pool", "free")]), Some(-1));
        assert_eq!(highest(None, &[("pool", "new")]), None);
        // Of two labels, the one whose nodes have the lowest limit.
        assert_eq!(highest(None, &[("pool", "batch"), ("zone", "1")]), Some(512));
        assert_eq!(highest(None, &[("pool", "batch"), ("zone", "2")]), Some(1024));
        // The limit of a node that does not exist yet is not known.
        assert_eq!(highest(None, &[("pool", "batch"), ("zone", "9")]), None);
        assert_eq!(highest(None, &[("disk", "ssd")]), None);
        assert_eq!(highest(Some("a"), &[("pool", "free")]), Some(512));
        assert_eq!(highest(Some("e"), &[]), None);
    }
}
