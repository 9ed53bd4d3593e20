//! One image: its digest, its facts and what is attached to it, from what is known or from its registry.

use super::access::{Access, Login};
use super::attached;
use super::documents::{self, ReadError};
use super::hot::{Key, Resolved};
use super::record::{Record, Repository, name_of, tag_of};
use super::service::ImageService;
use super::setup::Setup;
use super::store::{ATTACHED_HARD, ATTACHED_SOFT, Failure, TAG, TAG_IN_OUTAGE};
use super::tenants::Proof;
use crate::image::Digest;
use crate::image::known::ImageAnswer;
use crate::observe::metrics::images::Fetched;
use crate::reference::ImageRef;
use crate::registry::RegistryError;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Instant;

/// How long a tag counts, or why it leads nowhere.
type Tagged = Result<(Digest, Timestamp), Failure>;

impl ImageService {
    /// Reads what is missing of an image, with podreeve's credentials or with these secrets.
    pub(super) async fn resolve(self: &Arc<Self>, key: &Key, login: Option<&Login>) -> Resolved {
        let now = self.now();
        let fail = |failure: Failure| Resolved { answer: self.unknown(key, &failure.error), until: failure.until };
        let Some(setup) = self.setup.load_full() else {
            return fail(Failure::at(ReadError::Failed, now + TAG));
        };
        let image = ImageRef::parse(&key.reference);
        let access = match login {
            None => Access::own(&setup),
            Some(login) => match self.open(&setup, login, &image, now).await {
                Ok(access) => access,
                Err(error) => {
                    // While the API server does not give the secrets, what they showed before counts.
                    let older = self.stored(&setup, key, now).filter(|_| error.is_outage());
                    return match older {
                        Some(image) => Resolved { answer: ImageAnswer::Known(Arc::new(image)), until: now + TAG },
                        None => fail(Failure::at(error, now + TAG)),
                    };
                }
            },
        };
        match self.resolve_as(&setup, &access, &image, now).await {
            Ok(resolved) => resolved,
            Err(failure) => fail(failure),
        }
    }

    async fn resolve_as(
        &self,
        setup: &Setup,
        access: &Access<'_>,
        image: &ImageRef<'_>,
        now: Timestamp,
    ) -> Result<Resolved, Failure> {
        let (digest, until) = self.digest(access, image, now).await?;
        let (record, proved_until) = self.record(access, image, &digest, now).await?;
        // What is absent is looked for as often as a tag.
        let until = if record.absent.is_empty() { until } else { until.min(now + TAG) };
        let (record, attached_until) = self.attached(setup, access, image, record, now).await;
        if let Some(image) = self.judged(setup, image, &record, access.namespace(), now) {
            let until = until.min(proved_until).min(attached_until);
            return Ok(Resolved { answer: ImageAnswer::Known(Arc::new(image)), until });
        }
        let key = access.key(&attached::key(image, &digest));
        let failure = self.known().store.failure(&key, now).cloned();
        Err(failure.unwrap_or(Failure::at(ReadError::Late, now + TAG)))
    }

    /// Where the reference leads, and until when that counts. In an outage a tag leads to where it led.
    async fn digest(&self, access: &Access<'_>, image: &ImageRef<'_>, now: Timestamp) -> Tagged {
        if let Some(digest) = image.digest.as_deref().and_then(Digest::parse) {
            return Ok((digest, now + ATTACHED_SOFT));
        }
        let (tag, key) = (access.tag(image), access.key(&tag_of(image)));
        let (before, failure) = {
            let known = self.known();
            (known.store.tagged(&tag).cloned(), known.store.failure(&key, now).cloned())
        };
        if let Some((digest, at)) = before.as_ref().filter(|(_, at)| now.duration_since(*at) < TAG) {
            return Ok((digest.clone(), *at + TAG));
        }
        let failure = match failure {
            Some(failure) => failure,
            None => match self.ask_digest(access, image).await {
                Ok(digest) => {
                    let store = &mut self.known().store;
                    store.succeeded(&key);
                    store.tag(&tag, &digest, now);
                    return Ok((digest, now + TAG));
                }
                Err(error) => {
                    error.log(&key, "where its tag leads");
                    self.known().store.fail(&key, error, now)
                }
            },
        };
        // No failure counts more than what was known: the image still runs on nodes that have it. A tenant that is refused gets no more.
        let counts = access.tenant().is_none() || failure.error.is_outage();
        match before.filter(|(_, at)| counts && now.duration_since(*at) < TAG_IN_OUTAGE) {
            Some((digest, _)) => Ok((digest, failure.until)),
            None => Err(failure),
        }
    }

    async fn ask_digest(&self, access: &Access<'_>, image: &ImageRef<'_>) -> Result<Digest, ReadError> {
        let start = Instant::now();
        let asking = async { Ok(access.client().digest(image).await?) };
        let digest = self.when_allowed(access, image, asking).await;
        let result = digest.as_ref().map(|_| 0).map_err(ReadError::reason);
        self.metrics.fetched(Fetched::Tag, start.elapsed().as_secs_f64(), result);
        digest
    }

