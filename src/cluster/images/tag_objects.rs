//! Shares the memory of tags with the other replicas, and keeps it across restarts: one sealed object of its own.

use super::object::{self, ObjectError, Owner};
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
    pub(super) fn learn_tags(&self, item: &Item, owner: &Owner, is_leader: bool) -> Result<(), ObjectError> {
        let is_own = item.name() == owner.tags();
        let packed = object::sealed(item, &owner.sealer).inspect_err(|error| {
            // Another client wrote it: what the leader remembers takes its place.
            if is_own && is_leader {
                self.known().tags.write_again();
            }
            if !is_own {
                self.note_unread(item, owner, error, self.now());
            }
        })?;
        let theirs = TagMemory::unpack(&packed).map_err(|why| ObjectError::Record { why, by_hand: false })?;
        let now = self.now();
        self.note_read(item, owner, !is_own, now);
        let tags = &mut self.known().tags;
        // An object of an earlier version gets a successor, whichever replica reads it.
        if (tags.merge(&theirs, now) && is_leader) || !is_own {
            tags.write_again();
        }
        Ok(())
    }
}

/// Writes the memory when it has changed, as long as podreeve serves.
pub async fn write(service: &ImageService, api: &Api<Item>, owner: &Owner) {
    let mut log = LogOnce::default();
    loop {
        tokio::time::sleep(INTERVAL).await;
        let packed = service.known().tags.take_changed();
        let Some(object) = packed.and_then(|packed| object::to_tags(&packed, owner)) else { continue };
        let parameters = PatchParams::apply("podreeve").force();
        match api.patch(&owner.tags(), &parameters, &Patch::Apply(Item::of(object))).await.map_err(ApiError::from) {
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
