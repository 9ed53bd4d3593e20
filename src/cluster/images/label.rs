//! The label of this installation, on objects that a person made with its key: `podreeve uninstall` finds them by it.

use super::object::{LABEL, Owner};
use super::service::{ImageService, lock};
use crate::cluster::api_error::ApiError;
use crate::cluster::item::Item;
use crate::observe::LogOnce;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;
use std::time::Duration;

/// Between two tries.
const RETRY: Duration = Duration::from_secs(15);

/// Writes labels that are missing, as long as podreeve serves.
pub async fn write(service: &ImageService, api: &Api<Item>, owner: &Owner) {
    let Some(installation) = &owner.installation else { return };
    let label = Patch::Merge(json!({"metadata": {"labels": {LABEL: installation}}}));
    let mut log = LogOnce::default();
    loop {
        while let Some(object) = { lock(&service.unlabelled).first().cloned() } {
            match api.patch_metadata(&object, &PatchParams::default(), &label).await.map_err(ApiError::from) {
                Err(error) if !error.is_not_found() => {
                    if log.failed(&error.to_string()) {
                        tracing::warn!(
                            object,
                            error = error.to_string(),
                            "the label of facts of an image cannot be written; `podreeve uninstall` does not find them"
                        );
                    }
                    tokio::time::sleep(RETRY).await;
                }
                _ => {
                    let _ = log.recovered();
                    lock(&service.unlabelled).remove(&object);
                }
            }
        }
        service.label.notified().await;
    }
}
