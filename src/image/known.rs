//! What is known of an image that a pod names: its facts, or why there are none.
//!
//! [`crate::facts`] has one [`ImageAnswer`] for each reference. Nothing here is fetched, and nothing of it changes: new facts are a
//! new value.

mod memo;
mod traits;

use super::{Digest, ImageFacts};
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
    traits: Arc<ImageTraits>,
    memo: Memo,
}

/// With whose credentials an image was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Reader {
    /// Those of podreeve, or none.
    #[default]
    Podreeve,
    /// The pull secrets of these namespaces. In others, the facts deny nothing: they would show a tenant what the image of another
    /// one holds.
    Namespaces(Arc<[Box<str>]>),
}

impl Reader {
    /// Whether a namespace may be refused something because of these facts.
    #[must_use]
    pub fn serves(&self, namespace: &str) -> bool {
        match self {
            Self::Podreeve => true,
            Self::Namespaces(names) => names.iter().any(|name| **name == *namespace),
        }
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
}

/// What happens to images of which nothing is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImageSettings {
    /// An image that cannot be judged: its registry is not in `registries`, or it has no such image. It never does more than the
    /// strictest rule about images in the policy. Default: warn; and deny, where a rule that denies must see a signature.
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
        if !image.kind.is_outage() {
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
            OnUnavailable::AllowRunning if image.runs_already => UnknownEffect::Warn,
            OnUnavailable::Deny | OnUnavailable::AllowRunning => UnknownEffect::Deny,
        }
    }
}

impl KnownImage {
    #[must_use]
    pub fn new(digest: Digest, platforms: Vec<ImageFacts>, reader: Reader) -> Self {
        let traits = Arc::new(ImageTraits::new(&platforms));
        Self { digest, platforms: platforms.into(), reader, traits, memo: Memo::default() }
    }

    /// What the image brings to a container, on all platforms.
    #[must_use]
    pub fn traits(&self) -> &ImageTraits {
        &self.traits
    }

    /// The same facts, not judged yet.
    #[must_use]
    pub fn unjudged(&self) -> Self {
        let (digest, platforms) = (self.digest.clone(), Arc::clone(&self.platforms));
        Self { digest, platforms, reader: self.reader.clone(), traits: Arc::clone(&self.traits), memo: Memo::default() }
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
