//! The seal of a record: who can write objects of the cluster could otherwise make facts up.

use aws_lc_rs::hmac::{self, HMAC_SHA256};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a key.
pub const LENGTH: usize = 32;

/// A key that seals records, and nothing else.
#[derive(Clone)]
pub struct Sealer {
    key: hmac::Key,
    id: String,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

/// A new key; none if the system has no random numbers.
#[must_use]
pub fn new_key() -> Option<[u8; LENGTH]> {
    let mut key = [0; LENGTH];
    rand::fill(&mut key).ok()?;
    Some(key)
}

impl Sealer {
    /// None if the key is too short to be one.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Self> {
        (key.len() >= LENGTH).then(|| {
            let key = hmac::Key::new(HMAC_SHA256, key);
            let begin = hmac::sign(&key, NAMES).as_ref().iter().take(8).fold(0, |id, byte| id << 8 | u64::from(*byte));
            Self { key, id: format!("{begin:016x}") }
        })
    }

    /// What names of objects end with, so that those of two keys differ. It shows nothing of the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The seal of a packed record under the name of its object.
    #[must_use]
    pub fn seal(&self, name: &str, packed: &[u8]) -> String {
        STANDARD.encode(hmac::sign(&self.key, &message(name, packed)).as_ref())
    }

    /// Whether this seal was made by this key. The comparison takes the same time for every seal.
    #[must_use]
    pub fn is_sealed(&self, name: &str, packed: &[u8], seal: &str) -> bool {
        let Ok(seal) = STANDARD.decode(seal) else { return false };
        hmac::verify(&self.key, &message(name, packed), &seal).is_ok()
    }
}

/// The length of the name is sealed, too, so that a part of it cannot become content.
fn message(name: &str, packed: &[u8]) -> Vec<u8> {
    let length = (name.len() as u64).to_be_bytes();
    [CONTEXT, &length, name.as_bytes(), packed].concat()
}

/// What is sealed, so that a seal of anything else is none of a record.
const CONTEXT: &[u8] = b"podreeve.dev/v1alpha1 ImageFacts\0";
/// What is signed for [`Sealer::id`]. No seal is made of it.
const NAMES: &[u8] = b"podreeve.dev/v1alpha1 ImageFacts: names";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seal_holds_for_one_key_one_name_and_one_content() {
        let sealer = Sealer::new(&[7; LENGTH]).unwrap();
        let seal = sealer.seal("sha256-a", b"facts");
        assert!(sealer.is_sealed("sha256-a", b"facts", &seal));
        assert!(!sealer.is_sealed("sha256-b", b"facts", &seal));
        assert!(!sealer.is_sealed("sha256-a", b"other", &seal));
        assert!(!sealer.is_sealed("sha256-a", b"facts", ""));
        assert!(!sealer.is_sealed("sha256-a", b"facts", &seal[..20]));
        assert!(!Sealer::new(&[8; LENGTH]).unwrap().is_sealed("sha256-a", b"facts", &seal));
        // The name and the content cannot change places.
        assert_ne!(sealer.seal("sha256-a\0b", b"c"), sealer.seal("sha256-a", b"b\0c"));
        assert!(Sealer::new(b"short").is_none());
        assert!(sealer.id().len() == 16 && sealer.id() != Sealer::new(&[8; LENGTH]).unwrap().id());
    }

    #[test]
    fn a_new_key_is_new() {
        assert_ne!(new_key().unwrap(), new_key().unwrap());
    }
}
