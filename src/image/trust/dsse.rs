//! DSSE envelopes and the in-toto statements in them.

use super::key::PublicKey;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The payload type of in-toto statements.
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A payload and the signatures of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Envelope<'a> {
    #[serde(borrow)]
    payload: Cow<'a, str>,
    #[serde(borrow)]
    payload_type: Cow<'a, str>,
    #[serde(borrow)]
    signatures: Vec<Signature<'a>>,
}

#[derive(Debug, Deserialize)]
struct Signature<'a> {
    #[serde(borrow)]
    sig: Cow<'a, str>,
}

/// What an envelope says, before anyone has verified it.
#[derive(Debug)]
pub struct Opened {
    pub payload: Vec<u8>,
    signed: Vec<u8>,
    signatures: Vec<Vec<u8>>,
}

/// How many signatures of an envelope are looked at.
const MOST_SIGNATURES: usize = 8;

impl Envelope<'_> {
    /// Decodes the payload and the signatures.
    ///
    /// # Errors
    /// What is wrong with the envelope.
    pub fn open(&self) -> Result<Opened, String> {
        if self.payload_type != IN_TOTO {
            return Err(format!("its payload is `{}`, not `{IN_TOTO}`", crate::text::clean(&self.payload_type, 80)));
        }
        let payload = base64(&self.payload).ok_or("its payload is no base64")?;
        let mut signatures = Vec::new();
        for signature in self.signatures.iter().take(MOST_SIGNATURES) {
            signatures.push(base64(&signature.sig).ok_or("a signature in it is no base64")?);
        }
        if signatures.is_empty() {
            return Err("it has no signature".to_owned());
        }
        Ok(Opened { signed: pre_authentication_encoding(IN_TOTO, &payload), payload, signatures })
    }
}

impl Opened {
    /// Whether the key made one of the signatures.
    #[must_use]
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        self.signatures.iter().any(|signature| key.verifies(&self.signed, signature))
    }

    /// Reads the payload.
    ///
    /// # Errors
    /// What is wrong with the statement.
    pub fn statement(&self) -> Result<Statement<'_>, String> {
        let statement: Statement<'_> =
            serde_json::from_slice(&self.payload).map_err(|_| "its payload is no in-toto statement")?;
        if !matches!(&*statement.kind, "https://in-toto.io/Statement/v1" | "https://in-toto.io/Statement/v0.1") {
            return Err(format!("its payload is `{}`, no in-toto statement", crate::text::clean(&statement.kind, 80)));
        }
        Ok(statement)
    }
}

/// What DSSE signs: type and payload with their lengths, so that no other pair has the same bytes.
fn pre_authentication_encoding(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// An in-toto statement: what it is about, and what it says of it.
#[derive(Debug, Deserialize)]
pub struct Statement<'a> {
    #[serde(rename = "_type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    subject: Vec<Subject<'a>>,
    #[serde(rename = "predicateType", borrow)]
    pub predicate_type: Cow<'a, str>,
    #[serde(borrow)]
    pub predicate: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Subject<'a> {
    #[serde(borrow)]
    digest: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl Statement<'_> {
    /// Whether it is about the manifest with this digest, `sha256:…`.
    #[must_use]
    pub fn is_about(&self, digest: &str) -> bool {
        let Some((algorithm, hex)) = digest.split_once(':') else { return false };
        self.subject.iter().any(|subject| subject.digest.get(algorithm).is_some_and(|found| found == hex))
    }
}

/// Base64 as DSSE allows it: of both alphabets.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.as_bytes()).or_else(|_| URL_SAFE.decode(text.as_bytes())).ok()
}
