//! What this replica knows of images. It is plain data: the time is an argument.

use super::documents::ReadError;
use super::record::{Record, Repository};
use super::sealed_by_hand::SealedByHand;
use super::tenants::tag_seen;
use crate::image::Digest;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How long a tag leads to the digest that it led to.
pub const TAG: SignedDuration = SignedDuration::from_secs(60);
/// How long a tag still counts while the registry does not say where it leads.
pub const TAG_IN_OUTAGE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// After this time what is attached to an image is read again, and the old counts meanwhile.
pub const ATTACHED_SOFT: SignedDuration = SignedDuration::from_hours(1);
/// After this time what was attached counts no more.
pub const ATTACHED_HARD: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The first wait after an image could not be read, and the longest. Each later one is twice as long.
const WAIT: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(30), SignedDuration::from_secs(300));
/// The same after content that was wrong, or that a registry lost.
const BROKEN: (SignedDuration, SignedDuration) = (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
/// How long a tag counts that a person wrote.
const BY_HAND: SignedDuration = SignedDuration::from_hours(24 * 3650);
/// The most images. Above this number those go that were not used for the longest time, and the leader deletes their objects.
const IMAGES: usize = 20_000;
/// The most bytes of all of them. 10,000 usual images have 40 MB.
const BYTES: usize = 96 << 20;
/// The most objects in the cluster that are remembered to be deleted: as many as podreeve writes. After a change of the key all of them are
/// left, and only the next list finds what was forgotten. Their names take 2 MB.
const GONE: usize = 20_000;
/// The most tags. One image can have any number.
const TAGS: usize = 50_000;
/// The most failures that are remembered. An attacker can name any number of images.
const FAILURES: usize = 10_000;

/// A record, packed.
#[derive(Debug, Clone)]
pub struct Stored {
    pub packed: Arc<[u8]>,
    /// Whether the layers of all platforms are read.
    pub has_content: bool,
    /// Whether an earlier podreeve read it, which found less.
    pub is_old: bool,
    /// When what is attached was read; the oldest of its repositories.
    attached_at: Option<Timestamp>,
    /// A person wrote it, for a registry that podreeve does not reach.
    pub by_hand: bool,
    pub used: Timestamp,
}

/// Why an image cannot be read, and until when it is not tried again.
#[derive(Debug, Clone)]
pub struct Failure {
    pub error: ReadError,
    pub until: Timestamp,
    wait: SignedDuration,
}

impl Failure {
    /// A failure that was not remembered.
    pub const fn at(error: ReadError, until: Timestamp) -> Self {
        Self { error, until, wait: WAIT.0 }
    }
}

/// How much is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Counts {
    pub known: usize,
    pub layers_known: usize,
    pub unknown: usize,
    pub bytes: usize,
    pub signatures_age: f64,
}

#[derive(Debug, Default)]
pub struct Store {
    images: HashMap<Digest, Stored>,
    /// What people sealed of them.
    by_hand: SealedByHand,
    /// Of all images, packed.
    bytes: usize,
    /// Images that are not kept, though the cluster may have objects of them, and from when on these are to be deleted.
    gone: BTreeMap<Digest, Timestamp>,
    /// Objects in the cluster that nothing reads again, by name, and from when on they are to be deleted.
    left: BTreeMap<String, Timestamp>,
    /// `registry/repository:tag`.
    tags: HashMap<String, (Digest, Timestamp)>,
    /// By reference.
    failures: HashMap<String, Failure>,
}

impl Store {
    pub fn get(&mut self, digest: &Digest, now: Timestamp) -> Option<&Stored> {
        let stored = self.images.get_mut(digest)?;
        stored.used = now;
        Some(stored)
    }

    /// The same, where nothing uses it.
    pub fn peek(&self, digest: &Digest) -> Option<&Stored> {
        self.images.get(digest)
    }

    /// Keeps a record in place of the one of the same digest.
    pub fn put(&mut self, record: &Record, now: Timestamp) {
        self.put_packed(record, record.pack(), now);
    }

