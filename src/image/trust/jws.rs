//! Notation's signature envelope: JWS in the JSON form of the Notary Project.

use super::chain::Leaf;
use super::key::Kind;
use aws_lc_rs::signature::{self as sig, UnparsedPublicKey, VerificationAlgorithm};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::borrow::Cow;

#[derive(Debug, Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
    #[serde(borrow)]
    protected: Cow<'a, str>,
    #[serde(borrow)]
    header: Unprotected<'a>,
    #[serde(borrow)]
    signature: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Unprotected<'a> {
    #[serde(borrow)]
    x5c: Vec<Cow<'a, str>>,
    #[serde(rename = "io.cncf.notary.timestampSignature", borrow)]
    timestamp: Option<Cow<'a, str>>,
}

/// Headers that the signer signed.
#[derive(Debug, Deserialize)]
struct Protected {
    alg: String,
    cty: String,
    #[serde(default)]
    crit: Vec<String>,
    #[serde(rename = "io.cncf.notary.signingScheme")]
    scheme: String,
    #[serde(rename = "io.cncf.notary.expiry")]
    expiry: Option<Timestamp>,
    #[serde(rename = "io.cncf.notary.signingTime")]
    signing_time: Option<Timestamp>,
    #[serde(rename = "io.cncf.notary.authenticSigningTime")]
    authentic_signing_time: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    target_artifact: Artifact,
}

#[derive(Debug, Deserialize)]
struct Artifact {
    digest: String,
}

/// Who vouches for the time of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// The signer claims a time; a time stamp proves it.
    X509,
    /// A signing service that vouches for the time.
    SigningAuthority,
}

/// An envelope whose form is right. Nothing in it is verified yet.
#[derive(Debug)]
pub struct Envelope {
    signed: String,
    pub signature: Vec<u8>,
    /// The signer's certificate first, DER.
    pub chain: Vec<Vec<u8>>,
    pub timestamp: Option<Vec<u8>>,
    pub scheme: Scheme,
    algorithm: String,
    pub expiry: Option<Timestamp>,
    /// The time that the signing service vouches for.
    pub authentic_time: Option<Timestamp>,
    /// The digest of the manifest that was signed.
    pub digest: String,
}

const PAYLOAD: &str = "application/vnd.cncf.notary.payload.v1+json";
const CRITICAL_SCHEME: &str = "io.cncf.notary.signingScheme";
const CRITICAL_EXPIRY: &str = "io.cncf.notary.expiry";
const CRITICAL_TIME: &str = "io.cncf.notary.authenticSigningTime";
const PLUGIN: &str = "io.cncf.notary.verificationPlugin";
/// How many certificates a chain may have.
const LONGEST_CHAIN: usize = 10;

/// Reads an envelope.
///
/// # Errors
/// What is wrong with its form.
pub fn read(bytes: &[u8]) -> Result<Envelope, String> {
    let wire: Wire<'_> = serde_json::from_slice(bytes).map_err(|_| "it is no JWS envelope of notation")?;
    let decoded = |text: &str, what: &str| {
        URL_SAFE_NO_PAD.decode(text.as_bytes()).map_err(|_| format!("its {what} is no base64"))
    };
    let headers = decoded(&wire.protected, "protected header")?;
    let all: Map<String, Value> = serde_json::from_slice(&headers).map_err(|_| "its protected header is no JSON")?;
    let protected: Protected =
        serde_json::from_slice(&headers).map_err(|error| format!("its protected header is wrong: {error}"))?;
    if protected.cty != PAYLOAD {
        return Err(format!("it signs a `{}`, not `{PAYLOAD}`", crate::text::clean(&protected.cty, 80)));
    }
    let scheme = scheme(&protected, &all)?;
    let payload: Payload = serde_json::from_slice(&decoded(&wire.payload, "payload")?)
        .map_err(|_| "its payload names no artifact".to_owned())?;
    if wire.header.x5c.is_empty() || wire.header.x5c.len() > LONGEST_CHAIN {
        return Err(format!("it has {} certificates; 1 to {LONGEST_CHAIN} are accepted", wire.header.x5c.len()));
    }
    let standard = |text: &Cow<'_, str>| STANDARD.decode(text.as_bytes()).ok();
    let chain: Option<Vec<Vec<u8>>> = wire.header.x5c.iter().map(standard).collect();
    Ok(Envelope {
        signed: format!("{}.{}", wire.protected, wire.payload),
        signature: decoded(&wire.signature, "signature")?,
        chain: chain.ok_or("a certificate of it is no base64")?,
        timestamp: match &wire.header.timestamp {
            Some(text) => Some(standard(text).ok_or("its time stamp is no base64")?),
            None => None,
        },
        scheme,
        algorithm: protected.alg,
        expiry: protected.expiry,
        authentic_time: protected.authentic_signing_time,
        digest: payload.target_artifact.digest,
    })
}

