//! Answers questions about images: from what is known, or from their registries. Each image is read once, however many ask.

use super::documents::ReadError;
use super::hot::{Hot, Resolved};
use super::record::{Record, tag_of};
use super::running::Running;
use super::setup::{Setup, not_set_up};
use super::store::Store;
use crate::facts::images::MAX_ASKED;
use crate::facts::{ImageQuery, Images};
use crate::image::Digest;
use crate::image::known::{ImageAnswer, UnknownImage};
use crate::observe::metrics::images::ImageMetrics;
use crate::reference::ImageRef;
use arc_swap::ArcSwapOption;
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

/// Images that are read at one time, without their layers.
const AT_ONCE: usize = 16;
/// Images of which signatures and attestations are read at one time: those of one can have 64 MiB.
const SIGNATURES_AT_ONCE: usize = 3;
/// The most images that are read or wait for it. More are unknown for now.
const WAITING: usize = 2000;

/// Longest wait for a registry where an older answer is known.
const PATIENCE_WITH_OLDER: Duration = Duration::from_millis(500);

/// The reading of an image that has begun.
type Flight = watch::Receiver<Option<Resolved>>;

/// Everything that this replica knows of images.
pub struct ImageService {
    clock: fn() -> Timestamp,
    pub(super) setup: ArcSwapOption<Setup>,
    known: Mutex<Known>,
    flights: Mutex<HashMap<String, Flight>>,
    permits: Semaphore,
    pub(super) signature_permits: Semaphore,
    pub(super) running: Running,
    pub(super) metrics: Arc<ImageMetrics>,
    /// Something is to be published.
    pub(super) changed: Notify,
    /// Images whose objects in the cluster are to be written.
    pub(super) unwritten: Mutex<BTreeSet<Digest>>,
    pub(super) write: Notify,
    /// Images whose layers may have to be read.
    pub(super) deepen: Notify,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    pub store: Store,
    pub hot: Hot,
    /// Images whose layers are being read.
    pub deepening: HashSet<Digest>,
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asker {
    /// A request. Others are likely to ask for the same image.
    Request,
    /// The scan, which asks for everything once.
    Scan,
}

/// An answer, or the reading that will bring it.
enum Started {
    Known(ImageAnswer),
    Flight(Flight),
    Busy,
}

impl std::fmt::Debug for ImageService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ImageService").field("setup", &self.setup).finish_non_exhaustive()
    }
}

/// Removes the flight of a reference, also after a panic.
struct Landing<'s> {
    service: &'s ImageService,
    key: String,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        lock(&self.service.flights).remove(&self.key);
    }
}

impl ImageService {
    #[must_use]
    pub fn new(metrics: Arc<ImageMetrics>) -> Self {
        Self::with_clock(metrics, Timestamp::now)
    }

