//! What a repair may touch, and the patch it builds.

use super::{Finding, Location};
use crate::patch::PatchBuilder;
use crate::workload::Pod;
use serde_json::Value;
use std::collections::HashSet;

/// Which part of the pod the API server lets a request change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// A pod that is created, or a template.
    Pod,
    /// `pods/ephemeralcontainers`: only containers that the request adds.
    Containers,
}

/// A patch in the making, relative to the pod.
#[derive(Debug)]
pub struct Fix {
    pub scope: Scope,
    /// None when only the answer counts: a pod may have 20,000 containers.
    patch: Option<PatchBuilder>,
    /// Names of the pod's volumes, once somebody wants another one.
    volumes: Option<HashSet<String>>,
}

impl Fix {
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self { scope, patch: Some(PatchBuilder::default()), volumes: None }
    }

    /// Tells whether a finding can be repaired, and builds nothing.
    #[must_use]
    pub const fn probe(scope: Scope) -> Self {
        Self { scope, patch: None, volumes: None }
    }

    /// Sets the field that the finding judged.
    pub fn set_found(&mut self, finding: &Finding<'_>, value: Value) {
        self.set(&finding.at, value);
    }

    /// Sets a field, making the parents that are missing.
    pub fn set(&mut self, at: &Location<'_>, value: Value) {
        if let Some(patch) = &mut self.patch {
            patch.set(&at.pointer(), &at.missing(), value);
        }
    }

    /// As [`Self::set`], with a value that is made only when it is wanted.
    pub fn set_with(&mut self, at: &Location<'_>, value: impl FnOnce() -> Value) {
        if self.patch.is_some() {
            self.set(at, value());
        }
    }

    /// A name that no volume of the pod has, this one if it is free; none when only the answer counts.
    pub fn free_volume_name(&mut self, pod: &Pod<'_>, mut name: String) -> Option<String> {
        self.patch.as_ref()?;
        let names = || pod.spec.volumes.iter().map(|volume| volume.name.to_string()).collect();
        let taken = self.volumes.get_or_insert_with(names);
        while taken.contains(&name) {
            name.push('x');
        }
        Some(name)
    }

    /// Removes what is there. Of several elements of a list, the last must come first.
    pub fn remove(&mut self, at: &Location<'_>) {
        if let Some(patch) = &mut self.patch {
            patch.remove(at.pointer());
        }
    }

    /// Appends to a list, making it when it is missing.
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
