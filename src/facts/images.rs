//! What is known of images, by the reference as a pod writes it.
//!
//! podreeve fills it away from requests; what a request misses it asks for once, with one [`FactQuery::Images`] for all of its pods.

mod answers;
mod document;

use super::{FactAnswer, FactQuery, Facts};
use crate::image::Digest;
use crate::image::known::{ImageAnswer, ImageSettings, KnownImage, PullSecretScope, UnknownImage, UnknownKind};
use crate::image::trust::Trust;
use crate::reference::{ImageRef, is_pinned, split};
use answers::Answers;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

pub use document::{ImageDocument, ImageEntry};

/// How many images one question names. More than that in one object count as unknown.
pub const MAX_ASKED: usize = 64;

/// How many images without facts are named.
const MAX_MISSING: usize = 1000;

/// Which images need a signature: what is not known yet may be one of them.
#[derive(Debug, Clone, Default)]
pub enum MustBeSigned {
    #[default]
    None,
    /// Those that an entry of the trust document covers.
    By(Arc<Trust>),
    /// Each one, because the trust document does not load.
    All,
}

impl MustBeSigned {
    fn covers(&self, reference: &str) -> bool {
        match self {
            Self::None => false,
            Self::By(trust) => trust.entry(&ImageRef::parse(reference)).is_some(),
            Self::All => true,
        }
    }
}

/// Images by their references. A clone is as large as the map.
#[derive(Debug, Clone, Default)]
pub struct Images {
    pub settings: ImageSettings,
    /// There are no more facts: these are from a file.
    pub closed: bool,
    pub must_be_signed: MustBeSigned,
    /// The namespaces whose pull secrets podreeve reads; none where that is switched off.
    pub pull_secrets: Option<Arc<PullSecretScope>>,
    /// Of closed facts: the images of which nothing is known, as they were looked up.
    missing: Option<Arc<Mutex<BTreeSet<String>>>>,
    /// What podreeve read with its own credentials, or without any.
    own: Answers,
    /// What it read with the pull secrets of a namespace, which is an answer for this namespace alone.
    of_namespaces: HashMap<Box<str>, Answers>,
    /// The same by digest, for audit in other namespaces.
    foreign: Answers,
}

/// What is known of a reference in a namespace.
#[derive(Debug, Clone, Copy)]
pub struct FoundImage<'f> {
    /// What counts there.
    pub answer: &'f ImageAnswer,
    /// What pull secrets of another namespace showed of this digest, where nothing is known here. It denies nothing.
    pub foreign: Option<&'f Arc<KnownImage>>,
}

impl Images {
    #[must_use]
    pub fn new(settings: ImageSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Nothing is known, not even the settings.
    #[must_use]
    pub fn unsettled() -> Self {
        Self { must_be_signed: MustBeSigned::All, ..Self::default() }
    }

    /// Adds what is known of a reference, or replaces it: for every namespace, or for those whose pull secrets read it. What a tag led
    /// to is known by its digest, too: the mutating webhook may write that digest into the pod.
    pub fn insert(&mut self, reference: &str, answer: ImageAnswer) {
        let readers = match &answer {
            ImageAnswer::Known(image) => image.reader.namespaces(),
            ImageAnswer::Unknown(_) => None,
        };
        let Some(namespaces) = readers.cloned() else { return self.own.insert(reference, answer) };
        for namespace in &*namespaces {
            self.of_namespaces.entry(namespace.clone()).or_default().insert(reference, answer.clone());
        }
        self.foreign.insert_digest_of(reference, answer);
    }

    /// Adds what is known of a reference for one namespace.
    pub fn insert_for(&mut self, namespace: &str, reference: &str, answer: ImageAnswer) {
        self.of_namespaces.entry(namespace.into()).or_default().insert(reference, answer);
    }

    /// Forgets a reference. Its digest stays known: it leads to the same image forever.
    pub fn remove(&mut self, reference: &str) {
        self.own.remove(reference);
    }

    /// What podreeve itself knows of a reference; none if no request named it yet.
    #[must_use]
    pub fn get(&self, reference: &str) -> Option<&ImageAnswer> {
        let Some(missing) = &self.missing else { return self.own.get(reference) };
        // Files name each image once, and pods spell it as they like.
        let full = ImageRef::parse(reference).full();
        let found = self.own.get(&full);
        if found.is_none() {
            let mut missing = missing.lock().unwrap_or_else(PoisonError::into_inner);
            if missing.len() < MAX_MISSING {
                missing.insert(full);
            }
        }
        found
    }

    /// Of closed facts: the images that were looked up and of which nothing is known.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let missing = self.missing.as_ref().map(|missing| missing.lock().unwrap_or_else(PoisonError::into_inner));
        missing.map(|missing| missing.iter().cloned().collect()).unwrap_or_default()
    }