/// Checks the headers against their scheme. What a header marks as critical must be known here.
fn scheme(protected: &Protected, all: &Map<String, Value>) -> Result<Scheme, String> {
    let critical = |name: &str| protected.crit.iter().any(|known| known == name);
    let scheme = match protected.scheme.as_str() {
        "notary.x509" if protected.authentic_signing_time.is_none() => Scheme::X509,
        "notary.x509.signingAuthority"
            if protected.signing_time.is_none()
                && protected.authentic_signing_time.is_some()
                && critical(CRITICAL_TIME) =>
        {
            Scheme::SigningAuthority
        }
        "notary.x509" | "notary.x509.signingAuthority" => {
            return Err(format!("its headers do not fit the signing scheme `{}`", protected.scheme));
        }
        other => return Err(format!("its signing scheme `{}` is not known", crate::text::clean(other, 60))),
    };
    if !critical(CRITICAL_SCHEME) || (protected.expiry.is_some() && !critical(CRITICAL_EXPIRY)) {
        return Err("it does not mark scheme and expiry as critical".to_owned());
    }
    for name in &protected.crit {
        if !all.contains_key(name) {
            return Err(format!("its critical header `{}` is missing", crate::text::clean(name, 60)));
        }
        if name.starts_with(PLUGIN) {
            return Err("it needs a verification plugin of notation, and there is none here".to_owned());
        }
        if ![CRITICAL_SCHEME, CRITICAL_EXPIRY, CRITICAL_TIME].contains(&name.as_str()) {
            return Err(format!("its critical header `{}` is not known here", crate::text::clean(name, 60)));
        }
    }
    Ok(scheme)
}

impl Envelope {
    /// Checks the signature by the key of the certificate. The key decides the algorithm, and the header must name the same one.
    ///
    /// # Errors
    /// Why the signature is not by this key.
    pub fn check_signature(&self, leaf: &Leaf<'_>) -> Result<(), String> {
        let (name, algorithm): (&str, &'static dyn VerificationAlgorithm) = match leaf.kind {
            Kind::Rsa(2048) => ("PS256", &sig::RSA_PSS_2048_8192_SHA256),
            Kind::Rsa(3072) => ("PS384", &sig::RSA_PSS_2048_8192_SHA384),
            Kind::Rsa(4096) => ("PS512", &sig::RSA_PSS_2048_8192_SHA512),
            Kind::P256 => ("ES256", &sig::ECDSA_P256_SHA256_FIXED),
            Kind::P384 => ("ES384", &sig::ECDSA_P384_SHA384_FIXED),
            Kind::P521 => ("ES512", &sig::ECDSA_P521_SHA512_FIXED),
            Kind::Rsa(_) | Kind::Ed25519 => {
                return Err(
                    "the key of its certificate is of a kind or size that the Notary Project does not allow".to_owned()
                );
            }
        };
        if self.algorithm != name {
            let named = crate::text::clean(&self.algorithm, 20);
            return Err(format!("it names the algorithm `{named}`, and its key needs {name}"));
        }
        UnparsedPublicKey::new(algorithm, &leaf.key)
            .verify(self.signed.as_bytes(), &self.signature)
            .map_err(|_| "its signature does not fit its certificate".to_owned())
    }
}
