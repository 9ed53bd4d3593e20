//! Shares what is known of images with the other replicas, by one object for each image.
//!
//! All objects are read, and the seal says which count: a person need not know by which name podreeve would write an object, and earlier
//! versions named no key.

use super::object::{self, ObjectError, Owner};
use super::pace::Pace;
use super::record::Record;
use super::service::ImageService;
use super::{label, tag_objects, unused};
use crate::cluster::api_error::ApiError;
use crate::cluster::api_health::ApiHealth;
use crate::cluster::item::Item;
use crate::cluster::lease::Leadership;
use crate::cluster::watch::{Sink, WatchNames, watch};
use crate::image::Digest;
use crate::observe::LogOnce;
use jiff::{SignedDuration, Timestamp};
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::watcher;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Between two tries to write what could not be written.
const RETRY: Duration = Duration::from_secs(15);
/// Objects that a person sealed with another key, and that the log names: a user who may write them could fill it.
const MOST_BY_HAND: usize = 20;
/// How long an object stays that has no name or no seal of this key: during an upgrade, replicas of an earlier version read it.
const FORMER: SignedDuration = SignedDuration::from_hours(1);
/// How long an object stays at least after a replica has read it for the first time.
pub(super) const AFTER_START: SignedDuration = SignedDuration::from_hours(24);

/// Reads the objects of the other replicas, and writes those of this one, while this key counts.
pub async fn share(
    service: &Arc<ImageService>,
    api: Api<Item>,
    owner: &Owner,
    api_health: &ApiHealth,
    leadership: &Leadership,
) {
    let names = WatchNames { what: "imagefacts.podreeve.dev", without: "each replica reads images for itself" };
    let mut sink = ObjectSink { service, owner, leadership, log: LogOnce::default(), by_hand: HashSet::new() };
    let pace = Pace::new();
    service.layers_come.store(true, Ordering::Relaxed);
    let config = watcher::Config::default().page_size(100);
    tokio::join!(
        watch(api.clone(), config, api_health, names, &mut sink),
        write(service, &api, owner, &pace),
        tag_objects::write(service, &api, owner),
        label::write(service, &api, owner),
        unused::delete(service, &api, owner, &pace, leadership),
    );
}

/// What the watch fills.
struct ObjectSink<'s> {
    service: &'s Arc<ImageService>,
    owner: &'s Owner,
    leadership: &'s Leadership,
    log: LogOnce,
    /// What a person sealed with another key, and the log has named.
    by_hand: HashSet<String>,
}

impl Sink for ObjectSink<'_> {
    fn list_begins(&mut self) {}

    fn apply(&mut self, item: &Item) {
        match self.service.learn(item, self.owner, *self.leadership.borrow()) {
            // Of another version of podreeve.
            Ok(()) | Err(ObjectError::Record { .. }) => {}
            Err(_) if self.owner.is_of_another(item) => {}
            Err(error) => {
                self.service.metrics.objects_ignored.inc();
                if object::claims_by_hand(item) {
                    // A person waits for each of these.
                    if self.by_hand.len() < MOST_BY_HAND && self.by_hand.insert(item.name().to_owned()) {
                        tracing::warn!(
                            object = item.name(),
                            error = error.to_string(),
                            "facts of an image that a person sealed are ignored; if that was you, take the key from the Secret again and seal them with it, or else look who wrote the object"
                        );
                    }
                    return;
                }
                // Of all objects once: after an uninstall the next installation may find thousands of the last one.
                if self.log.failed(&error.to_string()) {
                    tracing::warn!(
                        object = item.name(),
                        error = error.to_string(),
                        "facts of an image in the cluster are ignored; podreeve alone may write imagefacts.podreeve.dev, so look who wrote the object, and delete it, if no other installation of podreeve did"
                    );
                }
            }
        }
    }

    fn delete(&mut self, item: &Item) {
        self.service.forget(item, self.owner);
    }

    fn list_ends(&mut self) {}

    async fn flush(&mut self) {}
}

