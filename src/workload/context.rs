//! What the cluster knows around a pod, for rules that cannot be answered by the pod alone.

use super::text::Text;

/// Nothing is known without a cluster, and nothing is filled in that no policy asks for.
#[derive(Debug, Clone, Default)]
pub struct PodContext<'a> {
    /// What NetworkPolicies make of incoming traffic; none without a cluster.
    pub ingress: Option<Ingress>,
    /// The highest `podPidsLimit` of the nodes that it can run on; none where that is not known.
    pub node_pids: Option<i64>,
    /// The node that it names is known to run Windows.
    pub windows_node: bool,
    /// The object stands in a file: admission has filled nothing in yet.
    pub written: Option<Written>,
    /// Somebody connects to the pod, and does not change it.
    pub connect: Option<Connect<'a>>,
}

/// What the files around an object say of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// `automountServiceAccountToken` of the pod's ServiceAccount, if that is in the files and says so.
    pub account_automounts: Option<bool>,
}

/// What may connect to the pod, as far as NetworkPolicies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingress {
    /// Only what a policy names.
    Isolated,
    /// No policy selects the pod.
    Open,
    /// A policy that selects the pod lets everything in.
    Opened,
    /// The policies of the namespace could not be read.
    Unknown,
}

/// `kubectl exec`, `attach` and `port-forward`, and the API server's proxy to a pod.
#[derive(Debug, Clone, Default)]
pub struct Connect<'a> {
    /// The container that was named. Without one any may be entered; a forwarded port and the proxy reach all of them.
    pub container: Option<Text<'a>>,
    /// Why nothing is known of the pod.
    pub unknown: Option<UnknownPod>,
}

/// Why nobody can tell what a pod is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownPod {
    /// There is no cluster to ask.
    NoCluster,
    /// The API server was asked.
    NoAnswer,
    /// The API server answered with something else than a pod.
    Unreadable,
}

impl UnknownPod {
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::NoCluster => "this podreeve runs without a cluster and can ask nobody about the pod",
            Self::NoAnswer => "the API server did not say in time what this pod is like",
            Self::Unreadable => "what the API server says of this pod cannot be read",
        }
    }
}

impl Connect<'_> {
    /// Whether it reaches a container of this name.
    #[must_use]
    pub fn reaches(&self, name: &str) -> bool {
        self.container.as_deref().is_none_or(|container| container.is_empty() || container == name)
    }
}
