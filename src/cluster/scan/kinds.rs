//! The kinds that a scan lists, and their resources.

use super::pages::ListError;
use crate::cluster::api_error::ApiError;
use crate::cluster::item::resource;
use crate::policy::PolicySet;
use crate::workload::{Kind, KindClass, kinds::KINDS};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, discovery};
use std::borrow::Cow;

/// Owners come before what they own, so pods are last.
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

/// The resource of a kind. For kinds that a policy adds, the API server has the plural.
///
/// # Errors
/// When the API server does not have the kind, or does not answer.
pub async fn resource_of(client: &Client, kind: &Kind) -> Result<ApiResource, ListError> {
    let Kind { group, version, kind: name, .. } = kind;
    if KINDS.iter().any(|known| known.group == *group && known.kind == *name) {
        return Ok(resource(group, version, name, &format!("{}s", name.to_lowercase())));
    }
    resource_of_names(client, group, version, name).await
}

/// The resource of a kind, from the API server.
///
/// # Errors
/// When the API server does not have the kind, or does not answer.
pub async fn resource_of_names(
    client: &Client,
    group: &str,
    version: &str,
    kind: &str,
) -> Result<ApiResource, ListError> {
    match discovery::pinned_kind(client, &GroupVersionKind::gvk(group, version, kind)).await {
        Ok((resource, _)) => Ok(resource),
        Err(kube::Error::Discovery(_)) => Err(ListError::NotInstalled),
        Err(error) => Err(ApiError::from(error).into()),
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
