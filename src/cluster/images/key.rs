//! The key of the seals, in a Secret of podreeve's own. The leader makes it, and every replica reads it.

use super::seal::{Sealer, new_key};
use crate::cluster::api_error::ApiError;
use crate::observe::LogOnce;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, ObjectMeta, PostParams};
use std::time::Duration;
use tokio::sync::watch;

/// The key of the Secret that has it.
pub const KEY: &str = "seal.key";
/// Between two looks at the Secret: while there is no key, and later.
const INTERVAL: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(20));
/// So that Helm leaves a Secret that was made again, as it leaves the one of the chart.
const KEEP: (&str, &str) = ("helm.sh/resource-policy", "keep");

/// Sends the key, and each new one, as long as podreeve serves.
pub async fn follow(
    secrets: &Api<Secret>,
    name: &str,
    leadership: &watch::Receiver<bool>,
    sender: &watch::Sender<Option<(Vec<u8>, Sealer)>>,
) {
    let (mut log, mut seen) = (LogOnce::default(), None);
    loop {
        let is_leader = *leadership.borrow();
        let held = sender.borrow().as_ref().map(|(key, _)| key.clone());
        match read_or_make(secrets, name, is_leader, held.as_deref(), &mut seen).await {
            Ok(found) => {
                let _ = log.recovered();
                sender.send_if_modified(|before| {
                    let key = |known: &Option<(Vec<u8>, Sealer)>| known.as_ref().map(|(key, _)| key.clone());
                    let is_new = key(before) != key(&found);
                    if is_new {
                        *before = found;
                    }
                    is_new
                });
            }
            Err(error) if log.failed(&error.to_string()) => {
                let error = error.to_string();
                if held.is_some() {
                    tracing::warn!(
                        secret = name,
                        error,
                        "the key that seals the facts of images cannot be read or written; this replica goes on with the key that it has"
                    );
                } else {
                    tracing::warn!(
                        secret = name,
                        error,
                        "the key that seals the facts of images cannot be read or made; each replica reads images for itself until it can. The leader makes a Secret that is missing: look whether there is a leader (the Lease), and whether its Role allows it"
                    );
                }
            }
            Err(_) => {}
        }
        let wait = if sender.borrow().is_some() { INTERVAL.1 } else { INTERVAL.0 };
        tokio::time::sleep(wait).await;
    }
}

/// The key in the Secret. If the Secret is empty, the leader makes a new one. If a user deleted it, the leader writes the key that it
/// holds, so that all facts still count.
async fn read_or_make(
    secrets: &Api<Secret>,
    name: &str,
    is_leader: bool,
    held: Option<&[u8]>,
    seen: &mut Option<ObjectMeta>,
) -> Result<Option<(Vec<u8>, Sealer)>, ApiError> {
    let (mut secret, held) = match secrets.get(name).await.map_err(ApiError::from) {
        Ok(secret) => {
            *seen = Some(secret.metadata.clone());
            (secret, None)
        }
        Err(error) if error.is_not_found() && is_leader => (absent(name, seen.as_ref()), held),
        Err(error) => return Err(error),
    };
    let key = secret.data.as_ref().and_then(|data| data.get(KEY)).map(|bytes| bytes.0.clone());
    if let Some(found) = key.and_then(|key| Sealer::new(&key).map(|sealer| (key, sealer))) {
        return Ok(Some(found));
    }
    let key = held.map(<[u8]>::to_vec).or_else(|| new_key().map(Vec::from)).filter(|_| is_leader);
    let Some(key) = key else { return Ok(None) };
    secret.data.get_or_insert_default().insert(KEY.to_owned(), ByteString(key.clone()));
    let written = if secret.metadata.resource_version.is_some() {
        // It keeps the version that was read, so of two leaders one writes.
        secrets.replace(name, &PostParams::default(), &secret).await
    } else {
        secrets.create(&PostParams::default(), &secret).await
    };
    match written.map_err(ApiError::from) {
        Ok(_) if held.is_some() => {
            tracing::warn!(
                secret = name,
                "the Secret with the key that seals the facts of images was deleted; the leader made it again"
            );
        }
        Ok(_) => tracing::info!(secret = name, "a key was made that seals the facts of images"),
        Err(error) if error.is_conflict() => return Ok(None),
        Err(error) => return Err(error),
    }
    Ok(Sealer::new(&key).map(|sealer| (key, sealer)))
}

/// The Secret in place of one that a user deleted, with what the one before said of itself: Helm takes no other for its own.
fn absent(name: &str, before: Option<&ObjectMeta>) -> Secret {
    let mut annotations = before.and_then(|before| before.annotations.clone()).unwrap_or_default();
    annotations.insert(KEEP.0.to_owned(), KEEP.1.to_owned());
    let labels = before.and_then(|before| before.labels.clone());
    let metadata =
        ObjectMeta { name: Some(name.to_owned()), annotations: Some(annotations), labels, ..ObjectMeta::default() };
    Secret { metadata, type_: Some("Opaque".to_owned()), ..Secret::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_made_again_is_still_the_one_of_helm() {
        let of_helm = |name: &str, value: &str| Some([(name.to_owned(), value.to_owned())].into());
        let before = ObjectMeta {
            labels: of_helm("app.kubernetes.io/managed-by", "Helm"),
            annotations: of_helm("meta.helm.sh/release-name", "podreeve"),
            resource_version: Some("7".to_owned()),
            ..ObjectMeta::default()
        };
        let made = absent("podreeve-images", Some(&before)).metadata;
        assert_eq!((made.labels, made.resource_version), (before.labels, None));
        let annotations = made.annotations.unwrap_or_default();
        assert!(annotations.contains_key("meta.helm.sh/release-name") && annotations.contains_key(KEEP.0));
        assert!(absent("podreeve-images", None).metadata.annotations.unwrap_or_default().contains_key(KEEP.0));
    }
}
