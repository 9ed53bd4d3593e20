//! What is known of images already, by the keys, the nodes and the memory of tags that count now.

use super::access::reader;
use super::documents::ReadError;
use super::hot::{Hot, Key, Resolved};
use super::platforms::Platforms;
use super::record::{Record, Trusted, name_of, tag_of};
use super::service::ImageService;
use super::setup::Setup;
use super::store::{ATTACHED_HARD, TAG_IN_OUTAGE};
use super::tenants::{tag_of_seen, tag_seen};
use crate::facts::ImageQuery;
use crate::image::Digest;
use crate::image::known::{ImageAnswer, KnownImage};
use crate::image::trust::Verdict;
use crate::reference::ImageRef;
use jiff::Timestamp;
use std::sync::Arc;
use tokio::runtime::Handle;

/// So many images are judged at once by a task. More of them would hold up others, as the requests and the renewal of the Lease.
const FEW: usize = 8;

impl ImageService {
    /// Keeps a record. If it says something new, the other replicas learn it, and requests are judged by it.
    pub(super) fn keep(&self, record: &Record, now: Timestamp) {
        loop {
            let packed = self.known().store.get(&record.digest, now).map(|stored| Arc::clone(&stored.packed));
            let before = packed.as_ref().and_then(|packed| Record::unpack(packed).ok());
            let mut kept = record.clone();
            if let Some(before) = &before {
                kept.merge(before.clone());
            }
            kept.limit_tenants(now);
            let new = kept.pack();
            let mut known = self.known();
            // Another reader may have kept something meanwhile, which must not be lost.
            if known.store.peek(&kept.digest).map(|stored| &stored.packed).map(Arc::as_ptr)
                != packed.as_ref().map(Arc::as_ptr)
            {
                continue;
            }
            known.store.put_packed(&kept, new, now);
            drop(known);
            if before.is_none_or(|before| kept.is_news_after(&before)) {
                self.share(&kept.digest);
            }
            return;
        }
    }

    /// The cluster has nodes of other platforms than before.
    pub(super) fn set_platforms(self: &Arc<Self>, platforms: Platforms) {
        self.known().platforms = platforms;
        self.judge_again(None);
    }

    /// Judges images again that requests find without asking: those of a digest, or all.
    pub(super) fn judge_again(self: &Arc<Self>, digest: Option<&Digest>) {
        let keys = self.to_judge(|hot| hot.keys(digest));
        self.judge_aside(keys);
    }

    /// Judges all of them before it returns.
    pub(super) fn judge_all(&self) {
        let keys = self.to_judge(|hot| hot.keys(None));
        self.judge_these(&keys);
    }

    /// Judges those again that pull secrets of this namespace read.
    pub(super) fn judge_namespace_again(self: &Arc<Self>, namespace: &str) {
        let keys = self.to_judge(|hot| hot.keys_of(namespace));
        if !keys.is_empty() {
            self.judge_aside(keys);
        }
    }

    /// Judges the images again of which time alone changes what holds: a signature expired, or a scan became older.
    pub(super) async fn judge_due(self: &Arc<Self>) {
        let keys = self.known().hot.due(self.now());
        if !keys.is_empty() {
            let service = Arc::clone(self);
            // After a panic they are due again.
            let _ = tokio::task::spawn_blocking(move || service.judge_these(&keys)).await;
        }
    }

    /// The images to judge again. An answer that is on its way is none of them yet, and sees that it comes too late.
    fn to_judge(&self, keys: impl FnOnce(&Hot) -> Vec<Key>) -> Vec<Key> {
        let mut known = self.known();
        known.judged_again += 1;
        keys(&known.hot)
    }

    /// Judges them on a thread that may take its time, if there are many. Until then the older answers count.
    fn judge_aside(self: &Arc<Self>, keys: Vec<Key>) {
        match Handle::try_current() {
            Ok(runtime) if keys.len() > FEW => {
                let service = Arc::clone(self);
                runtime.spawn_blocking(move || service.judge_these(&keys));
            }
            _ => self.judge_these(&keys),
        }
    }

    fn judge_these(&self, keys: &[Key]) {
        for key in keys {
            self.judge_one(key);
        }
        self.changed.notify_one();
        self.news.notify_waiters();
    }

    /// It begins before it reads anything, and every change of facts is followed by a judgement: so the last one has read them all.
    fn judge_one(&self, key: &Key) {
        let judgement = self.known().hot.next_judgement();
        if self.setup.load().is_none() {
            return;
        }
        let answer = self.stored_answer(key, self.now());
        self.known().hot.replace(key, answer, judgement);
    }

    /// Makes an answer one of now, and keeps it for the requests that come, if it is for them. If images were judged again `since` then, so
    /// is this one: the layers were read while it was on its way, or the settings are others. Says whether what is known was enough for that.
    pub(super) fn land(&self, key: &Key, resolved: &mut Resolved, since: u64, is_kept: bool) -> bool {
        let now = self.now();
        let is_late = {
            let mut known = self.known();
            if is_kept {
                known.hot.insert(key, resolved.clone(), now);
            }
            known.judged_again != since
        };
        let mut is_of_now = true;
        if is_late && matches!(resolved.answer, ImageAnswer::Known(_)) {
            if is_kept {
                self.judge_one(key);
            }
            let newer = if is_kept { self.known().hot.get(key, now).cloned() } else { None };
            let newer = newer.or_else(|| self.stored_answer(key, now));
            is_of_now = newer.is_some();
            resolved.answer = newer.unwrap_or_else(|| self.unknown(key, &ReadError::Late));
        }
        if is_kept {
            self.changed.notify_one();
        }
        is_of_now
    }

