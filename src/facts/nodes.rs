//! What nodes allow a pod and what they can do for it, and which nodes run Windows.
//!
//! A pod that selects its nodes by several labels is judged by what the nodes of each label have in common with those of the others: the nodes
//! that have all labels are among those. So the answer takes no longer on a large cluster, and it never claims more than is true.

use super::Labels;
use crate::workload::{OnNodes, os};
use bitflags::bitflags;
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

bitflags! {
    /// What nodes together say of one feature: each of them has it or lacks it, or nothing is known.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Feature: u8 {
        const HAS = 1;
        const LACKS = 1 << 1;
        const UNKNOWN = 1 << 2;
    }
}

impl From<Option<bool>> for Feature {
    fn from(feature: Option<bool>) -> Self {
        match feature {
            Some(true) => Self::HAS,
            Some(false) => Self::LACKS,
            None => Self::UNKNOWN,
        }
    }
}

impl Feature {
    const fn on_nodes(self) -> OnNodes {
        // Of labels that no node has together, nothing is known.
        if self.is_empty() || self.contains(Self::UNKNOWN) {
            return OnNodes::Unknown;
        }
        match (self.contains(Self::HAS), self.contains(Self::LACKS)) {
            (true, true) => OnNodes::Some,
            (true, false) => OnNodes::All,
            (false, _) => OnNodes::None,
        }
    }
}

/// What is known of a node, or of several together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NodeFacts {
    pub pids: PidLimit,
    /// Whether its runtime and its kernel give a pod user ids of its own.
    pub user_namespaces: Feature,
    pub app_armor: Feature,
    /// Whether `SELinux` enforces its policy there.
    pub se_linux: Feature,
}

impl NodeFacts {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self {
        pids: PidLimit::Unknown,
        user_namespaces: Feature::UNKNOWN,
        app_armor: Feature::UNKNOWN,
        se_linux: Feature::UNKNOWN,
    };

    /// What holds for these nodes and those.
    fn and(self, other: Self) -> Self {
        Self {
            pids: self.pids.max(other.pids),
            user_namespaces: self.user_namespaces | other.user_namespaces,
            app_armor: self.app_armor | other.app_armor,
            se_linux: self.se_linux | other.se_linux,
        }
    }

    /// What holds for the nodes that are among these and among those.
    fn among(self, other: Self) -> Self {
        Self {
            pids: self.pids.min(other.pids),
            user_namespaces: self.user_namespaces & other.user_namespaces,
            app_armor: self.app_armor & other.app_armor,
            se_linux: self.se_linux & other.se_linux,
        }
    }

    /// The highest limit: -1 when a node has none; none when that of a node is not known.
    #[must_use]
    pub const fn highest_pids(&self) -> Option<i64> {
        match self.pids {
            PidLimit::At(limit) => Some(limit),
            PidLimit::None => Some(-1),
            PidLimit::Unknown => None,
        }
    }

    #[must_use]
    pub const fn user_namespaces(&self) -> OnNodes {
        self.user_namespaces.on_nodes()
    }

    #[must_use]
    pub const fn app_armor(&self) -> OnNodes {
        self.app_armor.on_nodes()
    }

    #[must_use]
    pub const fn se_linux(&self) -> OnNodes {
        self.se_linux.on_nodes()
    }
}

/// All nodes, by name and by label.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Nodes {
    all: Option<NodeFacts>,
    by_name: HashMap<String, NodeFacts>,
    /// By key, then value: the nodes with that label together.
    by_label: HashMap<String, HashMap<String, NodeFacts>>,
    windows: HashSet<String>,
}

impl Nodes {
    pub fn add(&mut self, name: String, labels: &Labels, node: NodeFacts) {
        self.all = Some(self.all.map_or(node, |all| all.and(node)));
        for (key, value) in labels {
            let values = self.by_label.entry(key.clone()).or_default();
            values.entry(value.clone()).and_modify(|all| *all = all.and(node)).or_insert(node);
        }
        if os::is_windows(labels) {
            self.windows.insert(name.clone());
        }
        self.by_name.insert(name, node);
    }

