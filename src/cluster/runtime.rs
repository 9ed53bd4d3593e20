//! What the runtime of a node says that it can do, in the status of the Node.

use super::api_error::ApiError;
use k8s_openapi::api::core::v1::NodeStatus;
use kube::Client;
use kube::api::{ListParams, Request};
use kube::core::ObjectList;
use serde::Deserialize;
use std::collections::HashMap;

/// Nodes in a page of the list. Each has tens of kilobytes.
const PAGE: u32 = 50;
/// Of more nodes than this, all are listed; of fewer, each is read by itself.
const FEW: usize = 20;

/// A Node, as far as it is read here.
#[derive(Clone, Deserialize)]
struct Node {
    metadata: Metadata,
    status: Option<NodeStatus>,
}

#[derive(Clone, Deserialize)]
struct Metadata {
    name: String,
}

/// Whether pods of the default runtime can have user namespaces; none before the kubelet has said anything.
///
/// Runtimes that say nothing of their handlers cannot: the kubelet then refuses such a pod.
#[must_use]
pub fn user_namespaces(status: &NodeStatus) -> Option<bool> {
    let said = status.node_info.as_ref().is_some_and(|info| !info.kubelet_version.is_empty());
    let default = |name: &Option<String>| name.as_deref().is_none_or(str::is_empty);
    let handlers = status.runtime_handlers.iter().flatten();
    let features = handlers.filter(|handler| default(&handler.name)).filter_map(|handler| handler.features.as_ref());
    said.then(|| features.filter_map(|features| features.user_namespaces).any(|has| has))
}

/// Reads [`user_namespaces`] of these nodes. A node that has said nothing yet is left out.
///
/// # Errors
/// When the API server does not list the nodes.
pub async fn read(client: &Client, names: &[&String]) -> Result<HashMap<String, bool>, ApiError> {
    let mut found = HashMap::new();
    if names.len() > FEW {
        list(client, ListParams::default().limit(PAGE), &mut found).await?;
        return Ok(found);
    }
    for name in names {
        // A list of one takes the right to list, which podreeve has, and no other one.
        list(client, ListParams::default().fields(&format!("metadata.name={name}")), &mut found).await?;
    }
    Ok(found)
}

async fn list(client: &Client, mut params: ListParams, found: &mut HashMap<String, bool>) -> Result<(), ApiError> {
    loop {
        let request = Request::new("/api/v1/nodes").list(&params).map_err(kube::Error::BuildRequest)?;
        let page: ObjectList<Node> = client.request(request).await?;
        let known = |node: Node| Some((node.metadata.name, user_namespaces(&node.status?)?));
        found.extend(page.items.into_iter().filter_map(known));
        params.continue_token = page.metadata.continue_.filter(|more| !more.is_empty());
        if params.continue_token.is_none() {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn of(status: Value) -> Option<bool> {
        user_namespaces(&serde_json::from_value(status).unwrap())
    }

    #[test]
    fn the_default_handler_says_whether_pods_have_user_namespaces() {
        let info = json!({"architecture": "", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "", "kubeProxyVersion": "",
            "kubeletVersion": "v1.36.3", "machineID": "", "operatingSystem": "", "osImage": "", "systemUUID": ""});
        let with = |handlers: Value| of(json!({"nodeInfo": info, "runtimeHandlers": handlers}));
        assert_eq!(with(json!([{"name": "", "features": {"userNamespaces": true}}])), Some(true));
        assert_eq!(
            with(
                json!([{"features": {"userNamespaces": true}}, {"name": "kata", "features": {"userNamespaces": false}}])
            ),
            Some(true)
        );
        assert_eq!(with(json!([{"name": "", "features": {"userNamespaces": false}}])), Some(false));
        assert_eq!(
            with(json!([{"name": "", "features": {}}, {"name": "other", "features": {"userNamespaces": true}}])),
            Some(false)
        );
        // containerd before 2.0 has no handlers.
        assert_eq!(with(json!(null)), Some(false));
        assert_eq!(of(json!({})), None);
    }
}
