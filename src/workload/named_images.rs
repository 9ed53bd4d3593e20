//! The names and images of an object's containers: what an exemption can name.

use super::kinds::Kind;
use super::pod::ContainerKind;
use crate::json::Raw;
use std::collections::BTreeSet;

/// The containers and the mounted images of all pods of an object, without repetition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NamedImages {
    pub containers: BTreeSet<NamedImage>,
    /// Images that are mounted as volumes.
    pub volumes: BTreeSet<String>,
}

/// A container's list, name and image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedImage {
    pub kind: ContainerKind,
    pub name: String,
    pub image: Option<String>,
}

impl NamedImages {
    /// Nothing for an object that cannot be read.
    #[must_use]
    pub fn of(kind: &Kind, object: Raw<'_>) -> Self {
        let mut found = Self::default();
        for placed in kind.pods(object).unwrap_or_default().pods {
            found.containers.extend(placed.pod.all_containers().map(|container| NamedImage {
                kind: container.kind,
                name: container.name.to_string(),
                image: container.image.as_deref().map(str::to_owned),
            }));
            let mounted =
                placed.pod.spec.volumes.iter().filter_map(|volume| volume.image.as_ref()?.reference.as_deref());
            found.volumes.extend(mounted.map(str::to_owned));
        }
        found
    }

    pub fn extend(&mut self, other: Self) {
        self.containers.extend(other.containers);
        self.volumes.extend(other.volumes);
    }
}
