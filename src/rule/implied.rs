//! One cause, one violation: what a violation of one rule implies of others.

use super::Finding;
use crate::workload::ContainerKind;

/// A rule that implies another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cause {
    /// The rule's id.
    pub rule: &'static str,
    /// What both violations must have in common.
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

/// What two violations of one cause have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Same {
    Container,
    Volume,
}

/// A container or a volume, by its place in the pod.
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

    /// Where a cause is found, as far as rules ask.
    #[must_use]
    pub fn spots(finding: &Finding<'_>) -> Option<Spot> {
        Self::Container.spot(finding).or_else(|| Self::Volume.spot(finding))
    }
}
