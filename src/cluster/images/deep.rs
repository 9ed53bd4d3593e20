//! The leader reads the layers of images, each layer once. Nothing waits for it.

use super::access::{Access, Login};
use super::documents::{self, ReadError};
use super::record::Record;
use super::service::{ImageService, Known};
use crate::cluster::lease::Leadership;
use crate::image::layer::{Layer, scan_within};
use crate::image::{Allowance, Descriptor, Digest, ImageError, ImageFacts, Platform, PlatformImage, merge};
use crate::observe::metrics::images::Fetched;
use crate::reference::ImageRef;
use crate::registry::Client;
use crate::text::with_causes;
use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How many layers are kept for other images: most images of a cluster share their first ones.
const LAYERS: usize = 24;
/// The most bytes of the lists of layers that are kept.
const LAYER_BYTES: usize = 24 << 20;
/// The most bytes of the lists of all layers of one image. An image is input of a stranger, and the webhook must go on.
const IMAGE_BYTES: usize = 64 << 20;
/// Longest time for the layers of one image: a registry could send a byte now and then, and many layers could unpack to much.
const IMAGE_TIME: Duration = Duration::from_secs(900);
/// The most bytes of the facts of one image, as JSON. Each judgement of the image reads them.
const FACTS: usize = 4 << 20;
/// When no image is new, those that failed are looked at again after this time.
const INTERVAL: Duration = Duration::from_secs(30);

/// Layers that were read last.
#[derive(Default)]
struct Layers(Mutex<VecDeque<(Digest, Arc<Layer>)>>);

impl Layers {
    fn get(&self, diff_id: &Digest) -> Option<Arc<Layer>> {
        let layers = super::service::lock(&self.0);
        layers.iter().find(|(known, _)| known == diff_id).map(|(_, layer)| Arc::clone(layer))
    }

    fn add(&self, diff_id: &Digest, layer: &Arc<Layer>) {
        let mut layers = super::service::lock(&self.0);
        if layer.memory() <= LAYER_BYTES / 4 && !layers.iter().any(|(known, _)| known == diff_id) {
            layers.push_back((diff_id.clone(), Arc::clone(layer)));
        }
        while layers.len() > LAYERS || layers.iter().map(|(_, layer)| layer.memory()).sum::<usize>() > LAYER_BYTES {
            layers.pop_front();
        }
    }
}