    /// What is known of the digest, and until when. A repository that this reader did not read it from must have it, and give it to a tenant
    /// again and again.
    async fn record(
        &self,
        access: &Access<'_>,
        image: &ImageRef<'_>,
        digest: &Digest,
        now: Timestamp,
    ) -> Result<(Record, Timestamp), Failure> {
        let (tenant, name) = (access.namespace(), name_of(image));
        let old = self.record_of(digest, now);
        let seen = old.as_ref().and_then(|record| record.repository(tenant, &name));
        let seen = seen.filter(|seen| self.is_of_today(tenant, seen));
        // None for podreeve itself, which need not show again what it has read.
        let age = seen.map(|seen| seen.proved_at().map(|at| now.duration_since(at)));
        // A platform that was absent may have been pushed meanwhile.
        let is_whole = |record: &Record| record.absent.is_empty() || record.by_hand;
        let (record, until) = match (old, age) {
            (Some(old), Some(None)) if is_whole(&old) => (old, now + ATTACHED_SOFT),
            (Some(old), Some(Some(age))) if age < ATTACHED_SOFT && is_whole(&old) => (old, now + (ATTACHED_SOFT - age)),
            (old, age) => match (self.prove(access, image, digest, old.as_ref(), now).await, old) {
                (Ok(record), _) => (record, now + ATTACHED_SOFT),
                // podreeve has read it before, without what is absent.
                (Err(_), Some(old)) if age == Some(None) => (old, now + TAG),
                (Err(failure), Some(old))
                    if failure.error.is_outage() && age.flatten().is_some_and(|age| age < ATTACHED_HARD) =>
                {
                    (old, failure.until)
                }
                (Err(failure), old) => {
                    self.refuse(old, tenant, &name, now);
                    return Err(failure);
                }
            },
        };
        let mut record = record;
        if image.digest.is_none() {
            record.add_seen_tag(tenant, tag_of(image), now);
        }
        self.keep(&record, now);
        Ok((record, until))
    }

    /// Reads the image, which shows that its repository gives it to this reader.
    async fn prove(
        &self,
        access: &Access<'_>,
        image: &ImageRef<'_>,
        digest: &Digest,
        old: Option<&Record>,
        now: Timestamp,
    ) -> Result<Record, Failure> {
        let (tenant, name) = (access.namespace(), name_of(image));
        let key = access.key(&format!("{name}@{digest}"));
        let failure = self.known().store.failure(&key, now).cloned();
        if let Some(failure) = failure {
            return Err(failure);
        }
        let mut record = match self.read(access, image, digest).await {
            Ok(record) => record,
            Err(error) => {
                error.log(&key, "the image");
                return Err(self.known().store.fail(&key, error, now));
            }
        };
        let attached = old.and_then(|old| old.repository(tenant, &name)?.attached.clone());
        if let Some(old) = old {
            record.merge(old.clone());
        }
        let secrets = access.tenant().map(|tenant| tenant.secrets.clone());
        let proof = secrets.map(|secrets| Proof { at: now, secrets, refused: false });
        record.add_seen(tenant, name, Repository { attached, proof });
        self.known().store.succeeded(&key);
        Ok(record)
    }

    /// Notes that a tenant may read an image no more that it could read before.
    fn refuse(&self, record: Option<Record>, tenant: Option<&str>, name: &str, now: Timestamp) {
        let Some((mut record, tenant)) = record.zip(tenant) else { return };
        if record.repository(Some(tenant), name).is_some() {
            record.refuse(tenant, name, now);
            self.keep(&record, now);
        }
    }

    async fn read(&self, access: &Access<'_>, image: &ImageRef<'_>, digest: &Digest) -> Result<Record, ReadError> {
        let start = Instant::now();
        let read = self.when_allowed(access, image, documents::read(access.client(), image, digest)).await;
        let read = read.and_then(|(image, bytes)| Ok((Record::new(&image)?.within_limits()?, bytes)));
        let result = read.as_ref().map(|(_, bytes)| *bytes).map_err(ReadError::reason);
        self.metrics.fetched(Fetched::Image, start.elapsed().as_secs_f64(), result);
        read.map(|(record, _)| record)
    }

    /// Asks a registry, unless it said that it allows no more requests for now.
    pub(super) async fn when_allowed<T>(
        &self,
        access: &Access<'_>,
        image: &ImageRef<'_>,
        asking: impl Future<Output = Result<T, ReadError>>,
    ) -> Result<T, ReadError> {
        if let Some(paused) = self.pause(access, image) {
            return Err(paused.error);
        }
        let answer = asking.await;
        if let Err(error @ ReadError::Registry(RegistryError::TooManyRequests { .. })) = &answer {
            self.known().store.fail(&access.key(&requests_to(image)), error.clone(), self.now());
        }
        answer
    }

    /// Why the registry gets no requests for now.
    pub(super) fn pause(&self, access: &Access<'_>, image: &ImageRef<'_>) -> Option<Failure> {
        let of_all = requests_to(image);
        // What one tenant did too often holds up no other reader.
        let key = access.key(&of_all);
        let (known, now) = (self.known(), self.now());
        known.store.failure(&of_all, now).or_else(|| known.store.failure(&key, now)).cloned()
    }
}

/// The name of the failure of a registry that wants to be left alone.
fn requests_to(image: &ImageRef<'_>) -> String {
    format!("requests to {}", image.registry)
}
