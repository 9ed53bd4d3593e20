//! The leader deletes the objects of images that nothing in the cluster names any more, and those that nothing reads again.

use super::object::{self, Owner};
use super::objects::{AFTER_START, write_one};
use super::pace::Pace;
use super::service::ImageService;
use super::store::Store;
use crate::cluster::api_error::ApiError;
use crate::cluster::item::Item;
use crate::cluster::lease::Leadership;
use crate::image::Digest;
use crate::observe::LogOnce;
use jiff::{SignedDuration, Timestamp};
use kube::api::{Api, DeleteParams};
use std::time::Duration;

/// How long an object stays that neither a request nor the scan uses.
pub const UNUSED: SignedDuration = SignedDuration::from_hours(3 * 24);
/// The most objects. Above this number those go that were not used for the longest time.
const MOST: usize = 20_000;
const INTERVAL: Duration = Duration::from_secs(300);
/// The most objects that are deleted at once.
const AT_ONCE: usize = 2000;

/// Deletes them while this replica leads.
pub async fn delete(service: &ImageService, api: &Api<Item>, owner: &Owner, pace: &Pace, leadership: &Leadership) {
    let mut log = LogOnce::default();
    let mut deleting = Deleting { service, api, owner, pace, leadership: leadership.clone(), since: None };
    loop {
        tokio::time::sleep(INTERVAL).await;
        match deleting.delete_all().await {
            Ok(()) => {
                let _ = log.recovered();
            }
            Err(error) if log.failed(&error.to_string()) => tracing::warn!(
                error = error.to_string(),
                "the facts of images that nothing uses cannot be deleted; the leader tries again"
            ),
            Err(_) => {}
        }
    }
}

struct Deleting<'d> {
    service: &'d ImageService,
    api: &'d Api<Item>,
    owner: &'d Owner,
    pace: &'d Pace,
    leadership: Leadership,
    /// Since when this replica leads, with settings: from then on its scan names what is in use.
    since: Option<Timestamp>,
}

impl Deleting<'_> {
    /// Without settings, a scan names no image.
    fn may_delete(&self) -> bool {
        *self.leadership.borrow() && self.service.has_settings()
    }

    async fn delete_all(&mut self) -> Result<(), ApiError> {
        let Self { service, api, owner, pace, .. } = *self;
        let now = service.now();
        if self.leadership.has_changed().unwrap_or(true) || !self.may_delete() {
            self.since = None;
            self.leadership.mark_unchanged();
        }
        if !self.may_delete() {
            return Ok(());
        }
        let since = *self.since.get_or_insert(now);
        let unused = unused(&service.known().store, now, since, MOST);
        for digest in unused {
            if !self.may_delete() {
                return Ok(());
            }
            if !delete_one(api, &owner.name_of(&digest)).await? {
                // It was never written, or is gone.
                service.known().store.remove(&digest);
            }
        }
        let left: Vec<String> = service.known().store.left(service.now()).take(AT_ONCE).cloned().collect();
        for object in left {
            // Writing takes its time: meanwhile another replica may lead, or a person may have put an object in its place.
            if !self.may_delete() {
                return Ok(());
            }
            if !service.known().store.is_still_left(&object, service.now()) {
                continue;
            }
            // What is known of the image goes on under the name of today.
            let successor = match object::digest_of(&object) {
                Some(digest) if write_one(service, api, owner, &digest, pace).await? => Some(owner.name_of(&digest)),
                _ => None,
            };
            let is_left = service.known().store.is_still_left(&object, service.now());
            if is_left && successor.as_ref() != Some(&object) {
                delete_one(api, &object).await?;
            }
            service.known().store.is_not_left(&object);
        }
        Ok(())
    }
}

