//! A repair: what it may change, and the patch that it builds.

use super::location::Location;
use crate::patch::PatchBuilder;
use crate::rule::finding::Finding;
use crate::workload::Pod;
use serde_json::Value;
use std::collections::HashSet;

/// Which part of the pod the API server lets a webhook change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A pod that is created, or a template.
    Pod,
    /// A request to `pods/ephemeralcontainers`: only the containers that it adds.
    Containers,
}

/// Builds a patch of the pod.
#[derive(Debug)]
pub struct Fix {
    pub scope: Scope,
    /// None if only the answer counts (see [`Fix::probe`]): a pod may have 20,000 containers.
    patch: Option<PatchBuilder>,
    /// Names of the pod's volumes, collected when a repair first needs a new one.
    volumes: Option<HashSet<String>>,
}

impl Fix {
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self { scope, patch: Some(PatchBuilder::default()), volumes: None }
    }

    /// Answers whether a finding can be repaired, and builds no patch.
    #[must_use]
    pub const fn probe(scope: Scope) -> Self {
        Self { scope, patch: None, volumes: None }
    }

    /// Sets the field that the finding judged.
    pub fn set_found(&mut self, finding: &Finding<'_>, value: Value) {
        self.set(&finding.at, value);
    }

    /// Sets a field, and creates the parents that are missing.
    pub fn set(&mut self, at: &Location<'_>, value: Value) {
        if let Some(patch) = &mut self.patch {
            patch.set(&at.pointer(), &at.missing(), value);
        }
    }

    /// As [`Self::set`], with a value that is made only if there is a patch to build.
    pub fn set_with(&mut self, at: &Location<'_>, value: impl FnOnce() -> Value) {
        if self.patch.is_some() {
            self.set(at, value());
        }
    }

    /// A name that no volume of the pod has, `name` itself if it is free. None if only the answer counts.
    pub fn free_volume_name(&mut self, pod: &Pod<'_>, mut name: String) -> Option<String> {
        self.patch.as_ref()?;
        let names = || pod.spec.volumes.iter().map(|volume| volume.name.to_string()).collect();
        let taken = self.volumes.get_or_insert_with(names);
        while taken.contains(&name) {
            name.push('x');
        }
        Some(name)
    }

    /// Removes a field or an element that exists. Of several elements of a list, remove the last one first.
    pub fn remove(&mut self, at: &Location<'_>) {
        if let Some(patch) = &mut self.patch {
            patch.remove(at.pointer());
        }
    }

    /// Appends to a list, and creates the list if it is missing.
    pub fn append(&mut self, at: &Location<'_>, value: Value) {
        if let Some(patch) = &mut self.patch {
            patch.append(&at.pointer(), &at.missing(), value);
        }
    }

    #[must_use]
    pub fn into_patch(self) -> PatchBuilder {
        self.patch.unwrap_or_default()
    }
}
