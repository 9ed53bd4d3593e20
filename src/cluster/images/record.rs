//! What is kept of one image, in a form that takes little memory and little room in the cluster.

use super::deflate;
use super::documents;
use super::store::ATTACHED_HARD;
use super::tenants::{Proof, Seen};
use crate::image::facts::LayerFacts;
use crate::image::trust::{Evidence, Target, Trust, Verdict, verify};
use crate::image::{Digest, Gap, ImageFacts, OpenedImage, Platform, fit};
use crate::reference::ImageRef;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of what is packed. Another one is read again from the registry.
const FORMAT: u32 = 1;
/// What podreeve finds in images. Raise it when it finds more in the same image than before, such as another kind of file: then the leader
/// reads the layers of all images once more, and what is known counts meanwhile.
pub const READER: u32 = 1;
/// The most bytes of evidence of one image that are kept as they are. An SBOM can have many MiB.
const KEPT_EVIDENCE: usize = 64 << 10;
/// The most bytes of a new record, as JSON and packed. That of a usual image has a few KiB, and each replica that asks for the image reads it.
const NEW: usize = 2 << 20;
const PACKED: usize = 512 << 10;
/// How much later a time is before it is written again.
const NOTED: SignedDuration = SignedDuration::from_hours(24);
/// The most names under which one image is remembered.
const NAMES: usize = 32;

/// One image: what stays true of its digest, and what was attached to it when it was read last.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    format: u32,
    /// The [`READER`] that found the facts of the platforms; 0 before records said so.
    #[serde(default)]
    pub reader: u32,
    pub digest: Digest,
    /// The manifests of the platforms, where there is an index.
    pub leaves: Vec<String>,
    /// Without a verdict of trust: that depends on keys, which change.
    pub platforms: Vec<ImageFacts>,
    /// Platforms that its index names, and that no repository had when it was read. They may be pushed later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub absent: Vec<Platform>,
    /// The repositories that have it, with what was attached to it there.
    pub repositories: BTreeMap<String, Repository>,
    /// Tags that led to it, as `registry/repository:tag`, and when.
    pub tags: BTreeMap<String, Timestamp>,
    /// What pull secrets of namespaces showed of it, which is an answer for each of them alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tenants: BTreeMap<String, Seen>,
    /// A person wrote it for a registry that podreeve does not reach. It stays as it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_hand: bool,
}

/// What a repository has about an image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repository {
    /// None while no entry of the trust document covered it: then nothing was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attached: Option<Attached>,
    /// By which secrets a tenant read it; none for podreeve itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Signatures and attestations as they were read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Attached {
    pub at: Timestamp,
    pub evidence: Vec<Evidence>,
    /// What the evidence says that is too large to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged: Option<Box<Judged>>,
}

/// A verdict on evidence that is not kept. It holds for the trust document by which it was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Judged {
    /// The digest of the trust document with its keys.
    trust: Digest,
    verdict: Verdict,
}

impl PartialEq for Judged {
    fn eq(&self, other: &Self) -> bool {
        let text = |judged: &Self| serde_json::to_string(&judged.verdict).unwrap_or_default();
        self.trust == other.trust && text(self) == text(other)
    }
}

/// The trust document in force.
#[derive(Debug)]
pub struct TrustInForce {
    pub trust: Arc<Trust>,
    /// The digest of the document and of all keys that it names.
    pub id: Digest,
}

/// The verdict on an image, as far as what is kept allows one.
pub enum Trusted {
    /// No entry of the trust document covers it.
    NotAsked,
    Verdict(Box<Verdict>),
    /// What is attached was not read yet, or was judged by other keys and not kept.
    NotKnown,
}

