//! What the cluster has in force, read once, for commands that end.

use super::api_error::ApiError;
use super::exemptions::ExemptionStore;
use super::item::{Item, resource};
use super::node_reports::NodeReport;
use super::nodes::{Asked, KubeletAccess, Round};
use super::object_store::ObjectStore;
use super::policies::PolicyStore;
use super::served::ServedPolicies;
use super::state::{ClusterState, StateSender};
use super::webhooks::configurations;
use crate::facts::FactKinds;
use crate::facts::nodes::Nodes;
use crate::facts::reported_nodes::{LABEL, recent};
use crate::policy::CompiledPolicy;
use jiff::Timestamp;
use kube::api::ListParams;
use kube::{Api, Client};
use serde_json::Value;

/// Objects of this kind cannot be listed.
#[derive(Debug, thiserror::Error)]
#[error("{plural}.podreeve.dev cannot be read: {error}")]
pub struct ReadError {
    plural: &'static str,
    #[source]
    error: ApiError,
}

/// The policies and exemptions of the cluster; none where their CRDs are not installed. The second value has the built-in policies that
/// podreeve serves there, as their copies show them.
///
/// # Errors
/// When the API server does not list the objects.
pub async fn state(
    client: &Client,
    exemption_namespaces: &[String],
) -> Result<(ClusterState, Vec<CompiledPolicy>), ReadError> {
    let sender = StateSender::default();
    let mut policies = PolicyStore::new(sender.clone(), ServedPolicies::none());
    for item in list(client, "Policy", "policies").await? {
        policies.apply(&item);
    }
    policies.publish();
    if !exemption_namespaces.is_empty() {
        let mut exemptions = ExemptionStore::new(exemption_namespaces, sender.clone());
        for item in list(client, "Exemption", "exemptions").await? {
            exemptions.apply(&item);
        }
        exemptions.publish();
    }
    let state = sender.borrow().clone();
    Ok((state, policies.shown_by_copies().collect()))
}

/// What these kinds say of the nodes, and why the limit of one of them is not known. podreeve reads nothing from kubelets whose agents have
/// reported it, as far as this user may read the reports.
pub async fn nodes(client: &Client, access: &KubeletAccess, kinds: FactKinds) -> (Nodes, Option<String>) {
    let reports = node_reports(client).await.unwrap_or_default();
    let reported = reports.iter().filter_map(NodeReport::read).map(|report| (report.node, report.facts)).collect();
    let reported = recent(&reported, Timestamp::now().as_second());
    let Round { nodes, error } = Asked { client, access, kinds, reported: &reported }.once().await;
    (nodes, error)
}

/// Whether the cluster has facts of images; none if this user may not see that.
pub async fn has_image_facts(client: &Client) -> Option<bool> {
    let api: Api<Item> = Api::all_with(client.clone(), &super::images::object::kind());
    match api.list(&ListParams::default().limit(1)).await.map_err(ApiError::from) {
        Ok(list) => Some(!list.items.is_empty()),
        Err(error) => error.is_not_found().then_some(false),
    }
}

/// The namespace of podreeve, as its webhooks name it. None if this user may not see that, or if several installations name different ones.
pub async fn own_namespace(client: &Client) -> Option<String> {
    let [validating, _] = configurations(client);
    let all = validating.list(&ListParams::default()).await.ok()?.items;
    let webhooks = all.iter().filter_map(|one| one.data.get("webhooks")?.as_array()).flatten();
    let text = |webhook: &Value, at: &str| webhook.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let ours = webhooks.filter(|webhook| text(webhook, "/name").is_some_and(|name| name.ends_with(".podreeve.dev")));
    let mut namespaces = ours.filter_map(|webhook| text(webhook, "/clientConfig/service/namespace"));
    let first = namespaces.next()?;
    namespaces.all(|other| other == first).then_some(first)
}

/// The reports of agents about their nodes; none where their CRD is not installed.
///
/// # Errors
/// When the API server does not list them.
pub async fn node_reports(client: &Client) -> Result<Vec<Item>, ApiError> {
    let resource = resource("openreports.io", "v1alpha1", "ClusterReport", "clusterreports");
    let api: Api<Item> = Api::all_with(client.clone(), &resource);
    let ours = ListParams::default().labels(&format!("{}={}", LABEL.0, LABEL.1));
    match api.list(&ours).await.map_err(ApiError::from) {
        Ok(list) => Ok(list.items),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

async fn list(client: &Client, kind: &str, plural: &'static str) -> Result<Vec<Item>, ReadError> {
    let api: Api<Item> = Api::all_with(client.clone(), &resource("podreeve.dev", "v1alpha1", kind, plural));
    match api.list(&ListParams::default()).await.map_err(ApiError::from) {
        Ok(list) => Ok(list.items),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(ReadError { plural, error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::client::Body;
    use serde_json::json;
    use std::convert::Infallible;

    async fn found(status: u16, webhooks: Value) -> Option<String> {
        let item = json!({"metadata": {"name": "a"}, "webhooks": webhooks});
        let body = match status {
            200 => json!({"metadata": {}, "items": [{"metadata": {"name": "unarmed"}}, item]}),
            _ => json!({"kind": "Status", "status": "Failure", "code": status, "reason": "Forbidden"}),
        };
        let api = tower::service_fn(move |_: http::Request<Body>| {
            let body = Body::from(body.to_string().into_bytes());
            async move { Ok::<_, Infallible>(http::Response::builder().status(status).body(body).unwrap()) }
        });
        own_namespace(&Client::new(api, "default")).await
    }

    #[tokio::test]
    async fn the_webhooks_say_in_which_namespace_podreeve_is() {
        let webhook =
            |name: &str, namespace: &str| json!({"name": name, "clientConfig": {"service": {"namespace": namespace}}});
        let (ours, other) = (webhook("validate.podreeve.dev", "guard"), webhook("a.example.com", "other"));
        let policies = webhook("policies.podreeve.dev", "guard");
        let all = json!([other, ours, policies]);
        assert_eq!(found(200, all.clone()).await.as_deref(), Some("guard"));
        assert_eq!(found(403, all).await, None);
        assert_eq!(found(200, json!([ours, webhook("validate.podreeve.dev", "second")])).await, None);
        let by_url = json!([{"name": "validate.podreeve.dev", "clientConfig": {"url": "https://a"}}]);
        assert_eq!(found(200, by_url).await, None);
    }
}
