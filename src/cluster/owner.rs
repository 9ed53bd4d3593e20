//! Makes podreeve's namespace the owner of both webhook configurations, so that the garbage collector removes them
//! together with it. While a webhook configuration exists without a server that answers, no pod starts.

use super::api_error::ApiError;
use super::lease::Leadership;
use super::webhooks::configurations;
use crate::observe::LogOnce;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, PartialObjectMeta, Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use std::time::Duration;

/// Between two checks. Short, because a configuration that an installer creates again has no owner at first.
const INTERVAL: Duration = Duration::from_secs(15);

/// Sets the owner as long as this replica is the leader.
pub async fn run(client: &Client, name: &str, namespace: &str, mut leadership: Leadership) {
    let mut log = LogOnce::default();
    loop {
        if *leadership.borrow_and_update() {
            match set_owner(client, name, namespace).await.map_err(|error| error.to_string()) {
                Ok(()) => {
                    log.recovered();
                }
                Err(error) if log.failed(&error) => tracing::warn!(
                    error,
                    name,
                    namespace,
                    "the webhook configurations would outlive their namespace, and no pod could start then; \
                     podreeve's role must let it patch them, and `podreeve uninstall` removes them"
                ),
                Err(_) => {}
            }
        }
        // A new leader begins at once.
        if let Ok(Err(_)) = tokio::time::timeout(INTERVAL, leadership.changed()).await {
            return;
        }
    }
}

async fn set_owner(client: &Client, name: &str, namespace: &str) -> Result<(), ApiError> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let found = namespaces.get_metadata_opt(namespace).await?;
    // A podreeve that runs outside of the cluster may have no namespace.
    let Some(uid) = found.and_then(|found| found.metadata.uid) else { return Ok(()) };
    for api in configurations(client) {
        let Some(found) = api.get_metadata_opt(name).await? else { continue };
        if has_owner(&found, &uid) {
            continue;
        }
        let patch = Patch::Strategic(owner_patch(namespace, &uid));
        match api.patch_metadata(name, &PatchParams::default(), &patch).await.map_err(ApiError::from) {
            Ok(_) => tracing::info!(name, namespace, "the namespace owns a webhook configuration from now on"),
            // Another client has removed the configuration since.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn has_owner(found: &PartialObjectMeta<DynamicObject>, uid: &str) -> bool {
    found.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}

/// A strategic patch merges owners by uid, so other owners stay.
fn owner_patch(namespace: &str, uid: &str) -> Value {
    json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": uid}]}})
}
