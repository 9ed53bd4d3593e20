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

/// All of them.
#[derive(Debug, Default)]
pub struct SealedByHand {
    /// By what they are about, and by their names.
    sealed: HashMap<Digest, BTreeMap<String, Sealed>>,
    /// By tag: when, to what, and in which object.
    tagged: HashMap<String, BTreeSet<(Timestamp, Digest, String)>>,
}

impl SealedByHand {
    /// Takes an object in, and says which tags an older one of the same name had.
    pub fn insert(&mut self, object: &str, record: &Record, packed: &Arc<[u8]>) -> Vec<String> {
        let sealed = Sealed {
            packed: Arc::clone(packed),
            repositories: record.repositories.keys().cloned().collect(),
            tags: record.tags.clone(),
        };
        let old = self.remove(&record.digest, object);
        for (tag, at) in &record.tags {
            let place = (*at, record.digest.clone(), object.to_owned());
            self.tagged.entry(tag.clone()).or_default().insert(place);
        }
        self.sealed.entry(record.digest.clone()).or_default().insert(object.to_owned(), sealed);
        old
    }

    /// Whether there is such an object.
    pub fn knows(&self, digest: &Digest, object: &str) -> bool {
        self.sealed.get(digest).is_some_and(|all| all.contains_key(object))
    }

    /// Whether it is in already, with this content.
    pub fn has(&self, digest: &Digest, object: &str, packed: &[u8]) -> bool {
        self.sealed.get(digest).and_then(|all| all.get(object)).is_some_and(|sealed| *sealed.packed == *packed)
    }

    /// Whether a person wrote what is known of this repository.
    pub fn has_repository(&self, digest: &Digest, name: &str) -> bool {
        self.sealed.get(digest).is_some_and(|all| all.values().any(|sealed| sealed.repositories.contains(name)))
    }

    /// Takes an object out, and says which tags it had.
    pub fn remove(&mut self, digest: &Digest, object: &str) -> Vec<String> {
        let Some(all) = self.sealed.get_mut(digest) else { return Vec::new() };
        let old = all.remove(object).map(|old| old.tags).unwrap_or_default();
        if all.is_empty() {
            self.sealed.remove(digest);
        }
        for (tag, at) in &old {
            if let Some(all) = self.tagged.get_mut(tag) {
                all.remove(&(*at, digest.clone(), object.to_owned()));
                if all.is_empty() {
                    self.tagged.remove(tag);
                }
            }
        }
        old.into_keys().collect()
    }

    /// What all objects about a digest say together; none without one.
    pub fn record(&self, digest: &Digest) -> Option<Record> {
        let mut records = self.sealed.get(digest)?.values().filter_map(|sealed| Record::unpack(&sealed.packed).ok());
        let mut all = records.next()?;
        records.for_each(|record| all.merge(record));
        Some(all)
    }

    /// Where a tag leads: to the digest that was sealed last under this name, and when.
    pub fn tagged(&self, tag: &str) -> Option<(&Digest, Timestamp)> {
        self.tagged.get(tag)?.last().map(|(at, digest, _)| (digest, *at))
    }
}
