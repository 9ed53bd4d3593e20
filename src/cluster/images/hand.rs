//! The objects that people sealed, as far as they say more together than one of them: the names of each image.
//!
//! All of them count until they are deleted. So each replica knows the same of them, in whatever order it reads them.

use super::record::Record;
use crate::image::Digest;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// One object.
#[derive(Debug)]
struct Sealed {
    packed: Arc<[u8]>,
    repositories: BTreeSet<String>,
    tags: BTreeMap<String, Timestamp>,
}

/// All of them, by what they are about and by their names.
#[derive(Debug, Default)]
pub struct ByHand(HashMap<Digest, BTreeMap<String, Sealed>>);

impl ByHand {
    /// Takes an object in, and says which tags an older one of the same name had.
    pub fn insert(&mut self, object: &str, record: &Record, packed: &Arc<[u8]>) -> Vec<String> {
        let sealed = Sealed {
            packed: Arc::clone(packed),
            repositories: record.repositories.keys().cloned().collect(),
            tags: record.tags.clone(),
        };
        let old = self.0.entry(record.digest.clone()).or_default().insert(object.to_owned(), sealed);
        old.map(|old| old.tags.into_keys().collect()).unwrap_or_default()
    }

    /// Whether there is such an object.
    pub fn knows(&self, digest: &Digest, object: &str) -> bool {
        self.0.get(digest).is_some_and(|all| all.contains_key(object))
    }

    /// Whether it is in already, with this content.
    pub fn has(&self, digest: &Digest, object: &str, packed: &[u8]) -> bool {
        self.0.get(digest).and_then(|all| all.get(object)).is_some_and(|sealed| *sealed.packed == *packed)
    }

    /// Whether a person wrote what is known of this repository.
    pub fn has_repository(&self, digest: &Digest, name: &str) -> bool {
        self.0.get(digest).is_some_and(|all| all.values().any(|sealed| sealed.repositories.contains(name)))
    }

    /// Takes an object out, and says which tags it had.
    pub fn remove(&mut self, digest: &Digest, object: &str) -> Vec<String> {
        let Some(all) = self.0.get_mut(digest) else { return Vec::new() };
        let old = all.remove(object);
        if all.is_empty() {
            self.0.remove(digest);
        }
        old.map(|old| old.tags.into_keys().collect()).unwrap_or_default()
    }

    /// What all objects about a digest say together; none without one.
    pub fn record(&self, digest: &Digest) -> Option<Record> {
        let mut records = self.0.get(digest)?.values().filter_map(|sealed| Record::unpack(&sealed.packed).ok());
        let mut all = records.next()?;
        records.for_each(|record| all.merge(record));
        Some(all)
    }

    /// Where a tag leads: to the digest that was sealed last under this name, and when.
    pub fn tagged(&self, tag: &str) -> Option<(&Digest, Timestamp)> {
        let all = self.0.iter().flat_map(|(digest, all)| all.values().map(move |sealed| (digest, sealed)));
        let tagged = all.filter_map(|(digest, sealed)| Some((*sealed.tags.get(tag)?, digest)));
        tagged.max().map(|(at, digest)| (digest, at))
    }
}
