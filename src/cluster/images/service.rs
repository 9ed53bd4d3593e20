//! Answers what is asked about images: from what is known, or from their registries. Each image is read once, however many ask.

use super::documents::ReadError;
use super::hot::{Hot, Resolved};
use super::running::Running;
use super::setup::Setup;
use super::store::Store;
use crate::facts::images::MAX_ASKED;
use crate::facts::{ImageQuery, Images};
use crate::image::Digest;
use crate::image::known::ImageAnswer;
use crate::observe::metrics::images::ImageMetrics;
use crate::reference::ImageRef;
use arc_swap::ArcSwapOption;
use futures_util::future::join_all;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

/// Images that are read at one time, without their layers.
const AT_ONCE: usize = 16;
/// The most images that are read or wait for it. More are unknown for now.
const WAITING: usize = 2000;

/// Everything that this replica knows of images.
#[derive(Debug)]
pub struct ImageService {
    pub(super) setup: ArcSwapOption<Setup>,
    known: Mutex<Known>,
    flights: Mutex<HashMap<String, watch::Receiver<Option<Resolved>>>>,
    permits: Semaphore,
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
        Self {
            setup: ArcSwapOption::empty(),
            known: Mutex::default(),
            flights: Mutex::default(),
            permits: Semaphore::new(AT_ONCE),
            running: Running::default(),
            metrics,
            changed: Notify::new(),
            unwritten: Mutex::default(),
            write: Notify::new(),
            deepen: Notify::new(),
        }
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
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

    /// Whether the answer needs no registry.
    pub fn knows(&self, reference: &str) -> bool {
        self.known().hot.get(reference, Timestamp::now()).is_some()
    }

    /// What is known of these images. For those that must be read first, it waits until then at the longest, and the reading goes on.
    pub async fn ask(self: &Arc<Self>, query: &ImageQuery, until: Instant) -> Images {
        let setup = self.setup.load_full();
        let settings = setup.as_ref().map(|setup| setup.unknown).unwrap_or_default();
        let mut images = Images::new(settings);
        let Some(setup) = setup else { return images };
        let waiting = query.references.iter().take(MAX_ASKED).map(|reference| {
            let setup = Arc::clone(&setup);
            async move {
                let answer = match self.start(reference) {
                    Ok(mut flight) => match timeout_at(until, flight.wait_for(Option::is_some)).await {
                        Ok(Ok(landed)) => landed.as_ref().map(|resolved| resolved.answer.clone()).ok_or(ReadError::Failed),
                        Ok(Err(_)) => Err(ReadError::Failed),
                        Err(_) => Err(ReadError::Late),
                    },
                    Err(answer) => answer,
                };
                let answer = answer.unwrap_or_else(|error| self.unknown(&setup, reference, &error));
                (reference, answer)
            }
        });
        for (reference, answer) in join_all(waiting).await {
            images.insert(reference, answer);
        }
        images
    }

    /// Starts to read images that nobody waits for yet.
    pub fn warm<'r>(self: &Arc<Self>, references: impl IntoIterator<Item = &'r str>) {
        if self.setup.load().is_some() {
            for reference in references.into_iter().take(MAX_ASKED) {
                let _ = self.start(reference);
            }
        }
    }

    /// The answer, or the reading that will bring it.
    fn start(
        self: &Arc<Self>,
        reference: &str,
    ) -> Result<watch::Receiver<Option<Resolved>>, Result<ImageAnswer, ReadError>> {
        if let Some(answer) = self.known().hot.get(reference, Timestamp::now()) {
            return Err(Ok(answer.clone()));
        }
        let mut flights = lock(&self.flights);
        if let Some(flight) = flights.get(reference) {
            return Ok(flight.clone());
        }
        if flights.len() >= WAITING {
            return Err(Err(ReadError::Busy));
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(reference.to_owned(), receiver.clone());
        let (service, key) = (Arc::clone(self), reference.to_owned());
        tokio::spawn(async move {
            let landing = Landing { service: &service, key };
            // Never closed: the service has the semaphore.
            let _permit = service.permits.acquire().await.ok();
            let resolved = service.resolve(&landing.key).await;
            let now = Timestamp::now();
            service.known().hot.insert(&landing.key, resolved.clone(), now);
            service.changed.notify_one();
            drop(landing);
            sender.send_replace(Some(resolved));
        });
        Ok(receiver)
    }

    /// What a request learns about an image that cannot be read.
    pub(super) fn unknown(&self, setup: &Setup, reference: &str, error: &ReadError) -> ImageAnswer {
        let image = ImageRef::parse(reference);
        let tagged = self.known().store.tagged(&super::resolve::tag_of(&image)).map(|(digest, _)| digest.clone());
        let digest = image.digest.as_deref().and_then(Digest::parse).or(tagged);
        let runs_already = self.running.runs(reference, digest.as_ref());
        ImageAnswer::Unknown(Arc::new(setup.unknown(&image, error, runs_already)))
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