    /// The same with a record that is packed already.
    pub fn put_packed(&mut self, record: &Record, packed: Arc<[u8]>, now: Timestamp) {
        for (tag, at) in &record.tags {
            self.tag(tag, &record.digest, *at);
        }
        for (tenant, seen) in &record.tenants {
            seen.tags.iter().for_each(|(tag, at)| self.tag(&tag_seen(Some(tenant), tag), &record.digest, *at));
        }
        let read_at = record.repositories.values().filter_map(Repository::attached_at).min();
        let read_at = read_at.filter(|_| !record.by_hand);
        let (has_content, by_hand) = (record.has_content(), record.by_hand);
        let is_old = record.is_old();
        let stored = Stored { packed, has_content, is_old, attached_at: read_at, by_hand, used: now };
        self.bytes += stored.packed.len();
        self.gone.remove(&record.digest);
        if let Some(old) = self.images.insert(record.digest.clone(), stored) {
            self.bytes -= old.packed.len();
        }
        if self.images.len() > IMAGES || self.bytes > BYTES {
            self.forget_oldest(now);
        }
    }

    pub const fn by_hand(&self) -> &SealedByHand {
        &self.by_hand
    }

    /// Takes in what a person sealed of the names of an image, and says to which other images its tags led before.
    pub fn add_by_hand(&mut self, object: &str, record: &Record, packed: &Arc<[u8]>) -> Vec<Digest> {
        let old = self.by_hand.insert(object, record, packed);
        for tag in &old {
            self.lead(tag);
        }
        let mut others = Vec::new();
        for (tag, at) in &record.tags {
            let before = self.tags.get(tag).map(|(digest, _)| digest.clone());
            // What a person wrote counts before what a registry would say, which podreeve does not ask.
            self.tag(tag, &record.digest, *at + BY_HAND);
            others.extend(before.filter(|before| *before != record.digest));
        }
        others
    }

    /// An object of an image is deleted. What people sealed in others stays.
    pub fn remove_object(&mut self, digest: &Digest, object: &str, now: Timestamp) {
        let mut tags = self.by_hand.remove(digest, object);
        self.remove(digest);
        if let Some(record) = self.by_hand.record(digest) {
            self.put(&record, now);
            tags.extend(record.tags.into_keys());
        }
        for tag in &tags {
            self.lead(tag);
        }
    }

    /// Lets a tag lead where people sealed it.
    fn lead(&mut self, tag: &str) {
        if let Some((digest, at)) = self.by_hand.tagged(tag) {
            self.tags.insert(tag.to_owned(), (digest.clone(), at + BY_HAND));
        }
    }

    /// This object is of no use from this time on.
    pub fn is_left(&mut self, object: &str, from: Timestamp) {
        self.left.entry(object.to_owned()).or_insert(from);
        if self.left.len() > GONE {
            self.left.pop_last();
        }
    }

    /// This object is of use, or was deleted.
    pub fn is_not_left(&mut self, object: &str) {
        self.left.remove(object);
    }

    /// The objects that are to be deleted now, whatever they say.
    pub fn left(&self, now: Timestamp) -> impl Iterator<Item = &String> {
        self.left.iter().filter(move |(_, from)| **from <= now).map(|(object, _)| object)
    }

    /// Whether this object is to be deleted now.
    pub fn is_still_left(&self, object: &str, now: Timestamp) -> bool {
        self.left.get(object).is_some_and(|from| *from <= now)
    }

    /// The object of an image is of no use from this time on.
    fn is_gone(&mut self, digest: Digest, from: Timestamp) {
        self.gone.entry(digest).or_insert(from);
        if self.gone.len() > GONE {
            self.gone.pop_last();
        }
    }

    /// The images of which objects are to be deleted.
    pub fn gone(&self, now: Timestamp) -> impl Iterator<Item = &Digest> {
        self.gone.iter().filter(move |(_, from)| **from <= now).map(|(digest, _)| digest)
    }

    /// Its object is deleted.
    pub fn remove(&mut self, digest: &Digest) {
        self.gone.remove(digest);
        if let Some(old) = self.images.remove(digest) {
            self.bytes -= old.packed.len();
        }
        self.tags.retain(|_, (of, _)| of != digest);
    }

    /// Forgets a tenth, and nothing that a person wrote: podreeve cannot read that again.
    fn forget_oldest(&mut self, now: Timestamp) {
        let goes = |stored: &Stored| !stored.by_hand;
        let mut used: Vec<Timestamp> =
            self.images.values().filter(|stored| goes(stored)).map(|stored| stored.used).collect();
        if used.is_empty() {
            return;
        }
        let tenth = used.len() / 10;
        let (_, limit, _) = used.select_nth_unstable(tenth);
        let limit = *limit;
        let oldest = self.images.iter().filter(|(_, stored)| goes(stored) && stored.used <= limit);
        let oldest: Vec<Digest> = oldest.map(|(digest, _)| digest.clone()).take(tenth + 1).collect();
        for digest in oldest {
            self.bytes -= self.images.remove(&digest).map_or(0, |old| old.packed.len());
            self.is_gone(digest, now);
        }
        let Self { images, tags, .. } = self;
        tags.retain(|_, (digest, _)| images.contains_key(digest));
    }

