//! What is known of the cluster around a request: plain data that [`crate::admit`] borrows.
//!
//! Others fill it. What is not known is asked for by name ([`FactQuery`]), once, before anything is decided.

pub mod accounts;
pub mod ingress;
mod kinds;
pub mod nodes;
pub mod pods;
pub mod selector;

pub use ingress::IngressByName;
pub use kinds::FactKinds;
pub use pods::{KeptPod, PodsByName};

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What is known of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<T> {
    Is(T),
    /// It is not there.
    Absent,
    /// Nobody has told yet. Never to be taken for [`Self::Absent`].
    Unknown,
}

pub type Labels = BTreeMap<String, String>;

/// Cheap to clone: it is cloned with each change.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// There is a cluster to ask.
    pub cluster: bool,
    /// Labels by namespace.
    pub namespaces: Arc<HashMap<String, Arc<Labels>>>,
    /// Pods by namespace.
    pub pods: Arc<HashMap<String, Arc<PodsByName>>>,
    /// Network policies by namespace.
    pub ingress: Arc<HashMap<String, Arc<IngressByName>>>,
    /// Of these everything is known, and each change: neither is a first list outstanding, nor has the watch lost its way.
    pub complete: FactKinds,
    /// What the nodes allow a pod; nothing while they are not known.
    pub nodes: Arc<nodes::Nodes>,
    /// Objects come from files; the ServiceAccounts among these.
    pub written: Option<Arc<accounts::Accounts>>,
    /// FactAnswer for on account of this request, and the answers.
    pub asked: Vec<FactAnswer>,
}

/// A fact that a request needs and that nobody has told yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactQuery {
    Namespace(String),
    /// All of a namespace.
    Pods(String),
    NetworkPolicies(String),
    Pod {
        namespace: String,
        name: String,
    },
}

/// What the API server said of it.
#[derive(Debug, Clone)]
pub enum FactAnswer {
    Namespace(String, Option<Arc<Labels>>),
    Pods(String, Arc<PodsByName>),
    NetworkPolicies(String, Arc<IngressByName>),
    Pod {
        namespace: String,
        name: String,
        pod: Option<KeptPod>,
    },
    /// No answer came in time.
    Nothing(FactQuery),
}

impl FactQuery {
    pub const FACTS: [&'static str; 4] = ["namespace", "pods", "pod", "networkpolicies"];

    /// Which of [`Self::FACTS`] it is.
    #[must_use]
    pub const fn fact(&self) -> usize {
        match self {
            Self::Namespace(_) => 0,
            Self::Pods(_) => 1,
            Self::Pod { .. } => 2,
            Self::NetworkPolicies(_) => 3,
        }
    }
}

impl FactAnswer {
    fn answers(&self, wanted: &FactQuery) -> bool {
        match (self, wanted) {
            (Self::Nothing(asked), wanted) => asked == wanted,
            (Self::Namespace(asked, _), FactQuery::Namespace(name))
            | (Self::Pods(asked, _), FactQuery::Pods(name))
            | (Self::NetworkPolicies(asked, _), FactQuery::NetworkPolicies(name)) => asked == name,
            (Self::Pod { namespace, name, .. }, FactQuery::Pod { namespace: n, name: p }) => {
                namespace == n && name == p
            }
            _ => false,
        }
    }
}

impl Facts {
    /// The labels of a namespace.
    #[must_use]
    pub fn labels(&self, namespace: &str) -> Known<&Labels> {
        let asked = self.asked.iter().find_map(|asked| match asked {
            FactAnswer::Namespace(name, labels) if name == namespace => Some(labels.as_ref()),
            _ => None,
        });
        match (asked, self.namespaces.get(namespace)) {
            (Some(Some(labels)), _) | (None, Some(labels)) => Known::Is(labels),
            (Some(None), _) => Known::Absent,
            (None, None) => Known::Unknown,
        }
    }

