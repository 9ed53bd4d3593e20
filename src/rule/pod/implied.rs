//! One cause, one violation: which violations of other rules a violation implies.

use crate::rule::finding::Finding;
use crate::workload::ContainerKind;

/// A rule that implies another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The rule's id.
    pub rule: &'static str,
    /// What both violations must be about.
    pub same: Same,
}

impl Cause {
    /// A violation of this rule by the same container.
    #[must_use]
    pub const fn container(rule: &'static str) -> Self {
        Self { rule, same: Same::Container }
    }

    /// A violation of this rule by the same volume of the pod.
    #[must_use]
    pub const fn volume(rule: &'static str) -> Self {
        Self { rule, same: Same::Volume }
    }
}

/// What the violation of the cause and the implied violation are both about: the same container or the same volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    Container,
    Volume,
}

/// A container or a volume, by its position in the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Spot {
    Container(ContainerKind, usize),
    Volume(usize),
}

impl Same {
    /// The container or the volume that the finding is about.
    #[must_use]
    pub fn spot(self, finding: &Finding<'_>) -> Option<Spot> {
        match self {
            Self::Container => finding.container().map(|c| Spot::Container(c.kind, c.index)),
            Self::Volume => {
                let of_pod = finding.container().is_none() && finding.at.has_key("volumes");
                finding.at.list_index().filter(|_| of_pod).map(Spot::Volume)
            }
        }
    }

    /// Where the violation of a cause is found. No rule is implied by anything but a container or a volume.
    #[must_use]
    pub fn cause_spot(finding: &Finding<'_>) -> Option<Spot> {
        Self::Container.spot(finding).or_else(|| Self::Volume.spot(finding))
    }
}
