//! An object that a person makes, for an image whose registry podreeve does not reach.

use super::object;
use super::record::{Attached, Record, Repository, name_of, tag_of};
use super::seal::{LENGTH, Sealer};
use crate::image::trust::Evidence;
use crate::image::{ImageFacts, OpenedImage};
use crate::reference::ImageRef;
use jiff::Timestamp;

/// The most bytes of signatures and attestations in one object.
const EVIDENCE: usize = 512 << 10;

/// Why there is no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ByHandError {
    #[error(
        "the key has less than {LENGTH} bytes; take it from the Secret: kubectl get secret podreeve-images -o jsonpath='{{.data.seal\\.key}}' | base64 -d"
    )]
    Key,
    #[error("its signatures and attestations have {0} bytes, more than the {EVIDENCE} that one object can hold")]
    Evidence(usize),
    #[error("its facts have more bytes than one object can hold")]
    Facts,
    #[error("{0}")]
    Image(String),
}

/// The object of an image, sealed with podreeve's key, as JSON.
///
/// # Errors
/// The key is none, or the facts do not fit into an object.
pub fn object(
    image: &OpenedImage,
    facts: &[ImageFacts],
    name: &ImageRef<'_>,
    evidence: Vec<Evidence>,
    key: &[u8],
    now: Timestamp,
) -> Result<String, ByHandError> {
    let sealer = Sealer::new(key).ok_or(ByHandError::Key)?;
    let size = evidence.iter().map(|one| one.content.size()).sum();
    if size > EVIDENCE {
        return Err(ByHandError::Evidence(size));
    }
    let mut record = Record::new(image).map_err(|error| ByHandError::Image(error.to_string()))?;
    record.platforms = facts.iter().map(|facts| ImageFacts { trust: None, signed: None, ..facts.clone() }).collect();
    crate::image::fit(&mut record.platforms, super::deep::fits);
    let attached = Some(Attached { at: now, evidence, judged: None });
    record.add_repository(name_of(name), Repository { attached, proof: None });
    if name.digest.is_none() {
        record.add_tag(tag_of(name), now);
    }
    record.by_hand = true;
    object::to_object(&record, &sealer).ok_or(ByHandError::Facts)
}
