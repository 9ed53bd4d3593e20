//! The leader deletes the objects of images that nothing in the cluster names any more, and those that nothing reads again.

use super::object::{self, Owner};
use super::objects::write_one;
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
    loop {
        tokio::time::sleep(INTERVAL).await;
        if !*leadership.borrow() {
            continue;
        }
        match delete_all(service, api, owner, pace, leadership).await {
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

async fn delete_all(
    service: &ImageService,
    api: &Api<Item>,
    owner: &Owner,
    pace: &Pace,
    leadership: &Leadership,
) -> Result<(), ApiError> {
    let unused = unused(&service.known().store, service.now(), MOST);
    for digest in unused {
        if !delete_one(api, &owner.name_of(&digest)).await? {
            // It was never written, or is gone.
            service.known().store.remove(&digest);
        }
    }
    let left: Vec<String> = service.known().store.left(service.now()).take(AT_ONCE).cloned().collect();
    for object in left {
        // Writing takes its time: meanwhile another replica may lead, or a person may have put an object in its place.
        if !*leadership.borrow() {
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

/// Deletes an object; false if there is none.
async fn delete_one(api: &Api<Item>, name: &str) -> Result<bool, ApiError> {
    match api.delete(name, &DeleteParams::default()).await.map_err(ApiError::from) {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

fn unused(store: &Store, now: Timestamp, most: usize) -> Vec<Digest> {
    let mut all: Vec<(Timestamp, &Digest)> =
        store.images().filter(|(_, stored)| !stored.by_hand).map(|(digest, stored)| (stored.used, digest)).collect();
    all.sort_unstable();
    let too_many = all.len().saturating_sub(most);
    let goes = |(at, (used, _)): &(usize, (Timestamp, &Digest))| *at < too_many || now.duration_since(*used) > UNUSED;
    let unused = all.into_iter().enumerate().filter(goes).map(|(_, (_, digest))| digest);
    store.gone(now).chain(unused).take(AT_ONCE).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert!(unused(&store, later, MOST).is_empty());
        store.get(&Digest::sha256(b"used"), later);
        let later = later + SignedDuration::from_secs(1);
        assert_eq!(unused(&store, later, MOST), [Digest::sha256(b"old")]);
        // Of too many, those that were used last stay.
        assert_eq!(unused(&store, start, 1), [Digest::sha256(b"old")]);
    }

    /// Deletes of two objects what is left, while this is done after the first; the answer is how many were deleted.
    async fn deleted(
        meanwhile: impl Fn(&ImageService, &tokio::sync::watch::Sender<bool>) + Send + Sync + 'static,
    ) -> usize {
        let metrics = ImageMetrics::new(&prometheus::Registry::new()).unwrap();
        let service = Arc::new(ImageService::new(Arc::new(metrics)));
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
        delete_all(&service, &api, &owner, &Pace::new(), &leadership).await.unwrap();
        *count.lock().unwrap()
    }

    #[tokio::test]
    async fn what_a_person_puts_back_meanwhile_stays_and_a_former_leader_deletes_nothing() {
        assert_eq!(deleted(|_, _| {}).await, 2);
        assert_eq!(deleted(|service, _| service.known().store.is_not_left("b")).await, 1);
        let no_longer_leads = |_: &ImageService, leads: &tokio::sync::watch::Sender<bool>| {
            leads.send_replace(false);
        };
        assert_eq!(deleted(no_longer_leads).await, 1);
    }
}
