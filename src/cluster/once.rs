//! What the cluster has in force, asked for once, for commands that end.

use super::exemptions::Exemptions;
use super::item::{Item, resource};
use super::nodes;
use super::objects::ObjectStore;
use super::policies::Policies;
use super::state::{ClusterState, StateSender};
use crate::facts::nodes::Nodes;
use crate::text::with_causes;
use kube::api::ListParams;
use kube::{Api, Client};

/// The policies and exemptions of the cluster. Where their CRDs are not installed there are none.
///
/// # Errors
/// What could not be read.
pub async fn state(client: &Client, exemption_namespaces: &[String]) -> Result<ClusterState, String> {
    let parts = StateSender::default();
    let mut policies = Policies::new(parts.clone());
    for item in list(client, "Policy", "policies").await? {
        policies.apply(&item);
    }
    policies.publish();
    if !exemption_namespaces.is_empty() {
        let mut exemptions = Exemptions::new(exemption_namespaces, parts.clone());
        for item in list(client, "Exemption", "exemptions").await? {
            exemptions.apply(&item);
        }
        exemptions.publish();
    }
    let parts = parts.borrow().clone();
    Ok(parts)
}

/// What the nodes allow a pod.
pub async fn nodes(client: &Client) -> Nodes {
    nodes::once(client).await
}

async fn list(client: &Client, kind: &str, plural: &str) -> Result<Vec<Item>, String> {
    let api: Api<Item> = Api::all_with(client.clone(), &resource("podreeve.dev", "v1alpha1", kind, plural));
    match api.list(&ListParams::default()).await {
        Ok(list) => Ok(list.items),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(Vec::new()),
        Err(error) => Err(format!("{plural}.podreeve.dev cannot be read: {}", with_causes(&error))),
    }
}
