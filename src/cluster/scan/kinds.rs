//! The kinds that a scan lists, and by which names.

use super::pages::Failure;
use crate::cluster::item::resource;
use crate::policy::PolicySet;
use crate::text::with_causes;
use crate::workload::{Kind, KindClass, kinds::KINDS};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, discovery};
use std::borrow::Cow;

/// What holds templates comes before pods, and what owns before what is owned.
pub fn listed(policies: &PolicySet) -> Vec<Kind> {
    let added = policies.workloads().into_iter().map(Cow::into_owned);
    let mut kinds: Vec<Kind> = added.chain(KINDS.iter().cloned()).collect();
    kinds.sort_by_key(|kind| match (kind.class, &*kind.kind) {
        (KindClass::Pod, _) => 3,
        (_, "ReplicaSet") => 2,
        (_, "Job") => 1,
        _ => 0,
    });
    kinds
}

/// The kind's resource. Of kinds that a policy names the API server tells the plural.
///
/// # Errors
/// When the API server does not know it, or does not say.
pub async fn resource_of(client: &Client, kind: &Kind) -> Result<ApiResource, Failure> {
    let Kind { group, version, kind: name, .. } = kind;
    if KINDS.iter().any(|known| known.group == *group && known.kind == *name) {
        return Ok(resource(group, version, name, &format!("{}s", name.to_lowercase())));
    }
    resource_of_names(client, group, version, name).await
}

/// The resource of a kind, as the API server knows it.
///
/// # Errors
/// When the API server does not know it, or does not say.
pub async fn resource_of_names(
    client: &Client,
    group: &str,
    version: &str,
    kind: &str,
) -> Result<ApiResource, Failure> {
    match discovery::pinned_kind(client, &GroupVersionKind::gvk(group, version, kind)).await {
        Ok((resource, _)) => Ok(resource),
        Err(kube::Error::Api(status)) if status.code == 404 => Err(Failure::Missing),
        Err(kube::Error::Discovery(_)) => Err(Failure::Missing),
        Err(error) => Err(Failure::Told(with_causes(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_come_first() {
        let names: Vec<String> = listed(&PolicySet::default()).iter().map(|kind| kind.kind.to_string()).collect();
        let at = |name: &str| names.iter().position(|known| known == name).unwrap();
        assert_eq!(names.len(), KINDS.len());
        assert!(at("Deployment") < at("ReplicaSet") && at("CronJob") < at("Job") && at("ReplicaSet") < at("Pod"));
        assert_eq!(at("Pod"), names.len() - 1);
    }
}
