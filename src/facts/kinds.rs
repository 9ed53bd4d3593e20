//! The kinds of facts: a flag for each, from the rule that needs it to the watch that fills it.

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
    }
}

impl FactKinds {
    /// A replica is not ready before it has read these kinds, if a policy needs them. The other kinds can be looked up for one
    /// request, or change no verdict while they are missing.
    pub const AWAITED: Self = Self::PODS.union(Self::NETWORK_POLICIES);

    /// Their names in the answer of /readyz.
    #[must_use]
    pub fn names(self) -> Vec<&'static str> {
        let names = [
            (Self::NAMESPACES, "namespaces"),
            (Self::PODS, "pods"),
            (Self::NETWORK_POLICIES, "network policies"),
            (Self::NODES, "nodes"),
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
