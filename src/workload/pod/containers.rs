//! The containers of a pod, list by list.

use super::container::Container;
use super::container_list::{ContainerList, Group};
use crate::effort;
use crate::patch::push_index;
use crate::workload::list;
use crate::workload::text::Text;

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
pub struct Containers<'p> {
    kind: ContainerKind,
    /// The place of the next container in its list.
    index: usize,
    groups: list::Iter<'p, Group<'p>>,
    /// The container that was read last, and how many copies of it are still to come.
    last: Option<(&'p Container<'p>, usize)>,
    /// The names of the copies to come in this list.
    copies: list::Iter<'p, Text<'p>>,
    regular: &'p ContainerList<'p>,
    ephemeral: &'p ContainerList<'p>,
}

impl<'p> Containers<'p> {
    /// The lists in the order of [`ContainerKind::ALL`].
    pub(super) fn new([init, regular, ephemeral]: [&'p ContainerList<'p>; 3]) -> Self {
        let (groups, copies) = (init.groups.iter(), init.copies.iter());
        Self { kind: ContainerKind::Init, index: 0, groups, last: None, copies, regular, ephemeral }
    }

    /// Leaves out the copies of the container that came last.
    #[inline]
    pub fn skip_copies(&mut self) {
        if let Some((_, copies)) = self.last.take_if(|(_, copies)| *copies > 0) {
            self.index += copies;
            self.copies.nth(copies - 1);
        }
    }

    #[inline]
    fn found(&mut self, name: &'p Text<'p>, container: &'p Container<'p>) -> ContainerRef<'p> {
        let index = self.index;
        self.index += 1;
        ContainerRef { kind: self.kind, index, name: &name.0, container }
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
            if let Some((container, copies)) = self.last.take_if(|(_, copies)| *copies > 0)
                && let Some(name) = self.copies.next()
            {
                self.last = Some((container, copies - 1));
                return Some(self.found(name, container));
            }
            if let Some(group) = self.groups.next() {
                self.last = Some((&group.container, group.copies));
                return Some(self.found(&group.name, &group.container));
            }
            let list;
            (self.kind, list) = match self.kind {
                ContainerKind::Init => (ContainerKind::Container, self.regular),
                ContainerKind::Container => (ContainerKind::Ephemeral, self.ephemeral),
                ContainerKind::Ephemeral => return None,
            };
            (self.index, self.groups, self.copies) = (0, list.groups.iter(), list.copies.iter());
        }
    }
}

/// A container and its place in the pod.
#[derive(Debug, Clone, Copy)]
pub struct ContainerRef<'p> {
    pub kind: ContainerKind,
    pub index: usize,
    pub name: &'p str,
    /// Everything but the name.
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
