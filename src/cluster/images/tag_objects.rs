//! Shares the memory of tags with the other replicas, and keeps it across restarts: one sealed object of its own.

use super::object::{self, ObjectError};
use super::seal::Sealer;
use super::service::ImageService;
use super::tag_memory::TagMemory;
use crate::cluster::api_error::ApiError;
use crate::cluster::item::Item;
use crate::observe::LogOnce;
use kube::api::{Api, Patch, PatchParams};
use std::time::Duration;

/// Between two writes. What a replica notes until then is lost if all replicas end before.
const INTERVAL: Duration = Duration::from_secs(2);

impl ImageService {
    /// Takes what other replicas remember. The leader writes what this one remembers in addition.
    pub(super) fn learn_tags(&self, item: &Item, sealer: &Sealer, is_leader: bool) -> Result<(), ObjectError> {
        let packed = object::sealed(item, sealer).inspect_err(|_| {
            // Another client wrote it, or the key is new: what the leader remembers takes its place.
            if is_leader {
                self.known().tags.write_again();
            }
        })?;
        let theirs = TagMemory::unpack(&packed).map_err(|why| ObjectError::Record { why, by_hand: false })?;
        let now = self.now();
        let tags = &mut self.known().tags;
        if tags.merge(&theirs, now) && is_leader {
            tags.write_again();
        }
        Ok(())
    }
}

/// Writes the memory when it has changed, as long as podreeve serves.
pub async fn write(service: &ImageService, api: &Api<Item>, sealer: &Sealer) {
    let mut log = LogOnce::default();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let packed = service.known().tags.take_changed();
        let Some(object) = packed.and_then(|packed| object::to_tags(&packed, sealer)) else { continue };
        let parameters = PatchParams::apply("podreeve").force();
        match api.patch(object::TAGS, &parameters, &Patch::Apply(Item::of(object))).await.map_err(ApiError::from) {
            Ok(_) => {
                let _ = log.recovered();
            }
            Err(error) => {
                service.known().tags.write_again();
                if log.failed(&error.to_string()) {
                    tracing::warn!(
                        error = error.to_string(),
                        "when images of tags were signed cannot be written to the cluster; after a restart a tag that went back is not noticed"
                    );
                }
            }
        }
    }
}
