//! What a repair may touch, and the patch it builds.

use super::{Finding, Location};
use crate::patch::PatchBuilder;
use serde_json::Value;

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
    patch: PatchBuilder,
}

impl Fix {
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self { scope, patch: PatchBuilder::default() }
    }

    /// Sets the field that the finding judged.
    pub fn set_found(&mut self, finding: &Finding<'_>, value: Value) {
        self.set(&finding.at, value);
    }

    /// Sets a field, making the parents that are missing.
    pub fn set(&mut self, at: &Location<'_>, value: Value) {
        self.patch.set(&at.pointer(), &at.missing(), value);
    }

    /// Appends to a list, making it when it is missing.
    pub fn append(&mut self, at: &Location<'_>, value: Value) {
        self.patch.append(&at.pointer(), &at.missing(), value);
    }

    #[must_use]
    pub fn into_patch(self) -> PatchBuilder {
        self.patch
    }
}
