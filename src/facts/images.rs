//! What is known of images, by the reference as a pod writes it.
//!
//! podreeve fills it away from requests; what a request misses it asks for once, with one [`FactQuery::Images`] for all of its pods.

mod document;

use super::{FactAnswer, FactQuery, Facts};
use crate::image::Digest;
use crate::image::known::{ImageAnswer, ImageSettings, KnownImage, UnknownImage, UnknownKind};
use crate::reference::{ImageRef, is_pinned, split};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

pub use document::{ImageDocument, ImageEntry};

/// How many images one question names. More than that in one object count as unknown.
pub const MAX_ASKED: usize = 64;

/// Images by their references. A clone is as large as the map.
#[derive(Debug, Clone, Default)]
pub struct Images {
    pub settings: ImageSettings,
    /// There are no more facts: these are from a file.
    pub closed: bool,
    /// References without a digest, as pods write them.
    tags: HashMap<Box<str>, ImageAnswer>,
    /// References with a digest: the repositories that have it. The tag in front of a digest means nothing.
    digests: HashMap<Box<str>, Vec<(ImageRef<'static>, ImageAnswer)>>,
}

impl Images {
    #[must_use]
    pub fn new(settings: ImageSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Adds what is known of a reference, or replaces it. What a tag led to is known by its digest, too: the mutating webhook may
    /// write that digest into the pod.
    pub fn insert(&mut self, reference: &str, answer: ImageAnswer) {
        if is_pinned(reference) {
            return self.insert_digest(reference, None, answer);
        }
        if let ImageAnswer::Known(image) = &answer {
            let digest = image.digest.as_str().to_owned();
            self.insert_digest(reference, Some(&digest), answer.clone());
        }
        self.tags.insert(reference.into(), answer);
    }

    fn insert_digest(&mut self, reference: &str, digest: Option<&str>, answer: ImageAnswer) {
        let mut image = ImageRef::parse(reference).into_owned();
        let own = image.digest.take();
        let Some(digest) = digest.or(own.as_deref()) else { return };
        image.tag = None;
        let repositories = self.digests.entry(digest.into()).or_default();
        match repositories.iter_mut().find(|(known, _)| known.has_repository_of(&image)) {
            Some((_, known)) => *known = answer,
            None => repositories.push((image, answer)),
        }
    }

    /// Forgets a reference. Its digest stays known: it leads to the same image forever.
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

    /// What is known of a reference; none if no request named it yet.
    #[must_use]
    pub fn get(&self, reference: &str) -> Option<&ImageAnswer> {
        if let Some(answer) = self.tags.get(reference) {
            return Some(answer);
        }
        let (name, _, digest) = split(reference);
        let repositories = self.digests.get(digest?)?;
        let image = ImageRef::parse(name);
        repositories.iter().find(|(known, _)| known.has_repository_of(&image)).map(|(_, answer)| answer)
    }

    /// How many references are known, with a tag or with a digest.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tags.len() + self.digests.values().map(Vec::len).sum::<usize>()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty() && self.digests.is_empty()
    }

    /// Every digest, with the repositories that have it.
    pub fn digests(&self) -> impl Iterator<Item = (&str, &ImageRef<'static>, &ImageAnswer)> {
        self.digests.iter().flat_map(|(digest, all)| all.iter().map(move |(image, answer)| (&**digest, image, answer)))
    }

    /// Forgets what rules found in the images. Call it when the policies or the day change.
    pub fn forget_judgements(&mut self) {
        // An image that several references share stays shared.
        let mut fresh: HashMap<*const KnownImage, Arc<KnownImage>> = HashMap::new();
        let digests = self.digests.values_mut().flatten().map(|(_, answer)| answer);
        for answer in self.tags.values_mut().chain(digests) {
            if let ImageAnswer::Known(image) = answer {
                let new = fresh.entry(Arc::as_ptr(image)).or_insert_with(|| Arc::new(image.unjudged()));
                *image = Arc::clone(new);
            }
        }
    }
}

/// Answers of files, and of tests.
impl FromIterator<(String, ImageAnswer)> for Images {
    fn from_iter<I: IntoIterator<Item = (String, ImageAnswer)>>(images: I) -> Self {
        let mut all = Self::default();
        images.into_iter().for_each(|(reference, answer)| all.insert(&reference, answer));
        all
    }
}

/// The question about the images of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageQuery {
    pub namespace: String,
    /// Names of the pod's `imagePullSecrets`, which count only where the settings say so.
    pub pull_secrets: Vec<String>,
    /// As the pods write them, without repetition: [`MAX_ASKED`] at most.
    pub references: Vec<String>,
}

/// For a request that got no answer in time.
static NO_ANSWER: LazyLock<ImageAnswer> =
    LazyLock::new(|| unknown("the registry did not answer before the request had to be"));
/// For an object with too many images.
static TOO_MANY: LazyLock<ImageAnswer> =
    LazyLock::new(|| unknown("the object has more images than are asked for at once"));

fn unknown(why: &str) -> ImageAnswer {
    ImageAnswer::Unknown(Arc::new(UnknownImage::new(UnknownKind::Unavailable, why)))
}

