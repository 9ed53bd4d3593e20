//! A repair: what it may change, and the patch that it builds.

use super::edit::{Applicability, Edit, Op, Remark};
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

/// Collects the changes of a pod: as a patch for the mutating webhook, or as edits for one merged repair.
#[derive(Debug)]
pub struct Fix {
    pub scope: Scope,
    sink: Sink,
    /// Names of the pod's volumes, collected when a repair first needs a new one.
    volumes: Option<HashSet<String>>,
    applicability: Applicability,
    remark: Option<Remark>,
    optional: bool,
}

/// What becomes of the changes.
#[derive(Debug)]
enum Sink {
    /// Only the answer counts: a pod may have 20,000 containers.
    Nothing,
    Patch(PatchBuilder),
    Edits(Edits),
}

/// Room for the places of most repairs.
const PLACES: usize = 512;

/// Edits, and their places in one text.
#[derive(Debug)]
struct Edits {
    list: Vec<Edit>,
    places: String,
}

impl Fix {
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self::with(scope, Sink::Patch(PatchBuilder::default()))
    }

    /// Answers whether a finding can be repaired, and builds nothing.
    #[must_use]
    pub const fn probe(scope: Scope) -> Self {
        Self::with(scope, Sink::Nothing)
    }

    /// Collects edits.
    #[must_use]
    pub const fn edits(scope: Scope) -> Self {
        Self::with(scope, Sink::Edits(Edits { list: Vec::new(), places: String::new() }))
    }

    const fn with(scope: Scope, sink: Sink) -> Self {
        Self { scope, sink, volumes: None, applicability: Applicability::Safe, remark: None, optional: false }
    }

    /// What follows is for one finding: its applicability, and no remark yet.
    pub(super) fn begin(&mut self, applicability: Applicability) {
        self.applicability = applicability;
        self.remark = None;
        self.optional = false;
    }

    /// The pod passes without the edits that follow: they are for the program.
    pub fn optional(&mut self) {
        self.optional = true;
    }

    /// The edits of this finding need a person who knows the program, even if the policy may make them.
    pub fn suggest_only(&mut self) {
        self.applicability = Applicability::Suggested;
    }

    /// A remark for the edits that follow.
    pub fn remark(&mut self, remark: impl Into<Remark>) {
        if matches!(self.sink, Sink::Edits(_)) {
            self.remark = Some(remark.into());
        }
    }

    /// Sets the field that the finding judged.
    pub fn set_found(&mut self, finding: &Finding<'_>, value: Value) {
        self.set(&finding.at, value);
    }

    /// Sets a field, and creates the parents that are missing.
    pub fn set(&mut self, at: &Location<'_>, value: Value) {
        match &mut self.sink {
            Sink::Nothing => {}
            Sink::Patch(patch) => patch.set(&at.pointer(), &at.missing(), value),
            Sink::Edits(_) => self.edit(at, Op::Set(value)),
        }
    }

    /// As [`Self::set`], with a value that is made only if it is needed.
    pub fn set_with(&mut self, at: &Location<'_>, value: impl FnOnce() -> Value) {
        if !matches!(self.sink, Sink::Nothing) {
            self.set(at, value());
        }
    }

    /// A name that no volume of the pod has, `name` itself if it is free. None if only the answer counts.
    pub fn free_volume_name(&mut self, pod: &Pod<'_>, name: impl FnOnce() -> String) -> Option<String> {
        if matches!(self.sink, Sink::Nothing) {
            return None;
        }
        let mut name = name();
        let names = || pod.spec.volumes.iter().map(|volume| volume.name.to_string()).collect();
        let taken = self.volumes.get_or_insert_with(names);
        while taken.contains(&name) {
            name.push('x');
        }
        Some(name)
    }

    /// Removes a field or an element that exists. Of several elements of a list, remove the last one first.
    pub fn remove(&mut self, at: &Location<'_>) {
        match &mut self.sink {
            Sink::Nothing => {}
            Sink::Patch(patch) => patch.remove(at.pointer()),
            Sink::Edits(_) => self.edit(at, Op::Remove),
        }
    }

    /// Appends to a list, and creates the list if it is missing.
    pub fn append(&mut self, at: &Location<'_>, value: Value) {
        match &mut self.sink {
            Sink::Nothing => {}
            Sink::Patch(patch) => patch.append(&at.pointer(), &at.missing(), value),
            Sink::Edits(_) => self.edit(at, Op::Append(value)),
        }
    }

    fn edit(&mut self, at: &Location<'_>, op: Op) {
        let (applicability, remark, optional) = (self.applicability, self.remark.clone(), self.optional);
        if let Sink::Edits(Edits { list, places }) = &mut self.sink {
            if places.is_empty() {
                places.reserve(PLACES);
            }
            let begin = places.len();
            match op {
                Op::Remove => at.push_pointer(places),
                Op::Set(_) | Op::Append(_) => at.push_field(places),
            }
            list.push(Edit { at: begin..places.len(), op, applicability, remark, optional });
        }
    }

    #[must_use]
    pub fn into_patch(self) -> PatchBuilder {
        match self.sink {
            Sink::Patch(patch) => patch,
            Sink::Nothing | Sink::Edits(_) => PatchBuilder::default(),
        }
    }

    /// Passes on the edits since the last call, each with its place: those that the pod needs first.
    pub fn take_edits(&mut self, mut take: impl FnMut(&str, Edit)) {
        if let Sink::Edits(Edits { list, places }) = &mut self.sink {
            list.sort_by_key(|edit| edit.optional);
            for edit in list.drain(..) {
                take(places.get(edit.at.clone()).unwrap_or_default(), edit);
            }
            places.clear();
        }
    }

    /// The edits since [`Self::take_edits`].
    #[must_use]
    pub fn pending(&self) -> &[Edit] {
        match &self.sink {
            Sink::Edits(edits) => &edits.list,
            Sink::Nothing | Sink::Patch(_) => &[],
        }
    }
}
