//! What a finding in a pod has in addition to others: the container that violates.

use super::location::Location;
use crate::rule::finding::Finding;
use crate::workload::{ContainerRef, Pod};

const WHY_WINDOWS: &str = "the pod chooses Windows nodes, but is judged as a Linux pod until it says what it is: set \
spec.os.name: windows, and fields that Windows does not have are not required";

impl<'p> Finding<'p, Location<'p>> {
    /// The violation is this container's, though the pod has the value. So a container that an update adds brings a
    /// violation of its own.
    #[must_use]
    pub fn inherited_by(mut self, container: ContainerRef<'p>) -> Self {
        self.at = self.at.inherited_by(container);
        self
    }

    /// For a field that Windows does not have. A pod that chooses Windows nodes must say that it is a Windows pod; the
    /// repair does not add a field that Windows ignores.
    #[must_use]
    pub fn of_linux(mut self, pod: &Pod<'_>) -> Self {
        if !pod.chooses_windows() {
            return self;
        }
        self.wanted = "spec.os.name: windows".into();
        self.bars_repair = true;
        self.why(WHY_WINDOWS)
    }

    /// Whether the pod has the value, and a container inherits it.
    #[must_use]
    pub const fn is_inherited(&self) -> bool {
        self.at.is_inherited()
    }

    /// The container that violates; none for a violation of the pod.
    #[must_use]
    pub const fn container(&self) -> Option<ContainerRef<'p>> {
        self.at.container_concerned()
    }
}
