//! Signatures by an identity that a Sigstore instance certifies. sigstore-verify checks certificate, log and time stamps; issuer and
//! identity are judged here, since it knows exact ones alone.

use super::document::Log;
use super::evidence::Annotations;
use super::glob::Glob;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::types::{Artifact, Bundle, DerPublicKey, LogKeyId, Sha256Hash};
use sigstore_verify::{PublicKeyVerificationPolicy, VerificationPolicy, Verifier};

/// A Sigstore instance.
pub struct Instance {
    verifier: Verifier,
    /// Its certificates carry a promise of a certificate log.
    pub has_certificate_log: bool,
    pub has_log: bool,
    /// Its transparency logs.
    logs: Vec<LogKeyId>,
}

impl std::fmt::Debug for Instance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Instance")
    }
}

impl Instance {
    /// Reads a `trusted_root.json`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let root = TrustedRoot::from_json(text).map_err(|error| format!("is no Sigstore trusted root: {error}"))?;
        let (has_log, has_certificate_log) = (!root.tlogs.is_empty(), !root.ctlogs.is_empty());
        let verifier =
            Verifier::new(&root).map_err(|error| format!("is a trusted root that cannot be used: {error}"))?;
        let logs = root.tlogs.into_iter().map(|log| log.log_id.key_id).collect();
        Ok(Self { verifier, has_certificate_log, has_log, logs })
    }

    /// Leaves out entries of logs that the root does not name: they prove nothing. A time stamp next to them does.
    fn forget_other_logs(&self, bundle: &mut Bundle) {
        bundle.verification_material.tlog_entries.retain(|entry| self.logs.contains(&entry.log_id.key_id));
    }

    /// The time that the instance proves for a bundle that a key signed.
    ///
    /// # Errors
    /// Why it proves none.
    pub fn time_of_bundle(&self, bundle: &str, digest: &str, spki: &[u8]) -> Result<Option<Timestamp>, String> {
        let mut bundle = Bundle::from_json(bundle).map_err(|error| error.to_string())?;
        self.forget_other_logs(&mut bundle);
        self.time(&bundle, sha256(digest)?.into(), spki)
    }

    /// The time that the instance proves for a payload of cosign's older format that a key signed.
    ///
    /// # Errors
    /// Why it proves none.
    pub fn time_of_payload(
        &self,
        payload: &[u8],
        annotations: &Annotations,
        spki: &[u8],
    ) -> Result<Option<Timestamp>, String> {
        let bundle = bundle_of(payload, annotations, ("publicKey", json!({"hint": ""})))?;
        self.time(&bundle, payload.into(), spki)
    }

    fn time(&self, bundle: &Bundle, artifact: Artifact<'_>, spki: &[u8]) -> Result<Option<Timestamp>, String> {
        let mut policy = PublicKeyVerificationPolicy::new(DerPublicKey::from(spki.to_vec()));
        if !bundle.has_inclusion_promise() && !bundle.has_inclusion_proof() {
            policy = policy.skip_tlog_unsafe();
        }
        let result = self.verifier.verify(artifact, bundle, &policy).map_err(|error| error.to_string())?;
        Ok(result.verified_timestamps().iter().min().copied())
    }
}

/// The identities that one authority accepts.
#[derive(Debug)]
pub struct KeylessAuthority {
    pub instance: Instance,
    pub issuer: Glob,
    pub subject: Glob,
    pub log: Log,
}

/// A valid signature.
#[derive(Debug)]
pub struct Accepted {
    pub identity: String,
    pub proved_at: Option<Timestamp>,
}

