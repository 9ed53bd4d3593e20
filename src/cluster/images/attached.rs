//! What is attached to an image: signatures and attestations, read again from time to time.

use super::access::Access;
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
        access: &Access<'_>,
        image: &ImageRef<'_>,
        mut record: Record,
        now: Timestamp,
    ) -> (Record, Timestamp) {
        let Some(entry) = setup.trust.trust.entry(image) else { return (record, now + ATTACHED_SOFT) };
        let (tenant, name) = (access.namespace(), name_of(image));
        // The same image in a repository that podreeve reaches may have other signatures.
        if self.is_sealed(&record, tenant, &name) {
            return (record, now + ATTACHED_SOFT);
        }
        let repository = record.repository(tenant, &name);
        let age = repository.and_then(Repository::attached_at).map(|at| now.duration_since(at));
        let judged = !matches!(record.judge(image, tenant, &setup.trust, now, false), Trusted::NotKnown);
        if age.is_some_and(|age| age < ATTACHED_SOFT) && judged {
            return (record, now + ATTACHED_SOFT);
        }
        let key = access.key(&key(image, &record.digest));
        let failure = self.known().store.failure(&key, now).cloned();
        if let Some(failure) = failure {
            return (record, failure.until);
        }
        let with_leaves = entry.signed == Signed::Leaves || !entry.require.is_empty();
        match self.read_attached(access, image, &record, with_leaves).await {
            Ok(evidence) => {
                let target = Target { image, digest: record.digest.as_str(), leaves: &record.leaves };
                let attached = Attached::new(evidence, target, &setup.trust, now);
                let proof = record.repository(tenant, &name).and_then(|repository| repository.proof.clone());
                record.add_seen(tenant, name, Repository { attached: Some(attached), proof });
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
        access: &Access<'_>,
        image: &ImageRef<'_>,
        record: &Record,
        with_leaves: bool,
    ) -> Result<Vec<Evidence>, ReadError> {
        let start = Instant::now();
        let leaves = record.leaves.iter().filter(|_| with_leaves).filter_map(|leaf| Digest::parse(leaf));
        let subjects: Vec<Digest> = std::iter::once(record.digest.clone()).chain(leaves).collect();
        let _permit = self.signature_permits.acquire(&image.registry).await;
        let asking = async { Ok(access.client().evidence(image, &subjects).await?) };
        let evidence = self.when_allowed(access, image, asking).await;
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
