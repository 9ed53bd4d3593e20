//! Both webhook configurations belong to podreeve's namespace, so that the garbage collector removes them with it: while
//! one stands that nobody answers, no pod starts.

use super::Leadership;
use super::webhooks::configurations;
use crate::text::with_causes;
use k8s_openapi::api::core::v1::Namespace;
use kube::Client;
use kube::api::{Api, PartialObjectMeta, Patch, PatchParams};
use kube::core::DynamicObject;
use serde_json::{Value, json};
use std::time::Duration;

/// Between two looks: who brings a configuration back need not wait long for its owner.
const EVERY: Duration = Duration::from_secs(15);

/// Keeps them so as long as this replica leads. What goes wrong is told once and tried again.
pub async fn keep(client: &Client, name: &str, namespace: &str, mut leads: Leadership) {
    let mut trouble = String::new();
    loop {
        if *leads.borrow_and_update() {
            match own(client, name, namespace).await {
                Ok(()) => trouble.clear(),
                Err(error) if error != trouble => {
                    tracing::warn!(
                        error,
                        name,
                        namespace,
                        "the webhook configurations would outlive their namespace, and no pod could start then; \
                         podreeve's role must let it patch them, and `podreeve uninstall` removes them"
                    );
                    trouble = error;
                }
                Err(_) => {}
            }
        }
        // A new leader begins at once.
        if let Ok(Err(_)) = tokio::time::timeout(EVERY, leads.changed()).await {
            return;
        }
    }
}

async fn own(client: &Client, name: &str, namespace: &str) -> Result<(), String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let found = namespaces.get_metadata_opt(namespace).await.map_err(|error| with_causes(&error))?;
    // Whoever runs outside of the cluster may have none.
    let Some(uid) = found.and_then(|found| found.metadata.uid) else { return Ok(()) };
    for api in configurations(client) {
        let Some(found) = api.get_metadata_opt(name).await.map_err(|error| with_causes(&error))? else { continue };
        if owns(&uid, &found) {
            continue;
        }
        match api.patch_metadata(name, &PatchParams::default(), &Patch::Strategic(owner(namespace, &uid))).await {
            Ok(_) => tracing::info!(name, namespace, "a webhook configuration goes with its namespace from now on"),
            // Somebody else removed it meanwhile.
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(with_causes(&error)),
        }
    }
    Ok(())
}

fn owns(uid: &str, found: &PartialObjectMeta<DynamicObject>) -> bool {
    found.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}

/// Owners are merged by uid: others stay.
fn owner(namespace: &str, uid: &str) -> Value {
    json!({"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Namespace", "name": namespace, "uid": uid}]}})
}
