//! What a registry or a folder has about an image: signatures and attestations as they lie there, not verified.

/// One blob that signs or attests something about a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The digest of the manifest that it is attached to. The registry says so, and so it proves nothing.
    pub subject: String,
    /// The digest of the blob, for messages.
    pub name: String,
    pub content: Content,
}

/// The formats of the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A Sigstore bundle: cosign from version 3 on.
    Bundle(Vec<u8>),
    /// Cosign's older format: a payload, and the annotations of its layer.
    SimpleSigning { payload: Vec<u8>, annotations: Annotations },
    /// Cosign's older format of an attestation.
    Dsse { envelope: Vec<u8>, annotations: Annotations },
    /// Notation's envelope.
    Jws(Vec<u8>),
    /// A format that is known and not read, by its media type.
    Unread(String),
    /// A blob that could not be fetched, or is larger than the limit, and why.
    Missing(String),
}

/// The annotations that cosign's older format keeps next to a payload.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Annotations {
    /// `dev.cosignproject.cosign/signature`, base64.
    pub signature: Option<String>,
    /// `dev.sigstore.cosign/certificate`, PEM.
    pub certificate: Option<String>,
    /// `dev.sigstore.cosign/chain`, PEM.
    pub chain: Option<String>,
    /// `dev.sigstore.cosign/bundle`: the promise of the transparency log, JSON.
    pub log: Option<String>,
}

impl Annotations {
    /// Takes the annotations that are known from those of a layer.
    #[must_use]
    pub fn from_layer<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let owned = |name: &str| get(name).map(str::to_owned);
        Self {
            signature: owned("dev.cosignproject.cosign/signature"),
            certificate: owned("dev.sigstore.cosign/certificate"),
            chain: owned("dev.sigstore.cosign/chain"),
            log: owned("dev.sigstore.cosign/bundle"),
        }
    }
}

/// The largest blob that is read as evidence.
pub const MAX_BLOB: usize = 16 * 1024 * 1024;

/// How many pieces of evidence of one image are judged. An attacker can attach any number, and the rest is left out with a word.
pub const MAX_EVIDENCE: usize = 64;

impl Content {
    /// Reads a layer of a signature's manifest by its media type. None: the layer has nothing to do with signatures.
    #[must_use]
    pub fn of_layer(media_type: &str, blob: Vec<u8>, annotations: Annotations) -> Option<Self> {
        if blob.len() > MAX_BLOB {
            return is_evidence(media_type).then(|| {
                Self::Missing(format!("it has {} bytes, more than the {MAX_BLOB} that are read", blob.len()))
            });
        }
        match media_type {
            SIMPLE_SIGNING => Some(Self::SimpleSigning { payload: blob, annotations }),
            DSSE => Some(Self::Dsse { envelope: blob, annotations }),
            JWS => Some(Self::Jws(blob)),
            COSE => Some(Self::Unread("application/cose; sign with `--signature-format jws`".to_owned())),
            bundle if is_bundle(bundle) => Some(Self::Bundle(blob)),
            _ => None,
        }
    }
}

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const DSSE: &str = "application/vnd.dsse.envelope.v1+json";
const JWS: &str = "application/jose+json";
const COSE: &str = "application/cose";

/// Whether a layer of this media type signs or attests something.
#[must_use]
pub fn is_evidence(media_type: &str) -> bool {
    matches!(media_type, SIMPLE_SIGNING | DSSE | JWS | COSE) || is_bundle(media_type)
}

fn is_bundle(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}
