//! What is known of an image that a pod names: its facts, or why there are none.
//!
//! [`crate::facts`] has one [`ImageAnswer`] for each reference. Nothing here is fetched, and nothing of it changes: new facts are a
//! new value.

mod memo;
mod traits;

use super::{Digest, ImageFacts, Platform};
use jiff::Timestamp;
use jiff::civil::Date;
use memo::Memo;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::sync::Arc;
pub use traits::{ImageCommand, ImageTraits, ImageUser};

/// What is known of one reference.
#[derive(Debug, Clone)]
pub enum ImageAnswer {
    Known(Arc<KnownImage>),
    Unknown(Arc<UnknownImage>),
}

/// An image, with the facts of every platform on which it can run.
#[derive(Debug)]
pub struct KnownImage {
    /// The digest that the reference has, or that its tag led to: of the index, or of the only manifest.
    pub digest: Digest,
    /// Only platforms that a node of the cluster has, if that is known. The worst counts.
    pub platforms: Arc<[ImageFacts]>,
    pub reader: Reader,
    /// Platforms that its index names, and that were not there when it was read. They may be pushed later.
    pub absent: Arc<[Platform]>,
    /// The manifests of all of its platforms, where it is an index.
    pub leaves: Arc<[String]>,
    /// When time alone changes what the rules say of it.
    pub changes_at: Option<Timestamp>,
    traits: Arc<ImageTraits>,
    memo: Memo,
}

/// With whose credentials an image was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reader {
    /// Those of podreeve, or none.
    #[default]
    Podreeve,
    /// The pull secrets of these namespaces. In others, the facts are no answer: they would show a tenant what the image of another one
    /// holds.
    Namespaces(Arc<[Box<str>]>),
}

impl Reader {
    /// The namespaces for which these facts are an answer; none if they are one for all.
    #[must_use]
    pub const fn namespaces(&self) -> Option<&Arc<[Box<str>]>> {
        match self {
            Self::Podreeve => None,
            Self::Namespaces(names) => Some(names),
        }
    }
}

/// The namespaces whose pull secrets podreeve may read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullSecretScope {
    /// Empty: all.
    pub namespaces: std::collections::BTreeSet<String>,
}

impl PullSecretScope {
    #[must_use]
    pub fn has(&self, namespace: &str) -> bool {
        self.namespaces.is_empty() || self.namespaces.contains(namespace)
    }

    /// Whether pull secrets of the namespace may show an image that podreeve itself may not read.
    #[must_use]
    pub fn may_show(&self, namespace: &str, own: &ImageAnswer) -> bool {
        matches!(own, ImageAnswer::Unknown(image) if image.kind.needs_credentials()) && self.has(namespace)
    }
}

/// An image of which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownImage {
    pub kind: UnknownKind,
    /// A clause for the user: `registry.example.com does not answer`. It names no secret and no address that is not in the reference.
    pub why: Box<str>,
    /// Its digest runs in the cluster already.
    pub runs_already: bool,
    /// An entry of the trust document covers it, so it is unknown whether it is signed as it must be.
    pub must_be_signed: bool,
}

/// Why an image is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnknownKind {
    /// No entry of `registries` covers it, so podreeve does not ask.
    NotCovered,
    /// The registry has no such image.
    NotFound,
    /// What the registry sends is no image: another digest, too large, malformed.
    Invalid,
    /// The registry wants other credentials.
    Refused,
    /// The registry cannot be reached, does not answer in time, or says that it is broken.
    Unavailable,
}

impl UnknownKind {
    /// Whether it may pass without a change of the image or of the settings: then `onUnavailable` decides.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::Refused | Self::Unavailable)
    }

    /// Whether other credentials may show the image. Many registries say that a private image does not exist.
    #[must_use]
    pub const fn needs_credentials(self) -> bool {
        matches!(self, Self::Refused | Self::NotFound)
    }
}

/// What happens to images of which nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImageSettings {
    /// An image that cannot be judged, because its registry is not in `registries` or has no such image; or not as a whole, because
    /// podreeve did not read a part that a rule judges. It never does more than the strictest of these rules in the policy. Default: warn;
    /// and deny, where a rule that denies must see a signature.
    pub on_unknown: Option<OnUnknown>,
    /// An image whose registry does not answer, or refuses podreeve's credentials. Default: warn; and allowRunning, where a rule that
    /// denies must see a signature.
    pub on_unavailable: Option<OnUnavailable>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum OnUnknown {
    Deny,
    Warn,
    /// Admitted without a warning; reports have it.
    Allow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(inline)]
