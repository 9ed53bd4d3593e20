//! Facts about a pod's surroundings, for rules that need more than the pod.

use super::images::PodImages;
use super::text::Text;

/// The surroundings of a pod. Empty without a cluster; a fact that no policy needs is left out.
#[derive(Debug, Clone, Default)]
pub struct PodContext<'a> {
    /// Whether NetworkPolicies restrict incoming traffic. `None` without a cluster.
    pub ingress: Option<Ingress>,
    /// The highest `podPidsLimit` of the nodes that the pod can run on. `None` where it is unknown.
    pub node_pids: Option<i64>,
    /// Whether these nodes give a pod user namespaces, and have `AppArmor`, and enforce a policy of `SELinux`.
    pub user_namespaces: OnNodes,
    pub app_armor: OnNodes,
    pub se_linux: OnNodes,
    /// Whether the node in `spec.nodeName` is known to run Windows.
    pub windows_node: bool,
    /// Set for an object from a file, in which no admission plugin has set defaults.
    pub written: Option<Written>,
    /// What is known of its images, if a policy judges them and image facts are switched on.
    pub images: Option<Box<PodImages>>,
    /// Whether it is in podreeve's own namespace.
    pub in_own_namespace: bool,
    /// Set when the request opens a connection to the pod and does not change it.
    pub connect: Option<Connect<'a>>,
}

/// Which of the nodes that the pod can run on have a feature.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnNodes {
    /// Nothing is known of one of them.
    #[default]
    Unknown,
    All,
    Some,
    None,
}

/// What other objects in the same files say about this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// `automountServiceAccountToken` of the pod's ServiceAccount, if the files hold it and it is set.
    pub account_automounts: Option<bool>,
}

/// Which incoming traffic the NetworkPolicies let through to the pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingress {
    /// Only traffic that a policy lists.
    Isolated,
    /// All traffic: no policy selects the pod.
    Open,
    /// All traffic: a policy selects the pod and lets everything in.
    Opened,
    /// The NetworkPolicies of the namespace could not be read.
    Unknown,
}

/// `kubectl exec`, `attach` and `port-forward`, and the API server's proxy to a pod.
#[derive(Debug, Clone, Default)]
pub struct Connect<'a> {
    /// The container in the request. Without one, the connection may reach any container; so may a forwarded port and the
    /// proxy.
    pub container: Option<Text<'a>>,
    /// Why the pod is unknown, if it is.
    pub unknown: Option<UnknownPod>,
}

/// Why the pod of a connection is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownPod {
    /// There is no API server to get the pod from.
    NoCluster,
    /// The API server did not answer in time.
    NoAnswer,
    /// The API server's answer is not a pod.
    Unreadable,
}

impl UnknownPod {
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::NoCluster => "this podreeve runs without a cluster and cannot look up the pod",
            Self::NoAnswer => "the API server did not say in time what this pod is like",
            Self::Unreadable => "what the API server says of this pod cannot be read",
        }
    }
}

impl Connect<'_> {
    /// Whether the connection reaches a container of this name.
    #[must_use]
    pub fn reaches(&self, name: &str) -> bool {
        self.container.as_deref().is_none_or(|container| container.is_empty() || container == name)
    }
}
