//! An object that a person makes, for an image whose registry podreeve does not reach.

use super::object::{self, Owner};
use super::record::{Attached, Record, Repository, name_of, tag_of};
use super::seal::{LENGTH, Sealer};
use crate::image::trust::Evidence;
use crate::image::{ImageFacts, OpenedImage};
use crate::reference::ImageRef;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;

/// The most bytes of signatures and attestations in one object.
const EVIDENCE: usize = 512 << 10;

/// Why there is no object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ByHandError {
    #[error(
        "the key has less than {LENGTH} bytes; take it from the Secret: kubectl get secret podreeve-images -n podreeve -o jsonpath='{{.data.seal\\.key}}' | base64 -d"
    )]
    Key,
    #[error("the key is still in base64, so podreeve would not know its seal; decode it with `base64 -d`")]
    Encoded,
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
    if is_base64(key) {
        return Err(ByHandError::Encoded);
    }
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
    // The cluster puts its label on it.
    object::to_object(&record, &Owner::new(sealer, None)).ok_or(ByHandError::Facts)
}

/// Whether this is how a Secret shows a key. A key itself is random, and hardly ever all letters.
fn is_base64(key: &[u8]) -> bool {
    STANDARD.decode(key.trim_ascii()).is_ok_and(|decoded| decoded.len() == LENGTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_as_a_secret_shows_it_is_none() {
        assert!(is_base64(format!("{}\n", STANDARD.encode([7; LENGTH])).as_bytes()));
        assert!(!is_base64(&[7; LENGTH]) && !is_base64(b"a text of my own that is long enough") && !is_base64(b""));
    }
}