pub enum OnUnavailable {
    Deny,
    Warn,
    /// Admits what runs in the cluster already, so that a drain or a restart succeeds, and denies the rest.
    AllowRunning,
}

/// What an unknown image does to a request, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownEffect {
    Deny,
    Warn,
    Audit,
}

impl ImageSettings {
    /// The most that happens because of this image. `signature` says that a rule needs its signature.
    #[must_use]
    pub fn effect(self, image: &UnknownImage, signature: bool) -> UnknownEffect {
        self.effect_of(image.kind, image.runs_already, signature)
    }

    /// The same of an image of this kind.
    #[must_use]
    pub fn effect_of(self, kind: UnknownKind, runs_already: bool, signature: bool) -> UnknownEffect {
        if !kind.is_outage() {
            let default = if signature { OnUnknown::Deny } else { OnUnknown::Warn };
            return match self.on_unknown.unwrap_or(default) {
                OnUnknown::Deny => UnknownEffect::Deny,
                OnUnknown::Warn => UnknownEffect::Warn,
                OnUnknown::Allow => UnknownEffect::Audit,
            };
        }
        let default = if signature { OnUnavailable::AllowRunning } else { OnUnavailable::Warn };
        match self.on_unavailable.unwrap_or(default) {
            OnUnavailable::Warn => UnknownEffect::Warn,
            OnUnavailable::AllowRunning if runs_already => UnknownEffect::Warn,
            OnUnavailable::Deny | OnUnavailable::AllowRunning => UnknownEffect::Deny,
        }
    }
}

impl KnownImage {
    #[must_use]
    pub fn new(digest: Digest, platforms: Vec<ImageFacts>, reader: Reader) -> Self {
        let traits = Arc::new(ImageTraits::new(&platforms));
        let changes_at = platforms.iter().filter_map(|facts| facts.trust.as_ref()?.changes_at()).min();
        let (absent, leaves, memo) = (Arc::default(), Arc::default(), Memo::default());
        Self { digest, platforms: platforms.into(), reader, absent, leaves, changes_at, traits, memo }
    }

    /// The index of these manifests.
    #[must_use]
    pub fn with_leaves(self, leaves: &[String]) -> Self {
        Self { leaves: leaves.into(), ..self }
    }

    /// The digests by which its manifests are known: its own, and those of its platforms.
    pub fn manifests(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.digest.as_str()).chain(self.leaves.iter().map(String::as_str))
    }

    /// The image, of which these platforms are not there.
    #[must_use]
    pub fn without(self, absent: &[Platform]) -> Self {
        Self { absent: absent.into(), ..self }
    }

    /// What the image brings to a container, on all platforms.
    #[must_use]
    pub fn traits(&self) -> &ImageTraits {
        &self.traits
    }

    /// The same facts, not judged yet.
    #[must_use]
    pub fn unjudged(&self) -> Self {
        let (digest, platforms, absent) = (self.digest.clone(), Arc::clone(&self.platforms), Arc::clone(&self.absent));
        let (reader, traits, leaves) = (self.reader.clone(), Arc::clone(&self.traits), Arc::clone(&self.leaves));
        Self { digest, platforms, reader, absent, leaves, changes_at: self.changes_at, traits, memo: Memo::default() }
    }

    /// Whether its tag led to an image before that was signed later.
    #[must_use]
    pub fn is_moved_back(&self) -> bool {
        let moved_back = |facts: &ImageFacts| facts.trust.as_ref().is_some_and(|verdict| verdict.moved_back.is_some());
        self.platforms.iter().any(moved_back)
    }

    /// The same image by its digest, which no tag moves.
    #[must_use]
    pub fn without_tag(&self) -> Self {
        let mut platforms = self.platforms.to_vec();
        for verdict in platforms.iter_mut().filter_map(|facts| facts.trust.as_mut()) {
            verdict.moved_back = None;
        }
        let same = Self::new(self.digest.clone(), platforms, self.reader.clone()).without(&self.absent);
        same.with_leaves(&self.leaves)
    }

    /// What a judge with this number finds on this day: remembered, since an image is judged for every pod that runs it.
    pub fn remembered<T: Any + Send + Sync>(&self, judge: u64, today: Date, find: impl FnOnce() -> T) -> Arc<T> {
        self.memo.get(judge, today, find)
    }
}

impl UnknownImage {
    #[must_use]
    pub fn new(kind: UnknownKind, why: impl Into<Box<str>>) -> Self {
        Self { kind, why: why.into(), runs_already: false, must_be_signed: false }
    }
}

#[cfg(test)]
mod tests;
