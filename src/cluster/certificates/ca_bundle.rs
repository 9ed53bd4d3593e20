//! `caBundle` in the two webhook configurations.

use crate::cluster::api_error::ApiError;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

/// Tries in one round: an installer may change a configuration at the same moment. The next round tries again.
const TRIES: usize = 5;

/// Writes the bundle into both configurations. True if both had it before; one that does not exist needs nothing.
///
/// # Errors
/// When a configuration could not be read or changed.
pub async fn sync(client: &Client, name: &str, bundle: &str) -> Result<bool, ApiError> {
    let validating = sync_kind::<ValidatingWebhookConfiguration>(client, name, bundle, |configuration| {
        let webhooks = configuration.webhooks.iter().flatten();
        webhooks.map(|webhook| webhook.client_config.ca_bundle.clone()).collect()
    });
    let mutating = sync_kind::<MutatingWebhookConfiguration>(client, name, bundle, |configuration| {
        let webhooks = configuration.webhooks.iter().flatten();
        webhooks.map(|webhook| webhook.client_config.ca_bundle.clone()).collect()
    });
    let (validating, mutating) = tokio::join!(validating, mutating);
    Ok(validating? && mutating?)
}

async fn sync_kind<K>(
    client: &Client,
    name: &str,
    bundle: &str,
    bundles: fn(&K) -> Vec<Option<ByteString>>,
) -> Result<bool, ApiError>
where
    K: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = Api::all(client.clone());
    for _ in 0..TRIES {
        let Some(found) = api.get_opt(name).await? else { return Ok(true) };
        let patch = patch(&bundles(&found), bundle, found.meta().resource_version.as_deref());
        if patch.is_empty() {
            return Ok(true);
        }
        let operations = serde_json::from_value(Value::Array(patch)).map_err(kube::Error::SerdeError)?;
        match api.patch(name, &PatchParams::default(), &Patch::Json::<()>(operations)).await.map_err(ApiError::from) {
            Ok(_) => {
                tracing::info!(kind = %K::kind(&()), name, "caBundle is corrected");
                break;
            }
            // Another client has changed the configuration since.
            Err(error) if matches!(error.code(), Some(409 | 422)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Empty if every webhook has the bundle. Applies only to the version that was read.
fn patch(bundles: &[Option<ByteString>], bundle: &str, version: Option<&str>) -> Vec<Value> {
    let wanted = ByteString(bundle.as_bytes().to_vec());
    let wrong = bundles.iter().enumerate().filter(|(_, found)| found.as_ref() != Some(&wanted));
    let mut operations: Vec<Value> = wrong
        .map(|(n, _)| json!({"op": "add", "path": format!("/webhooks/{n}/clientConfig/caBundle"), "value": wanted}))
        .collect();
    if let (false, Some(version)) = (operations.is_empty(), version) {
        operations.insert(0, json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}));
    }
    operations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_wrong_bundles_are_replaced() {
        let right = Some(ByteString(b"x".to_vec()));
        assert!(patch(std::slice::from_ref(&right), "x", Some("7")).is_empty());
        let operations = patch(&[right, None, Some(ByteString(b"y".to_vec()))], "x", Some("7"));
        let paths: Vec<&str> = operations.iter().filter_map(|o| o["path"].as_str()).collect();
        assert_eq!(
            paths,
            ["/metadata/resourceVersion", "/webhooks/1/clientConfig/caBundle", "/webhooks/2/clientConfig/caBundle"]
        );
        assert_eq!(operations[1]["value"], "eA==");
    }
}
