//! What is attached to an image: signatures and attestations, read again from time to time.

use super::documents::ReadError;
use super::record::{Attached, Record, Repository, Trusted, name_of};
use super::service::ImageService;
use super::setup::Setup;
use super::store::ATTACHED_SOFT;
use crate::image::Digest;
use crate::image::trust::{Evidence, Signed, Target};
use crate::observe::metrics::images::Fetched;
use crate::reference::ImageRef;
use jiff::Timestamp;
use std::time::Instant;

impl ImageService {
    /// The record with what is attached to the image, and until when that counts. What was attached before counts for a week.
    pub(super) async fn attached(
        &self,
        setup: &Setup,
        image: &ImageRef<'_>,
        mut record: Record,
        now: Timestamp,
    ) -> (Record, Timestamp) {
        let Some(entry) = setup.trust.trust.entry(image) else { return (record, now + ATTACHED_SOFT) };
        if record.by_hand {
            return (record, now + ATTACHED_SOFT);
        }
        let repository = record.repositories.get(&name_of(image));
        let age = repository.and_then(|repository| repository.attached.as_ref()).map(|old| now.duration_since(old.at));
        let judged = !matches!(record.judge(image, &setup.trust, now), Trusted::NotKnown);
        if age.is_some_and(|age| age < ATTACHED_SOFT) && judged {
            return (record, now + ATTACHED_SOFT);
        }
        let key = key(image, &record.digest);
        let failure = self.known().store.failure(&key, now).cloned();
        if let Some(failure) = failure {
            return (record, failure.until);
        }
        let with_leaves = entry.signed == Signed::Leaves || !entry.require.is_empty();
        match self.read_attached(setup, image, &record, with_leaves).await {
            Ok(evidence) => {
                let target = Target { image, digest: record.digest.as_str(), leaves: &record.leaves };
                let attached = Attached::new(evidence, target, &setup.trust, now);
                record.add_repository(name_of(image), Repository { attached: Some(attached) });
                self.known().store.succeeded(&key);
                self.keep(&record, now);
                (record, now + ATTACHED_SOFT)
            }
            Err(error) => {
                error.log(&key, "what is attached to the image");
                let until = self.known().store.fail(&key, error, now).until;
                (record, until)
            }
        }
    }

    async fn read_attached(
        &self,
        setup: &Setup,
        image: &ImageRef<'_>,
        record: &Record,
        with_leaves: bool,
    ) -> Result<Vec<Evidence>, ReadError> {
        let start = Instant::now();
        let leaves = record.leaves.iter().filter(|_| with_leaves).filter_map(|leaf| Digest::parse(leaf));
        let subjects: Vec<Digest> = std::iter::once(record.digest.clone()).chain(leaves).collect();
        let _permit = self.signature_permits.acquire(&image.registry).await;
        let asking = async { Ok(setup.client.evidence(image, &subjects).await?) };
        let evidence = self.when_allowed(image, asking).await;
        let size = |all: &Vec<Evidence>| all.iter().map(|one| one.content.size() as u64).sum();
        let result = evidence.as_ref().map(size).map_err(ReadError::reason);
        self.metrics.fetched(Fetched::Signatures, start.elapsed().as_secs_f64(), result);
        evidence
    }
}

/// The name of its failures.
pub fn key(image: &ImageRef<'_>, digest: &Digest) -> String {
    format!("signatures of {}@{digest}", name_of(image))
}
