//! The key of the seals, in a Secret of podreeve's own. The leader makes it, and every replica reads it.

use super::seal::{Sealer, new_key};
use crate::cluster::api_error::ApiError;
use crate::observe::LogOnce;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, PostParams};
use std::time::Duration;
use tokio::sync::watch;

/// The key of the Secret that has it.
pub const KEY: &str = "seal.key";
/// Between two looks at the Secret: while there is no key, and later.
const INTERVAL: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// Sends the key, and each new one, as long as podreeve serves.
pub async fn follow(
    secrets: &Api<Secret>,
    name: &str,
    leadership: &watch::Receiver<bool>,
    sender: &watch::Sender<Option<(Vec<u8>, Sealer)>>,
) {
    let mut log = LogOnce::default();
    loop {
        let is_leader = *leadership.borrow();
        match read_or_make(secrets, name, is_leader).await {
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
            Err(error) if log.failed(&error.to_string()) => tracing::warn!(
                secret = name,
                error = error.to_string(),
                "the key that seals the facts of images cannot be read or made; each replica reads images for itself until it can"
            ),
            Err(_) => {}
        }
        let wait = if sender.borrow().is_some() { INTERVAL.1 } else { INTERVAL.0 };
        tokio::time::sleep(wait).await;
    }
}

async fn read_or_make(
    secrets: &Api<Secret>,
    name: &str,
    is_leader: bool,
) -> Result<Option<(Vec<u8>, Sealer)>, ApiError> {
    let mut secret = secrets.get(name).await?;
    let key = secret.data.as_ref().and_then(|data| data.get(KEY)).map(|bytes| bytes.0.clone());
    if let Some(found) = key.and_then(|key| Sealer::new(&key).map(|sealer| (key, sealer))) {
        return Ok(Some(found));
    }
    let Some(key) = new_key().filter(|_| is_leader) else { return Ok(None) };
    secret.data.get_or_insert_default().insert(KEY.to_owned(), ByteString(key.to_vec()));
    // It keeps the version that was read, so of two leaders one writes.
    match secrets.replace(name, &PostParams::default(), &secret).await.map_err(ApiError::from) {
        Ok(_) => tracing::info!(secret = name, "a key was made that seals the facts of images"),
        Err(error) if error.is_conflict() => return Ok(None),
        Err(error) => return Err(error),
    }
    Ok(Sealer::new(&key).map(|sealer| (key.to_vec(), sealer)))
}
