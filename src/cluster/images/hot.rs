//! The images that requests find in the snapshot: those that requests asked for last.

use crate::facts::Images;
use crate::facts::images::MustBeSigned;
use crate::image::Digest;
use crate::image::known::{ImageAnswer, ImageSettings, PullSecretScope, UnknownImage};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// The most references that are kept unpacked. Others are packed, and an answer takes a moment longer.
const MOST: usize = 512;

/// What a reference is, and until when that counts.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub answer: ImageAnswer,
    pub until: Timestamp,
}

/// A reference, and the namespace whose pull secrets read it; none for podreeve itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Key {
    pub reference: String,
    pub namespace: Option<String>,
}

#[derive(Debug)]
struct Entry {
    resolved: Resolved,
    used: Timestamp,
    /// The judgement that brought it.
    judgement: u64,
}

/// Answers by reference. [`Images`] is made of them.
#[derive(Debug, Default)]
pub struct Hot {
    entries: HashMap<Key, Entry>,
    changed: bool,
    /// How many judgements have begun.
    judgements: u64,
}

impl Hot {
    /// What counts now.
    pub fn get(&self, key: &Key, now: Timestamp) -> Option<&ImageAnswer> {
        let entry = self.entries.get(key)?;
        (entry.resolved.until > now).then_some(&entry.resolved.answer)
    }

    pub fn insert(&mut self, key: &Key, resolved: Resolved, now: Timestamp) {
        let judgement = self.next_judgement();
        if self.entries.len() >= MOST && !self.entries.contains_key(key) {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
            oldest.map(|oldest| self.entries.remove(&oldest));
        }
        self.entries.insert(key.clone(), Entry { resolved, used: now, judgement });
        self.changed = true;
    }

    /// Forgets what counts no more.
    pub fn expire(&mut self, now: Timestamp) {
        let before = self.entries.len();
        self.entries.retain(|_, entry| entry.resolved.until > now);
        self.changed |= self.entries.len() != before;
    }

    /// The references that lead to a digest; all without one.
    pub fn keys(&self, of: Option<&Digest>) -> Vec<Key> {
        let leads = |entry: &Entry| match &entry.resolved.answer {
            ImageAnswer::Known(image) => of.is_none_or(|digest| image.digest == *digest),
            ImageAnswer::Unknown(_) => of.is_none(),
        };
        self.entries.iter().filter(|(_, entry)| leads(entry)).map(|(key, _)| key.clone()).collect()
    }

    /// The references that pull secrets of this namespace read.
    pub fn keys_of(&self, namespace: &str) -> Vec<Key> {
        self.entries.keys().filter(|key| key.namespace.as_deref() == Some(namespace)).cloned().collect()
    }

    /// The references to images of which time has changed what rules find.
    pub fn due(&self, now: Timestamp) -> Vec<Key> {
        let is_due = |entry: &Entry| match &entry.resolved.answer {
            ImageAnswer::Known(image) => image.changes_at.is_some_and(|at| at <= now),
            ImageAnswer::Unknown(_) => false,
        };
        self.entries.iter().filter(|(_, entry)| is_due(entry)).map(|(key, _)| key.clone()).collect()
    }

    /// A judgement begins. It may read any facts from now on.
    pub const fn next_judgement(&mut self) -> u64 {
        self.judgements += 1;
        self.judgements
    }

