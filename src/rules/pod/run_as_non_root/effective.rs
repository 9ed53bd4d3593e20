//! The value of a field that is in effect for a container: its own, or the pod's.

use crate::rule::{Finding, Location};
use crate::workload::pod::{PodSecurityContext, SecurityContext};
use crate::workload::{ContainerRef, Pod};

/// A field of the pod's `securityContext`.
pub fn on_pod(field: &str) -> Location<'_> {
    Location::spec().key("securityContext", true).key(field, true)
}

/// A field of the container's `securityContext`, or of the pod's if the container does not set it.
#[derive(Clone, Copy)]
pub struct EffectiveUser<T> {
    own: Option<T>,
    pods: Option<T>,
}

impl<T: Copy> EffectiveUser<T> {
    pub fn new(
        pod: &Pod<'_>,
        container: ContainerRef<'_>,
        pods: impl Fn(&PodSecurityContext<'_>) -> Option<T>,
        own: impl Fn(&SecurityContext<'_>) -> Option<T>,
    ) -> Self {
        Self {
            own: container.container.security_context.as_deref().and_then(own),
            pods: pod.spec.security_context.as_ref().and_then(pods),
        }
    }

    pub fn value(self) -> Option<T> {
        self.own.or(self.pods)
    }

    pub fn is_inherited(self) -> bool {
        self.own.is_none() && self.pods.is_some()
    }

    /// A finding at the field that has the value.
    pub fn finding<'p>(
        self,
        container: ContainerRef<'p>,
        field: &'static str,
        found: &'static str,
        wanted: &'static str,
    ) -> Finding<'p> {
        if self.is_inherited() {
            Finding::new(on_pod(field), found, wanted).inherited_by(container)
        } else {
            Finding::new(Location::security_context(container, field, self.own.is_some()), found, wanted)
        }
    }
}
