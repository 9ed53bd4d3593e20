//! The images that requests find in the snapshot: those that requests asked for last.

use crate::facts::Images;
use crate::facts::images::MustBeSigned;
use crate::image::Digest;
use crate::image::known::{ImageAnswer, ImageSettings, UnknownImage};
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

#[derive(Debug)]
struct Entry {
    resolved: Resolved,
    used: Timestamp,
}

/// Answers by reference. [`Images`] is made of them.
#[derive(Debug, Default)]
pub struct Hot {
    entries: HashMap<String, Entry>,
    changed: bool,
}

impl Hot {
    /// What counts now.
    pub fn get(&self, reference: &str, now: Timestamp) -> Option<&ImageAnswer> {
        let entry = self.entries.get(reference)?;
        (entry.resolved.until > now).then_some(&entry.resolved.answer)
    }

    pub fn insert(&mut self, reference: &str, resolved: Resolved, now: Timestamp) {
        if self.entries.len() >= MOST && !self.entries.contains_key(reference) {
            let oldest =
                self.entries.iter().min_by_key(|(_, entry)| entry.used).map(|(reference, _)| reference.clone());
            oldest.map(|oldest| self.entries.remove(&oldest));
        }
        self.entries.insert(reference.to_owned(), Entry { resolved, used: now });
        self.changed = true;
    }

    /// Forgets what counts no more.
    pub fn expire(&mut self, now: Timestamp) {
        let before = self.entries.len();
        self.entries.retain(|_, entry| entry.resolved.until > now);
        self.changed |= self.entries.len() != before;
    }

    /// The references that lead to a digest; all without one.
    pub fn references(&self, of: Option<&Digest>) -> Vec<String> {
        let leads = |entry: &Entry| match &entry.resolved.answer {
            ImageAnswer::Known(image) => of.is_none_or(|digest| image.digest == *digest),
            ImageAnswer::Unknown(_) => of.is_none(),
        };
        self.entries.iter().filter(|(_, entry)| leads(entry)).map(|(reference, _)| reference.clone()).collect()
    }

    /// Puts a new answer in place of the old one, which counts as long.
    pub fn replace(&mut self, reference: &str, answer: Option<ImageAnswer>) {
        self.changed = true;
        match answer {
            Some(answer) => {
                if let Some(entry) = self.entries.get_mut(reference) {
                    entry.resolved.answer = answer;
                }
            }
            None => {
                self.entries.remove(reference);
            }
        }
    }

    /// All answers for the next snapshot; none if nothing has changed.
    pub fn publish(&mut self, settings: ImageSettings, must_be_signed: MustBeSigned) -> Option<Images> {
        std::mem::take(&mut self.changed).then(|| {
            let mut images = Images::new(settings);
            images.must_be_signed = must_be_signed;
            for (reference, entry) in &self.entries {
                images.insert(reference, entry.resolved.answer.clone());
            }
            images
        })
    }

    /// Notes which of the images that are unknown run already.
    pub fn update_running(&mut self, runs: impl Fn(&str) -> bool) {
        for (reference, entry) in &mut self.entries {
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
        hot.publish(ImageSettings::default(), MustBeSigned::None)
    }

    fn unknown(until: i64) -> Resolved {
        let unknown = UnknownImage::new(UnknownKind::Unavailable, "it does not answer");
        Resolved { answer: ImageAnswer::Unknown(Arc::new(unknown)), until: at(until) }
    }

    #[test]
    fn an_answer_counts_until_its_end() {
        let mut hot = Hot::default();
        hot.insert("a:1", unknown(60), at(0));
        assert!(hot.get("a:1", at(59)).is_some() && hot.get("a:1", at(60)).is_none());
        assert_eq!(publish(&mut hot).map(|images| images.len()), Some(1));
        assert!(publish(&mut hot).is_none());
        hot.expire(at(30));
        assert!(publish(&mut hot).is_none());
        hot.expire(at(60));
        assert_eq!(publish(&mut hot).map(|images| images.len()), Some(0));
    }

    #[test]
    fn the_one_that_nobody_asked_for_longest_goes() {
        let mut hot = Hot::default();
        for number in 0..=MOST {
            hot.insert(&number.to_string(), unknown(60), at(i64::try_from(number).unwrap()));
        }
        assert_eq!(hot.entries.len(), MOST);
        assert!(hot.get("0", at(0)).is_none() && hot.get("1", at(0)).is_some());
    }

    #[test]
    fn an_unknown_image_may_begin_to_run() {
        let mut hot = Hot::default();
        hot.insert("a:1", unknown(60), at(0));
        let _ = publish(&mut hot);
        hot.update_running(|_| false);
        assert!(publish(&mut hot).is_none());
        hot.update_running(|reference| reference == "a:1");
        let Some(ImageAnswer::Unknown(image)) = hot.get("a:1", at(0)) else { panic!("known") };
        assert!(image.runs_already && publish(&mut hot).is_some());
    }

    #[test]
    fn references_are_found_by_their_digest() {
        let mut hot = Hot::default();
        let known = KnownImage::new(Digest::sha256(b"a"), Vec::new(), Reader::Podreeve);
        hot.insert("a:1", Resolved { answer: ImageAnswer::Known(Arc::new(known)), until: at(60) }, at(0));
        hot.insert("b:1", unknown(60), at(0));
        assert_eq!(hot.references(Some(&Digest::sha256(b"a"))), ["a:1"]);
        assert_eq!(hot.references(None).len(), 2);
    }
}