/// Deletes an object; false if there is none.
async fn delete_one(api: &Api<Item>, name: &str) -> Result<bool, ApiError> {
    match api.delete(name, &DeleteParams::default()).await.map_err(ApiError::from) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// `since` is from when on this replica would know of a use.
fn unused(store: &Store, now: Timestamp, since: Timestamp, most: usize) -> Vec<Digest> {
    let mut all: Vec<(Timestamp, &Digest)> =
        store.images().filter(|(_, stored)| !stored.by_hand).map(|(digest, stored)| (stored.used, digest)).collect();
    all.sort_unstable();
    let too_many = all.len().saturating_sub(most);
    let would_know = now.duration_since(since) >= AFTER_START;
    let goes = |(at, (used, _)): &(usize, (Timestamp, &Digest))| {
        *at < too_many || (would_know && now.duration_since(*used) > UNUSED)
    };
    let unused = all.into_iter().enumerate().filter(goes).map(|(_, (_, digest))| digest);
    store.gone(now).chain(unused).take(AT_ONCE).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::images::Setup;
    use crate::cluster::images::object::kind;
    use crate::cluster::images::record::Record;
    use crate::cluster::images::seal::{LENGTH, Sealer};
    use crate::image::OpenedImage;
    use crate::observe::metrics::images::ImageMetrics;
    use kube::client::Body;
    use serde_json::json;
    use std::convert::Infallible;
    use std::sync::{Arc, Mutex};

    fn record(name: &str) -> Record {
        let digest = Digest::sha256(name.as_bytes());
        Record::new(&OpenedImage { name: None, digest, platforms: Vec::new(), absent: Vec::new() }).unwrap()
    }

    #[test]
    fn what_nobody_asks_for_goes_and_what_a_person_wrote_stays() {
        let start: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let mut store = Store::default();
        let mut by_hand = record("by hand");
        by_hand.by_hand = true;
        for record in [record("old"), record("used"), by_hand] {
            store.put(&record, start);
        }
        let later = start + UNUSED;
        assert!(unused(&store, later, start, MOST).is_empty());
        store.get(&Digest::sha256(b"used"), later);
        let later = later + SignedDuration::from_secs(1);
        assert_eq!(unused(&store, later, start, MOST), [Digest::sha256(b"old")]);
        // Who has led for less than a day cannot know: the scan may not have named what runs.
        assert!(unused(&store, later, later, MOST).is_empty());
        assert_eq!(unused(&store, later, later - AFTER_START, MOST), [Digest::sha256(b"old")]);
        // Of too many, those that were used last stay.
        assert_eq!(unused(&store, start, start, 1), [Digest::sha256(b"old")]);
    }

    /// Deletes of two objects what is left, while this is done after the first; the answer is how many were deleted.
    async fn deleted(
        setup: Option<Setup>,
        meanwhile: impl Fn(&ImageService, &tokio::sync::watch::Sender<bool>) + Send + Sync + 'static,
    ) -> usize {
        let metrics = ImageMetrics::new(&prometheus::Registry::new()).unwrap();
        let service = Arc::new(ImageService::new(Arc::new(metrics)));
        if let Some(setup) = setup {
            service.set_up(setup);
        }
        let (leads, leadership) = tokio::sync::watch::channel(true);
        for object in ["a", "b"] {
            service.known().store.is_left(object, service.now());
        }
        let (count, of_api, meanwhile) = (Arc::new(Mutex::new(0)), Arc::clone(&service), Arc::new(meanwhile));
        let counted = Arc::clone(&count);
        let api = tower::service_fn(move |_: http::Request<Body>| {
            *counted.lock().unwrap() += 1;
            meanwhile(&of_api, &leads);
            let status = json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"});
            let response = http::Response::builder().status(404).body(Body::from(status.to_string().into_bytes()));
            async { Ok::<_, Infallible>(response.unwrap()) }
        });
        let api: Api<Item> = Api::all_with(kube::Client::new(api, "default"), &kind());
        let owner = Owner::new(Sealer::new(&[7; LENGTH]).unwrap(), None);
        let (service, pace) = (&*service, Pace::new());
        let mut deleting = Deleting { service, api: &api, owner: &owner, pace: &pace, leadership, since: None };
        deleting.delete_all().await.unwrap();
        *count.lock().unwrap()
    }

    #[tokio::test]
    async fn what_a_person_puts_back_meanwhile_stays_and_a_former_leader_deletes_nothing() {
        let setup = || Some(Setup::of_tests());
        assert_eq!(deleted(setup(), |_, _| {}).await, 2);
        assert_eq!(deleted(setup(), |service, _| service.known().store.is_not_left("b")).await, 1);
        let no_longer_leads = |_: &ImageService, leads: &tokio::sync::watch::Sender<bool>| {
            leads.send_replace(false);
        };
        assert_eq!(deleted(setup(), no_longer_leads).await, 1);
    }

    #[tokio::test]
    async fn a_leader_without_settings_deletes_nothing() {
        assert_eq!(deleted(None, |_, _| {}).await, 0);
    }
}
