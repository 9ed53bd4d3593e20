//! Shares what is known of images with the other replicas, by one object for each image.

use super::object::{self, ObjectError};
use super::pace::Pace;
use super::record::Record;
use super::seal::Sealer;
use super::service::ImageService;
use super::{tag_objects, unused};
use crate::cluster::api_error::ApiError;
use crate::cluster::api_health::ApiHealth;
use crate::cluster::item::Item;
use crate::cluster::lease::Leadership;
use crate::cluster::watch::{Sink, WatchNames, watch};
use crate::image::Digest;
use crate::observe::LogOnce;
use kube::api::{Api, Patch, PatchParams};
use kube::runtime::watcher;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Between two tries to write what could not be written.
const RETRY: Duration = Duration::from_secs(15);

/// Reads the objects of the other replicas, and writes those of this one, while this key counts.
pub async fn share(
    service: &Arc<ImageService>,
    api: Api<Item>,
    sealer: &Sealer,
    api_health: &ApiHealth,
    leadership: &Leadership,
) {
    let names = WatchNames { what: "imagefacts.podreeve.dev", without: "each replica reads images for itself" };
    let mut sink = ObjectSink { service, sealer, leadership, log: LogOnce::default() };
    let config = watcher::Config::default().page_size(100);
    tokio::join!(
        watch(api.clone(), config, api_health, names, &mut sink),
        write(service, &api, sealer),
        tag_objects::write(service, &api, sealer),
        unused::delete(service, &api, leadership),
    );
}

/// What the watch fills.
struct ObjectSink<'s> {
    service: &'s Arc<ImageService>,
    sealer: &'s Sealer,
    leadership: &'s Leadership,
    log: LogOnce,
}

impl Sink for ObjectSink<'_> {
    fn list_begins(&mut self) {}

    fn apply(&mut self, item: &Item) {
        match self.service.learn(item, self.sealer, *self.leadership.borrow()) {
            // Of another version of podreeve.
            Ok(()) | Err(ObjectError::Record { .. }) => {}
            Err(error) => {
                // Of all objects once: after an uninstall the next installation may find thousands of the last one.
                if self.log.failed(&error.to_string()) {
                    tracing::warn!(
                        object = item.name(),
                        error = error.to_string(),
                        "facts of an image in the cluster are ignored; podreeve alone may write imagefacts.podreeve.dev, so delete the object, and look who wrote it, if no earlier installation did"
                    );
                }
            }
        }
    }

    fn delete(&mut self, item: &Item) {
        self.service.forget(item.name());
    }

    fn list_ends(&mut self) {}

    async fn flush(&mut self) {}
}

impl ImageService {
    /// Takes what another replica knows. The leader writes what this one knows in addition.
    ///
    /// # Errors
    /// No replica of this podreeve wrote the object.
    pub fn learn(&self, item: &Item, sealer: &Sealer, is_leader: bool) -> Result<(), ObjectError> {
        if item.name() == object::TAGS {
            return self.learn_tags(item, sealer, is_leader);
        }
        let now = self.now();
        let (theirs, packed) = object::from_object(item, sealer).inspect_err(|error| {
            // After an upgrade nothing reads it again. Until then it is of use to the replicas of the other version.
            if let (ObjectError::Record { by_hand: false, .. }, Some(digest)) = (error, object::digest_of(item.name()))
            {
                self.known().store.is_gone(digest, now + unused::UNUSED);
            }
        })?;
        let digest = theirs.digest.clone();
        let (is_news, ours_is_news) = {
            let mut known = self.known();
            let ours = known.store.get(&digest, now).map(|stored| Arc::clone(&stored.packed));
            if ours.as_ref().is_some_and(|ours| **ours == *packed) {
                return Ok(());
            }
            match ours.and_then(|ours| Record::unpack(&ours).ok()) {
                None => {
                    known.store.put_packed(&theirs, packed.into(), now);
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

    /// An operator deleted the object: the image is read again.
    fn forget(&self, name: &str) {
        if name == object::TAGS {
            // What this replica remembers stays, and goes back into the cluster.
            self.known().tags.write_again();
        }
        if let Some(digest) = object::digest_of(name) {
            self.known().store.remove(&digest);
            self.judge_again(Some(&digest));
        }
    }
}

/// Writes what is new, as long as podreeve serves.
async fn write(service: &ImageService, api: &Api<Item>, sealer: &Sealer) {
    let mut log = LogOnce::default();
    let pace = Pace::new();
    loop {
        let mut left = service.take_unwritten();
        while let Some(digest) = left.pop_first() {
            match write_one(service, api, sealer, &digest, &pace).await {
                Ok(()) => {
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

async fn write_one(
    service: &ImageService,
    api: &Api<Item>,
    sealer: &Sealer,
    digest: &Digest,
    pace: &Pace,
) -> Result<(), ApiError> {
    let record = service.record_of(digest, service.now());
    let Some(object) = record.and_then(|record| object::to_object(&record, sealer)) else { return Ok(()) };
    pace.wait_for(object.len()).await;
    let parameters = PatchParams::apply("podreeve").force();
    api.patch(&object::name_of(digest), &parameters, &Patch::Apply(Item::of(object))).await?;
    Ok(())
}
