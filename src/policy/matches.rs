//! Whether a policy applies to a request.

use super::{PolicyError, PolicyErrors, document::Match, every, selector};
use crate::facts::selector::Selector;
use crate::facts::{FactKinds, Known, Labels};
use crate::workload::{Kind, kinds::KINDS};

/// What policies may look at in a request.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub namespace: &'a str,
    /// The namespace's own; looked at by policies with a `namespaceSelector` alone.
    pub labels: Known<&'a Labels>,
    pub kind: &'a str,
    pub user: &'a str,
    pub groups: &'a [crate::workload::Text<'a>],
}

/// Whether there is a cluster to read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cluster {
    With,
    Without,
}

impl Cluster {
    /// # Errors
    /// Without a cluster, that the key at `place` needs one.
    pub fn needed(self, place: &[&str], what: &str) -> Result<(), PolicyError> {
        match self {
            Self::With => Ok(()),
            Self::Without => Err(PolicyError::at(
                place,
                format!(
                    "needs a cluster to read {what} from, and this podreeve runs without one; run `serve --cluster`"
                ),
            )),
        }
    }
}

/// A checked `match`.
#[derive(Debug, Default)]
pub struct Matcher {
    matching: Match,
    selector: Option<Selector>,
}

impl Matcher {
    /// # Errors
    /// A selector that needs a cluster or means nothing, and every kind that carries no pod.
    pub fn new(matching: Option<&Match>, workloads: &[Kind], cluster: Cluster) -> Result<Self, PolicyErrors> {
        let Some(matching) = matching else { return Ok(Self::default()) };
        let mut errors = Vec::new();
        let place = ["spec", "match", "namespaceSelector"];
        let selector = match &matching.namespace_selector {
            None => None,
            Some(written) => {
                every::keep(&mut errors, cluster.needed(&place, "namespace labels"));
                every::keep(&mut errors, selector::compile(written, &place))
            }
        };
        for (index, kind) in matching.kinds.iter().enumerate() {
            let mut known = KINDS.iter().chain(workloads);
            if !known.any(|known| known.kind == *kind) {
                let known: Vec<_> = KINDS.iter().chain(workloads).map(|known| &*known.kind).collect();
                errors.push(PolicyError::at(
                    &["spec", "match", "kinds", &index.to_string()],
                    format!("`{kind}` carries no pod; the kinds are {}", known.join(", ")),
                ));
            }
        }
        if !errors.is_empty() {
            return Err(PolicyErrors(errors));
        }
        Ok(Self { matching: matching.clone(), selector })
    }

    /// What it needs to know of the cluster.
    #[must_use]
    pub fn facts(&self) -> FactKinds {
        if self.selector.is_some() { FactKinds::NAMESPACES } else { FactKinds::empty() }
    }

    #[must_use]
    pub fn applies(&self, subject: &Subject<'_>) -> bool {
        let Match { kinds, users, groups, .. } = &self.matching;
        self.applies_to_namespace(subject.namespace, subject.labels)
            && all_or(kinds, subject.kind)
            && all_or(users, subject.user)
            && (groups.is_empty() || subject.groups.iter().any(|group| names(groups, group)))
    }

    /// Whether it applies to anything in the namespace.
    #[must_use]
    pub fn applies_to_namespace(&self, namespace: &str, labels: Known<&Labels>) -> bool {
        let Match { namespaces, exclude_namespaces, .. } = &self.matching;
        all_or(namespaces, namespace)
            && !names(exclude_namespaces, namespace)
            && self.selector.as_ref().is_none_or(|selector| match labels {
                Known::Is(labels) => selector.selects(labels),
                // Not to know is no reason to let anything through.
                Known::Unknown | Known::Absent => true,
            })
    }
}

fn names(list: &[String], name: &str) -> bool {
    list.iter().any(|entry| entry == name)
}

fn all_or(list: &[String], name: &str) -> bool {
    list.is_empty() || names(list, name)
}