impl KeylessAuthority {
    /// Checks a bundle with a statement about this digest.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check_bundle(&self, bundle: &str, digest: &str) -> Result<Accepted, String> {
        let mut bundle = Bundle::from_json(bundle).map_err(|error| format!("it is no bundle: {error}"))?;
        if self.log == Log::Optional {
            self.instance.forget_other_logs(&mut bundle);
        }
        self.check(&bundle, sha256(digest)?.into(), self.log)
    }

    /// Checks a payload of cosign's older format. Its log entry is a promise without a proof, which is all that the format has.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check_payload(&self, payload: &[u8], annotations: &Annotations) -> Result<Accepted, String> {
        let signer = ("x509CertificateChain", json!({"certificates": certificates(annotations)?}));
        let bundle = bundle_of(payload, annotations, signer)?;
        // The promise is checked with the time that it proves, and the entry must describe this signature.
        self.check(&bundle, payload.into(), Log::Optional)
    }

    fn check(&self, bundle: &Bundle, artifact: Artifact<'_>, log: Log) -> Result<Accepted, String> {
        let mut policy = VerificationPolicy::any_identity();
        if log == Log::Optional {
            policy = policy.skip_tlog_unsafe();
        }
        if !self.instance.has_certificate_log {
            policy = policy.skip_sct();
        }
        let result =
            self.instance.verifier.verify(artifact, bundle, &policy).map_err(|error| refusal(&error.to_string()))?;
        let issuer = result.issuer().unwrap_or_default();
        let identity = result.identity().map(|identity| identity.as_str().to_owned()).unwrap_or_default();
        if !self.issuer.matches(issuer) {
            return Err(format!("its issuer is `{}`, not `{}`", crate::text::clean(issuer, 120), self.issuer));
        }
        if !self.subject.matches(&identity) {
            return Err(format!("it is signed by `{}`, not `{}`", crate::text::clean(&identity, 160), self.subject));
        }
        Ok(Accepted { identity, proved_at: result.verified_timestamps().iter().min().copied() })
    }
}

/// An error of the library, in words of this product where it has none for people.
fn refusal(error: &str) -> String {
    let known = [
        ("must have an inclusion proof", "no transparency log has it, and `log: required` asks for one"),
        ("CertExpired", "its certificate had expired at the time that is proved for it"),
        ("CertNotValidYet", "its certificate was not valid yet at the time that is proved for it"),
    ];
    let found = known.iter().find(|(part, _)| error.contains(part));
    found.map_or_else(|| crate::text::clean(error, 240), |(_, said)| (*said).to_owned())
}

fn sha256(digest: &str) -> Result<Sha256Hash, String> {
    let hex = digest.strip_prefix("sha256:").ok_or("the image has no SHA-256 digest, which this format needs")?;
    Sha256Hash::from_hex(hex).map_err(|_| "the digest of the image cannot be read".to_owned())
}

/// The promise of the log as cosign writes it down.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct LogBundle {
    signed_entry_timestamp: String,
    payload: LogPayload,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LogPayload {
    body: String,
    integrated_time: i64,
    log_index: i64,
    #[serde(rename = "logID")]
    log_id: String,
}

/// The certificates of cosign's older format, as a bundle has them.
fn certificates(annotations: &Annotations) -> Result<Value, String> {
    let certificate = annotations.certificate.as_deref().ok_or("it has no certificate, so no identity signed it")?;
    let mut chain = super::pem::certificates(certificate)?;
    if let Some(more) = &annotations.chain {
        chain.extend(super::pem::certificates(more)?);
    }
    Ok(chain.iter().map(|der| json!({"rawBytes": base64(der)})).collect())
}

/// Makes a bundle of cosign's older format. `signer` is the key and the value that name the signer in it.
fn bundle_of(payload: &[u8], annotations: &Annotations, signer: (&str, Value)) -> Result<Bundle, String> {
    let signature = annotations.signature.as_deref().ok_or("it has no signature in its annotations")?;
    let log = annotations.log.as_deref().ok_or("no transparency log promises its time")?;
    let log: LogBundle = serde_json::from_str(log).map_err(|_| "the promise of its transparency log cannot be read")?;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, payload);
    let key_id = super::key::unhex(&log.payload.log_id).ok_or("the id of its transparency log cannot be read")?;
    let bundle = json!({
        "mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.1",
        "verificationMaterial": {
            signer.0: signer.1,
            "tlogEntries": [{
                "logIndex": log.payload.log_index.to_string(),
                "logId": {"keyId": base64(&key_id)},
                "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
                "integratedTime": log.payload.integrated_time.to_string(),
                "inclusionPromise": {"signedEntryTimestamp": log.signed_entry_timestamp},
                "canonicalizedBody": log.payload.body,
            }],
        },
        "messageSignature": {
            "messageDigest": {"algorithm": "SHA2_256", "digest": base64(digest.as_ref())},
            "signature": signature,
        },
    });
    Bundle::from_json(&bundle.to_string()).map_err(|error| format!("it cannot be read: {error}"))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
