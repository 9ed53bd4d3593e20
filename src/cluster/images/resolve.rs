//! One image: its digest, its facts and what is attached to it, from what is known or from its registry.

use super::attached;
use super::documents::{self, ReadError};
use super::hot::Resolved;
use super::record::{Record, Repository, Trusted, name_of, tag_of};
use super::service::ImageService;
use super::setup::Setup;
use super::store::{ATTACHED_SOFT, Failure, TAG, TAG_IN_OUTAGE};
use crate::image::Digest;
use crate::image::known::{ImageAnswer, KnownImage, Reader};
use crate::observe::metrics::images::Fetched;
use crate::reference::ImageRef;
use crate::registry::RegistryError;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;

/// How long a tag counts, or why it leads nowhere.
type Tagged = Result<(Digest, Timestamp), Failure>;

impl ImageService {
    /// Reads what is missing of an image.
    pub(super) async fn resolve(self: &Arc<Self>, reference: &str) -> Resolved {
        let now = self.now();
        let Some(setup) = self.setup.load_full() else {
            return Resolved { answer: self.unknown(reference, &ReadError::Failed), until: now + TAG };
        };
        let fail =
            |failure: Failure| Resolved { answer: self.unknown(reference, &failure.error), until: failure.until };
        let image = ImageRef::parse(reference);
        if !image.is_well_formed() {
            let error = ReadError::Reference(crate::text::clean(reference, 200));
            // Bound first: `fail` locks again.
            let failure = self.known().store.fail(reference, error, now);
            return fail(failure);
        }
        let (digest, until) = match self.digest(&setup, reference, &image, now).await {
            Ok(found) => found,
            Err(failure) => return fail(failure),
        };
        let record = match self.record(&setup, &image, &digest, now).await {
            Ok(record) => record,
            Err(failure) => return fail(failure),
        };
        let (record, attached_until) = self.attached(&setup, &image, record, now).await;
        if let Some(image) = known(&setup, &image, &record, now) {
            return Resolved { answer: ImageAnswer::Known(Arc::new(image)), until: until.min(attached_until) };
        }
        let failure = self.known().store.failure(&attached::key(&image, &digest), now).cloned();
        fail(failure.unwrap_or(Failure::at(ReadError::Late, now + TAG)))
    }

    /// Where the reference leads, and until when that counts. In an outage a tag leads to where it led.
    async fn digest(&self, setup: &Setup, reference: &str, image: &ImageRef<'_>, now: Timestamp) -> Tagged {
        if let Some(digest) = image.digest.as_deref().and_then(Digest::parse) {
            return Ok((digest, now + ATTACHED_SOFT));
        }
        let tag = tag_of(image);
        let (before, failure) = {
            let known = self.known();
            (known.store.tagged(&tag).cloned(), known.store.failure(&tag, now).cloned())
        };
        if let Some((digest, at)) = before.as_ref().filter(|(_, at)| now.duration_since(*at) < TAG) {
            return Ok((digest.clone(), *at + TAG));
        }
        let failure = match failure {
            Some(failure) => failure,
            None => match self.ask_digest(setup, image).await {
                Ok(digest) => {
                    let store = &mut self.known().store;
                    store.succeeded(&tag);
                    store.tag(&tag, &digest, now);
                    return Ok((digest, now + TAG));
                }
                Err(error) => {
                    error.log(reference, "where its tag leads");
                    self.known().store.fail(&tag, error, now)
                }
            },
        };
        // No failure counts more than what was known: the image still runs on nodes that have it.
        match before.filter(|(_, at)| now.duration_since(*at) < TAG_IN_OUTAGE) {
            Some((digest, _)) => Ok((digest, failure.until)),
            None => Err(failure),
        }
    }

    async fn ask_digest(&self, setup: &Setup, image: &ImageRef<'_>) -> Result<Digest, ReadError> {
        let start = Instant::now();
        let asking = async { Ok(setup.client.digest(image).await?) };
        let digest = self.when_allowed(image, asking).await;
        let result = digest.as_ref().map(|_| 0).map_err(ReadError::reason);
        self.metrics.fetched(Fetched::Tag, start.elapsed().as_secs_f64(), result);
        digest
    }