impl Attached {
    /// What is kept of the evidence.
    pub fn new(evidence: Vec<Evidence>, target: Target<'_>, trust: &TrustInForce, now: Timestamp) -> Self {
        let mut left = KEPT_EVIDENCE;
        let (kept, large): (Vec<Evidence>, Vec<Evidence>) = evidence.into_iter().partition(|one| {
            let size = one.content.size();
            let fits = size <= left;
            left -= if fits { size } else { 0 };
            fits
        });
        let verdict = (!large.is_empty()).then(|| verify(&trust.trust, target, &large, now)).flatten();
        // When it was judged is no news.
        let timeless = |verdict| Verdict { judged_at: None, ..verdict };
        let judged = verdict.map(|verdict| Box::new(Judged { trust: trust.id.clone(), verdict: timeless(verdict) }));
        Self { at: now, evidence: kept, judged }
    }

    /// Whether both say the same, whenever they were read.
    pub fn is_same(&self, other: &Self) -> bool {
        self.evidence == other.evidence && self.judged == other.judged
    }
}

/// Whether a time is as much later as is worth a write.
pub fn is_later(new: Timestamp, old: Timestamp) -> bool {
    new.duration_since(old) >= NOTED
}

impl Repository {
    pub fn is_news_after(&self, before: &Self) -> bool {
        match (&self.attached, &before.attached) {
            (Some(new), Some(old)) => !new.is_same(old) || is_later(new.at, old.at),
            (new, old) => new.is_some() != old.is_some(),
        }
    }

    /// When what is attached was read last.
    pub fn attached_at(&self) -> Option<Timestamp> {
        self.attached.as_ref().map(|attached| attached.at)
    }
}

impl Record {
    /// # Errors
    /// What the registry sent does not belong together.
    pub fn new(image: &OpenedImage) -> Result<Self, documents::ReadError> {
        Ok(Self {
            format: FORMAT,
            reader: READER,
            digest: image.digest.clone(),
            leaves: image.leaves(),
            platforms: documents::facts(image)?,
            absent: image.absent.iter().map(|absent| absent.platform.clone()).collect(),
            repositories: BTreeMap::new(),
            tags: BTreeMap::new(),
            tenants: BTreeMap::new(),
            by_hand: false,
        })
    }

    /// Whether the layers of all platforms are read.
    pub fn has_content(&self) -> bool {
        self.platforms.iter().all(|facts| facts.content.is_some())
    }

    /// Whether this podreeve would find more in the image. What a person wrote cannot be read again.
    pub const fn is_old(&self) -> bool {
        self.reader < READER && !self.by_hand
    }

    /// Of how many platforms the layers are read.
    fn platforms_read(&self) -> usize {
        platforms_read(&self.platforms)
    }

    /// The record, if it may be kept. An image is input of a stranger, who could make it as large as a manifest can be.
    ///
    /// # Errors
    /// It has too many bytes.
    pub fn within_limits(self) -> Result<Self, documents::ReadError> {
        let size = serde_json::to_vec(&self).map_or(usize::MAX, |json| json.len());
        if size <= NEW && self.pack().len() <= PACKED {
            return Ok(self);
        }
        let why = format!("its manifests and configurations say more than the {} MiB that are read", NEW >> 20);
        Err(documents::ReadError::Image(why))
    }

    /// Remembers that a tag led to it.
    pub fn add_tag(&mut self, tag: String, at: Timestamp) {
        self.tags.insert(tag, at);
        while self.tags.len() > NAMES {
            let oldest = self.tags.iter().min_by_key(|(_, at)| **at).map(|(tag, _)| tag.clone());
            oldest.map(|oldest| self.tags.remove(&oldest));
        }
    }

    pub fn add_repository(&mut self, name: String, repository: Repository) {
        self.repositories.insert(name.clone(), repository);
        // The one that was read last stays: else who names the image in many repositories makes it unknown in all others.
        while self.repositories.len() > NAMES {
            let others = self.repositories.iter().filter(|(other, _)| **other != name);
            let oldest = others.min_by_key(|(_, repository)| repository.attached_at()).map(|(other, _)| other.clone());
            oldest.map(|oldest| self.repositories.remove(&oldest));
        }
    }

