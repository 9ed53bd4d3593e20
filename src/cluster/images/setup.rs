//! What the settings of images say, ready to be used.

use super::documents::ReadError;
use super::record::TrustInForce;
use crate::facts::images::MustBeSigned;
use crate::image::known::{ImageSettings, PullSecretScope, Reader, UnknownImage, UnknownKind};
use crate::reference::ImageRef;
use crate::registry::{Client, Fault, FaultOf, RegistryError};
use std::sync::Arc;

/// The settings in force: the `images:` document with all that it names.
pub struct Setup {
    pub client: Client,
    pub trust: TrustInForce,
    /// What happens to images of which nothing is known.
    pub unknown: ImageSettings,
    /// The namespaces whose pull secrets may be read; none where that is switched off.
    pub pull_secrets: Option<Arc<PullSecretScope>>,
    /// Whether the leader reads layers.
    pub layers: bool,
    /// Whether the reports of scanners in the cluster count.
    pub vulnerability_reports: bool,
    /// How many registries may be contacted, for the log.
    pub registries: usize,
}

impl std::fmt::Debug for Setup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setup").field("trust", &self.trust.id).field("unknown", &self.unknown).finish_non_exhaustive()
    }
}

#[cfg(test)]
impl Setup {
    /// Settings of tests: podreeve contacts nothing, and no image needs a signature.
    #[must_use]
    pub fn of_tests() -> Self {
        use crate::registry::{Credentials, Limits, Settings};
        let client = Client::new(&Settings::default(), Credentials::default(), Limits::default());
        Self {
            client: client.expect("a client"),
            trust: TrustInForce { trust: Arc::default(), id: crate::image::Digest::sha256(b"") },
            unknown: ImageSettings::default(),
            pull_secrets: None,
            layers: true,
            vulnerability_reports: false,
            registries: 0,
        }
    }
}

impl Setup {
    /// What a request learns about an image that cannot be read. Details go into the log: a user must not see addresses.
    pub fn unknown(&self, image: &ImageRef<'_>, reader: &Reader, error: &ReadError) -> UnknownImage {
        let (kind, why) = explain(image, reader, error);
        let must_be_signed = self.trust.trust.entry(image).is_some();
        UnknownImage { must_be_signed, ..UnknownImage::new(kind, why) }
    }
}

/// What happens to unknown images, and which images must be signed.
pub fn settings_of(setup: Option<&Setup>) -> (ImageSettings, MustBeSigned) {
    match setup {
        Some(setup) => (setup.unknown, MustBeSigned::By(Arc::clone(&setup.trust.trust))),
        None => (ImageSettings::default(), MustBeSigned::All),
    }
}

/// Every image, while the settings do not load. It counts as one that must be signed, since podreeve does not know.
pub fn not_set_up() -> UnknownImage {
    let why = "podreeve's settings of images do not load; its log says why";
    UnknownImage { must_be_signed: true, ..UnknownImage::new(UnknownKind::Unavailable, why) }
}

/// Longest name of a registry in a message.
const NAME: usize = 200;