impl Facts {
    /// What is known of a reference. None if it was not looked up yet, and may be.
    #[must_use]
    pub fn image(&self, reference: &str) -> Option<&ImageAnswer> {
        let mut was_asked = false;
        for answer in &self.answers {
            match answer {
                FactAnswer::Images(images) => {
                    was_asked = true;
                    if let Some(answer) = images.get(reference) {
                        return Some(answer);
                    }
                }
                FactAnswer::Nothing(FactQuery::Images(query)) => {
                    was_asked = true;
                    if query.references.iter().any(|asked| asked == reference) {
                        return Some(&NO_ANSWER);
                    }
                }
                _ => {}
            }
        }
        let known = self.images.as_ref().and_then(|images| images.get(reference));
        known.or_else(|| was_asked.then(|| &*TOO_MANY))
    }

    /// Whether a request may ask for an image that is not known.
    #[must_use]
    pub fn may_ask_images(&self) -> bool {
        self.images.as_ref().is_some_and(|images| !images.closed)
    }

    /// What the settings say about images of which nothing is known; none where image facts are switched off.
    #[must_use]
    pub fn image_settings(&self) -> Option<ImageSettings> {
        self.images.as_ref().map(|images| images.settings)
    }
}

/// The reference with this digest, and with the user's spelling and tag.
#[must_use]
pub fn pinned(reference: &str, digest: &Digest) -> String {
    let (_, _, old) = split(reference);
    let end = old.map_or(reference.len(), |old| reference.len() - old.len() - 1);
    format!("{}@{digest}", reference.get(..end).unwrap_or(reference))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::known::Reader;

    fn known(name: &str) -> ImageAnswer {
        ImageAnswer::Known(Arc::new(KnownImage::new(Digest::sha256(name.as_bytes()), Vec::new(), Reader::Podreeve)))
    }

    fn digest(answer: Option<&ImageAnswer>) -> Option<&str> {
        match answer? {
            ImageAnswer::Known(image) => Some(image.digest.as_str()),
            ImageAnswer::Unknown(unknown) => Some(&unknown.why),
        }
    }

    #[test]
    fn a_tag_is_known_by_its_digest_too() {
        let mut images = Images::default();
        images.insert("registry.example.com/shop/web:1", known("a"));
        let a = Digest::sha256(b"a");
        for same in ["registry.example.com/shop/web:1".to_owned(), format!("Registry.example.com/shop/web@{a}")] {
            assert_eq!(digest(images.get(&same)), Some(a.as_str()), "{same}");
        }
        let pinned = pinned("registry.example.com/shop/web:1", &a);
        assert_eq!(pinned, format!("registry.example.com/shop/web:1@{a}"));
        assert_eq!(digest(images.get(&pinned)), Some(a.as_str()));
        // Another repository may be one of another tenant.
        for other in ["registry.example.com/shop/web:2".to_owned(), format!("registry.example.com/shop/other@{a}")] {
            assert!(images.get(&other).is_none(), "{other}");
        }
        images.insert("registry.example.com/shop/web:1", known("b"));
        assert_eq!(digest(images.get("registry.example.com/shop/web:1")), Some(Digest::sha256(b"b").as_str()));
        assert_eq!(digest(images.get(&pinned)), Some(a.as_str()));
        images.remove("registry.example.com/shop/web:1");
        assert!(images.get("registry.example.com/shop/web:1").is_none() && images.get(&pinned).is_some());
        images.remove(&pinned);
        assert!(images.get(&pinned).is_none() && images.len() == 1);
    }

    #[test]
    fn what_was_asked_is_not_asked_again() {
        let mut facts = Facts { images: Some(Arc::default()), ..Facts::default() };
        assert!(facts.image("a:1").is_none() && facts.image_settings().is_some());
        let references = vec!["a:1".to_owned()];
        let query = ImageQuery { namespace: "shop".to_owned(), pull_secrets: Vec::new(), references };
        facts.answers.push(FactAnswer::Nothing(FactQuery::Images(query)));
        assert!(digest(facts.image("a:1")).is_some_and(|why| why.contains("did not answer")));
        assert!(digest(facts.image("b:1")).is_some_and(|why| why.contains("more images")));
        let answer: Images = [("b:1".to_owned(), known("b"))].into_iter().collect();
        facts.answers = vec![FactAnswer::Images(Arc::new(answer))];
        assert_eq!(digest(facts.image("b:1")), Some(Digest::sha256(b"b").as_str()));
    }

    #[test]
    fn shared_facts_stay_shared_when_judgements_are_forgotten() {
        let image = known("a");
        let mut images: Images =
            [("a:1".to_owned(), image.clone()), ("b:1".to_owned(), image.clone())].into_iter().collect();
        images.forget_judgements();
        let (ImageAnswer::Known(old), Some(ImageAnswer::Known(a)), Some(ImageAnswer::Known(b))) =
            (&image, images.get("a:1"), images.get("b:1"))
        else {
            panic!("known")
        };
        assert!(Arc::ptr_eq(a, b) && !Arc::ptr_eq(a, old));
    }
}