    /// Puts a new answer in place of the old one, which counts as long. Of several judgements at one time, the one that began last counts:
    /// an older one may have read older facts.
    pub fn replace(&mut self, key: &Key, answer: Option<ImageAnswer>, judgement: u64) {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.judgement < judgement) else { return };
        self.changed = true;
        match answer {
            Some(answer) => {
                entry.resolved.answer = answer;
                entry.judgement = judgement;
            }
            None => {
                self.entries.remove(key);
            }
        }
    }

    /// All answers for the next snapshot; none if nothing has changed.
    pub fn publish(
        &mut self,
        settings: ImageSettings,
        must_be_signed: MustBeSigned,
        pull_secrets: Option<&Arc<PullSecretScope>>,
    ) -> Option<Images> {
        std::mem::take(&mut self.changed).then(|| {
            let mut images = Images::new(settings);
            (images.must_be_signed, images.pull_secrets) = (must_be_signed, pull_secrets.cloned());
            for (key, entry) in &self.entries {
                // The answer says for whom it is one.
                images.insert(&key.reference, entry.resolved.answer.clone());
            }
            images
        })
    }

    /// Notes which of the images that are unknown run already.
    pub fn update_running(&mut self, runs: impl Fn(&str) -> bool) {
        for (Key { reference, .. }, entry) in &mut self.entries {
            if let ImageAnswer::Unknown(image) = &mut entry.resolved.answer
                && image.runs_already != runs(reference)
            {
                *image = Arc::new(UnknownImage { runs_already: !image.runs_already, ..(**image).clone() });
                self.changed = true;
            }
        }
    }

    /// Forgets what rules found.
    pub fn forget_judgements(&mut self) {
        for entry in self.entries.values_mut() {
            if let ImageAnswer::Known(image) = &mut entry.resolved.answer {
                *image = Arc::new(image.unjudged());
            }
        }
        self.changed = true;
    }

    /// The settings have changed.
    pub fn touch(&mut self) {
        self.changed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::known::{KnownImage, Reader, UnknownKind};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn publish(hot: &mut Hot) -> Option<Images> {
        hot.publish(ImageSettings::default(), MustBeSigned::None, None)
    }

    fn unknown(until: i64) -> Resolved {
        let unknown = UnknownImage::new(UnknownKind::Unavailable, "it does not answer");
        Resolved { answer: ImageAnswer::Unknown(Arc::new(unknown)), until: at(until) }
    }

    fn key(reference: &str) -> Key {
        Key { reference: reference.to_owned(), namespace: None }
    }

    #[test]
    fn an_answer_counts_until_its_end() {
        let mut hot = Hot::default();
        hot.insert(&key("a:1"), unknown(60), at(0));
        assert!(hot.get(&key("a:1"), at(59)).is_some() && hot.get(&key("a:1"), at(60)).is_none());
        assert_eq!(publish(&mut hot).map(|images| images.len()), Some(1));
        assert!(publish(&mut hot).is_none());
        hot.expire(at(30));
        assert!(publish(&mut hot).is_none());
        hot.expire(at(60));
        assert_eq!(publish(&mut hot).map(|images| images.len()), Some(0));
    }

    #[test]
    fn of_two_judgements_the_one_that_began_last_counts() {
        let mut hot = Hot::default();
        hot.insert(&key("a:1"), unknown(60), at(0));
        let (first, second) = (hot.next_judgement(), hot.next_judgement());
        let answer = |why: &str| Some(ImageAnswer::Unknown(Arc::new(UnknownImage::new(UnknownKind::Invalid, why))));
        let why = |hot: &Hot| match hot.get(&key("a:1"), at(0)) {
            Some(ImageAnswer::Unknown(image)) => image.why.to_string(),
            other => panic!("{other:?}"),
        };
        hot.replace(&key("a:1"), answer("newer"), second);
        hot.replace(&key("a:1"), answer("older"), first);
        assert_eq!(why(&hot), "newer");
        hot.replace(&key("a:1"), None, first);
        assert_eq!(why(&hot), "newer");
        // A judgement that began before the answer landed may have read less, too.
        let before = hot.next_judgement();
        hot.insert(&key("a:1"), unknown(60), at(0));
        hot.replace(&key("a:1"), answer("older"), before);
        assert_eq!(why(&hot), "it does not answer");
        let last = hot.next_judgement();
        hot.replace(&key("a:1"), None, last);
        assert!(hot.get(&key("a:1"), at(0)).is_none());
    }

    #[test]
    fn the_one_that_nobody_asked_for_longest_goes() {
        let mut hot = Hot::default();
        for number in 0..=MOST {
            hot.insert(&key(&number.to_string()), unknown(60), at(i64::try_from(number).unwrap()));
        }
        assert_eq!(hot.entries.len(), MOST);
        assert!(hot.get(&key("0"), at(0)).is_none() && hot.get(&key("1"), at(0)).is_some());
    }

    #[test]
    fn an_unknown_image_may_begin_to_run() {
        let mut hot = Hot::default();
        hot.insert(&key("a:1"), unknown(60), at(0));
        let _ = publish(&mut hot);
        hot.update_running(|_| false);
        assert!(publish(&mut hot).is_none());
        hot.update_running(|reference| reference == "a:1");
        let Some(ImageAnswer::Unknown(image)) = hot.get(&key("a:1"), at(0)) else { panic!("known") };
        assert!(image.runs_already && publish(&mut hot).is_some());
    }

    #[test]
    fn references_are_found_by_their_digest() {
        let mut hot = Hot::default();
        let known = KnownImage::new(Digest::sha256(b"a"), Vec::new(), Reader::Podreeve);
        hot.insert(&key("a:1"), Resolved { answer: ImageAnswer::Known(Arc::new(known)), until: at(60) }, at(0));
        hot.insert(&key("b:1"), unknown(60), at(0));
        assert_eq!(hot.keys(Some(&Digest::sha256(b"a"))), [key("a:1")]);
        assert_eq!(hot.keys(None).len(), 2);
    }

    #[test]
    fn an_image_is_due_when_time_changes_what_rules_find() {
        let mut hot = Hot::default();
        let verdict = serde_json::json!({"judgedAt": at(0), "signatures": [
            {"digest": "sha256:aa", "authority": "a", "signer": "a", "provedAt": null, "expiry": at(10)}]});
        let facts = crate::image::ImageFacts { trust: serde_json::from_value(verdict).unwrap(), ..Default::default() };
        for (name, platforms) in [("a:1", vec![facts]), ("b:1", Vec::new())] {
            let known = KnownImage::new(Digest::sha256(b"a"), platforms, Reader::Podreeve);
            hot.insert(&key(name), Resolved { answer: ImageAnswer::Known(Arc::new(known)), until: at(60) }, at(0));
        }
        hot.insert(&key("c:1"), unknown(60), at(0));
        assert!(hot.due(at(9)).is_empty());
        assert_eq!(hot.due(at(10)), [key("a:1")]);
    }
}
