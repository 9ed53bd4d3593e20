//! The light facts of an image: its index, and the manifest and the configuration of each platform.

use crate::image::{
    Descriptor, Digest, Document, ImageError, ImageFacts, OpenedImage, Root, Source, Visit, Wanted, merge, open,
};
use crate::reference::ImageRef;
use crate::registry::{Client, RegistryError};
use futures_util::StreamExt;
use futures_util::stream;
use jiff::SignedDuration;
use std::collections::HashMap;

/// Documents of one image that are fetched at one time.
const AT_ONCE: usize = 4;
/// The most platforms of one image that are read.
const PLATFORMS: usize = 64;

/// The most bytes of all documents of one image. Several images are read at one time, and the webhook must go on.
const BYTES: usize = 8 << 20;

/// Why an image cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// What the registry sent is no image that can be read.
    #[error("{0}")]
    Image(String),
    /// It is an image, and more than is read.
    #[error("{0}")]
    TooLarge(String),
    #[error("`{0}` is no reference of an image that a container runtime accepts")]
    Reference(String),
    #[error("it could not be read within the time that the request has")]
    Late,
    #[error("podreeve failed while reading it; its log says where")]
    Failed,
    #[error("too many images are being read")]
    Busy,
    #[error("podreeve can use none of the pod's pull secrets for its registry")]
    NoSecret,
    #[error("the API server did not give the pull secrets")]
    Secrets,
}

impl ReadError {
    /// A word for metrics.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Registry(error) => error.reason(),
            Self::Image(_) | Self::TooLarge(_) | Self::Reference(_) => "malformed",
            Self::Late => "timeout",
            Self::Busy => "busy",
            Self::Failed | Self::Secrets => "failed",
            Self::NoSecret => "refused",
        }
    }

    /// Logs it. A failure is not tried again for a while, so this is one line for each.
    pub fn log(&self, image: &str, what: &str) {
        let image = crate::text::clean(image, 300);
        let (error, kind) = (crate::text::with_causes(self), self.reason());
        tracing::warn!(image, error, kind, "{what} cannot be read from the registry");
    }

    /// How long the registry wants to be left alone.
    pub fn retry_after(&self) -> Option<SignedDuration> {
        match self {
            Self::Registry(RegistryError::TooManyRequests { retry_after: Some(time), .. }) => {
                Some(SignedDuration::try_from(*time).unwrap_or(SignedDuration::MAX))
            }
            _ => None,
        }
    }

    /// Whether the log has this one if it has the other. No two outages have the same words.
    pub fn is_same(&self, other: &Self) -> bool {
        self == other || (self.is_outage() && self.reason() == other.reason())
    }

    /// Whether the registry gave no answer, so that nothing is known of the image.
    pub const fn is_outage(&self) -> bool {
        match self {
            Self::Registry(error) => {
                error.is_transient() || matches!(error, RegistryError::Status { .. } | RegistryError::Unusable { .. })
            }
            Self::Late | Self::Failed | Self::Busy | Self::Secrets => true,
            Self::Image(_) | Self::TooLarge(_) | Self::Reference(_) | Self::NoSecret => false,
        }
    }
}

impl From<ImageError> for ReadError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::TooLarge { .. } => Self::TooLarge(error.to_string()),
            error => Self::Image(error.to_string()),
        }
    }
}

/// The documents of an image, by digest, as a source.
struct Fetched {
    root: Digest,
    documents: HashMap<Digest, Vec<u8>>,
}

impl Source for Fetched {
    fn roots(&mut self) -> Result<Vec<Root>, ImageError> {
        Ok(vec![Root { name: None, descriptor: Descriptor::new("", self.root.clone(), 0) }])
    }

    fn each(&mut self, wanted: &[&Descriptor], visit: Visit<'_>) -> Result<(), ImageError> {
        for (index, descriptor) in wanted.iter().enumerate() {
            let bytes = self.documents.get(&descriptor.digest);
            let bytes = bytes.ok_or_else(|| ImageError::Missing { what: descriptor.digest.to_string() })?;
            visit(index, &mut bytes.as_slice())?;
        }
        Ok(())
    }
}

/// The image with this digest, and all its platforms; and how many bytes the registry sent.
///
/// # Errors
/// The registry does not have it, does not answer, or sends what is no image.
pub async fn read(client: &Client, image: &ImageRef<'_>, digest: &Digest) -> Result<(OpenedImage, u64), ReadError> {
    let first = client.manifest(image, digest).await?;
    let mut documents = HashMap::new();
    let mut manifests = vec![(digest.clone(), first.bytes)];
    // An index may name indexes, as deep as `open` follows them.
    for _ in 0..4 {
        let mut next = Vec::new();
        let mut configs = Vec::new();
        for (digest, bytes) in manifests {
            match Document::parse(&bytes, "")? {
                Document::Index(index) => {
                    let images = index.manifests.into_iter().filter(|one| !one.is_attestation());
                    next.extend(images.map(|one| one.digest));
                }
                Document::Manifest(manifest) => configs.push(manifest.config.digest),
            }
            documents.insert(digest, bytes);
        }
        let config = |digest: Digest| async move {
            let bytes = client.config(image, &digest).await;
            (digest, bytes)
        };
        add(&mut documents, stream::iter(configs).map(config).buffered(AT_ONCE)).await?;
        if next.len() + documents.len() > 3 * PLATFORMS {
            return Err(ReadError::Image(format!("its index has more than {PLATFORMS} platforms")));
        }
        let manifest = |digest: Digest| async move {
            let read = client.manifest(image, &digest).await;
            (digest, read.map(|manifest| manifest.bytes))
        };
        let mut found = HashMap::new();
        add(&mut found, stream::iter(next).map(manifest).buffered(AT_ONCE)).await?;
        manifests = found.into_iter().filter(|(digest, _)| !documents.contains_key(digest)).collect();
        if manifests.is_empty() {
            break;
        }
    }
    let bytes = documents.values().map(|bytes| bytes.len() as u64).sum();
    Ok((open(&mut Fetched { root: digest.clone(), documents }, &Wanted::default())?, bytes))
}

/// What the registry lacks is absent: an index may name platforms that were never pushed.
async fn add(
    documents: &mut HashMap<Digest, Vec<u8>>,
    mut found: impl stream::Stream<Item = (Digest, Result<Vec<u8>, RegistryError>)> + Unpin,
) -> Result<(), ReadError> {
    while let Some((digest, bytes)) = found.next().await {
        match bytes {
            Ok(bytes) => {
                documents.insert(digest, bytes);
                if documents.values().map(Vec::len).sum::<usize>() > BYTES {
                    return Err(ReadError::Image(format!("its manifests have more than {} MiB", BYTES >> 20)));
                }
            }
            Err(RegistryError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// The facts of each platform, without what the layers hold.
///
/// # Errors
/// A manifest and its configuration do not belong together.
pub fn facts(image: &OpenedImage) -> Result<Vec<ImageFacts>, ReadError> {
    image.platforms.iter().map(|platform| merge(platform, None).map_err(ReadError::from)).collect()
}
