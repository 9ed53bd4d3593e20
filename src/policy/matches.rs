//! Whether a policy applies to a request.

use super::{PolicyError, PolicyErrors, all_errors, document::Match, selector};
use crate::facts::{FactKinds, Known, Labels};
use crate::workload::{Kind, kinds::KINDS};
use kube::core::{Selector, SelectorExt};

/// The properties of a request that a policy can match.
#[derive(Debug, Clone, Copy)]
pub struct MatchInput<'a> {
    pub namespace: &'a str,
    /// The labels of the namespace, for policies with a `namespaceSelector`.
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
    /// There is no cluster, and the key at `place` needs one.
    pub fn required(self, place: &[&str], what: &str) -> Result<(), PolicyError> {
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

/// A `match` without errors.
#[derive(Debug, Default)]
pub struct Matcher {
    matching: Match,
    selector: Option<Selector>,
}

impl Matcher {
    /// # Errors
    /// A selector that needs a cluster or is invalid, and every kind that holds no pod.
    pub fn new(matching: Option<&Match>, workloads: &[Kind], cluster: Cluster) -> Result<Self, PolicyErrors> {
        let Some(matching) = matching else { return Ok(Self::default()) };
        let mut errors = Vec::new();
        let place = ["spec", "match", "namespaceSelector"];
        let selector = match &matching.namespace_selector {
            None => None,
            Some(document) => {
                all_errors::keep(&mut errors, cluster.required(&place, "namespace labels"));
                all_errors::keep(&mut errors, selector::compile(document, &place))
            }
        };
        for (key, names) in [("namespaces", &matching.namespaces), ("excludeNamespaces", &matching.exclude_namespaces)]
        {
            for (index, name) in names.iter().enumerate().filter(|(_, name)| !is_name(name)) {
                let message = format!(
                    "`{}` is not the name of a namespace; names are compared as a whole, and `namespaceSelector` selects by label",
                    crate::text::clean(name, 80)
                );
                errors.push(PolicyError::at(&["spec", "match", key, &index.to_string()], message));
            }
        }
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

    /// The facts of the cluster that it needs.
    #[must_use]
    pub fn facts(&self) -> FactKinds {
        if self.selector.is_some() { FactKinds::NAMESPACES } else { FactKinds::empty() }
    }

    #[must_use]
    pub fn applies(&self, input: &MatchInput<'_>) -> bool {
        let Match { kinds, users, groups, .. } = &self.matching;
        self.applies_to_namespace(input.namespace, input.labels)
            && is_empty_or_names(kinds, input.kind)
            && is_empty_or_names(users, input.user)
            && (groups.is_empty() || input.groups.iter().any(|group| names(groups, group)))
    }

    /// Whether it applies to the pods that controllers make of a template in the namespace. They are service accounts of kube-system; which
    /// one it will be is not known.
    #[must_use]
    pub fn applies_to_pods(&self, namespace: &str, labels: Known<&Labels>) -> bool {
        let Match { kinds, users, groups, .. } = &self.matching;
        let is_of_controllers = |user: &String| user.starts_with("system:serviceaccount:kube-system:");
        let has_controllers = |group: &String| {
            let groups = ["system:authenticated", "system:serviceaccounts", "system:serviceaccounts:kube-system"];
            groups.contains(&group.as_str())
        };
        (users.is_empty() || users.iter().any(is_of_controllers))
            && (groups.is_empty() || groups.iter().any(has_controllers))
            && self.applies_to_namespace(namespace, labels)
            && is_empty_or_names(kinds, "Pod")
    }

    /// Whether it can apply to a request in the namespace.
    #[must_use]
    pub fn applies_to_namespace(&self, namespace: &str, labels: Known<&Labels>) -> bool {
        let Match { namespaces, exclude_namespaces, .. } = &self.matching;
        is_empty_or_names(namespaces, namespace)
            && !names(exclude_namespaces, namespace)
            && self.selector.as_ref().is_none_or(|selector| match labels {
                Known::Is(labels) => selector.matches(labels),
                // Unknown labels must not let a pod past the policy.
                Known::Unknown | Known::Absent => true,
            })
    }
}

/// Whether a namespace can have this name.
fn is_name(name: &str) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty() && name.len() <= 63 && name.chars().all(known) && !name.starts_with('-') && !name.ends_with('-')
}

fn names(list: &[String], name: &str) -> bool {
    list.iter().any(|entry| entry == name)
}

fn is_empty_or_names(list: &[String], name: &str) -> bool {
    list.is_empty() || names(list, name)
}
