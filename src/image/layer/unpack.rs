//! Unpacks a layer as a stream, and compares what passes with both digests.

use super::decompress::decompress;
use crate::image::allowance::{Allowance, Allowed};
use crate::image::digest::Hashed;
use crate::image::tar::Tar;
use crate::image::{Descriptor, Digest, ImageError, limits};
use std::io::{BufReader, Read};

/// The archive of a layer.
pub type Unpacking<'b> = Tar<BufReader<Hashed<Allowed<Box<dyn Read + 'b>>>>>;

/// How much an archive has.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Its bytes.
    pub raw: u64,
    /// The same with the zeros of sparse files.
    pub bytes: u64,
    pub entries: usize,
}

/// Calls `each` with every entry. `blob` is the layer as it is stored, `diff_id` the digest of its archive.
///
/// # Errors
/// The content is not what the digests say, or no archive, or over the limits, or `each` fails.
pub fn unpack(
    blob: &mut dyn Read,
    descriptor: &Descriptor,
    diff_id: &Digest,
    allowance: Allowance,
    each: &mut dyn FnMut(&mut Unpacking<'_>) -> Result<(), ImageError>,
) -> Result<Sizes, ImageError> {
    if descriptor.media_type.ends_with("+encrypted") {
        let why = "the layer is encrypted, so podreeve cannot read it".to_owned();
        return Err(ImageError::Unsupported { what: "the layer".to_owned(), why });
    }
    let mut stored = Hashed::new(blob, &descriptor.digest, "the layer", limits::LAYER);
    let sizes = {
        let decoder = decompress(BufReader::with_capacity(limits::CHUNK, &mut stored))?;
        let allowed = Allowed { inner: decoder, allowance, count: 0 };
        let raw = Hashed::new(allowed, diff_id, "the unpacked layer", limits::LAYER);
        let mut tar = Tar::within(BufReader::with_capacity(limits::CHUNK, raw), allowance);
        while tar.next_entry()?.is_some() {
            each(&mut tar)?;
        }
        let (entries, zeros) = tar.counts();
        // What follows the archive counts for the digest, too.
        let raw = tar.into_inner().into_inner().verify(diff_id, 0)?;
        let sizes = Sizes { raw, bytes: raw.saturating_add(zeros), entries };
        allowance.check_bytes(sizes.bytes)?;
        sizes
    };
    stored.verify(&descriptor.digest, descriptor.size)?;
    Ok(sizes)
}
