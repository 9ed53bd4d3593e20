//! Sigstore bundles, as far as a key needs them. Certificates, logs and time stamps in them are sigstore-verify's work.

use super::dsse::{Envelope, base64};
use super::key::PublicKey;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::borrow::Cow;

/// A bundle: exactly one of the two kinds of content.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle<'a> {
    #[serde(borrow)]
    media_type: Cow<'a, str>,
    verification_material: Material,
    #[serde(borrow)]
    pub dsse_envelope: Option<Envelope<'a>>,
    #[serde(borrow)]
    pub message_signature: Option<MessageSignature<'a>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Material {
    certificate: Option<IgnoredAny>,
    x509_certificate_chain: Option<IgnoredAny>,
}

/// A signature of the manifest's own bytes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageSignature<'a> {
    #[serde(borrow)]
    signature: Cow<'a, str>,
}

impl Bundle<'_> {
    /// Reads a bundle.
    ///
    /// # Errors
    /// What is wrong with its form.
    pub fn read(bytes: &[u8]) -> Result<Bundle<'_>, String> {
        let bundle: Bundle<'_> = serde_json::from_slice(bytes).map_err(|_| "it is no Sigstore bundle")?;
        if !bundle.media_type.starts_with("application/vnd.dev.sigstore.bundle") {
            return Err(format!("it is a `{}`, no Sigstore bundle", crate::text::clean(&bundle.media_type, 80)));
        }
        if bundle.dsse_envelope.is_some() == bundle.message_signature.is_some() {
            return Err("it must hold a DSSE envelope or a message signature, and only one of them".to_owned());
        }
        Ok(bundle)
    }

    /// Whether a certificate names the signer, and not a key that the reader has.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.verification_material.certificate.is_some() || self.verification_material.x509_certificate_chain.is_some()
    }
}

impl MessageSignature<'_> {
    /// Whether the key signed the manifest with this digest.
    #[must_use]
    pub fn is_by(&self, key: &PublicKey, digest: &str) -> bool {
        let hash = digest.strip_prefix("sha256:").and_then(super::key::unhex);
        let signature = base64(&self.signature);
        hash.zip(signature).is_some_and(|(hash, signature)| key.verifies_sha256(&hash, &signature))
    }
}
