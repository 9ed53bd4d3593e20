//! Walks the containers of a pod.

use super::{Container, ContainerKind, ContainerRef, PodSpec};
use crate::effort;
use crate::workload::list;
use std::iter::Enumerate;

/// By hand, since nearly every rule walks it: chained iterators take three times as much code in each.
pub(super) struct Containers<'p> {
    spec: &'p PodSpec<'p>,
    kind: ContainerKind,
    list: Enumerate<list::Iter<'p, Container<'p>>>,
}

impl<'p> Containers<'p> {
    pub fn of(spec: &'p PodSpec<'p>) -> Self {
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
