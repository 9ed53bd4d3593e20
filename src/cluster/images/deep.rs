//! The leader reads the layers of images, each layer once. A request for a new image waits for them within its time ([`wait`]).

mod kept;
mod read;
mod wait;

use super::access::{Access, Login};
use super::documents::ReadError;
use super::record::{READER, Record};
use super::service::{ImageService, Known};
use crate::cluster::lease::Leadership;
use crate::image::{Digest, Platform};
use crate::observe::metrics::images::Fetched;
use crate::reference::ImageRef;
use crate::text::with_causes;
use jiff::Timestamp;
use kept::Layers;
pub(super) use read::fits;
use read::{Found, read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// When no image is new, those that failed are looked at again after this time.
const INTERVAL: Duration = Duration::from_secs(30);

/// After an image whose registry wants to be left alone: many of them would keep a thread busy.
const AFTER_PAUSED: Duration = Duration::from_millis(100);

/// Reads layers while this replica leads.
pub async fn run(service: &Arc<ImageService>, mut leadership: Leadership) {
    let layers = Layers::default();
    loop {
        if leadership.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        service.layers_come.store(true, Ordering::Relaxed);
        let worker = || async {
            while let Some(taken) = service.next_to_deepen() {
                Box::pin(deepen(service, &layers, &taken.digest)).await;
            }
        };
        // Two images at one time.
        let both = async { tokio::join!(worker(), worker()) };
        tokio::select! {
            _ = both => {}
            lost = leadership.wait_for(|leads| !*leads) => {
                // A layer that is being read is read to its end, and the next leader begins it again.
                if lost.is_err() {
                    return;
                }
                continue;
            }
        }
        let _ = tokio::time::timeout(INTERVAL, service.deepen.notified()).await;
    }
}

/// An image whose layers are being read: no other worker takes it.
struct Taken<'s> {
    service: &'s ImageService,
    digest: Digest,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.service.known().deepening.remove(&self.digest);
    }
}

impl ImageService {
    /// Nothing failed. What is left to read all the same is not read again at once.
    fn is_read(&self, digest: &Digest, now: Timestamp) {
        let mut known = self.known();
        if known.store.peek(digest).is_some_and(|stored| !stored.has_content || stored.is_old) {
            known.store.is_broken(&key(digest), ReadError::Failed, now);
        } else {
            known.store.succeeded(&key(digest));
        }
    }

    /// Of the images whose layers are not read, the one that was used last. Then those of which an earlier podreeve read less.
    fn next_to_deepen(&self) -> Option<Taken<'_>> {
        self.setup.load().as_ref().filter(|setup| setup.layers)?;
        let now = self.now();
        let mut known = self.known();
        let Known { store, deepening, .. } = &mut *known;
        // What an earlier version read counts meanwhile, so it is read when nothing else is, one image at a time.
        let may_be_old = deepening.is_empty();
        let waits = store.images().filter(|(digest, stored)| {
            let is_left = (!stored.has_content || (stored.is_old && may_be_old))
                && !stored.by_hand
                && !deepening.contains(*digest);
            is_left && store.failure(&key(digest), now).is_none()
        });
        let (digest, _) = waits.max_by_key(|(_, stored)| (!stored.has_content, stored.used))?;
        let digest = digest.clone();
        deepening.insert(digest.clone());
        Some(Taken { service: self, digest })
    }
}

fn key(digest: &Digest) -> String {
    format!("layers of {digest}")
}

