//! Answers questions about images: from what is known, or from their registries. Each image is read once, however many ask.

use super::access::{Login, more_exact, reader};
use super::documents::ReadError;
use super::hot::{Hot, Key, Resolved};
use super::namespaces::MadeAt;
use super::permits::Permits;
use super::platforms::Platforms;
use super::pull_secrets::PullSecrets;
use super::record::{Record, tag_of};
use super::running::Running;
use super::setup::{Setup, not_set_up, settings_of};
use super::store::Store;
use super::tag_memory::TagMemory;
use super::tenants::tag_seen;
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
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout, timeout_at};

/// Images that are read at one time, without their layers.
const AT_ONCE: usize = 16;
/// Of these, images of one registry: a registry that does not answer holds up no other one.
const AT_ONCE_OF_ONE: usize = 6;
/// Images of which signatures and attestations are read at one time: those of one can have 64 MiB.
const SIGNATURES_AT_ONCE: usize = 3;
/// Of these, images of one registry.
const SIGNATURES_OF_ONE: usize = 2;
/// Longest time for one image without its layers. A registry could send a byte now and then.
const READING: Duration = Duration::from_secs(120);
/// The most images that are read or wait for it. More are unknown for now.
const WAITING: usize = 2000;

/// Longest wait for a registry where an older answer is known.
const PATIENCE_WITH_OLDER: Duration = Duration::from_millis(500);

/// The reading of an image that has begun.
type Flight = watch::Receiver<Option<Resolved>>;

/// What is read: a reference, and the secrets that may be tried for it.
type FlightKey = (String, Option<Arc<Login>>);

