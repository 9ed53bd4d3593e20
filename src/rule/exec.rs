//! Rules about connections to a pod: exec, attach, port-forward and proxy.

use super::pod::PodRule;
use super::pod::example::{Example, Kinds};

/// How a rule judges a connection: by the pod that the connection enters.
pub struct ExecRule {
    /// How the rule judges that pod. Its examples are debug containers, which open a shell as well.
    pub pod: PodRule,
    /// Pods that exist, each with a container that a connection enters.
    pub entered: &'static [ExecExample],
}

/// A pod that exists, and the container that a connection enters.
#[derive(Debug)]
pub struct ExecExample(Example);

impl ExecExample {
    const fn new(mut example: Example) -> Self {
        example.kinds = Kinds::Entered;
        Self(example)
    }

    /// A container that every connection may enter.
    #[must_use]
    pub const fn good(name: &'static str, container: &'static str) -> Self {
        Self::new(Example::good(name, container))
    }

    /// A container whose fields violate the rule when a connection enters it.
    #[must_use]
    pub const fn bad(name: &'static str, container: &'static str, fields: &'static [&'static str]) -> Self {
        Self::new(Example::bad(name, container, fields))
    }

    /// The same with a change of the pod's spec.
    #[must_use]
    pub const fn spec(mut self, spec: &'static str) -> Self {
        self.0 = self.0.spec(spec);
        self
    }

    /// The pod, and what the rule must find in it.
    #[must_use]
    pub const fn example(&self) -> &Example {
        &self.0
    }
}
