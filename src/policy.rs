//! Policies: the document a person writes, what it compiles to, and what applies to a request.

mod action;
mod builtin;
mod compile;
pub mod document;
mod every;
mod exempt;
pub mod exemption_object;
mod implied;
mod matches;
pub mod pod_security;
mod rule_settings;
pub mod selector;
pub mod status;
mod wording;
mod workloads;

pub use action::Action;
pub use builtin::{BUILTINS, builtin};
pub use compile::{AppliedExemption, CompiledPolicy, CompiledRule, ExemptionSource};
pub use document::{Exemption, Policy, PolicyDocument, PolicySpec};
pub use exempt::{CompiledExemption, PodExemptions};
pub use exemption_object::ObjectExemption;
pub use matches::{Cluster, Subject};

use crate::facts::FactKinds;
use crate::workload::{Kind, kinds};
use std::borrow::Cow;
use std::sync::Arc;

/// A policy that cannot be used, and where it is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// JSON pointer into the document, empty for the document itself.
    pub pointer: String,
    /// The key as a person writes it: `spec.rules.host-ports.params.allow`.
    pub key: String,
    pub message: String,
}

impl std::fmt::Display for PolicyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.key.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.key, self.message) }
    }
}

impl std::error::Error for PolicyError {}

/// Everything that is wrong with a policy or an exemption. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyErrors(pub Vec<PolicyError>);

impl From<PolicyError> for PolicyErrors {
    fn from(error: PolicyError) -> Self {
        Self(vec![error])
    }
}

impl std::fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (number, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if number == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}

impl PolicyError {
    /// An error at the key that these segments lead to.
    #[must_use]
    pub fn at(segments: &[&str], message: impl Into<String>) -> Self {
        let pointer = segments.iter().fold(String::new(), |path, s| path + "/" + &crate::patch::escape(s));
        Self { key: crate::text::dotted(&pointer), pointer, message: message.into() }
    }
}

/// The policies that are in force.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    pub policies: Vec<Arc<CompiledPolicy>>,
    /// Of the cluster; they weaken every policy.
    pub exemptions: Vec<Arc<ObjectExemption>>,
    /// Counts the loads, for logs and metrics.
    pub generation: u64,
}

impl PolicySet {
    #[must_use]
    pub fn new(policies: Vec<CompiledPolicy>, generation: u64) -> Self {
        Self { policies: policies.into_iter().map(Arc::new).collect(), exemptions: Vec::new(), generation }
    }

    /// The pod-bearing kind, of Kubernetes or of the policies' `workloads`: every path counts that any of them names.
    #[must_use]
    pub fn kind(&self, group: &str, kind: &str) -> Option<Cow<'_, Kind>> {
        let added = || self.policies.iter().flat_map(|policy| &policy.workloads);
        let same = |known: &&Kind| known.group == group && known.kind == kind;
        kinds::find(group, kind).map(Cow::Borrowed).or_else(|| workloads::merged(added().filter(same)))
    }

    /// The kinds that the policies add, each once.
    #[must_use]
    pub fn workloads(&self) -> Vec<Cow<'_, Kind>> {
        let mut seen = std::collections::HashSet::new();
        let added = self.policies.iter().flat_map(|policy| &policy.workloads);
        let first = added.filter(|kind| seen.insert((&*kind.group, &*kind.kind)));
        first.filter_map(|kind| self.kind(&kind.group, &kind.kind)).collect()
    }

    /// What any of the policies needs to know of the cluster.
    #[must_use]
    pub fn facts(&self) -> FactKinds {
        self.policies.iter().fold(FactKinds::empty(), |facts, policy| facts | policy.facts)
    }

    /// The policies that apply to a request, in order.
    pub fn select<'s>(&'s self, subject: &'s Subject<'s>) -> impl Iterator<Item = &'s CompiledPolicy> {
        self.policies.iter().map(|policy| &**policy).filter(|policy| policy.matcher.applies(subject))
    }
}