fn explain(image: &ImageRef<'_>, reader: &Reader, error: &ReadError) -> (UnknownKind, String) {
    let registry = crate::text::clean(&image.registry, NAME);
    let error = match error {
        ReadError::Registry(error) => error,
        ReadError::Image(why) | ReadError::TooLarge(why) => {
            return (UnknownKind::Invalid, format!("{registry} has it, but it is no image that can be read: {why}"));
        }
        ReadError::Reference(_) => {
            return (UnknownKind::Invalid, "it is no reference that a container runtime accepts".to_owned());
        }
        ReadError::Late => return late(&registry),
        ReadError::Failed => return (UnknownKind::Unavailable, "podreeve failed while reading it".to_owned()),
        ReadError::NoSecret => {
            let why = "podreeve's credentials, and no pull secret that podreeve may use has others";
            return (UnknownKind::Refused, format!("{registry} refuses {why}"));
        }
        ReadError::Secrets => {
            return (UnknownKind::Unavailable, "podreeve cannot read the pull secrets now".to_owned());
        }
        ReadError::Busy => {
            return (UnknownKind::Unavailable, "podreeve is reading too many other images now".to_owned());
        }
    };
    match error {
        RegistryError::NotListed { .. } => {
            (UnknownKind::NotCovered, format!("{registry} is none of the registries that podreeve asks"))
        }
        RegistryError::Unusable { fault, .. } => unusable(&registry, fault),
        RegistryError::NotFound { .. } => (UnknownKind::NotFound, format!("{registry} has no such image")),
        RegistryError::Refused { .. } | RegistryError::Token { .. } | RegistryError::Credentials { .. } => {
            let others = if *reader == Reader::Podreeve { "" } else { ", and those of the pull secrets" };
            (UnknownKind::Refused, format!("{registry} refuses podreeve's credentials{others}"))
        }
        RegistryError::Connect { .. } | RegistryError::Tls { .. } => {
            (UnknownKind::Unavailable, format!("{registry} cannot be reached"))
        }
        RegistryError::TimedOut { .. } | RegistryError::TooSlow { .. } => late(&registry),
        RegistryError::TooManyRequests { .. } => {
            (UnknownKind::Unavailable, format!("{registry} allows podreeve no more requests for now"))
        }
        RegistryError::Status { status, .. } => (UnknownKind::Unavailable, format!("{registry} answers {status}")),
        RegistryError::Interrupted { .. } => {
            (UnknownKind::Unavailable, format!("{registry} stopped in the middle of its answer"))
        }
        RegistryError::WrongDigest { .. } => {
            (UnknownKind::Invalid, format!("{registry} sends other bytes than the digest names"))
        }
        RegistryError::TooBig { .. } => (UnknownKind::Invalid, format!("{registry} sends more than podreeve reads")),
        RegistryError::Malformed { .. } => (UnknownKind::Invalid, format!("{registry} sends what is no image")),
        RegistryError::Address { .. } | RegistryError::Redirect { .. } | RegistryError::Realm { .. } => {
            (UnknownKind::Invalid, format!("{registry} leads to a place that podreeve does not contact"))
        }
    }
}

/// What its settings name is for those who run podreeve: the names of Secrets and files are in the log and at /readyz alone.
fn unusable(registry: &str, fault: &Fault) -> (UnknownKind, String) {
    let (kind, what) = match fault.of {
        FaultOf::Credentials => (UnknownKind::Refused, "the credentials"),
        FaultOf::Authorities => (UnknownKind::Unavailable, "the certificates"),
    };
    let at = &fault.at;
    let who = "who runs podreeve can repair that, and finds the cause at /readyz";
    (kind, format!("podreeve does not ask {registry}, since {what} of its setting `images.{at}` cannot be used; {who}"))
}

fn late(registry: &str) -> (UnknownKind, String) {
    (UnknownKind::Unavailable, format!("{registry} did not answer in time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_outage_is_told_from_an_image_that_is_not_there_and_no_address_is_named() {
        let image = ImageRef::parse("registry.example.com/shop/web:1");
        let of = |error: RegistryError| explain(&image, &Reader::Podreeve, &ReadError::Registry(error));
        let host = || "mirror.internal:5000".to_owned();
        let cases = [
            (RegistryError::Connect { host: host(), cause: "10.0.0.1".to_owned() }, UnknownKind::Unavailable),
            (RegistryError::TimedOut { host: host(), limit: Duration::from_secs(1) }, UnknownKind::Unavailable),
            (RegistryError::TooSlow { host: host(), what: host() }, UnknownKind::Unavailable),
            (RegistryError::NotFound { host: host(), what: "mirror.internal".to_owned() }, UnknownKind::NotFound),
            (RegistryError::NotListed { host: host() }, UnknownKind::NotCovered),
            (RegistryError::TooBig { what: host(), limit: 1 }, UnknownKind::Invalid),
        ];
        for (error, kind) in cases {
            let (found, why) = of(error);
            assert_eq!(found, kind, "{why}");
            assert!(why.starts_with("registry.example.com") && !why.contains("internal"), "{why}");
            assert!(!why.contains("10.0.0.1"), "{why}");
        }
    }
}
