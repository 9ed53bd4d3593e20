//! podreeve's own Deployment: when it is deleted, podreeve is being uninstalled.

use super::api_error::ApiError;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    There,
    /// It has a deletion timestamp.
    Ending,
    Missing,
}

/// # Errors
/// When the API server does not say.
pub async fn state(client: &Client, namespace: &str, name: &str) -> Result<State, ApiError> {
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), namespace);
    let found = deployments.get_metadata_opt(name).await?;
    Ok(found.map_or(State::Missing, |found| match found.metadata.deletion_timestamp {
        Some(_) => State::Ending,
        None => State::There,
    }))
}

/// Whether the namespace is being deleted.
///
/// # Errors
/// When the API server does not say.
pub async fn is_namespace_ending(client: &Client, namespace: &str) -> Result<bool, ApiError> {
    let found = Api::<Namespace>::all(client.clone()).get_metadata_opt(namespace).await?;
    Ok(found.is_some_and(|found| found.metadata.deletion_timestamp.is_some()))
}
