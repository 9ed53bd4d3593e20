//! The facts of the cluster that rules use: plain data that [`crate::admit`] borrows.
//!
//! Watches and lookups fill it. A fact that is missing is named by a [`FactQuery`]: it is looked up once, before anything is
//! decided.

pub mod accounts;
pub mod images;
pub mod ingress;
mod kinds;
pub mod nodes;
pub mod pods;
mod query;
pub mod reported_nodes;
pub mod reported_scans;

pub use images::{ImageQuery, Images};
pub use ingress::IngressByName;
pub use kinds::FactKinds;
pub use pods::{KeptPod, PodsByName};
pub use query::{FactAnswer, FactQuery};

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What is known of one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known<T> {
    Is(T),
    /// The object does not exist.
    Absent,
    /// Nothing is known yet. Never treat it as [`Self::Absent`].
    Unknown,
}

pub type Labels = BTreeMap<String, String>;

/// The facts. Each change clones them, so a clone is cheap.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// There is a cluster to read from.
    pub cluster: bool,
    /// Labels by namespace.
    pub namespaces: Arc<HashMap<String, Arc<Labels>>>,
    /// Pods by namespace.
    pub pods: Arc<HashMap<String, Arc<PodsByName>>>,
    /// Network policies by namespace.
    pub ingress: Arc<HashMap<String, Arc<IngressByName>>>,
    /// The kinds of which everything is known: the first list was read, and the watch has missed no change since.
    pub complete: FactKinds,
    /// What nodes allow and can do; empty while that is not known.
    pub nodes: Arc<nodes::Nodes>,
    /// The ServiceAccounts of the files, where the objects come from files.
    pub manifest_accounts: Option<Arc<accounts::Accounts>>,
    /// What is known of images; none where image facts are switched off.
    pub images: Option<Arc<Images>>,
    /// podreeve's own namespace, where no image is judged by what is behind it: neither a registry nor a setting may keep podreeve's own
    /// pods out, or the upgrade that repairs a setting. None without a cluster.
    pub own_namespace: Option<Arc<str>>,
    /// What scanners in the cluster report of images.
    pub scans: Arc<reported_scans::ReportedScans>,
    /// What was looked up for this request. It is newer than what the watches delivered.
    pub answers: Vec<FactAnswer>,
}

impl Facts {
    /// The labels of a namespace.
    #[must_use]
    pub fn labels(&self, namespace: &str) -> Known<&Labels> {
        let answer = self.answers.iter().find_map(|answer| match answer {
            FactAnswer::Namespace(name, labels) if name == namespace => Some(labels.as_ref()),
            _ => None,
        });
        match (answer, self.namespaces.get(namespace)) {
            (Some(Some(labels)), _) | (None, Some(labels)) => Known::Is(labels),
            (Some(None), _) => Known::Absent,
            (None, None) => Known::Unknown,
        }
    }

    /// The pods of a namespace.
    #[must_use]
    pub fn pods_of(&self, namespace: &str) -> Known<&PodsByName> {
        let answer = self.answers.iter().find_map(|answer| match answer {
            FactAnswer::Pods(name, pods) if name == namespace => Some(pods),
            _ => None,
        });
        self.all_of(FactKinds::PODS, answer, self.pods.get(namespace))
    }

    /// The network policies of a namespace.
    #[must_use]
    pub fn ingress_of(&self, namespace: &str) -> Known<&IngressByName> {
        let answer = self.answers.iter().find_map(|answer| match answer {
            FactAnswer::NetworkPolicies(name, policies) if name == namespace => Some(policies),
            _ => None,
        });
        self.all_of(FactKinds::NETWORK_POLICIES, answer, self.ingress.get(namespace))
    }

    /// All objects of a kind in a namespace: by the answer, or by the watch if it is complete.
    fn all_of<'f, T>(&self, kind: FactKinds, answer: Option<&'f Arc<T>>, watched: Option<&'f Arc<T>>) -> Known<&'f T> {
        let is_complete = self.is_complete(kind);
        match answer.or_else(|| watched.filter(|_| is_complete)) {
            Some(objects) => Known::Is(objects),
            None if is_complete => Known::Absent,
            None => Known::Unknown,
        }
    }

    /// One pod. A pod that no watch delivered may be new, so it is [`Known::Absent`] only after a lookup.
    #[must_use]
    pub fn pod(&self, namespace: &str, name: &str) -> Known<&KeptPod> {
        let answer = self.answers.iter().find_map(|answer| match answer {
            FactAnswer::Pod { namespace: n, name: p, pod } if n == namespace && p == name => Some(pod.as_ref()),
            _ => None,
        });
        // While changes may be missing, another pod may have that name by now.
        let pods = self.pods.get(namespace).filter(|_| self.is_complete(FactKinds::PODS));
        match (answer, pods.and_then(|pods| pods.get(name))) {
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

    /// Whether the fact was not looked up yet.
    #[must_use]
    pub fn may_look_up(&self, query: &FactQuery) -> bool {
        self.answer_to(query).is_none()
    }

    /// The answer to the query; none before it was looked up.
    #[must_use]
    pub fn answer_to(&self, query: &FactQuery) -> Option<&FactAnswer> {
        self.answers.iter().find(|answer| answer.answers(query))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fact_is_unknown_until_it_is_looked_up() {
        let mut facts = Facts::default();
        assert_eq!(facts.labels("shop"), Known::Unknown);
        assert!(matches!(facts.pods_of("shop"), Known::Unknown));
        assert!(matches!(facts.pod("shop", "a"), Known::Unknown));
        facts.complete |= FactKinds::PODS;
        assert!(matches!(facts.pods_of("shop"), Known::Absent));
        assert!(matches!(facts.pod("shop", "a"), Known::Unknown));

        facts.answers.push(FactAnswer::Namespace("shop".to_owned(), None));
        assert_eq!(facts.labels("shop"), Known::Absent);
        assert_eq!(facts.labels("other"), Known::Unknown);
        assert!(!facts.may_look_up(&FactQuery::Namespace("shop".to_owned())));
        assert!(facts.may_look_up(&FactQuery::Namespace("other".to_owned())));
        facts.answers.push(FactAnswer::Nothing(FactQuery::Namespace("other".to_owned())));
        assert!(!facts.may_look_up(&FactQuery::Namespace("other".to_owned())));
    }

    #[test]
    fn a_looked_up_fact_is_newer_than_a_watched_one() {
        let labels = |value: &str| Arc::new(Labels::from([("a".to_owned(), value.to_owned())]));
        let mut facts = Facts { namespaces: Arc::new([("shop".to_owned(), labels("1"))].into()), ..Facts::default() };
        assert_eq!(facts.labels("shop"), Known::Is(&*labels("1")));
        facts.answers.push(FactAnswer::Namespace("shop".to_owned(), Some(labels("2"))));
        assert_eq!(facts.labels("shop"), Known::Is(&*labels("2")));
    }
}
