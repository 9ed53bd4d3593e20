//! When the newest image was signed to which each tag led: a tag that leads to an older one went back.
//!
//! It outlives the facts of these images, which go when nothing names them. It is plain data: the time is an argument.

use crate::image::Digest;
use jiff::Timestamp;
use std::collections::HashMap;

/// The most tags. Above this number those go that were seen longest ago.
const MOST: usize = 20_000;
/// The version of what is packed, as its first byte.
const FORMAT: u8 = 1;
/// Bytes of one tag, packed.
const SIZE: usize = 16 + 4 + 2;

/// The begin of the digest of a tag: names take no room, and show nothing.
type Key = [u8; 16];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Noted {
    /// Seconds since 1970.
    signed: u32,
    /// Days since 1970.
    seen: u16,
    /// When this replica learned of that image. It is not shared.
    learned: Timestamp,
}

/// The memory of all tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TagMemory {
    tags: HashMap<Key, Noted>,
    changed: bool,
}

impl TagMemory {
    /// Notes when the image was signed to which the tag led at some time; none if nothing proves it. The answer is when a newer one was
    /// signed to which it led before. What another replica learned since then does not count: the tag may have moved on.
    pub fn note(
        &mut self,
        tag: &str,
        signed: Option<Timestamp>,
        led_at: Timestamp,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let key = key(tag);
        // A time in the future would make every image an older one.
        let signed = signed.filter(|signed| *signed <= now).and_then(seconds);
        let today = day(now);
        let Some(known) = self.tags.get_mut(&key) else {
            if let Some(signed) = signed {
                self.insert(key, Noted { signed, seen: today, learned: led_at });
            }
            return None;
        };
        self.changed |= known.seen != today;
        known.seen = today;
        match signed {
            Some(signed) if signed >= known.signed => {
                if signed > known.signed {
                    (known.signed, known.learned, self.changed) = (signed, led_at, true);
                }
                None
            }
            _ if led_at < known.learned => None,
            _ => Timestamp::from_second(known.signed.into()).ok(),
        }
    }

    fn insert(&mut self, key: Key, noted: Noted) {
        self.tags.insert(key, noted);
        self.changed = true;
        if self.tags.len() > MOST {
            let mut seen: Vec<u16> = self.tags.values().map(|noted| noted.seen).collect();
            let tenth = seen.len() / 10;
            let limit = *seen.select_nth_unstable(tenth).1;
            // All that are older go, and of those of the same day as many as are too many.
            let older = self.tags.values().filter(|noted| noted.seen < limit).count();
            let mut left = tenth.max(1).saturating_sub(older);
            self.tags.retain(|known, noted| {
                let goes = *known != key && (noted.seen < limit || (noted.seen == limit && left > 0));
                left -= usize::from(goes && noted.seen == limit);
                !goes
            });
        }
    }

    /// Takes what another replica noted. Whether this one knew more.
    pub fn merge(&mut self, other: &Self, now: Timestamp) -> bool {
        let mut knew_more = self.tags.keys().any(|key| !other.tags.contains_key(key));
        for (key, theirs) in &other.tags {
            if let Some(ours) = self.tags.get_mut(key) {
                knew_more |= ours.signed > theirs.signed;
                if theirs.signed > ours.signed {
                    (ours.signed, ours.learned) = (theirs.signed, now);
                }
                ours.seen = ours.seen.max(theirs.seen);
            } else {
                let changed = self.changed;
                self.insert(*key, Noted { learned: now, ..*theirs });
                self.changed = changed;
            }
        }
        knew_more
    }

    /// The memory to be written, if it has changed since the last call.
    pub fn take_changed(&mut self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.changed).then(|| self.pack())
    }

    /// What was taken could not be written, or the object lacks something.
    pub fn write_again(&mut self) {
        self.changed = !self.tags.is_empty();
    }

    fn pack(&self) -> Vec<u8> {
        let mut tags: Vec<(&Key, &Noted)> = self.tags.iter().collect();
        tags.sort_unstable_by_key(|(key, _)| **key);
        let mut packed = Vec::with_capacity(1 + tags.len() * SIZE);
        packed.push(FORMAT);
        for (key, noted) in tags {
            packed.extend_from_slice(key);
            packed.extend_from_slice(&noted.signed.to_be_bytes());
            packed.extend_from_slice(&noted.seen.to_be_bytes());
        }
        packed
    }

    /// # Errors
    /// These bytes are no memory of this version.
    pub fn unpack(packed: &[u8]) -> Result<Self, String> {
        let Some((&FORMAT, rest)) = packed.split_first() else { return Err("it has another format".to_owned()) };
        let (tags, []) = rest.as_chunks::<SIZE>() else { return Err("it was cut off".to_owned()) };
        if tags.len() > MOST {
            return Err("it has too many tags".to_owned());
        }
        let read = |tag: &[u8; SIZE]| {
            let (key, rest) = tag.split_first_chunk::<16>()?;
            let (signed, rest) = rest.split_first_chunk::<4>()?;
            let seen = rest.first_chunk::<2>()?;
            let (signed, seen) = (u32::from_be_bytes(*signed), u16::from_be_bytes(*seen));
            Some((*key, Noted { signed, seen, learned: Timestamp::UNIX_EPOCH }))
        };
        Ok(Self { tags: tags.iter().filter_map(read).collect(), changed: false })
    }
}

fn key(tag: &str) -> Key {
    let digest = Digest::sha256(tag.as_bytes());
    let first = digest.hex().get(..32).and_then(|hex| u128::from_str_radix(hex, 16).ok());
    first.unwrap_or_default().to_be_bytes()
}

fn seconds(at: Timestamp) -> Option<u32> {
    at.as_second().try_into().ok()
}

fn day(at: Timestamp) -> u16 {
    u16::try_from(at.as_second() / 86_400).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests;
