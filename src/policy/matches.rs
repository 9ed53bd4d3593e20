//! Whether a policy applies to a request.

use super::{PolicyError, document::Match};
use crate::workload::{Kind, kinds::KINDS};

/// What policies may look at in a request.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub namespace: &'a str,
    pub kind: &'a str,
    pub user: &'a str,
    pub groups: &'a [crate::workload::Text<'a>],
}

/// A checked `match`.
#[derive(Debug, Default)]
pub struct Matcher(Match);

impl Matcher {
    /// # Errors
    /// A selector that needs a cluster, or a kind that carries no pod.
    pub fn new(matching: Option<&Match>, workloads: &[Kind]) -> Result<Self, PolicyError> {
        let Some(matching) = matching else { return Ok(Self::default()) };
        if matching.namespace_selector.is_some() {
            return Err(PolicyError::at(
                &["spec", "match", "namespaceSelector"],
                "needs a cluster to read namespace labels from, and this podreeve runs without one; \
                 name the namespaces in `match.namespaces`",
            ));
        }
        for (index, kind) in matching.kinds.iter().enumerate() {
            let mut known = KINDS.iter().chain(workloads);
            if !known.any(|known| known.kind == *kind) {
                let known: Vec<_> = KINDS.iter().chain(workloads).map(|known| &*known.kind).collect();
                return Err(PolicyError::at(
                    &["spec", "match", "kinds", &index.to_string()],
                    format!("`{kind}` carries no pod; the kinds are {}", known.join(", ")),
                ));
            }
        }
        Ok(Self(matching.clone()))
    }

    #[must_use]
    pub fn applies(&self, subject: &Subject<'_>) -> bool {
        let names = |list: &[String], name: &str| list.iter().any(|entry| entry == name);
        let all_or = |list: &[String], name: &str| list.is_empty() || names(list, name);
        let Match { namespaces, exclude_namespaces, namespace_selector: _, kinds, users, groups } = &self.0;
        all_or(namespaces, subject.namespace)
            && !names(exclude_namespaces, subject.namespace)
            && all_or(kinds, subject.kind)
            && all_or(users, subject.user)
            && (groups.is_empty() || subject.groups.iter().any(|group| names(groups, group)))
    }
}
