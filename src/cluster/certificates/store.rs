//! The Secret and the two webhook configurations.

use super::plan::Stored;
use crate::authority::{Pem, split};
use crate::text::with_causes;
use k8s_openapi::ByteString;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::fmt::Debug;

const CA_MADE: &str = "podreeve.dev/ca-made";
/// An operator's wish: `ca` or `leaf`.
const RENEW: &str = "podreeve.dev/renew";

/// What the Secret holds; what cannot be read of it is empty.
pub fn read(secret: &Secret) -> Stored {
    let text = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key));
        bytes.and_then(|bytes| String::from_utf8(bytes.0.clone()).ok()).unwrap_or_default()
    };
    let annotation = |key: &str| secret.metadata.annotations.as_ref().and_then(|all| all.get(key)).cloned();
    let bundle = text("ca.crt");
    let ca = Pem { cert: split(&bundle).into_iter().next().unwrap_or_default(), key: text("ca.key") };
    Stored {
        ca,
        bundle,
        leaf: Pem { cert: text("tls.crt"), key: text("tls.key") },
        ca_made: annotation(CA_MADE).and_then(|made| made.parse().ok()),
        renew: annotation(RENEW),
    }
}

/// The Secret with this in it; whatever else it holds stays.
pub fn to_secret(mut secret: Secret, name: &str, new: &Stored) -> Secret {
    secret.metadata.name = Some(name.to_owned());
    let data = secret.data.get_or_insert_default();
    for (key, text) in
        [("ca.crt", &new.bundle), ("ca.key", &new.ca.key), ("tls.crt", &new.leaf.cert), ("tls.key", &new.leaf.key)]
    {
        data.insert(key.to_owned(), ByteString(text.clone().into_bytes()));
    }
    let annotations = secret.metadata.annotations.get_or_insert_default();
    annotations.remove(RENEW);
    if let Some(made) = new.ca_made {
        annotations.insert(CA_MADE.to_owned(), made.to_string());
    }
    secret
}

/// An installer changes a configuration a few times at most while it is made right; the next look tries again.
const TRIES: usize = 5;

/// Sees to it that both configurations trust the bundle; whether they did before.
///
/// # Errors
/// What could not be read or changed. A configuration that is not there needs nothing.
pub async fn sync_ca_bundle(client: &Client, name: &str, bundle: &str) -> Result<bool, String> {
    let validating = of::<ValidatingWebhookConfiguration>(client, name, bundle, |configuration| {
        let webhooks = configuration.webhooks.iter().flatten();
        webhooks.map(|webhook| webhook.client_config.ca_bundle.clone()).collect()
    });
    let mutating = of::<MutatingWebhookConfiguration>(client, name, bundle, |configuration| {
        let webhooks = configuration.webhooks.iter().flatten();
        webhooks.map(|webhook| webhook.client_config.ca_bundle.clone()).collect()
    });
    let (validating, mutating) = tokio::join!(validating, mutating);
    Ok(validating? && mutating?)
}

async fn of<K>(
    client: &Client,
    name: &str,
    bundle: &str,
    bundles: fn(&K) -> Vec<Option<ByteString>>,
) -> Result<bool, String>
where
    K: Resource<DynamicType = (), Scope = kube::core::ClusterResourceScope> + Clone + DeserializeOwned + Debug,
{
    let api: Api<K> = Api::all(client.clone());
    for _ in 0..TRIES {
        let Some(found) = api.get_opt(name).await.map_err(|error| with_causes(&error))? else { return Ok(true) };
        let patch = patch(&bundles(&found), bundle, found.meta().resource_version.as_deref());
        if patch.is_empty() {
            return Ok(true);
        }
        let operations = serde_json::from_value(Value::Array(patch)).map_err(|error| error.to_string())?;
        match api.patch(name, &PatchParams::default(), &Patch::Json::<()>(operations)).await {
            Ok(_) => {
                tracing::info!(kind = %K::kind(&()), name, "caBundle is right again");
                break;
            }
            // Somebody else changed it meanwhile.
            Err(kube::Error::Api(status)) if matches!(status.code, 409 | 422) => {}
            Err(error) => return Err(with_causes(&error)),
        }
    }
    Ok(false)
}

/// Nothing when every webhook has the bundle. Applies only to the version that was read.
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
    fn what_was_written_is_read() {
        let stored = Stored {
            ca: Pem {
                cert: "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n".to_owned(),
                key: "k".to_owned(),
            },
            bundle: "-----BEGIN CERTIFICATE-----\nYQ==\n-----END CERTIFICATE-----\n".to_owned(),
            leaf: Pem { cert: "c".to_owned(), key: "l".to_owned() },
            ca_made: "2026-01-02T03:04:05Z".parse().ok(),
            renew: None,
        };
        let mut before = Secret::default();
        before.metadata.annotations = Some([(RENEW.to_owned(), "ca".to_owned())].into());
        before.data = Some([("other".to_owned(), ByteString(b"x".to_vec()))].into());
        assert_eq!(read(&before).renew.as_deref(), Some("ca"));
        let secret = to_secret(before, "podreeve-tls", &stored);
        assert_eq!(read(&secret), stored);
        assert!(secret.data.unwrap().contains_key("other"));
        assert_eq!(read(&Secret::default()), Stored::default());
    }

    #[test]
    fn only_wrong_bundles_are_changed() {
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
