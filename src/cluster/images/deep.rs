//! The leader reads the layers of images, each layer once. Nothing waits for it.

use super::documents::{self, ReadError};
use super::service::{ImageService, Known};
use super::setup::Setup;
use crate::cluster::lease::Leadership;
use crate::image::layer::{Layer, scan_within};
use crate::image::{Allowance, Descriptor, Digest, ImageError, ImageFacts, PlatformImage, merge};
use crate::observe::metrics::images::Fetched;
use crate::reference::ImageRef;
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
/// Longest time for one layer: a registry could send a byte now and then.
const LAYER_TIME: Duration = Duration::from_secs(900);
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
    for repository in record.repositories.keys() {
        let image = ImageRef::parse(repository);
        result = read(&setup, layers, &image, digest, &mut bytes).await;
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
            record.platforms = platforms;
            service.keep(&record, now);
            service.judge_again(Some(digest));
        }
        Err(error) => {
            let image = record.repositories.keys().next().map_or("", String::as_str);
            tracing::warn!(
                image,
                digest = digest.as_str(),
                error = with_causes(&error),
                "the layers of an image cannot be read; rules about what they hold find nothing until they can"
            );
            service.known().store.fail(&key(digest), error, now);
        }
    }
}

/// The facts of all platforms, with what the layers hold.
async fn read(
    setup: &Setup,
    layers: &Layers,
    image: &ImageRef<'_>,
    digest: &Digest,
    bytes: &mut u64,
) -> Result<Vec<ImageFacts>, ReadError> {
    let opened = documents::read(&setup.client, image, digest).await?;
    let mut platforms = Vec::new();
    for platform in &opened.platforms {
        let mut of_platform = Vec::new();
        let mut left = Allowance { memory: IMAGE_BYTES, ..Allowance::IMAGE };
        for (stored, diff_id) in platform.manifest.layers.iter().zip(&platform.config.rootfs.diff_ids) {
            let layer = if let Some(layer) = layers.get(diff_id) {
                layer
            } else {
                let layer = Arc::new(read_layer(setup, image, stored, diff_id, left).await?);
                *bytes = bytes.saturating_add(stored.size);
                layers.add(diff_id, &layer);
                layer
            };
            left = left.after(&layer);
            of_platform.push(layer);
        }
        platforms.push(merged(platform.clone(), of_platform).await?);
    }
    Ok(platforms)
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
    setup: &Setup,
    image: &ImageRef<'_>,
    stored: &Descriptor,
    diff_id: &Digest,
    allowance: Allowance,
) -> Result<Layer, ReadError> {
    let size = if stored.size == 0 { crate::image::limits::LAYER } else { stored.size };
    let blob = setup.client.blob(image, &stored.digest, size).await?;
    let (runtime, stored, diff_id) = (tokio::runtime::Handle::current(), stored.clone(), diff_id.clone());
    let end = Instant::now() + LAYER_TIME;
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
            let limit = format!("{} minutes", LAYER_TIME.as_secs() / 60);
            return Err(ImageError::TooLarge { what: "the time for the layer".to_owned(), limit }.into());
        }
        self.inner.read(buffer)
    }
}