    /// What is known of the digest. A repository that it was not read from yet must have it.
    async fn record(
        &self,
        setup: &Setup,
        image: &ImageRef<'_>,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<Record, Failure> {
        let key = format!("{}@{digest}", name_of(image));
        let mut record = self.record_of(digest, now);
        if record.as_ref().is_none_or(|record| !record.repositories.contains_key(&name_of(image))) {
            let failure = self.known().store.failure(&key, now).cloned();
            if let Some(failure) = failure {
                return Err(failure);
            }
            match self.read(setup, image, digest).await {
                Ok(mut new) => {
                    if let Some(old) = record.take() {
                        new.merge(old);
                    }
                    new.add_repository(name_of(image), Repository::default());
                    self.known().store.succeeded(&key);
                    record = Some(new);
                }
                Err(error) => {
                    error.log(&key, "the image");
                    return Err(self.known().store.fail(&key, error, now));
                }
            }
        }
        let Some(mut record) = record else { return Err(Failure::at(ReadError::Failed, now + TAG)) };
        if image.digest.is_none() {
            record.add_tag(tag_of(image), now);
        }
        self.keep(&record, now);
        Ok(record)
    }

    async fn read(&self, setup: &Setup, image: &ImageRef<'_>, digest: &Digest) -> Result<Record, ReadError> {
        let start = Instant::now();
        let read = self.when_allowed(image, documents::read(&setup.client, image, digest)).await;
        let read = read.and_then(|image| Record::new(&image));
        let size = |record: &Record| record.pack().len() as u64;
        let result = read.as_ref().map(size).map_err(ReadError::reason);
        self.metrics.fetched(Fetched::Image, start.elapsed().as_secs_f64(), result);
        read
    }

    /// Asks a registry, unless it said that it allows no more requests for now.
    pub(super) async fn when_allowed<T>(
        &self,
        image: &ImageRef<'_>,
        asking: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        let key = format!("requests to {}", image.registry);
        let paused = self.known().store.failure(&key, self.now()).cloned();
        if let Some(paused) = paused {
            return Err(paused.error);
        }
        let answer = asking.await;
        if let Err(error @ ReadError::Registry(RegistryError::TooManyRequests { .. })) = &answer {
            self.known().store.fail(&key, error.clone(), self.now());
        }
        answer
    }

    /// Keeps a record. If it says something new, the other replicas learn it, and requests are judged by it.
    pub(super) fn keep(&self, record: &Record, now: Timestamp) {
        let is_news = {
            let mut known = self.known();
            let before = known.store.get(&record.digest, now).map(|stored| Arc::clone(&stored.packed));
            let before = before.and_then(|packed| Record::unpack(&packed).ok());
            known.store.put(record, now);
            before.is_none_or(|before| record.is_news_after(&before))
        };
        if is_news {
            self.share(&record.digest);
        }
    }

    /// Judges images again that requests find without asking: those of a digest, or all.
    pub(super) fn judge_again(&self, digest: Option<&Digest>) {
        let Some(setup) = self.setup.load_full() else { return };
        let now = self.now();
        let references = self.known().hot.references(digest);
        for reference in references {
            let image = ImageRef::parse(&reference);
            let answer = self.stored(&setup, &image, now).map(|image| ImageAnswer::Known(Arc::new(image)));
            self.known().hot.replace(&reference, answer);
        }
        self.changed.notify_one();
    }

    /// The image as it is known now, without asking its registry.
    pub(super) fn stored(&self, setup: &Setup, image: &ImageRef<'_>, now: Timestamp) -> Option<KnownImage> {
        let digest = image.digest.as_deref().and_then(Digest::parse).or_else(|| {
            let counts = |at: Timestamp| now.duration_since(at) < TAG_IN_OUTAGE;
            let known = self.known();
            known.store.tagged(&tag_of(image)).filter(|(_, at)| counts(*at)).map(|(digest, _)| digest.clone())
        })?;
        let record = self.record_of(&digest, now).filter(|record| record.repositories.contains_key(&name_of(image)))?;
        known(setup, image, &record, now)
    }
}

/// The image with the verdict by the keys in force; none if that verdict needs what was not read yet.
fn known(setup: &Setup, image: &ImageRef<'_>, record: &Record, now: Timestamp) -> Option<KnownImage> {
    let mut platforms = record.platforms.clone();
    match record.judge(image, &setup.trust, now) {
        Trusted::NotAsked => {}
        Trusted::NotKnown => return None,
        Trusted::Verdict(verdict) => {
            for facts in &mut platforms {
                facts.signed = verdict.newest();
                facts.trust = Some((*verdict).clone());
            }
        }
    }
    Some(KnownImage::new(record.digest.clone(), platforms, Reader::Podreeve))
}