    /// What is known of a reference in this namespace.
    #[must_use]
    pub fn get_for(&self, namespace: &str, reference: &str) -> Option<&ImageAnswer> {
        // Most clusters have no entry here.
        let of_namespace = if self.of_namespaces.is_empty() { None } else { self.of_namespaces.get(namespace) };
        of_namespace.and_then(|answers| answers.get(reference)).or_else(|| self.get(reference))
    }

    /// What pull secrets of any namespace showed of this digest. Where a tag leads, only the namespace itself knows.
    #[must_use]
    fn foreign(&self, reference: &str) -> Option<&Arc<KnownImage>> {
        match self.foreign.get(reference)? {
            ImageAnswer::Known(image) => Some(image),
            ImageAnswer::Unknown(_) => None,
        }
    }

    /// Whether the pull secrets of the namespace may be tried for an image that podreeve itself may not read.
    fn may_try_secrets(&self, namespace: &str, answer: &ImageAnswer) -> bool {
        self.pull_secrets.as_ref().is_some_and(|scope| scope.may_show(namespace, answer))
    }

    /// How many references are known, with a tag or with a digest.
    #[must_use]
    pub fn len(&self) -> usize {
        self.own.len() + self.of_namespaces.values().map(Answers::len).sum::<usize>()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every digest, with the repositories that have it.
    pub fn digests(&self) -> impl Iterator<Item = (&str, &ImageRef<'static>, &ImageAnswer)> {
        self.own.digests()
    }

    /// Forgets what rules found in the images. Call it when the policies or the day change.
    pub fn forget_judgements(&mut self) {
        // An image that several references share stays shared.
        let mut fresh: HashMap<*const KnownImage, Arc<KnownImage>> = HashMap::new();
        let all = self.of_namespaces.values_mut().chain([&mut self.own, &mut self.foreign]);
        for answer in all.flat_map(Answers::all_mut) {
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
    /// Names of `imagePullSecrets`, which count only where the settings say so.
    pub pull_secrets: Vec<String>,
    /// ServiceAccounts whose `imagePullSecrets` the API server gives to the pods: those of templates that have none themselves.
    pub accounts: Vec<String>,
    /// As the pods write them, without repetition: [`MAX_ASKED`] at most.
    pub references: Vec<String>,
}

/// An image that was not asked for: with and without the need of a signature.
struct NotAsked([ImageAnswer; 2]);

/// For a request that got no answer in time.
static NO_ANSWER: LazyLock<NotAsked> =
    LazyLock::new(|| NotAsked::new("the registry did not answer before the request had to be"));
/// For an object with too many images.
static TOO_MANY: LazyLock<NotAsked> =
    LazyLock::new(|| NotAsked::new("the object has more images than are asked for at once"));

impl NotAsked {
    fn new(why: &str) -> Self {
        Self([false, true].map(|must_be_signed| {
            let unknown = UnknownImage::new(UnknownKind::Unavailable, why);
            ImageAnswer::Unknown(Arc::new(UnknownImage { must_be_signed, ..unknown }))
        }))
    }

    const fn get(&self, must_be_signed: bool) -> &ImageAnswer {
        let [unsigned, signed] = &self.0;
        if must_be_signed { signed } else { unsigned }
    }
}

impl Facts {
    /// What is known of a reference in a namespace. None if it was not looked up yet, and may be.
    #[must_use]
    pub fn image(&self, namespace: &str, reference: &str) -> Option<FoundImage<'_>> {
        let answer = self.image_answer(namespace, reference)?;
        let foreign = match answer {
            ImageAnswer::Known(_) => None,
            ImageAnswer::Unknown(_) => self.images.as_ref().and_then(|images| images.foreign(reference)),
        };
        Some(FoundImage { answer, foreign })
    }

    fn image_answer(&self, namespace: &str, reference: &str) -> Option<&ImageAnswer> {
        let mut was_asked = false;
        for answer in &self.answers {
            match answer {
                FactAnswer::Images(images) => {
                    was_asked = true;
                    if let Some(answer) = images.get_for(namespace, reference) {
                        return Some(answer);
                    }
                }
                FactAnswer::Nothing(FactQuery::Images(query)) => {
                    was_asked = true;
                    if query.references.iter().any(|asked| asked == reference) {
                        return Some(NO_ANSWER.get(self.must_be_signed(reference)));
                    }
                }
                _ => {}
            }
        }
        let known = self.images.as_ref().and_then(|images| images.get_for(namespace, reference));
        known.or_else(|| was_asked.then(|| TOO_MANY.get(self.must_be_signed(reference))))
    }

    fn must_be_signed(&self, reference: &str) -> bool {
        self.images.as_ref().is_some_and(|images| images.must_be_signed.covers(reference))
    }

    /// Whether pull secrets of the namespace may say more about an image than this answer, and were not tried for this request.
    #[must_use]
    pub fn may_try_secrets(&self, namespace: &str, answer: &ImageAnswer) -> bool {
        let asked =
            |answer: &FactAnswer| matches!(answer, FactAnswer::Images(_) | FactAnswer::Nothing(FactQuery::Images(_)));
        let images = self.images.as_ref();
        images.is_some_and(|images| images.may_try_secrets(namespace, answer)) && !self.answers.iter().any(asked)
    }

    /// Whether a request may ask for an image that is not known.
    #[must_use]
    pub fn may_ask_images(&self) -> bool {
        self.images.as_ref().is_some_and(|images| !images.closed)
    }

    /// Whether the namespace is podreeve's own.
    #[must_use]
    pub fn is_own_namespace(&self, namespace: &str) -> bool {
        self.own_namespace.as_deref() == Some(namespace)
    }

    /// What the settings say about images of which nothing is known; none where no image is judged by what is behind it: where image facts
    /// are switched off, and in podreeve's own namespace.
    #[must_use]
    pub fn image_settings(&self, namespace: &str) -> Option<ImageSettings> {
        let images = self.images.as_ref().filter(|_| !self.is_own_namespace(namespace));
        images.map(|images| images.settings)
    }
}

/// The reference with this digest, and with the user's spelling and tag.
#[must_use]
pub fn pinned(reference: &str, digest: &Digest) -> String {
    let (_, _, old) = split(reference);
    let end = old.map_or(reference.len(), |old| reference.len() - old.len() - 1);
    format!("{}@{digest}", reference.get(..end).unwrap_or(reference))
}

/// What a container with this reference runs, by its digest: the one that the node reports, or else the one in the reference. None if
/// that is not known, because a tag may have moved since.
#[must_use]
pub fn running(reference: &str, reported: Option<&str>) -> Option<String> {
    match reported.and_then(Digest::parse) {
        Some(digest) => Some(pinned(reference, &digest)),
        None => is_pinned(reference).then(|| reference.to_owned()),
    }
}

#[cfg(test)]
mod tests;