async fn deepen(service: &Arc<ImageService>, layers: &Layers, digest: &Digest) {
    let Some(setup) = service.setup.load_full() else { return };
    let Some(record) = service.record_of(digest, service.now()) else { return };
    let start = Instant::now();
    let mut bytes = 0;
    let mut result: Result<Found, ReadError> = Err(ReadError::Failed);
    let mut paused = None;
    for (repository, login) in readers(&record) {
        let image = ImageRef::parse(&repository);
        let access = match &login {
            None => Ok(Access::own(&setup)),
            Some(login) => service.open(&setup, login, &image, service.now()).await,
        };
        let found = match access {
            Ok(access) => {
                if let Some(pause) = service.pause(&access, &image) {
                    paused = Some(pause);
                    continue;
                }
                let reading = read(access.client(), layers, &image, digest, &mut bytes);
                service.when_allowed(&access, &image, reading).await
            }
            Err(error) => Err(error),
        };
        let is_whole =
            found.as_ref().is_ok_and(|found| found.broken.is_none() && found.absent.len() <= record.absent.len());
        if found.is_ok() || result.is_err() {
            result = found;
        }
        if is_whole {
            break;
        }
    }
    let now = service.now();
    if let Some(paused) = paused.filter(|_| result.is_err()) {
        service.known().store.postpone(&key(digest), paused, now);
        service.news.notify_waiters();
        return tokio::time::sleep(AFTER_PAUSED).await;
    }
    let error = result.as_ref().map_or_else(Some, |found| found.broken.as_ref());
    let counted = error.map_or(Ok(bytes), |error| Err(error.reason()));
    service.metrics.fetched(Fetched::Layers, start.elapsed().as_secs_f64(), counted);
    match result {
        Ok(found) => {
            // Meanwhile another tag may have led to it.
            let mut record = service.record_of(digest, now).unwrap_or(record);
            let lost = lost(&record, &found.absent);
            // What an earlier podreeve read counts until all is read again.
            if found.broken.is_none() || !record.has_content() {
                let before = record.clone();
                (record.platforms, record.leaves) = (found.platforms, found.leaves);
                (record.absent, record.reader) = (found.absent, READER);
                record.merge(before);
            }
            service.keep(&record, now);
            match found.broken.or(lost) {
                Some(error) => failed(service, &record, error),
                None => service.is_read(digest, now),
            }
            service.judge_again(Some(digest));
        }
        Err(error) => failed(service, &record, error),
    }
}

/// That a registry has platforms of the image no more. What is known of them stays.
fn lost(record: &Record, absent: &[Platform]) -> Option<ReadError> {
    let lost = absent.iter().filter(|platform| !record.absent.contains(platform));
    let names: Vec<String> = lost.map(ToString::to_string).collect();
    (!names.is_empty())
        .then(|| ReadError::Image(format!("its registry has no image for {} any more", names.join(", "))))
}

fn failed(service: &ImageService, record: &Record, error: ReadError) {
    let (key, now) = (key(&record.digest), service.now());
    // Of an image that is tried again and again, one line.
    let is_logged = service.known().store.failed_so_before(&key, &error);
    if !is_logged {
        let image = readers(record).next().map(|(repository, _)| repository).unwrap_or_default();
        let until = if record.has_content() {
            "what an earlier version read of them counts"
        } else {
            "rules about what they hold say that they do not know it"
        };
        tracing::warn!(
            image,
            digest = record.digest.as_str(),
            error = with_causes(&error),
            "the layers of an image cannot be read; {until} until they can"
        );
    }
    let mut known = service.known();
    // Who pushes a broken image must not keep the leader busy with it.
    if error.is_outage() {
        known.store.fail(&key, error, now);
    } else {
        known.store.is_broken(&key, error, now);
    }
    drop(known);
    service.news.notify_waiters();
}

/// Who may read the image from where: podreeve, or else a namespace with the secrets that opened it.
fn readers(record: &Record) -> impl Iterator<Item = (String, Option<Login>)> {
    let own = record.repositories.keys().map(|repository| (repository.clone(), None));
    let of_tenants = record.tenants.iter().flat_map(|(namespace, seen)| {
        seen.repositories.iter().filter_map(move |(repository, seen)| {
            let proof = seen.proof.as_ref().filter(|proof| !proof.refused)?;
            let (namespace, secrets) = (namespace.clone(), proof.secrets.clone());
            Some((repository.clone(), Some(Login { namespace, secrets, accounts: Vec::new() })))
        })
    });
    own.chain(of_tenants)
}

#[cfg(test)]
mod tests;