/// Everything that this replica knows of images.
pub struct ImageService {
    clock: fn() -> Timestamp,
    pub(super) setup: ArcSwapOption<Setup>,
    known: Mutex<Known>,
    flights: Mutex<HashMap<FlightKey, Flight>>,
    permits: Permits,
    pub(super) signature_permits: Permits,
    pub(super) running: Running,
    pub(super) pull_secrets: PullSecrets,
    pub(super) namespaces: MadeAt,
    pub(super) metrics: Arc<ImageMetrics>,
    /// Something is to be published.
    pub(super) changed: Notify,
    /// Something was learned of images that are known, or why nothing will be.
    pub(super) news: Notify,
    /// Images whose objects in the cluster are to be written.
    pub(super) unwritten: Mutex<BTreeSet<Digest>>,
    pub(super) write: Notify,
    /// Objects of the cluster that are to get the label of this installation.
    pub(super) unlabelled: Mutex<BTreeSet<String>>,
    pub(super) label: Notify,
    /// Images whose layers may have to be read.
    pub(super) deepen: Notify,
    /// Whether this replica reads layers, or learns of those that the leader reads.
    pub(super) layers_come: AtomicBool,
    is_whole: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Known {
    pub store: Store,
    pub hot: Hot,
    pub tags: TagMemory,
    /// The platforms of the cluster's nodes.
    pub platforms: Platforms,
    /// Images whose layers are being read.
    pub deepening: HashSet<Digest>,
    /// Grows whenever images are judged again.
    pub judged_again: u64,
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
    key: FlightKey,
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
            permits: Permits::new(AT_ONCE, AT_ONCE_OF_ONE),
            signature_permits: Permits::new(SIGNATURES_AT_ONCE, SIGNATURES_OF_ONE),
            running: Running::default(),
            pull_secrets: PullSecrets::default(),
            namespaces: MadeAt::default(),
            metrics,
            changed: Notify::new(),
            news: Notify::new(),
            unwritten: Mutex::default(),
            write: Notify::new(),
            unlabelled: Mutex::default(),
            label: Notify::new(),
            deepen: Notify::new(),
            layers_come: AtomicBool::new(false),
            is_whole: AtomicBool::new(false),
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

    /// The same for the cluster, which is no use of it.
    pub(super) fn peek(&self, digest: &Digest) -> Option<Record> {
        let packed = self.known().store.peek(digest).map(|stored| Arc::clone(&stored.packed))?;
        Record::unpack(&packed).ok()
    }

    /// There is an API server, which has the pull secrets of pods.
    pub fn connected(&self, client: kube::Client) {
        self.pull_secrets.connected(client);
    }

    /// Whether settings have loaded once. Without them it reads nothing.
    pub fn has_settings(&self) -> bool {
        self.setup.load().is_some()
    }

    /// Whether all of the newest settings are in force.
    pub fn is_whole(&self) -> bool {
        self.is_whole.load(Ordering::Relaxed)
    }

    pub fn set_whole(&self, is_whole: bool) {
        self.is_whole.store(is_whole, Ordering::Relaxed);
    }

    /// New settings are in force. It takes its time where many images are known.
    pub fn set_up(&self, setup: Setup) {
        self.setup.store(Some(Arc::new(setup)));
        let mut known = self.known();
        known.store.forget_failures();
        known.hot.touch();
        drop(known);
        self.judge_all();
    }

    /// Forgets what rules found in images: the policies or the day have changed.
    pub fn forget_judgements(&self) {
        self.known().hot.forget_judgements();
        self.changed.notify_one();
    }

    /// What is known of these images. For those that must be read first, it waits until then at the longest, and the reading goes on.
    pub async fn ask(self: &Arc<Self>, query: &ImageQuery, asker: Asker, until: Instant) -> Images {
        let before = self.setup.load_full();
        let waiting = query.references.iter().take(MAX_ASKED).map(|reference| async move {
            let own = self.answer(reference, None, asker, until).await;
            let Some(login) = self.login(query, &own) else {
                return (reference, self.seen_before(query, reference, own));
            };
            let theirs = self.answer(reference, Some(login), asker, until).await;
            (reference, more_exact(own, theirs))
        });
        let answers = join_all(waiting).await;
        let setup = self.setup.load_full();
        let (settings, must_be_signed) = settings_of(setup.as_deref());
        let mut images = Images::new(settings);
        images.must_be_signed = must_be_signed;
        for (reference, answer) in answers {
            let answer = self.by_settings_of_now(query, reference, answer, (before.as_ref(), setup.as_ref()));
            images.insert(reference, answer);
        }
        images
    }

    /// What podreeve knows of an image, or what it may know with these secrets.
    async fn answer(
        self: &Arc<Self>,
        reference: &str,
        login: Option<Arc<Login>>,
        asker: Asker,
        until: Instant,
    ) -> ImageAnswer {
        let key =
            Key { reference: reference.to_owned(), namespace: login.as_ref().map(|login| login.namespace.clone()) };
        let answer = match self.start(&key, login, asker) {
            Started::Known(answer) => Ok(answer),
            Started::Busy => Err(ReadError::Busy),
            Started::Flight(flight) => self.wait(&key, flight, until).await,
        };
        match answer {
            Ok(answer) if asker == Asker::Request => self.with_layers(&key, answer, until).await,
            answer => answer.unwrap_or_else(|error| self.unknown(&key, &error)),
        }
    }

    /// Waits for an answer. Where an older one is known it counts, so a slow registry holds up no request.
    async fn wait(&self, key: &Key, mut flight: Flight, until: Instant) -> Result<ImageAnswer, ReadError> {
        let older = self.setup.load_full().and_then(|setup| {
            let image = self.stored(&setup, key, self.now())?;
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
    fn start(self: &Arc<Self>, key: &Key, login: Option<Arc<Login>>, asker: Asker) -> Started {
        if let Some(answer) = self.known().hot.get(key, self.now()) {
            return Started::Known(answer.clone());
        }
        // Nothing of it is remembered: it may be as long as a request.
        if !ImageRef::parse(&key.reference).is_well_formed() {
            let error = ReadError::Reference(crate::text::clean(&key.reference, 200));
            return Started::Known(self.unknown(key, &error));
        }
        let mut flights = lock(&self.flights);
        let flight = (key.reference.clone(), login);
        if let Some(flight) = flights.get(&flight) {
            return Started::Flight(flight.clone());
        }
        if flights.len() >= WAITING {
            return Started::Busy;
        }
        let (sender, receiver) = watch::channel(None);
        flights.insert(flight.clone(), receiver.clone());
        let (service, key) = (Arc::clone(self), key.clone());
        tokio::spawn(async move {
            let landing = Landing { service: &service, key: flight };
            let _permit = service.permits.acquire(&ImageRef::parse(&key.reference).registry).await;
            let resolved = service.resolve_and_land(&key, landing.key.1.as_deref(), asker).await;
            drop(landing);
            sender.send_replace(Some(resolved));
        });
        Started::Flight(receiver)
    }

    /// Reads an image, and once more if it became another question meanwhile, since the settings are others.
    async fn resolve_and_land(self: &Arc<Self>, key: &Key, login: Option<&Login>, asker: Asker) -> Resolved {
        let mut is_again = false;
        loop {
            let since = self.known().judged_again;
            let mut resolved = match timeout(READING, self.resolve(key, login)).await {
                Ok(resolved) => resolved,
                Err(_) => self.too_late(key),
            };
            // Other secrets of the namespace may show an image that these do not show.
            let is_for_all = key.namespace.is_none() || matches!(resolved.answer, ImageAnswer::Known(_));
            let is_kept = asker == Asker::Request && is_for_all;
            if self.land(key, &mut resolved, since, is_kept) || is_again {
                return resolved;
            }
            is_again = true;
        }
    }

    /// The reading took too long.
    fn too_late(&self, key: &Key) -> Resolved {
        let name = tag_seen(key.namespace.as_deref(), &key.reference);
        let failure = self.known().store.fail(&name, ReadError::Late, self.now());
        Resolved { answer: self.unknown(key, &failure.error), until: failure.until }
    }

    /// What a request learns about an image that cannot be read.
    pub(super) fn unknown(&self, key: &Key, error: &ReadError) -> ImageAnswer {
        let image = ImageRef::parse(&key.reference);
        let runs_already = self.runs(&self.known().store, &key.reference);
        let unknown = match &*self.setup.load() {
            Some(setup) => setup.unknown(&image, &reader(key.namespace.as_deref()), error),
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

#[cfg(test)]
impl ImageService {
    /// Reads an image, and waits until it is read.
    pub(super) async fn read_one(self: &Arc<Self>, key: &Key, asker: Asker) -> Resolved {
        let Started::Flight(mut flight) = self.start(key, None, asker) else { panic!("nothing is read") };
        flight.wait_for(Option::is_some).await.unwrap().clone().unwrap()
    }
}

#[cfg(test)]
mod tests;