/// Reads layers while this replica leads.
pub async fn run(service: &Arc<ImageService>, mut leadership: Leadership) {
    let layers = Layers::default();
    loop {
        if leadership.wait_for(|leads| *leads).await.is_err() {
            return;
        }
        let worker = || async {
            while let Some(taken) = service.next_to_deepen() {
                deepen(service, &layers, &taken.digest).await;
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
    /// Of the images whose layers are not read, the one that was used last.
    fn next_to_deepen(&self) -> Option<Taken<'_>> {
        self.setup.load().as_ref().filter(|setup| setup.layers)?;
        let now = self.now();
        let mut known = self.known();
        let Known { store, deepening, .. } = &mut *known;
        let waits = store.images().filter(|(digest, stored)| {
            let is_left = !stored.has_content && !stored.by_hand && !deepening.contains(*digest);
            is_left && store.failure(&key(digest), now).is_none()
        });
        let (digest, _) = waits.max_by_key(|(_, stored)| stored.used)?;
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
    let mut result = Err(ReadError::Failed);
    for (repository, login) in readers(&record) {
        let image = ImageRef::parse(&repository);
        let access = match &login {
            None => Ok(Access::own(&setup)),
            Some(login) => service.open(&setup, login, &image, service.now()).await,
        };
        result = match access {
            Ok(access) => read(access.client(), layers, &image, digest, &mut bytes).await,
            Err(error) => Err(error),
        };
        if result.is_ok() {
            break;
        }
    }
    let counted = result.as_ref().map(|_| bytes).map_err(ReadError::reason);
    service.metrics.fetched(Fetched::Layers, start.elapsed().as_secs_f64(), counted);
    let now = service.now();
    match result {
        Ok(platforms) => {
            service.known().store.succeeded(&key(digest));
            // Meanwhile another tag may have led to it.
            let mut record = service.record_of(digest, now).unwrap_or(record);
            (record.platforms, record.absent) = platforms;
            service.keep(&record, now);
            service.judge_again(Some(digest));
        }
        Err(error) => {
            let image = readers(&record).next().map(|(repository, _)| repository).unwrap_or_default();
            tracing::warn!(
                image,
                digest = digest.as_str(),
                error = with_causes(&error),
                "the layers of an image cannot be read; rules about what they hold find nothing until they can"
            );
            let mut known = service.known();
            // Who pushes a broken image must not keep the leader busy with it.
            if error.is_outage() {
                known.store.fail(&key(digest), error, now);
            } else {
                known.store.is_broken(&key(digest), error, now);
            }
        }
    }
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

/// The facts of all platforms, with what the layers hold, and the platforms that are absent.
async fn read(
    client: &Client,
    layers: &Layers,
    image: &ImageRef<'_>,
    digest: &Digest,
    bytes: &mut u64,
) -> Result<(Vec<ImageFacts>, Vec<Platform>), ReadError> {
    let (opened, _) = documents::read(client, image, digest).await?;
    let end = Instant::now() + IMAGE_TIME;
    let mut platforms = Vec::new();
    for platform in &opened.platforms {
        let mut of_platform = Vec::new();
        let mut left = Allowance { memory: IMAGE_BYTES, ..Allowance::IMAGE };
        for (stored, diff_id) in platform.manifest.layers.iter().zip(&platform.config.rootfs.diff_ids) {
            let layer = if let Some(layer) = layers.get(diff_id) {
                layer
            } else {
                let layer = Arc::new(read_layer(client, image, stored, diff_id, (left, end)).await?);
                *bytes = bytes.saturating_add(stored.size);
                layers.add(diff_id, &layer);
                layer
            };
            left = left.after(&layer);
            of_platform.push(layer);
        }
        platforms.push(merged(platform.clone(), of_platform).await?);
    }
    let size = serde_json::to_vec(&platforms).map_or(usize::MAX, |json| json.len());
    if size > FACTS {
        return Err(ReadError::Image(format!("the facts of its layers have more than {} MiB", FACTS >> 20)));
    }
    Ok((platforms, opened.absent.into_iter().map(|absent| absent.platform).collect()))
}

/// On a thread that may block: a large layer takes seconds.
async fn merged(platform: PlatformImage, layers: Vec<Arc<Layer>>) -> Result<ImageFacts, ReadError> {
    let work = move || {
        let layers: Vec<&Layer> = layers.iter().map(Arc::as_ref).collect();
        merge(&platform, Some(&layers))
    };
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_| ReadError::Failed)??)
}

async fn read_layer(
    client: &Client,
    image: &ImageRef<'_>,
    stored: &Descriptor,
    diff_id: &Digest,
    (allowance, end): (Allowance, Instant),
) -> Result<Layer, ReadError> {
    let size = if stored.size == 0 { crate::image::limits::LAYER } else { stored.size };
    let blob = client.blob(image, &stored.digest, size).await?;
    let (runtime, stored, diff_id) = (tokio::runtime::Handle::current(), stored.clone(), diff_id.clone());
    let work = move || scan_within(&mut Until { inner: blob.blocking(runtime), end }, &stored, &diff_id, allowance);
    let scanned = tokio::task::spawn_blocking(work).await.map_err(|_| ReadError::Failed)?;
    scanned.map_err(|error| match error {
        ImageError::Read { error, what } => {
            // What the registry did wrong decides whether it is tried again.
            match error.downcast::<crate::registry::RegistryError>() {
                Ok(error) => ReadError::Registry(error),
                Err(error) => ReadError::Image(format!("{what} cannot be read: {error}")),
            }
        }
        error => error.into(),
    })
}

/// A reader that ends at a time.
struct Until<R> {
    inner: R,
    end: Instant,
}

impl<R: Read> Read for Until<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if Instant::now() > self.end {
            let limit = format!("{} minutes", IMAGE_TIME.as_secs() / 60);
            return Err(ImageError::TooLarge { what: "the time for its layers".to_owned(), limit }.into());
        }
        self.inner.read(buffer)
    }
}
