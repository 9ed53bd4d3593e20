//! Reads the layers of an image, each once, however many platforms have it. A layer with a file behind a link is read twice.

use super::allowance::Allowance;
use super::layer::{Layer, LinkedFile, read_linked, scan_within};
use super::{Descriptor, Digest, ImageError, ImageFacts, Laid, OpenedImage, PlatformImage, Source, merge_linked};
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
        let laid = Laid::new(&of_platform);
        let linked = linked_files(source, platform, &laid, allowance)?;
        merge_linked(platform, Some((&of_platform, laid, linked)))
    };
    image.platforms.iter().map(of_platform).collect()
}

/// Reads the files behind links.
fn linked_files(
    source: &mut dyn Source,
    platform: &PlatformImage,
    laid: &Laid,
    allowance: Allowance,
) -> Result<Vec<LinkedFile>, ImageError> {
    let linked = laid.linked();
    let mut wanted = Vec::new();
    for (layer, files) in &linked {
        let diff_id = platform.config.rootfs.diff_ids.get(*layer);
        wanted.extend(
            platform.manifest.layers.get(*layer).zip(diff_id).map(|(stored, diff_id)| (stored, diff_id, files)),
        );
    }
    let descriptors: Vec<&Descriptor> = wanted.iter().map(|(stored, ..)| *stored).collect();
    let mut all = Vec::new();
    // Its bytes were counted, and these are the same ones.
    let allowance = Allowance { memory: allowance.memory, ..Allowance::IMAGE };
    source.each(&descriptors, &mut |index, reader| {
        let Some((stored, diff_id, files)) = wanted.get(index) else { return Ok(()) };
        let read = read_linked(reader, stored, diff_id, allowance, files).map_err(|error| error.in_layer(stored))?;
        all.extend(read);
        Ok(())
    })?;
    Ok(all)
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