    /// The pods of a namespace.
    #[must_use]
    pub fn pods_of(&self, namespace: &str) -> Known<&PodsByName> {
        let asked = self.asked.iter().find_map(|asked| match asked {
            FactAnswer::Pods(name, pods) if name == namespace => Some(pods),
            _ => None,
        });
        match asked.or_else(|| self.pods.get(namespace).filter(|_| self.is_complete(FactKinds::PODS))) {
            Some(pods) => Known::Is(pods),
            None if self.is_complete(FactKinds::PODS) => Known::Absent,
            None => Known::Unknown,
        }
    }

    /// The network policies of a namespace.
    #[must_use]
    pub fn ingress_of(&self, namespace: &str) -> Known<&IngressByName> {
        let asked = self.asked.iter().find_map(|asked| match asked {
            FactAnswer::NetworkPolicies(name, policies) if name == namespace => Some(policies),
            _ => None,
        });
        match asked.or_else(|| self.ingress.get(namespace).filter(|_| self.is_complete(FactKinds::NETWORK_POLICIES))) {
            Some(policies) => Known::Is(policies),
            None if self.is_complete(FactKinds::NETWORK_POLICIES) => Known::Absent,
            None => Known::Unknown,
        }
    }

    /// One pod. What is not among those that are known may be new, so it is never [`Known::Absent`] unasked.
    #[must_use]
    pub fn pod(&self, namespace: &str, name: &str) -> Known<&KeptPod> {
        let asked = self.asked.iter().find_map(|asked| match asked {
            FactAnswer::Pod { namespace: n, name: p, pod } if n == namespace && p == name => Some(pod.as_ref()),
            _ => None,
        });
        // As long as changes may be missing, another pod may have that name by now.
        let pods = self.pods.get(namespace).filter(|_| self.is_complete(FactKinds::PODS));
        match (asked, pods.and_then(|pods| pods.get(name))) {
            (Some(Some(pod)), _) | (None, Some(pod)) => Known::Is(pod),
            (Some(None), _) => Known::Absent,
            (None, None) => Known::Unknown,
        }
    }

    /// Whether everything of this kind is known.
    #[must_use]
    pub const fn is_complete(&self, kind: FactKinds) -> bool {
        self.complete.contains(kind)
    }

    /// Whether it has not been asked for yet.
    #[must_use]
    pub fn may_ask(&self, wanted: &FactQuery) -> bool {
        self.was_asked(wanted).is_none()
    }

    /// What came of asking for it; none as long as nobody has.
    #[must_use]
    pub fn was_asked(&self, wanted: &FactQuery) -> Option<&FactAnswer> {
        self.asked.iter().find(|asked| asked.answers(wanted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_told_is_unknown_until_it_was_asked_for() {
        let mut facts = Facts::default();
        assert_eq!(facts.labels("shop"), Known::Unknown);
        assert!(matches!(facts.pods_of("shop"), Known::Unknown));
        assert!(matches!(facts.pod("shop", "a"), Known::Unknown));
        facts.complete |= FactKinds::PODS;
        assert!(matches!(facts.pods_of("shop"), Known::Absent));
        assert!(matches!(facts.pod("shop", "a"), Known::Unknown));

        facts.asked.push(FactAnswer::Namespace("shop".to_owned(), None));
        assert_eq!(facts.labels("shop"), Known::Absent);
        assert_eq!(facts.labels("other"), Known::Unknown);
        assert!(!facts.may_ask(&FactQuery::Namespace("shop".to_owned())));
        assert!(facts.may_ask(&FactQuery::Namespace("other".to_owned())));
        facts.asked.push(FactAnswer::Nothing(FactQuery::Namespace("other".to_owned())));
        assert!(!facts.may_ask(&FactQuery::Namespace("other".to_owned())));
    }

    #[test]
    fn what_was_asked_is_newer_than_what_was_told() {
        let labels = |value: &str| Arc::new(Labels::from([("a".to_owned(), value.to_owned())]));
        let mut facts = Facts { namespaces: Arc::new([("shop".to_owned(), labels("1"))].into()), ..Facts::default() };
        assert_eq!(facts.labels("shop"), Known::Is(&*labels("1")));
        facts.asked.push(FactAnswer::Namespace("shop".to_owned(), Some(labels("2"))));
        assert_eq!(facts.labels("shop"), Known::Is(&*labels("2")));
    }
}
