//! What the cluster adds to what is in force. Cheap to clone: it is composed anew with each change.

use crate::facts::Facts;
use crate::policy::{CompiledPolicy, ObjectExemption};
use std::sync::Arc;

#[derive(Debug, Clone, Default)]
pub struct ClusterState {
    /// Of the `Policy` objects, by name.
    pub policies: Vec<Arc<CompiledPolicy>>,
    /// Of the `Exemption` objects, by namespace and name.
    pub exemptions: Vec<Arc<ObjectExemption>>,
    pub facts: Facts,
    /// Objects whose newest version is not in force, with the reason.
    pub errors: Vec<String>,
    pub listed: Listed,
}

/// Which objects have been told as a whole, or cannot be.
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
    /// Whether both have the same policies, and the same to say of them.
    #[must_use]
    pub fn says_as(&self, other: &Self) -> bool {
        same(&self.policies, &other.policies)
            && same(&self.exemptions, &other.exemptions)
            && self.errors == other.errors
    }
}

fn same<T>(a: &[Arc<T>], b: &[Arc<T>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| Arc::ptr_eq(a, b))
}

/// Where the watches put what they know; who composes sees the newest.
pub type StateSender = tokio::sync::watch::Sender<ClusterState>;