    /// The image as it is known now, by the settings in force.
    fn stored_answer(&self, key: &Key, now: Timestamp) -> Option<ImageAnswer> {
        let setup = self.setup.load_full()?;
        self.stored(&setup, key, now).map(|image| ImageAnswer::Known(Arc::new(image)))
    }

    /// An answer that counts by the settings of now, if others were in force before. An image that must be signed is known with a verdict.
    pub(super) fn by_settings_of_now(
        &self,
        query: &ImageQuery,
        reference: &str,
        answer: ImageAnswer,
        (before, setup): (Option<&Arc<Setup>>, Option<&Arc<Setup>>),
    ) -> ImageAnswer {
        let ImageAnswer::Known(image) = &answer else { return answer };
        let has_changed = before.map(Arc::as_ptr) != setup.map(Arc::as_ptr);
        let is_covered = || setup.is_none_or(|setup| setup.trust.trust.entry(&ImageRef::parse(reference)).is_some());
        let lacks_verdict =
            |image: &KnownImage| image.platforms.iter().any(|facts| facts.trust.is_none()) && is_covered();
        if !has_changed && !lacks_verdict(image) {
            return answer;
        }
        let namespace = image.reader.namespaces().map(|_| query.namespace.clone());
        let key = Key { reference: reference.to_owned(), namespace };
        let newer = self.stored_answer(&key, self.now());
        let newer = newer.filter(|newer| !matches!(newer, ImageAnswer::Known(image) if lacks_verdict(image)));
        newer.unwrap_or_else(|| self.unknown(&key, &ReadError::Late))
    }

    /// The image as it is known now, without asking its registry.
    pub(super) fn stored(&self, setup: &Setup, key: &Key, now: Timestamp) -> Option<KnownImage> {
        let image = &ImageRef::parse(&key.reference);
        let tenant = key.namespace.as_deref();
        // Settings that allow it no more count at once.
        tenant.is_none_or(|tenant| setup.pull_secrets.as_ref().is_some_and(|scope| scope.has(tenant))).then_some(())?;
        let tagged = || {
            let counts = |at: Timestamp| now.duration_since(at) < TAG_IN_OUTAGE;
            let known = self.known();
            let tagged = known.store.tagged(&tag_of_seen(tenant, image)).filter(|(_, at)| counts(*at));
            tagged.map(|(digest, _)| digest.clone())
        };
        let digest = image.digest.as_deref().map_or_else(tagged, Digest::parse)?;
        let record = self.record_of(&digest, now)?;
        let seen = record.repository(tenant, &name_of(image))?;
        let is_old = seen.proved_at().is_some_and(|at| now.duration_since(at) >= ATTACHED_HARD);
        (!is_old && self.is_of_today(tenant, seen)).then_some(())?;
        self.judged(setup, image, &record, tenant, now)
    }

    /// The image with the verdict by the keys in force; none if that verdict needs what was not read yet.
    pub(super) fn judged(
        &self,
        setup: &Setup,
        image: &ImageRef<'_>,
        record: &Record,
        tenant: Option<&str>,
        now: Timestamp,
    ) -> Option<KnownImage> {
        // Without an index a node runs the image whatever it is for.
        let nodes = if record.leaves.is_empty() { Platforms::default() } else { self.known().platforms.clone() };
        let mut platforms = nodes.of_nodes(&record.platforms);
        let absent: Vec<_> = record.absent.iter().filter(|absent| nodes.may_run(absent)).cloned().collect();
        let is_sealed = self.is_sealed(record, tenant, &name_of(image));
        match record.judge(image, tenant, &setup.trust, now, is_sealed) {
            Trusted::NotAsked => {}
            Trusted::NotKnown => return None,
            Trusted::Verdict(mut verdict) => {
                self.note_tag(image, tenant, &mut verdict, now);
                for facts in &mut platforms {
                    facts.signed = verdict.newest();
                    facts.trust = Some((*verdict).clone());
                }
            }
        }
        let image = KnownImage::new(record.digest.clone(), platforms, reader(tenant));
        Some(image.without(&absent).with_leaves(&record.leaves))
    }

    /// Whether a person wrote what podreeve itself sees of this repository. Other repositories of the same image may be read again.
    pub(super) fn is_sealed(&self, record: &Record, tenant: Option<&str>, name: &str) -> bool {
        tenant.is_none() && record.by_hand && self.known().store.by_hand().has_repository(&record.digest, name)
    }

    /// Remembers when the image of a tag was signed, and finds out whether the tag went back.
    fn note_tag(&self, image: &ImageRef<'_>, tenant: Option<&str>, verdict: &mut Verdict, now: Timestamp) {
        if image.digest.is_none() && verdict.is_signed() {
            let tag = tag_seen(tenant, &tag_of(image));
            let mut known = self.known();
            let led_at = known.store.tagged(&tag).map_or(now, |(_, at)| *at);
            verdict.moved_back = known.tags.note(&tag, verdict.signed_at(), led_at, now);
        }
    }
}

#[cfg(test)]
mod tests;