    /// Remembers where a tag leads; the newest answer counts.
    pub fn tag(&mut self, tag: &str, digest: &Digest, at: Timestamp) {
        if self.tags.get(tag).is_none_or(|(_, before)| *before <= at) {
            self.tags.insert(tag.to_owned(), (digest.clone(), at));
        }
        if self.tags.len() > TAGS {
            let mut times: Vec<Timestamp> = self.tags.values().map(|(_, at)| *at).collect();
            let (_, limit, _) = times.select_nth_unstable(TAGS / 10);
            let (limit, mut left) = (*limit, TAGS / 10);
            self.tags.retain(|_, (_, at)| {
                let goes = left > 0 && *at <= limit;
                left -= usize::from(goes);
                !goes
            });
        }
    }

    /// Where a tag led, and when.
    pub fn tagged(&self, tag: &str) -> Option<&(Digest, Timestamp)> {
        self.tags.get(tag)
    }

    /// The failure for which an image is not read again yet.
    pub fn failure(&self, reference: &str, now: Timestamp) -> Option<&Failure> {
        self.failures.get(reference).filter(|failure| failure.until > now)
    }

    /// Remembers that something is wrong with the content of an image, which stays as it is. It is tried again after an hour, and then less
    /// and less often, in case the registry was wrong.
    pub fn is_broken(&mut self, reference: &str, error: ReadError, now: Timestamp) {
        self.remember(reference, error, now, BROKEN);
    }

    /// Remembers that an image could not be read. A registry that asks for more time gets it.
    pub fn fail(&mut self, reference: &str, error: ReadError, now: Timestamp) -> Failure {
        self.remember(reference, error, now, WAIT)
    }

    /// Whether it failed in the same way when it was tried last.
    pub fn failed_so_before(&self, reference: &str, error: &ReadError) -> bool {
        self.failures.get(reference).is_some_and(|before| before.error.is_same(error))
    }

    /// Leaves an image alone for as long as its registry wants. That is no new failure of the image.
    pub fn postpone(&mut self, reference: &str, paused: Failure, now: Timestamp) {
        self.make_room(now);
        match self.failures.get_mut(reference) {
            Some(before) => before.until = before.until.max(paused.until),
            None => {
                self.failures.insert(reference.to_owned(), paused);
            }
        }
    }

    fn make_room(&mut self, now: Timestamp) {
        if self.failures.len() >= FAILURES {
            self.failures.retain(|_, failure| failure.until > now);
            if self.failures.len() >= FAILURES {
                self.failures.clear();
            }
        }
    }

    fn remember(
        &mut self,
        reference: &str,
        error: ReadError,
        now: Timestamp,
        (first, longest): (SignedDuration, SignedDuration),
    ) -> Failure {
        self.make_room(now);
        let before = self.failures.get(reference).map(|failure| failure.wait).filter(|wait| *wait >= first);
        let wait = before.map_or(first, |before| before.saturating_mul(2).min(longest));
        let asked = error.retry_after().map_or(SignedDuration::ZERO, |time| time.min(WAIT.1.saturating_mul(12)));
        let failure = Failure { error, until: now + wait.max(asked), wait };
        self.failures.insert(reference.to_owned(), failure.clone());
        failure
    }

    pub fn succeeded(&mut self, reference: &str) {
        self.failures.remove(reference);
    }

    /// New keys or other credentials may change any answer.
    pub fn forget_failures(&mut self) {
        self.failures.clear();
    }

    pub fn images(&self) -> impl Iterator<Item = (&Digest, &Stored)> {
        self.images.iter()
    }

    /// For metrics.
    pub fn counts(&self, now: Timestamp) -> Counts {
        let oldest = self.images.values().filter_map(|stored| stored.attached_at).min();
        Counts {
            known: self.images.len(),
            layers_known: self.images.values().filter(|stored| stored.has_content).count(),
            unknown: self.failures.values().filter(|failure| failure.until > now).count(),
            bytes: self.bytes,
            signatures_age: oldest.map_or(0.0, |at| now.duration_since(at).as_secs_f64().max(0.0)),
        }
    }
}

#[cfg(test)]
mod tests;
