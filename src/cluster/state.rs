//! What the server gets from the cluster. Cheap to clone: the server composes a new snapshot with each change.

use crate::facts::Facts;
use crate::facts::reported_nodes::ReportedNodes;
use crate::policy::{Ceiling, CompiledPolicy, ObjectExemption};
use std::sync::Arc;

#[derive(Debug, Clone, Default)]
pub struct ClusterState {
    /// Compiled from the `Policy` objects, by name.
    pub policies: Vec<Arc<CompiledPolicy>>,
    /// Compiled from the `Exemption` objects, by namespace and name.
    pub exemptions: Vec<Arc<ObjectExemption>>,
    pub facts: Facts,
    /// What agents say about the nodes.
    pub reported_nodes: Arc<ReportedNodes>,
    /// One text for each object whose newest version is not in force, with the reason.
    pub errors: Vec<String>,
    pub listed: Listed,
    /// The mode that podreeve's Deployment names. None where it names none, or where no Deployment is watched.
    pub ceiling: Option<Ceiling>,
}

/// Which of podreeve's own kinds have been listed once, or cannot be listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Listed {
    pub policies: bool,
    pub exemptions: bool,
}

impl Listed {
    #[must_use]
    pub const fn all(self) -> bool {
        self.policies && self.exemptions
    }
}

impl ClusterState {
    /// Whether the policies, the exemptions, the errors and the mode are the same in both. Facts may differ.
    #[must_use]
    pub fn has_same_policies(&self, other: &Self) -> bool {
        same(&self.policies, &other.policies)
            && same(&self.exemptions, &other.exemptions)
            && self.errors == other.errors
            && self.ceiling == other.ceiling
    }
}

fn same<T>(a: &[Arc<T>], b: &[Arc<T>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// Where the watches put what they read. The server takes the newest state.
pub type StateSender = tokio::sync::watch::Sender<ClusterState>;