    /// A service for which it is as late as this function says.
    #[must_use]
    pub fn with_clock(metrics: Arc<ImageMetrics>, clock: fn() -> Timestamp) -> Self {
        Self {
            clock,
            setup: ArcSwapOption::empty(),
            known: Mutex::default(),
            flights: Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
            signature_permits: Semaphore::new(SIGNATURES_AT_ONCE),
            running: Running::default(),
            metrics,
            changed: Notify::new(),
            unwritten: Mutex::default(),
            write: Notify::new(),
            deepen: Notify::new(),
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    /// What is known of an image, unpacked after the lock.
    pub(super) fn record_of(&self, digest: &Digest, now: Timestamp) -> Option<Record> {
        let packed = self.known().store.get(digest, now).map(|stored| Arc::clone(&stored.packed))?;
        Record::unpack(&packed).ok()
    }

    /// New settings are in force.
    pub fn set_up(&self, setup: Setup) {
        self.setup.store(Some(Arc::new(setup)));
        let mut known = self.known();
        known.store.forget_failures();
        known.hot.touch();
        drop(known);
        self.judge_again(None);
    }

    /// Forgets what rules found in images: the policies or the day have changed.
    pub fn forget_judgements(&self) {
        self.known().hot.forget_judgements();
        self.changed.notify_one();
    }

    /// What is known of these images. For those that must be read first, it waits until then at the longest, and the reading goes on.
    pub async fn ask(self: &Arc<Self>, query: &ImageQuery, asker: Asker, until: Instant) -> Images {
        let settings = self.setup.load().as_ref().map(|setup| setup.unknown);
        let mut images = Images::new(settings.unwrap_or_default());
        let waiting = query.references.iter().take(MAX_ASKED).map(|reference| async move {
            let answer = match self.start(reference, asker) {
                Started::Known(answer) => Ok(answer),
                Started::Busy => Err(ReadError::Busy),
                Started::Flight(flight) => self.wait(reference, flight, until).await,
            };
            (reference, answer.unwrap_or_else(|error| self.unknown(reference, &error)))
        });
        for (reference, answer) in join_all(waiting).await {
            images.insert(reference, answer);
        }
        images
    }

    /// Waits for an answer. Where an older one is known it counts, so a slow registry holds up no request.
    async fn wait(&self, reference: &str, mut flight: Flight, until: Instant) -> Result<ImageAnswer, ReadError> {
        let older = self.setup.load_full().and_then(|setup| {
            let image = self.stored(&setup, &ImageRef::parse(reference), self.now())?;
            Some(ImageAnswer::Known(Arc::new(image)))
        });
        let until = if older.is_some() { until.min(Instant::now() + PATIENCE_WITH_OLDER) } else { until };
        let landed = match timeout_at(until, flight.wait_for(Option::is_some)).await {
            Ok(Ok(landed)) => landed.as_ref().map(|resolved| resolved.answer.clone()).ok_or(ReadError::Failed),
            Ok(Err(_)) => Err(ReadError::Failed),
            Err(_) => Err(ReadError::Late),
        };
        match (landed, older) {
            (Err(_), Some(older)) => Ok(older),
            (landed, _) => landed,
        }
    }

    /// The answer, or the reading that will bring it.
    fn start(self: &Arc<Self>, reference: &str, asker: Asker) -> Started {
        if let Some(answer) = self.known().hot.get(reference, self.now()) {
            return Started::Known(answer.clone());
        }
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(reference) {
            return Started::Flight(flight.clone());
        }
        if flights.len() >= WAITING {
            return Started::Busy;
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(reference.to_owned(), receiver.clone());
        let (service, key) = (Arc::clone(self), reference.to_owned());
        tokio::spawn(async move {
            let landing = Landing { service: &service, key };
            // Never closed: the service has the semaphore.
            let _permit = service.permits.acquire().await.ok();
            let resolved = service.resolve(&landing.key).await;
            if asker == Asker::Request {
                service.known().hot.insert(&landing.key, resolved.clone(), service.now());
                service.changed.notify_one();
            }
            drop(landing);
            sender.send_replace(Some(resolved));
        });
        Started::Flight(receiver)
    }

    /// What a request learns about an image that cannot be read.
    pub(super) fn unknown(&self, reference: &str, error: &ReadError) -> ImageAnswer {
        let image = ImageRef::parse(reference);
        let runs_already = self.runs(&self.known().store, reference);
        let unknown = match &*self.setup.load() {
            Some(setup) => setup.unknown(&image, error),
            None => not_set_up(),
        };
        ImageAnswer::Unknown(Arc::new(UnknownImage { runs_already, ..unknown }))
    }

    fn runs(&self, store: &Store, reference: &str) -> bool {
        let image = ImageRef::parse(reference);
        let tagged = || store.tagged(&tag_of(&image)).map(|(digest, _)| digest.clone());
        let digest = image.digest.as_deref().and_then(Digest::parse).or_else(tagged);
        self.running.runs(reference, digest.as_ref())
    }

    /// Other images run now than before.
    pub(super) fn update_running(&self) {
        let Known { store, hot, .. } = &mut *self.known();
        hot.update_running(|reference| self.runs(store, reference));
    }

    /// Notes that the object of an image is to be written.
    pub(super) fn share(&self, digest: &Digest) {
        lock(&self.unwritten).insert(digest.clone());
        self.write.notify_one();
        self.deepen.notify_one();
    }

    /// The images whose objects are to be written now.
    pub(super) fn take_unwritten(&self) -> BTreeSet<Digest> {
        std::mem::take(&mut *lock(&self.unwritten))
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking task left is whole: each change is one call.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
