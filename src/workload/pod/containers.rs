//! The containers of a pod, list by list.

use super::container::Container;
use crate::effort;
use crate::patch::push_index;
use crate::workload::list::{self, List};
use std::iter::Enumerate;

/// The list of the pod that holds a container.
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

    /// Its name in a sentence.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Init => "init container",
            Self::Container => "container",
            Self::Ephemeral => "ephemeral container",
        }
    }
}

/// Walks the three lists. Nearly every rule contains this code: chained iterators would make three times as much of it.
pub(super) struct Containers<'p> {
    kind: ContainerKind,
    list: Enumerate<list::Iter<'p, Container<'p>>>,
    regular: &'p List<Container<'p>>,
    ephemeral: &'p List<Container<'p>>,
}

impl<'p> Containers<'p> {
    /// The lists in the order of [`ContainerKind::ALL`].
    pub(super) fn new([init, regular, ephemeral]: [&'p List<Container<'p>>; 3]) -> Self {
        Self { kind: ContainerKind::Init, list: init.iter().enumerate(), regular, ephemeral }
    }
}

impl<'p> Iterator for Containers<'p> {
    type Item = ContainerRef<'p>;

    #[inline]
    fn next(&mut self) -> Option<ContainerRef<'p>> {
        loop {
            // A finding is worth nothing after the judgement has ended.
            if !effort::step(1) {
                return None;
            }
            if let Some((index, container)) = self.list.next() {
                return Some(ContainerRef { kind: self.kind, index, container });
            }
            let list;
            (self.kind, list) = match self.kind {
                ContainerKind::Init => (ContainerKind::Container, self.regular),
                ContainerKind::Container => (ContainerKind::Ephemeral, self.ephemeral),
                ContainerKind::Ephemeral => return None,
            };
            self.list = list.iter().enumerate();
        }
    }
}

/// A container and its place in the pod.
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
        let mut pointer = String::new();
        self.push_pointer(&mut pointer);
        pointer
    }

    /// Appends [`Self::pointer`].
    pub fn push_pointer(&self, out: &mut String) {
        out.push_str("/spec/");
        out.push_str(self.kind.field());
        push_index(out, self.index);
    }

    /// Whether it is an init container that keeps running: `restartPolicy: Always`.
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
