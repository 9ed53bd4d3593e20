//! The way in: what podreeve reads from a registry.

use super::auth::Grants;
use super::blob::Blob;
use super::credentials::Credentials;
use super::error::RegistryError;
use super::fetch::{Fetcher, Object};
use super::limits::Limits;
use super::manifest::{ACCEPT, Manifest};
use super::place::{Place, Registry};
use super::referrers::{self, Referrers};
use super::settings::{Fault, FaultOf, RegistrySettings, Settings, SettingsError};
use super::transport::Transport;
use crate::image::Digest;
use crate::workload::image::ImageRef;
use http::{HeaderMap, Method, Response, header};
use hyper::body::Incoming;

/// A client for all registries of its settings. It is made once and shared.
pub struct Client {
    registries: Vec<Registry>,
    /// For hosts without an entry, where they may be contacted.
    others: Option<Registry>,
    fetcher: Fetcher,
}

impl Client {
    /// A client for these registries.
    ///
    /// # Errors
    /// When a field of the settings is wrong.
    pub fn new(settings: &Settings, credentials: Credentials, limits: Limits) -> Result<Self, SettingsError> {
        settings.check()?;
        let mut registries = Vec::new();
        for (index, entry) in settings.registries.iter().enumerate() {
            let transport = Transport::new(&entry.certificates(index)?, &limits)?;
            registries.push(Registry { settings: entry.clone(), transport, fault: None });
        }
        let any = || {
            Ok::<_, SettingsError>(Registry {
                settings: RegistrySettings::default(),
                transport: Transport::new(&[], &limits)?,
                fault: None,
            })
        };
        let others = settings.any_host.then(any).transpose()?;
        Ok(Self { registries, others, fetcher: Fetcher { grants: Grants::default(), credentials, limits } })
    }

    /// The client, which sends no request for the images of the entry with this index.
    #[must_use]
    pub fn refusing(mut self, index: usize, fault: Fault) -> Self {
        if let Some(registry) = self.registries.get_mut(index) {
            registry.fault = Some(fault);
        }
        self
    }

