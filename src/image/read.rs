//! Reads the layers of an image, each once, however many platforms have it. A layer with a file behind a link is read once more.

use super::allowance::Allowance;
use super::layer::{Layer, LinkedFile, LinkedFiles, read_linked, scan_within};
use super::{Descriptor, Digest, ImageError, ImageFacts, Laid, Linked, OpenedImage, PlatformImage, Source, merge};
use std::io::Read;

/// The facts of each platform. `progress` gets the bytes of layers as they are read.
///
/// # Errors
/// A layer is missing, or is not what its digests say, or all of them together are over the limits.
pub fn read(
    source: &mut dyn Source,
    image: &OpenedImage,
    progress: &mut dyn FnMut(u64),
) -> Result<Vec<ImageFacts>, ImageError> {
    read_within(source, image, progress, Allowance::IMAGE)
}

/// As [`read`], with other limits for all layers together.
///
/// # Errors
/// As [`read`].
pub fn read_within(
    source: &mut dyn Source,
    image: &OpenedImage,
    progress: &mut dyn FnMut(u64),
    mut allowance: Allowance,
) -> Result<Vec<ImageFacts>, ImageError> {
    let all = allowance;
    let mut wanted: Vec<(&Descriptor, &Digest)> = Vec::new();
    for platform in &image.platforms {
        // Where the numbers differ, `merge` says so.
        for (stored, diff_id) in platform.manifest.layers.iter().zip(&platform.config.rootfs.diff_ids) {
            if !wanted.iter().any(|(seen, of)| seen.digest == stored.digest && *of == diff_id) {
                wanted.push((stored, diff_id));
            }
        }
    }
    let descriptors: Vec<&Descriptor> = wanted.iter().map(|(stored, _)| *stored).collect();
    let mut layers: Vec<Option<Layer>> = vec![None; wanted.len()];
    source.each(&descriptors, &mut |index, reader| {
        let (Some((stored, diff_id)), Some(layer)) = (wanted.get(index), layers.get_mut(index)) else { return Ok(()) };
        let mut counted = Counted { inner: reader, progress: &mut *progress };
        let scanned = scan_within(&mut counted, stored, diff_id, allowance);
        let scanned = scanned.map_err(|error| error.in_layer(stored))?;
        allowance = allowance.after(&scanned);
        *layer = Some(scanned);
        Ok(())
    })?;
    // The second reading of all platforms together may take as much as the first.
    let mut read = LinkedFiles::new(Allowance { memory: allowance.memory, ..all });
    let of_platform = |platform: &PlatformImage| {
        let stored = platform.manifest.layers.iter().zip(&platform.config.rootfs.diff_ids);
        let of_platform: Result<Vec<&Layer>, ImageError> = stored
            .map(|(stored, diff_id)| {
                let at = wanted.iter().position(|(seen, of)| seen.digest == stored.digest && *of == diff_id);
                let layer = at.and_then(|at| layers.get(at)).and_then(Option::as_ref);
                layer.ok_or_else(|| ImageError::Missing { what: format!("the layer {}", stored.digest) })
            })
            .collect();
        let of_platform = of_platform?;
        let laid = Laid::new(&of_platform, &|| Ok(()))?;
        let linked = linked_files(source, platform, &laid, &mut read)?;
        merge(platform, Some((&of_platform, laid, linked)))
    };
    image.platforms.iter().map(of_platform).collect()
}

/// Reads the files behind links that were not read for another platform.
fn linked_files(
    source: &mut dyn Source,
    platform: &PlatformImage,
    laid: &Laid,
    read: &mut LinkedFiles,
) -> Result<Vec<LinkedFile>, ImageError> {
    let linked = laid.linked();
    let diff_ids = &platform.config.rootfs.diff_ids;
    let layers = platform.manifest.layers.iter().zip(diff_ids).enumerate();
    let of_layers: Vec<(&Descriptor, &Digest, &Vec<Linked>)> =
        layers.filter_map(|(at, (stored, diff_id))| Some((stored, diff_id, linked.get(&at)?))).collect();
    let mut missing: Vec<(&Descriptor, &Digest, Vec<Linked>)> = Vec::new();
    for (stored, diff_id, files) in &of_layers {
        let of_layer = read.missing(stored, diff_id, files);
        if !of_layer.is_empty() {
            missing.push((stored, diff_id, of_layer));
        }
    }
    let descriptors: Vec<&Descriptor> = missing.iter().map(|(stored, ..)| *stored).collect();
    source.each(&descriptors, &mut |index, reader| {
        let Some((stored, diff_id, files)) = missing.get(index) else { return Ok(()) };
        let found = read_linked(reader, stored, diff_id, read.left(), files).map_err(|error| error.in_layer(stored))?;
        read.add(stored, diff_id, found);
        Ok(())
    })?;
    Ok(of_layers.iter().flat_map(|(stored, diff_id, files)| read.of(stored, diff_id, files)).collect())
}

struct Counted<'c> {
    inner: &'c mut dyn Read,
    progress: &'c mut dyn FnMut(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        (self.progress)(count as u64);
        Ok(count)
    }
}