    /// When some replica used it last, as far as its times say: what is in use is noted once a day. Now, if nothing of it has a time.
    pub fn last_noted(&self, now: Timestamp) -> Timestamp {
        let own = self.repositories.values().filter_map(Repository::attached_at);
        let seen = self.tenants.values().flat_map(|seen| {
            let repositories = seen.repositories.values().filter_map(Repository::proved_at);
            repositories.chain(seen.tags.values().copied())
        });
        let newest = own.chain(self.tags.values().copied()).chain(seen).max();
        newest.filter(|at| now.duration_since(*at) > NOTED).map_or(now, |at| at + NOTED)
    }

    /// Whether another replica should learn this record, when it knows the other one. A time alone is written once a day, so that
    /// what is attached does not become too old for a replica that starts in an outage.
    pub fn is_news_after(&self, before: &Self) -> bool {
        let tags = self.tags.iter().any(|(tag, at)| before.tags.get(tag).is_none_or(|old| is_later(*at, *old)));
        let attached =
            |name: &String, new: &Repository| before.repositories.get(name).is_none_or(|old| new.is_news_after(old));
        self.platforms_read() != before.platforms_read()
            || self.reader > before.reader
            || self.absent != before.absent
            || tags
            || self.has_news_of_tenants(before)
            || self.repositories.iter().any(|(name, repository)| attached(name, repository))
    }

    /// Takes what another record of the same image knows in addition.
    pub fn merge(&mut self, other: Self) {
        // The one that has more platforms knows more than the one that has read more layers.
        let has_more = self.absent.len() > other.absent.len();
        let mut less = (other.platforms, other.reader, other.leaves);
        let knows_less = || (self.platforms_read(), self.reader) < (platforms_read(&less.0), less.1);
        if has_more || (self.absent == other.absent && knows_less()) {
            std::mem::swap(&mut self.platforms, &mut less.0);
            std::mem::swap(&mut self.reader, &mut less.1);
            // Their order is that of the platforms, and those that are absent come last.
            std::mem::swap(&mut self.leaves, &mut less.2);
            self.absent = other.absent;
        }
        self.fill(less.0, less.1, &less.2);
        for (name, theirs) in other.repositories {
            if self.repositories.get(&name).is_none_or(|ours| ours.attached_at() < theirs.attached_at()) {
                self.add_repository(name, theirs);
            }
        }
        for (tag, at) in other.tags {
            if self.tags.get(&tag).is_none_or(|ours| *ours < at) {
                self.add_tag(tag, at);
            }
        }
        self.merge_tenants(other.tenants);
        self.by_hand |= other.by_hand;
    }

    /// Takes from a record that knows less of the image what its layers hold that are not read here: its repository may have lost others.
    fn fill(&mut self, platforms: Vec<ImageFacts>, reader: u32, leaves: &[String]) {
        let (mut taken, mut paired) = (0, vec![false; self.platforms.len()]);
        for (place, more) in platforms.into_iter().enumerate().filter(|(_, more)| more.content.is_some()) {
            let leaf = leaves.get(place);
            let is_same = |at: &usize| {
                let is_leaf = leaf.zip(self.leaves.get(*at)).is_none_or(|(theirs, ours)| theirs == ours);
                is_leaf
                    && paired.get(*at) == Some(&false)
                    && self.platforms.get(*at).is_some_and(|ours| is_same(ours, &more))
            };
            let Some(at) = std::iter::once(place).chain(0..self.platforms.len()).find(is_same) else { continue };
            paired.get_mut(at).into_iter().for_each(|paired| *paired = true);
            let ours = self.platforms.get_mut(at);
            if let Some(facts) = ours.filter(|facts| facts.content.is_none() || reader > self.reader) {
                take_content(facts, more);
                taken += 1;
            }
        }
        if taken > 0 {
            let is_mixed = self.platforms_read() > taken;
            self.reader = if is_mixed { self.reader.min(reader) } else { reader };
            fit(&mut self.platforms, super::deep::fits);
        }
    }

