//! The kinds of facts: one flag for each, from the rule that needs it to the watch that fills it.
//!
//! To add a kind of facts:
//! 1. here, a flag, its name in [`FactKinds::names`], and whether readiness waits for it ([`FactKinds::AWAITED`]);
//! 2. in `src/facts.rs`, the field of [`Facts`](super::Facts) that stores the facts. If one request can look up a missing
//!    fact, also a variant of [`FactQuery`](super::FactQuery) and one of [`FactAnswer`](super::FactAnswer), with a function in
//!    `src/cluster/fact_client.rs`;
//! 3. in `src/cluster/fact_caches.rs`, what a watch keeps of each object, and one line in the table of
//!    `src/cluster/fact_watches.rs`. Facts of nodes are polled instead: in `src/cluster/nodes.rs`, and reported by agents: in
//!    `src/agent/facts.rs`;
//! 4. in the rule, the flag in its check's `facts`.

use bitflags::bitflags;

bitflags! {
    /// What a rule, a policy or a request needs to know of the cluster.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct FactKinds: u8 {
        /// The labels of namespaces.
        const NAMESPACES = 1;
        /// The pods that exist.
        const PODS = 1 << 1;
        /// What NetworkPolicies let in.
        const NETWORK_POLICIES = 1 << 2;
        /// What nodes allow a pod.
        const NODES = 1 << 3;
        /// What is behind images.
        const IMAGES = 1 << 4;
        /// Which nodes have user namespaces for pods.
        const USER_NAMESPACES = 1 << 5;
        /// Which nodes have `AppArmor` or `SELinux`.
        const SECURITY_MODULES = 1 << 6;
    }
}

impl FactKinds {
    /// A replica is not ready before it has read these kinds, if a policy needs them. The other kinds can be looked up for one
    /// request, or change no verdict while they are missing.
    pub const AWAITED: Self = Self::PODS.union(Self::NETWORK_POLICIES);

    /// All that is known of nodes. They are polled.
    pub const OF_NODES: Self = Self::NODES.union(Self::USER_NAMESPACES).union(Self::SECURITY_MODULES);

    /// Their names in the answer of /readyz.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let names = [
            (Self::NAMESPACES, "namespaces"),
            (Self::PODS, "pods"),
            (Self::NETWORK_POLICIES, "network policies"),
            (Self::NODES, "nodes"),
            (Self::IMAGES, "images"),
            (Self::USER_NAMESPACES, "user namespaces"),
            (Self::SECURITY_MODULES, "security modules"),
        ];
        names.into_iter().filter(|(kind, _)| self.contains(*kind)).map(|(_, name)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_name() {
        assert_eq!(FactKinds::all().names().len(), FactKinds::all().iter().count());
        assert_eq!(FactKinds::AWAITED.names(), ["pods", "network policies"]);
    }
}
