//! Policies: the document that users write, the compiled form, and which policies apply to a request.

mod action;
mod all_errors;
mod builtin;
mod ceiling;
mod compile;
mod compiled_rule;
pub mod copy;
pub mod document;
pub mod ends;
mod error;
mod exempt;
pub mod exemption_object;
mod extend;
mod implied;
mod in_pods;
mod matches;
mod narrowing;
mod node_exempt;
pub mod pod_security;
mod rule_settings;
mod selector;
mod shared_params;
mod standard;
pub mod status;
mod wording;
mod workloads;

pub use action::Action;
pub use builtin::{BUILTINS, builtin};
pub use ceiling::{Cap, Ceiling, HeldBy, Mode};
pub use compile::{AppliedExemption, CompiledPolicy, ExemptionSource};
pub use compiled_rule::{CompiledRule, SubjectRule};
pub use document::{Exemption, Policy, PolicyDocument, PolicySpec};
pub use error::{PolicyError, PolicyErrors};
pub use exempt::{CompiledExemption, PodExemptions};
pub use exemption_object::ObjectExemption;
pub use matches::{Cluster, MatchInput};
pub use node_exempt::{CompiledNodeExemption, NodeIdentity};
pub use rule_settings::unknown_rule;
pub use standard::standard;

use crate::facts::FactKinds;
use crate::workload::{Kind, kinds};
use std::borrow::Cow;
use std::sync::Arc;

/// The policies that are in force.
#[derive(Debug, Clone, Default)]
pub struct PolicySet {
    pub policies: Vec<Arc<CompiledPolicy>>,
    /// How many of them come from files or are built in. They are the first ones.
    pub from_files: usize,
    /// The `Exemption` objects of the cluster. They weaken every policy.
    pub exemptions: Vec<Arc<ObjectExemption>>,
    /// The number of the load, for logs and metrics.
    pub generation: u64,
}

impl PolicySet {
    #[must_use]
    pub fn new(policies: Vec<CompiledPolicy>, generation: u64) -> Self {
        let policies: Vec<_> = policies.into_iter().map(Arc::new).collect();
        Self { from_files: policies.len(), policies, exemptions: Vec::new(), generation }
    }

    /// Whether a policy from a file, or a built-in one, has this name.
    #[must_use]
    pub fn has_file(&self, name: &str) -> bool {
        self.policies.iter().take(self.from_files).any(|policy| *policy.name == *name)
    }

    /// A kind that holds pods: one of Kubernetes, or one of the policies' `workloads`, with the paths of all policies.
    #[must_use]
    pub fn kind(&self, group: &str, kind: &str) -> Option<Cow<'_, Kind>> {
        let added = || self.policies.iter().flat_map(|policy| &policy.workloads);
        let same = |known: &&Kind| known.group == group && known.kind == kind;
        kinds::find(group, kind).map(Cow::Borrowed).or_else(|| workloads::merged(added().filter(same)))
    }

    /// The kinds that the policies add, without repetition.
    #[must_use]
    pub fn workloads(&self) -> Vec<Cow<'_, Kind>> {
        let mut seen = std::collections::HashSet::new();
        let added = self.policies.iter().flat_map(|policy| &policy.workloads);
        let first = added.filter(|kind| seen.insert((&*kind.group, &*kind.kind)));
        first.filter_map(|kind| self.kind(&kind.group, &kind.kind)).collect()
    }

    /// The facts of the cluster that the policies need.
    #[must_use]
    pub fn facts(&self) -> FactKinds {
        self.policies.iter().map(|policy| policy.facts).collect()
    }

    /// The policies that apply to a request, in order.
    pub fn select<'s>(&'s self, input: &'s MatchInput<'s>) -> impl Iterator<Item = &'s CompiledPolicy> {
        self.policies.iter().map(|policy| &**policy).filter(|policy| policy.matcher.applies(input))
    }
}