    /// Whether a node is known to run Windows.
    #[must_use]
    pub fn is_windows(&self, name: &str) -> bool {
        self.windows.contains(name)
    }

    /// Whether there are nodes, and the limit of each is known.
    #[must_use]
    pub fn all_known(&self) -> bool {
        self.all.is_some_and(|all| all.pids != PidLimit::Unknown)
    }

    /// What holds for the nodes that a pod with this `nodeName` and `nodeSelector` can run on; nothing is known when no such node exists yet.
    #[must_use]
    pub fn of_pod(&self, name: Option<&str>, selector: &Labels) -> NodeFacts {
        let labelled = |(key, value)| self.by_label.get(key)?.get(value).copied();
        let nodes = match name.filter(|name| !name.is_empty()) {
            Some(name) => self.by_name.get(name).copied(),
            None => selector.iter().map(labelled).fold(self.all, |nodes, with| Some(nodes?.among(with?))),
        };
        nodes.unwrap_or(NodeFacts::UNKNOWN)
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
            all.add(
                (*name).to_owned(),
                &labels(pairs),
                NodeFacts { pids: PidLimit::new(*limit), ..NodeFacts::UNKNOWN },
            );
        }
        all
    }

    fn highest(nodes: &Nodes, name: Option<&str>, pairs: Pairs<'_>) -> Option<i64> {
        nodes.of_pod(name, &labels(pairs)).highest_pids()
    }

    #[test]
    fn the_worst_of_all_nodes_counts() {
        let of = |limits: &[Option<i64>]| {
            let limits: Vec<_> = limits.iter().map(|limit| ("a", &[][..], *limit)).collect();
            highest(&nodes(&limits), None, &[])
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
        let highest = |name, pairs| highest(&nodes, name, pairs);
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

    #[test]
    fn a_feature_is_known_where_every_node_says_of_it() {
        let mut all = Nodes::default();
        for (name, pairs, feature) in [
            ("a", &[("pool", "new"), ("zone", "1")][..], Some(true)),
            ("b", &[("pool", "new"), ("zone", "2")], Some(true)),
            ("c", &[("pool", "old"), ("zone", "2")], Some(false)),
            ("d", &[("pool", "odd"), ("zone", "3")], None),
            ("e", &[("pool", "mix"), ("zone", "4")], Some(false)),
            ("f", &[("pool", "mix"), ("zone", "5")], Some(true)),
        ] {
            let node = NodeFacts { app_armor: feature.into(), ..NodeFacts::UNKNOWN };
            all.add(name.to_owned(), &labels(pairs), node);
        }
        let of = |name, pairs| all.of_pod(name, &labels(pairs)).app_armor();
        assert_eq!(of(None, &[]), OnNodes::Unknown);
        assert_eq!(of(Some("c"), &[]), OnNodes::None);
        assert_eq!(of(Some("g"), &[]), OnNodes::Unknown);
        assert_eq!(of(None, &[("pool", "new")]), OnNodes::All);
        assert_eq!(of(None, &[("pool", "mix")]), OnNodes::Some);
        assert_eq!(of(None, &[("pool", "odd")]), OnNodes::Unknown);
        // Of the nodes in zone 2 only those of one pool.
        assert_eq!(of(None, &[("zone", "2")]), OnNodes::Some);
        assert_eq!(of(None, &[("pool", "new"), ("zone", "2")]), OnNodes::All);
        assert_eq!(of(None, &[("pool", "old"), ("zone", "2")]), OnNodes::None);
        // No node has both labels, or even one of them.
        assert_eq!(of(None, &[("pool", "new"), ("zone", "3")]), OnNodes::Unknown);
        assert_eq!(of(None, &[("pool", "none")]), OnNodes::Unknown);
        assert_eq!(Nodes::default().of_pod(None, &Labels::new()), NodeFacts::UNKNOWN);
    }
}
