//! The containers of a pod, list by list.

use super::{Container, PodSpec};
use crate::effort;
use crate::workload::list;
use std::iter::Enumerate;

/// Which list of the pod a container stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContainerKind {
    Init,
    Container,
    Ephemeral,
}

impl ContainerKind {
    pub const ALL: [Self; 3] = [Self::Init, Self::Container, Self::Ephemeral];

    /// The field of `PodSpec` that holds such containers.
    #[must_use]
    pub const fn field(self) -> &'static str {
        match self {
            Self::Init => "initContainers",
            Self::Container => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }

    /// What a person calls it.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Init => "init container",
            Self::Container => "container",
            Self::Ephemeral => "ephemeral container",
        }
    }
}

/// By hand, since nearly every rule walks it: chained iterators take three times as much code in each.
pub(super) struct Containers<'p> {
    spec: &'p PodSpec<'p>,
    kind: ContainerKind,
    list: Enumerate<list::Iter<'p, Container<'p>>>,
}

impl<'p> Containers<'p> {
    pub(super) fn new(spec: &'p PodSpec<'p>) -> Self {
        Self { spec, kind: ContainerKind::Init, list: spec.init_containers.iter().enumerate() }
    }
}

impl<'p> Iterator for Containers<'p> {
    type Item = ContainerRef<'p>;

    #[inline]
    fn next(&mut self) -> Option<ContainerRef<'p>> {
        loop {
            // What is found is worth nothing once nobody waits for it.
            if !effort::step(1) {
                return None;
            }
            if let Some((index, container)) = self.list.next() {
                return Some(ContainerRef { kind: self.kind, index, container });
            }
            let list;
            (self.kind, list) = match self.kind {
                ContainerKind::Init => (ContainerKind::Container, &self.spec.containers),
                ContainerKind::Container => (ContainerKind::Ephemeral, &self.spec.ephemeral_containers),
                ContainerKind::Ephemeral => return None,
            };
            self.list = list.iter().enumerate();
        }
    }
}

/// A container and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct ContainerRef<'p> {
    pub kind: ContainerKind,
    pub index: usize,
    pub container: &'p Container<'p>,
}

impl ContainerRef<'_> {
    /// JSON pointer from the pod, for example `/spec/initContainers/0`.
    #[must_use]
    pub fn pointer(&self) -> String {
        format!("/spec/{}/{}", self.kind.field(), self.index)
    }

    /// An init container that stays: `restartPolicy: Always`.
    #[must_use]
    pub fn is_sidecar(&self) -> bool {
        self.kind == ContainerKind::Init && self.container.restart_policy.as_deref() == Some("Always")
    }
}

impl<'p> std::ops::Deref for ContainerRef<'p> {
    type Target = Container<'p>;
    fn deref(&self) -> &Container<'p> {
        self.container
    }
}