    /// A client for the same registries by other credentials alone. It shares no token with this one.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        let limits = self.fetcher.limits.clone();
        let fetcher = Fetcher { grants: Grants::default(), credentials, limits };
        let mut registries = self.registries.clone();
        for registry in &mut registries {
            registry.fault = registry.fault.take().filter(|fault| fault.of != FaultOf::Credentials);
        }
        Self { registries, others: self.others.clone(), fetcher }
    }

    /// Whether a keyring of its credentials has some for this image, and they may be sent.
    #[must_use]
    pub fn has_login(&self, image: &ImageRef<'_>) -> bool {
        let place = self.place(image);
        place.is_ok_and(|place| place.is_confidential() && self.fetcher.credentials.has(&place.name))
    }

    /// The digest to which a reference leads now. A reference with a digest needs no request.
    ///
    /// # Errors
    /// When the registry does not say.
    pub async fn digest(&self, image: &ImageRef<'_>) -> Result<Digest, RegistryError> {
        if let Some(text) = image.digest.as_deref() {
            return Digest::parse(text).ok_or_else(|| RegistryError::Malformed {
                what: format!("the digest of {}/{}", image.registry, image.repository),
                why: "it is no sha256 or sha512 with hexadecimal digits in lower case".to_owned(),
            });
        }
        let tag = image.tag.as_deref().unwrap_or("latest");
        let place = self.place(image)?;
        let what = format!("the tag {tag} of {}", place.repository);
        let object = Object { method: Method::HEAD, path: format!("manifests/{tag}"), accept: ACCEPT, what: &what };
        let response = self.fetcher.fetch(&place, &object).await?;
        match digest_header(response.headers()) {
            Some(digest) => Ok(digest),
            // Not every registry sends the header, but the bytes have their digest anyway.
            None => Ok(self.manifest_at(&place, tag, None).await?.digest),
        }
    }

    /// The manifest or index with this digest.
    ///
    /// # Errors
    /// When the registry has none, or sends other bytes.
    pub async fn manifest(&self, image: &ImageRef<'_>, digest: &Digest) -> Result<Manifest, RegistryError> {
        self.manifest_at(&self.place(image)?, digest.as_str(), Some(digest)).await
    }

    /// A blob as it arrives, of `size` bytes at most.
    ///
    /// # Errors
    /// When the registry has none. [`Blob::next`] has the errors of the bytes.
    pub async fn blob(&self, image: &ImageRef<'_>, digest: &Digest, size: u64) -> Result<Blob, RegistryError> {
        self.blob_at(&self.place(image)?, digest, size).await
    }

    /// All bytes of a small blob, such as a config.
    ///
    /// # Errors
    /// When the registry has none, sends other bytes, or sends more than a manifest may have.
    pub async fn config(&self, image: &ImageRef<'_>, digest: &Digest) -> Result<Vec<u8>, RegistryError> {
        let place = self.place(image)?;
        self.small_blob(&place, digest, self.fetcher.limits.manifest).await
    }

    /// What is attached to a digest: signatures and attestations, with their bytes. `wanted` selects media types of blobs;
    /// others are not fetched.
    ///
    /// # Errors
    /// When the registry cannot say what is attached. That single objects cannot be read is in the result.
    pub async fn referrers(
        &self,
        image: &ImageRef<'_>,
        digest: &Digest,
        wanted: &(dyn Fn(&str) -> bool + Sync),
    ) -> Result<Referrers, RegistryError> {
        referrers::read(self, &self.place(image)?, digest, wanted).await
    }

    /// The tags or digests of a repository lead to this host, if it may be contacted.
    fn place(&self, image: &ImageRef<'_>) -> Result<Place<'_>, RegistryError> {
        let name = format!("{}/{}", image.registry, image.repository);
        if !image.is_well_formed() {
            let what =
                format!("the reference {}", name.chars().filter(|c| !c.is_control()).take(200).collect::<String>());
            return Err(RegistryError::Malformed { what, why: "a container runtime refuses it, too".to_owned() });
        }
        let covering = self.registries.iter().filter_map(|registry| Some((registry.settings.covers(&name)?, registry)));
        let longest = covering.max_by_key(|(length, _)| *length).map(|(_, registry)| registry);
        let registry = longest.or(self.others.as_ref());
        let registry =
            registry.ok_or_else(|| RegistryError::NotListed { host: image.registry.clone().into_owned() })?;
        match &registry.fault {
            Some(fault) => {
                Err(RegistryError::Unusable { host: image.registry.clone().into_owned(), fault: fault.clone() })
            }
            None => Ok(Place::of(registry, image)),
        }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.fetcher.limits
    }

    pub(super) async fn get(
        &self,
        place: &Place<'_>,
        path: String,
        accept: &'static str,
        what: &str,
    ) -> Result<Response<Incoming>, RegistryError> {
        self.fetcher.fetch(place, &Object { method: Method::GET, path, accept, what }).await
    }

    pub(super) async fn manifest_at(
        &self,
        place: &Place<'_>,
        reference: &str,
        expected: Option<&Digest>,
    ) -> Result<Manifest, RegistryError> {
        let what = format!("the manifest {reference} of {}", place.name);
        let response = self.get(place, format!("manifests/{reference}"), ACCEPT, &what).await?;
        let media_type = content_type(response.headers());
        let stated = digest_header(response.headers());
        let limits = self.limits();
        let host = place.host.clone();
        let Some(digest) = expected.cloned().or(stated) else {
            // Nothing to compare with: the length of the body must say whether it is whole, and hyper compares that.
            let bytes = whole(response.into_body(), limits, &host, &what).await?;
            return manifest_of(place, what, Manifest { digest: Digest::sha256(&bytes), media_type, bytes });
        };
        let blob = Blob::new(response.into_body(), digest.clone(), limits.manifest, limits, host, what.clone());
        match blob.read_all().await {
            Ok(bytes) => manifest_of(place, what, Manifest { digest, media_type, bytes }),
            // A page has the digest of no image.
            Err(RegistryError::WrongDigest { .. }) if is_page(&media_type) => Err(page(place, what)),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn small_blob(
        &self,
        place: &Place<'_>,
        digest: &Digest,
        limit: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        self.blob_at(place, digest, limit).await?.read_all().await
    }

    async fn blob_at(&self, place: &Place<'_>, digest: &Digest, limit: u64) -> Result<Blob, RegistryError> {
        let what = format!("the blob {digest} of {}", place.name);
        let response = self.get(place, format!("blobs/{digest}"), "*/*", &what).await?;
        Ok(Blob::new(response.into_body(), digest.clone(), limit, self.limits(), place.host.clone(), what))
    }
}

/// The manifest, if it is no page of a web server.
fn manifest_of(place: &Place<'_>, what: String, manifest: Manifest) -> Result<Manifest, RegistryError> {
    if manifest.bytes.trim_ascii_start().starts_with(b"<") { Err(page(place, what)) } else { Ok(manifest) }
}

fn is_page(media_type: &str) -> bool {
    media_type.eq_ignore_ascii_case("text/html")
}

fn page(place: &Place<'_>, what: String) -> RegistryError {
    let host = &place.host;
    let why = format!("{host} answers with a web page: it is no registry, or a proxy or a login page stands before it");
    RegistryError::Malformed { what, why }
}

/// A body that has no digest to compare it with.
pub(super) async fn whole(body: Incoming, limits: &Limits, host: &str, what: &str) -> Result<Vec<u8>, RegistryError> {
    use http_body_util::{BodyExt, LengthLimitError, Limited};
    let limit = usize::try_from(limits.manifest).unwrap_or(usize::MAX);
    match tokio::time::timeout(limits.idle, Limited::new(body, limit).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().to_vec()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(RegistryError::TooBig { what: what.to_owned(), limit: limits.manifest })
        }
        Ok(Err(error)) => {
            let cause = error.to_string();
            Err(RegistryError::Interrupted { host: host.to_owned(), what: what.to_owned(), cause })
        }
        Err(_) => Err(RegistryError::TimedOut { host: host.to_owned(), limit: limits.idle }),
    }
}

fn digest_header(headers: &HeaderMap) -> Option<Digest> {
    headers.get("docker-content-digest").and_then(|value| value.to_str().ok()).and_then(Digest::parse)
}

fn content_type(headers: &HeaderMap) -> String {
    let text = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    text.split(';').next().unwrap_or("").trim().to_owned()
}
