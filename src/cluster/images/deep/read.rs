//! Reads the layers of one image, as streams.

use super::kept::Layers;
use crate::cluster::images::deflate;
use crate::cluster::images::documents::{self, ReadError};
use crate::image::layer::{Layer, LinkedFiles, read_linked, scan_within};
use crate::image::{Allowance, Descriptor, Digest, ImageError, ImageFacts, Laid, Platform, PlatformImage, fit, merge};
use crate::reference::ImageRef;
use crate::registry::Client;
use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most bytes of the lists of all layers of one image. An image is input of a stranger, and the webhook must go on.
const IMAGE_BYTES: usize = 64 << 20;
/// Longest time for the layers of one image: a registry could send a byte now and then, and many layers could unpack to much.
const IMAGE_TIME: Duration = Duration::from_secs(900);
/// The most bytes of the facts of one image, as JSON, and packed. Each judgement of the image reads them, and one object has them, next to
/// what is attached to the image.
const FACTS: usize = 4 << 20;
const PACKED: usize = 640 << 10;

/// What was found.
pub struct Found {
    /// The facts of all platforms, with what the layers hold where they could be read.
    pub platforms: Vec<ImageFacts>,
    pub absent: Vec<Platform>,
    /// The manifests of the platforms, and then of those that are absent.
    pub leaves: Vec<String>,
    /// Why the layers of a platform cannot be read.
    pub broken: Option<ReadError>,
}

/// The facts of all platforms. Layers of one that cannot be read say nothing of the others.
///
/// # Errors
/// The registry gives no answer, or what it sends is no image.
pub async fn read(
    client: &Client,
    layers: &Layers,
    image: &ImageRef<'_>,
    digest: &Digest,
    bytes: &mut u64,
) -> Result<Found, ReadError> {
    let (opened, _) = documents::read(client, image, digest).await?;
    let end = Instant::now() + IMAGE_TIME;
    let mut linked = LinkedFiles::new(Allowance { memory: IMAGE_BYTES, ..Allowance::IMAGE });
    let (mut platforms, mut broken) = (Vec::new(), None);
    for platform in &opened.platforms {
        let facts = match read_platform(client, layers, image, platform, &mut linked, end, bytes).await {
            // It stays as large as it is: it is not read again, and never taken for one of which all is known.
            Err(ReadError::TooLarge(why)) => {
                merge(platform, None)?.unreadable(&format!("its layers were not read: {why}"))
            }
            Err(error) if !error.is_outage() => {
                broken = Some(error);
                merge(platform, None)?
            }
            read => read?,
        };
        platforms.push(facts);
    }
    fit(&mut platforms, fits);
    let leaves = opened.leaves();
    Ok(Found { platforms, absent: opened.absent.into_iter().map(|absent| absent.platform).collect(), leaves, broken })
}

/// Whether the facts of an image may be kept.
pub fn fits(platforms: &[ImageFacts]) -> bool {
    let json = serde_json::to_vec(platforms).unwrap_or_default();
    !json.is_empty() && json.len() <= FACTS && deflate::pack(&json).len() <= PACKED
}

async fn read_platform(
    client: &Client,
    layers: &Layers,
    image: &ImageRef<'_>,
    platform: &PlatformImage,
    read: &mut LinkedFiles,
    end: Instant,
    bytes: &mut u64,
) -> Result<ImageFacts, ReadError> {
    let mut of_platform = Vec::new();
    let mut left = Allowance { memory: IMAGE_BYTES, ..Allowance::IMAGE };
    for (stored, diff_id) in platform.manifest.layers.iter().zip(&platform.config.rootfs.diff_ids) {
        let layer = if let Some(layer) = layers.get(diff_id) {
            layer
        } else {
            let (of_layer, id) = (stored.clone(), diff_id.clone());
            let work = move |blob: &mut dyn Read| scan_within(blob, &of_layer, &id, left);
            let layer = Arc::new(read_blob(client, image, stored, end, work).await?);
            *bytes = bytes.saturating_add(stored.size);
            layers.add(diff_id, &layer);
            layer
        };
        left = left.after(&layer);
        of_platform.push(layer);
    }
    let (laid, of_platform) = on_thread(move || {
        let listed: Vec<&Layer> = of_platform.iter().map(Arc::as_ref).collect();
        let laid = Laid::new(&listed, &|| check(end).map_err(|error| ImageError::read("the image", error)));
        laid.map(|laid| (laid, of_platform))
    })
    .await?
    .map_err(of_layers)?;
    let mut files = Vec::new();
    for (layer, linked) in laid.linked() {
        let diff_id = platform.config.rootfs.diff_ids.get(layer);
        let Some((stored, diff_id)) = platform.manifest.layers.get(layer).zip(diff_id) else { continue };
        let missing = read.missing(stored, diff_id, &linked);
        if !missing.is_empty() {
            let (of_layer, id) = (stored.clone(), diff_id.clone());
            let left = Allowance { memory: left.memory.min(read.left().memory), ..read.left() };
            let work = move |blob: &mut dyn Read| read_linked(blob, &of_layer, &id, left, &missing);
            read.add(stored, diff_id, read_blob(client, image, stored, end, work).await?);
            *bytes = bytes.saturating_add(stored.size);
        }
        files.extend(read.of(stored, diff_id, &linked));
    }
    let platform = platform.clone();
    let merged = on_thread(move || {
        let layers: Vec<&Layer> = of_platform.iter().map(Arc::as_ref).collect();
        merge(&platform, Some((&layers, laid, files)))
    });
    Ok(merged.await??)
}

/// On a thread that may block: a large layer takes seconds.
async fn on_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ReadError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| ReadError::Failed)
}

/// Reads a layer as it arrives.
async fn read_blob<T: Send + 'static>(
    client: &Client,
    image: &ImageRef<'_>,
    stored: &Descriptor,
    end: Instant,
    work: impl FnOnce(&mut dyn Read) -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ReadError> {
    let size = if stored.size == 0 { crate::image::limits::LAYER } else { stored.size };
    let blob = client.blob(image, &stored.digest, size).await?;
    let runtime = tokio::runtime::Handle::current();
    let scanned = on_thread(move || work(&mut Until { inner: blob.blocking(runtime), end })).await?;
    scanned.map_err(of_layers)
}

fn of_layers(error: ImageError) -> ReadError {
    match error {
        ImageError::Read { error, what } => {
            // What the registry did wrong decides whether it is tried again.
            match error.downcast::<crate::registry::RegistryError>() {
                Ok(error) => ReadError::Registry(error),
                Err(error) => ReadError::Image(format!("{what} cannot be read: {error}")),
            }
        }
        error => error.into(),
    }
}

/// An error once the time is over. Another time the registry may be faster.
fn check(end: Instant) -> std::io::Result<()> {
    if Instant::now() <= end {
        return Ok(());
    }
    let why = format!("all layers together took longer than {} minutes", IMAGE_TIME.as_secs() / 60);
    Err(std::io::Error::new(std::io::ErrorKind::TimedOut, why))
}

/// A reader that ends at a time.
struct Until<R> {
    inner: R,
    end: Instant,
}

impl<R: Read> Read for Until<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        check(self.end)?;
        self.inner.read(buffer)
    }
}