    /// Judges what is attached to the image in this repository, as podreeve or this namespace sees it, by the keys in force. What a person
    /// sealed of this repository counts without end.
    pub fn judge(
        &self,
        image: &ImageRef<'_>,
        tenant: Option<&str>,
        trust: &TrustInForce,
        now: Timestamp,
        is_sealed: bool,
    ) -> Trusted {
        if trust.trust.entry(image).is_none() {
            return Trusted::NotAsked;
        }
        let repository = self.repository(tenant, &name_of(image));
        let Some(attached) = repository.and_then(|repository| repository.attached.as_ref()) else {
            return Trusted::NotKnown;
        };
        if !is_sealed && now.duration_since(attached.at) >= ATTACHED_HARD {
            return Trusted::NotKnown;
        }
        let target = Target { image, digest: self.digest.as_str(), leaves: &self.leaves };
        let Some(mut verdict) = verify(&trust.trust, target, &attached.evidence, now) else {
            return Trusted::NotAsked;
        };
        match attached.judged.as_deref() {
            None => {}
            Some(judged) if judged.trust == trust.id => {
                verdict.signatures.extend(judged.verdict.signatures.iter().cloned());
                verdict.attested.extend(judged.verdict.attested.iter().cloned());
                verdict.refusals.extend(judged.verdict.refusals.iter().cloned());
            }
            Some(_) => return Trusted::NotKnown,
        }
        Trusted::Verdict(Box::new(verdict))
    }

    /// The record in few bytes. It is the text that is sealed, too.
    pub fn pack(&self) -> Arc<[u8]> {
        // A record is always JSON.
        deflate::pack(&serde_json::to_vec(self).unwrap_or_default()).into()
    }

    /// # Errors
    /// These bytes are no record of this version.
    pub fn unpack(packed: &[u8]) -> Result<Self, String> {
        let json = deflate::unpack(packed)?;
        let record: Self = serde_json::from_slice(&json).map_err(|error| format!("it cannot be read: {error}"))?;
        if record.format == FORMAT { Ok(record) } else { Err(format!("it has the format {}", record.format)) }
    }
}

fn platforms_read(platforms: &[ImageFacts]) -> usize {
    platforms.iter().filter(|facts| facts.content.is_some()).count()
}

/// Whether both say the same before layers are read: an index may have several manifests for one platform with the same layers.
fn is_same(one: &ImageFacts, other: &ImageFacts) -> bool {
    let is_layer =
        |one: &LayerFacts, other: &LayerFacts| (&one.diff_id, &one.digest) == (&other.diff_id, &other.digest);
    one.platform == other.platform
        && one.created == other.created
        && one.run == other.run
        && one.history == other.history
        && one.layers.len() == other.layers.len()
        && one.layers.iter().zip(&other.layers).all(|(one, other)| is_layer(one, other))
}

/// Takes what the layers hold. What a manifest and its configuration say stays.
fn take_content(facts: &mut ImageFacts, from: ImageFacts) {
    for (layer, read) in facts.layers.iter_mut().zip(from.layers) {
        layer.added = read.added;
    }
    let before = std::mem::replace(&mut facts.gaps, from.gaps);
    before.into_iter().filter(Gap::is_of_configuration).for_each(|gap| gap.add(&mut facts.gaps));
    facts.content = from.content;
}

/// `registry.example.com/shop/web`.
pub fn name_of(image: &ImageRef<'_>) -> String {
    format!("{}/{}", image.registry, image.repository)
}

/// `registry.example.com/shop/web:1.2`, with the tag that is meant where there is none.
pub fn tag_of(image: &ImageRef<'_>) -> String {
    format!("{}:{}", name_of(image), image.tag.as_deref().unwrap_or("latest"))
}

#[cfg(test)]
mod tests;
