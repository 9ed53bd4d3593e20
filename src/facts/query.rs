//! Facts that are looked up for one request.

use super::{ImageQuery, Images, IngressByName, KeptPod, Labels, PodsByName};
use std::sync::Arc;

/// A fact that a request needs and that no watch has delivered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FactQuery {
    /// The labels of a namespace.
    Namespace(String),
    /// All pods of a namespace.
    Pods(String),
    /// All network policies of a namespace.
    NetworkPolicies(String),
    Pod {
        namespace: String,
        name: String,
    },
    /// All images of an object that are not known yet, in one question.
    Images(ImageQuery),
}

/// The answer to a [`FactQuery`]: of the API server, or of registries.
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
    /// An answer for each image of the question. An image that it leaves out is unknown.
    Images(Arc<Images>),
    /// No answer came in time.
    Nothing(FactQuery),
}

impl FactQuery {
    pub const FACTS: [&'static str; 5] = ["namespace", "pods", "pod", "networkpolicies", "images"];

    /// The index of its name in [`Self::FACTS`].
    #[must_use]
    pub const fn fact(&self) -> usize {
        match self {
            Self::Namespace(_) => 0,
            Self::Pods(_) => 1,
            Self::Pod { .. } => 2,
            Self::NetworkPolicies(_) => 3,
            Self::Images(_) => 4,
        }
    }
}

impl FactAnswer {
    pub(super) fn answers(&self, query: &FactQuery) -> bool {
        match (self, query) {
            (Self::Nothing(unanswered), query) => unanswered == query,
            (Self::Namespace(answered, _), FactQuery::Namespace(name))
            | (Self::Pods(answered, _), FactQuery::Pods(name))
            | (Self::NetworkPolicies(answered, _), FactQuery::NetworkPolicies(name)) => answered == name,
            (Self::Pod { namespace, name, .. }, FactQuery::Pod { namespace: n, name: p }) => {
                namespace == n && name == p
            }
            // One object asks once for its images.
            (Self::Images(_), FactQuery::Images(_)) => true,
            _ => false,
        }
    }
}
