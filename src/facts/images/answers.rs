//! Answers about images, by tag and by digest.

use crate::image::known::ImageAnswer;
use crate::reference::{ImageRef, is_pinned, split};
use std::collections::HashMap;
use std::sync::Arc;

/// What one reader knows of references.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// References without a digest, as pods write them.
    tags: HashMap<Box<str>, ImageAnswer>,
    /// References with a digest: the repositories that have it. The tag in front of a digest means nothing.
    digests: HashMap<Box<str>, Vec<(ImageRef<'static>, ImageAnswer)>>,
}

impl Answers {
    /// Adds what is known of a reference, or replaces it, and of the digest to which it leads.
    pub fn insert(&mut self, reference: &str, answer: ImageAnswer) {
        self.insert_digest_of(reference, answer.clone());
        if !is_pinned(reference) {
            self.tags.insert(reference.into(), answer);
        }
    }

    /// Adds what is known of the digest to which a reference leads. That its tag was moved back is said of the tag alone.
    pub fn insert_digest_of(&mut self, reference: &str, answer: ImageAnswer) {
        let mut image = ImageRef::parse(reference).into_owned();
        let digest = match (image.digest.take(), &answer) {
            (Some(digest), _) => digest.into_owned(),
            (None, ImageAnswer::Known(known)) => known.digest.as_str().to_owned(),
            (None, ImageAnswer::Unknown(_)) => return,
        };
        let answer = match answer {
            ImageAnswer::Known(known) if known.is_moved_back() => ImageAnswer::Known(Arc::new(known.without_tag())),
            answer => answer,
        };
        image.tag = None;
        let repositories = self.digests.entry(digest.into()).or_default();
        match repositories.iter_mut().find(|(known, _)| known.has_repository_of(&image)) {
            Some((_, known)) => *known = answer,
            None => repositories.push((image, answer)),
        }
    }

    pub fn remove(&mut self, reference: &str) {
        self.tags.remove(reference);
        if let (name, _, Some(digest)) = split(reference) {
            let image = ImageRef::parse(name);
            if let Some(repositories) = self.digests.get_mut(digest) {
                repositories.retain(|(known, _)| !known.has_repository_of(&image));
            }
            self.digests.retain(|_, repositories| !repositories.is_empty());
        }
    }

    pub fn get(&self, reference: &str) -> Option<&ImageAnswer> {
        if let Some(answer) = self.tags.get(reference) {
            return Some(answer);
        }
        let (name, tag, digest) = split(reference);
        let digest = digest?;
        // Where the tag leads to just this digest, what is said of the tag counts.
        let tagged = tag.and_then(|_| self.tags.get(reference.strip_suffix(digest)?.strip_suffix('@')?));
        if let Some(answer @ ImageAnswer::Known(known)) = tagged
            && known.digest.as_str() == digest
        {
            return Some(answer);
        }
        let image = ImageRef::parse(name);
        self.digests.get(digest)?.iter().find(|(known, _)| known.has_repository_of(&image)).map(|(_, answer)| answer)
    }

    pub fn len(&self) -> usize {
        self.tags.len() + self.digests.values().map(Vec::len).sum::<usize>()
    }

    pub fn digests(&self) -> impl Iterator<Item = (&str, &ImageRef<'static>, &ImageAnswer)> {
        self.digests.iter().flat_map(|(digest, all)| all.iter().map(move |(image, answer)| (&**digest, image, answer)))
    }

    pub fn all_mut(&mut self) -> impl Iterator<Item = &mut ImageAnswer> {
        self.tags.values_mut().chain(self.digests.values_mut().flatten().map(|(_, answer)| answer))
    }
}
