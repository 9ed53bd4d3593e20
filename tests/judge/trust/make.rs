//! Makes signatures.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use podreeve::image::trust::{Annotations, Content, Evidence, Source, Target, Trust, TrustDocument, Verdict, verify};
use podreeve::workload::image::ImageRef;
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use serde_json::{Value, json};

pub const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
pub const REPOSITORY: &str = "registry.example.com/shop/web";

pub fn now() -> Timestamp {
    "2026-11-27T12:00:00Z".parse().unwrap()
}

pub fn key() -> KeyPair {
    KeyPair::generate().unwrap()
}

pub fn digest_of(text: &str) -> String {
    format!("sha256:{}", hex(digest(&SHA256, text.as_bytes()).as_ref()))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A document with one entry for the shop, with these authorities and whatever else.
pub fn document(any_of: Value, more: Value) -> TrustDocument {
    let mut entry = json!({"prefix": "registry.example.com/shop", "anyOf": any_of});
    entry.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    serde_json::from_value(json!({"trust": [entry]})).unwrap()
}

pub fn compile(document: &TrustDocument) -> Trust {
    Trust::compile(document, &|_: &Source| Err("there is nothing".to_owned())).unwrap()
}

pub fn trust(any_of: Value, more: Value) -> Trust {
    compile(&document(any_of, more))
}

/// An authority that has this key.
pub fn by_key(key: &KeyPair) -> Value {
    json!({"cosignKey": {"pem": key.public_key_pem()}})
}

pub fn trusting(key: &KeyPair) -> Trust {
    trust(json!([by_key(key)]), json!({}))
}

/// Judges evidence of one image.
pub fn judge(trust: &Trust, image: &ImageRef<'_>, digest: &str, evidence: &[Evidence]) -> Verdict {
    verify(trust, Target { image, digest, leaves: &[] }, evidence, now()).expect("an entry covers the image")
}

/// Whether the evidence signs this digest of the image.
pub fn passes(trust: &Trust, image: &str, digest: &str, evidence: &[Evidence]) -> bool {
    judge(trust, &ImageRef::parse(image), digest, evidence).is_signed()
}

/// Why it does not.
pub fn refusal(trust: &Trust, digest: &str, evidence: &[Evidence]) -> String {
    let image = ImageRef::parse(REPOSITORY);
    let problems = judge(trust, &image, digest, evidence).signature_problems();
    problems.first().map(|problem| problem.found.clone()).unwrap_or_default()
}

pub fn evidence(subject: &str, content: Content) -> Evidence {
    Evidence { subject: subject.to_owned(), name: digest_of("evidence"), content }
}

pub fn statement(digest: &str, predicate_type: &str, predicate: &Value) -> Vec<u8> {
    let hex = digest.strip_prefix("sha256:").unwrap();
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": hex}}],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
    .to_string()
    .into_bytes()
}

pub fn pae(payload: &[u8]) -> Vec<u8> {
    let kind = "application/vnd.in-toto+json";
    let mut out = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

pub fn envelope(payload: &[u8], signature: &[u8]) -> Value {
    json!({
        "payload": base64(payload),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"sig": base64(signature)}],
    })
}

/// A bundle as `cosign sign --key` and `cosign attest --key` make it.
pub fn bundle(key: &KeyPair, digest: &str, predicate_type: &str, predicate: &Value) -> Evidence {
    let payload = statement(digest, predicate_type, predicate);
    let envelope = envelope(&payload, &key.sign(&pae(&payload)).unwrap());
    evidence(digest, Content::Bundle(bundle_json(&json!({"publicKey": {"hint": "x"}}), "dsseEnvelope", &envelope)))
}

pub fn bundle_json(material: &Value, kind: &str, content: &Value) -> Vec<u8> {
    json!({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": material,
        kind: content,
    })
    .to_string()
    .into_bytes()
}

pub fn signed(key: &KeyPair, digest: &str) -> Evidence {
    bundle(key, digest, SIGN, &json!({}))
}

pub fn simple_payload(reference: &str, digest: &str) -> Vec<u8> {
    json!({
        "critical": {
            "identity": {"docker-reference": reference},
            "image": {"docker-manifest-digest": digest},
            "type": "cosign container image signature",
        },
        "optional": null,
    })
    .to_string()
    .into_bytes()
}

/// A `.sig` payload as cosign 1 and 2 make it.
pub fn legacy(key: &KeyPair, reference: &str, digest: &str) -> Evidence {
    let payload = simple_payload(reference, digest);
    let signature = Some(base64(&key.sign(&payload).unwrap()));
    evidence(
        digest,
        Content::SimpleSigning { payload, annotations: Annotations { signature, ..Annotations::default() } },
    )
}

/// A public key as a SubjectPublicKeyInfo.
pub fn spki(key: &KeyPair) -> Vec<u8> {
    key.subject_public_key_info()
}