impl ImageService {
    /// Takes what another replica knows. The leader writes what this one knows in addition.
    ///
    /// # Errors
    /// No replica of this podreeve wrote the object.
    pub fn learn(self: &Arc<Self>, item: &Item, owner: &Owner, is_leader: bool) -> Result<(), ObjectError> {
        if object::is_tags(item.name()) {
            return self.learn_tags(item, owner, is_leader);
        }
        let now = self.now();
        let read = object::from_object(item, &owner.sealer);
        let (theirs, packed) = read.inspect_err(|error| self.note_unread(item, owner, error, now))?;
        let (digest, packed): (_, Arc<[u8]>) = (theirs.digest.clone(), packed.into());
        self.note_read(item, owner, !theirs.by_hand && item.name() != owner.name_of(&digest), now);
        if theirs.by_hand {
            let mut known = self.known();
            if known.store.by_hand().has(&digest, item.name(), &packed) {
                return Ok(());
            }
            let others = known.store.add_by_hand(item.name(), &theirs, &packed);
            drop(known);
            for other in &others {
                self.judge_again(Some(other));
            }
        }
        let (is_news, ours_is_news) = {
            let mut known = self.known();
            let ours = known.store.peek(&digest).map(|stored| Arc::clone(&stored.packed));
            if ours.as_ref().is_some_and(|ours| **ours == *packed) {
                return Ok(());
            }
            match ours.and_then(|ours| Record::unpack(&ours).ok()) {
                None => {
                    // A restart is no use of it. But what runs must stay until the scan has named it.
                    let used = theirs.last_noted(now).max(now - unused::UNUSED + AFTER_START);
                    known.store.put_packed(&theirs, packed, used);
                    (true, false)
                }
                Some(ours) => {
                    let mut merged = theirs.clone();
                    merged.merge(ours.clone());
                    merged.limit_tenants(now);
                    known.store.put(&merged, now);
                    (merged.is_news_after(&ours), merged.is_news_after(&theirs))
                }
            }
        };
        if ours_is_news && is_leader {
            self.share(&digest);
        }
        if is_news {
            self.judge_again(Some(&digest));
        }
        self.deepen.notify_one();
        Ok(())
    }

    /// Notes which objects with the seal are to get the label, and those under the name of an earlier version.
    pub(super) fn note_read(&self, item: &Item, owner: &Owner, is_former: bool, now: Timestamp) {
        if is_former {
            return self.known().store.is_left(item.name(), now + FORMER);
        }
        self.known().store.is_not_left(item.name());
        if object::label(item).is_none() && owner.installation.is_some() {
            super::service::lock(&self.unlabelled).insert(item.name().to_owned());
            self.label.notify_one();
        }
    }

    /// Notes objects of this installation that nothing reads again: of another version, with another key, or without a seal.
    pub(super) fn note_unread(&self, item: &Item, owner: &Owner, error: &ObjectError, now: Timestamp) {
        let is_left = match error {
            // Until then it is of use to the replicas of the other version.
            ObjectError::Record { by_hand, .. } => !by_hand,
            ObjectError::Spec | ObjectError::Seal => {
                (owner.is_named_in(item) || owner.has_label_on(item)) && !object::claims_by_hand(item)
            }
        };
        let stays = if matches!(error, ObjectError::Record { .. }) { unused::UNUSED } else { FORMER };
        if is_left {
            self.known().store.is_left(item.name(), now + stays);
        }
    }

    /// An operator deleted the object: the image is read again.
    fn forget(self: &Arc<Self>, item: &Item, owner: &Owner) {
        let name = item.name();
        self.known().store.is_not_left(name);
        if name == owner.tags() {
            // What this replica remembers stays, and goes back into the cluster.
            self.known().tags.write_again();
        }
        let Some(digest) = object::digest_of(name) else { return };
        // The objects of others, and those that have a successor, are no loss.
        let is_known = name == owner.name_of(&digest) || self.known().store.by_hand().knows(&digest, name);
        if is_known {
            self.known().store.remove_object(&digest, name, self.now());
            self.judge_again(Some(&digest));
        }
    }
}

/// Writes what is new, as long as podreeve serves.
async fn write(service: &ImageService, api: &Api<Item>, owner: &Owner, pace: &Pace) {
    let mut log = LogOnce::default();
    loop {
        let mut left = service.take_unwritten();
        while let Some(digest) = left.pop_first() {
            match write_one(service, api, owner, &digest, pace).await {
                Ok(_) => {
                    let _ = log.recovered();
                }
                Err(error) => {
                    if log.failed(&error.to_string()) {
                        tracing::warn!(
                            error = error.to_string(),
                            "facts of images cannot be written to the cluster; each replica reads images for itself until they can"
                        );
                    }
                    left.insert(digest);
                    wait_and_put_back(service, left).await;
                    break;
                }
            }
        }
        service.write.notified().await;
    }
}

async fn wait_and_put_back(service: &ImageService, left: BTreeSet<Digest>) {
    tokio::time::sleep(RETRY).await;
    super::service::lock(&service.unwritten).extend(left);
    service.write.notify_one();
}

/// Writes what is known of an image, and says whether it did. What a person wrote stays as it is.
pub(super) async fn write_one(
    service: &ImageService,
    api: &Api<Item>,
    owner: &Owner,
    digest: &Digest,
    pace: &Pace,
) -> Result<bool, ApiError> {
    let Some(record) = service.peek(digest).filter(|record| !record.by_hand) else { return Ok(false) };
    let Some(object) = object::to_object(&record, owner) else { return Ok(false) };
    pace.wait_for(object.len()).await;
    let parameters = PatchParams::apply("podreeve").force();
    api.patch(&owner.name_of(digest), &parameters, &Patch::Apply(Item::of(object))).await?;
    Ok(true)
}

#[cfg(test)]
mod tests;
