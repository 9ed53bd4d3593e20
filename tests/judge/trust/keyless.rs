//! Keyless signatures, with a Sigstore instance made here: a CA, and a transparency log with one entry.

use super::make::*;
use aws_lc_rs::digest::{SHA256, digest as hash};
use podreeve::image::trust::{Annotations, Content, Evidence, Trust};
use podreeve::workload::image::ImageRef;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType, SigningKey, date_time_ymd,
};
use serde_json::{Value, json};

const ISSUER: &str = "https://token.example.com";
const SUBJECT: &str = "https://git.example.com/shop/web/.ci/release.yaml@refs/heads/main";
/// 2026-11-20T00:00:00Z, in the middle of the certificate's short life.
const INTEGRATED: i64 = 1_795_132_800;

struct Instance {
    ca: CertificateParams,
    ca_key: KeyPair,
    ca_der: Vec<u8>,
    log: KeyPair,
}

impl Instance {
    fn new() -> Self {
        let ca_key = key();
        let mut ca = CertificateParams::default();
        ca.distinguished_name = DistinguishedName::new();
        ca.distinguished_name.push(DnType::CommonName, "fulcio");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca_der = ca.self_signed(&ca_key).unwrap().der().to_vec();
        Self { ca, ca_key, ca_der, log: key() }
    }

    fn log_id(&self) -> Vec<u8> {
        hash(&SHA256, &spki(&self.log)).as_ref().to_vec()
    }

    fn root(&self, with_log: bool) -> String {
        let log = json!({
            "baseUrl": "https://log.example.com",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {"rawBytes": base64(&spki(&self.log)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": {"start": "2025-01-01T00:00:00Z"}},
            "logId": {"keyId": base64(&self.log_id())},
        });
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "certificateAuthorities": [{
                "subject": {"organization": "example", "commonName": "fulcio"},
                "uri": "https://fulcio.example.com",
                "certChain": {"certificates": [{"rawBytes": base64(&self.ca_der)}]},
                "validFor": {"start": "2020-01-01T00:00:00Z"},
            }],
            "tlogs": if with_log { json!([log]) } else { json!([]) },
            "ctlogs": [],
            "timestampAuthorities": [],
        })
        .to_string()
    }

    /// The same with a certificate log.
    fn root_with_certificate_log(&self) -> String {
        let mut root: Value = serde_json::from_str(&self.root(true)).unwrap();
        root["ctlogs"] = root["tlogs"].clone();
        root.to_string()
    }

    fn trust(&self, issuer: &str, subject: &str, log: &str) -> Trust {
        let root = json!({"pem": self.root(true)});
        let keyless = json!({"root": root, "issuer": issuer, "subject": subject, "log": log, "ctLog": "optional"});
        trust(json!([{"keyless": keyless}]), json!({}))
    }

    /// A key with its certificate, as Fulcio gives them out.
    fn identity(&self) -> (KeyPair, Vec<u8>, String) {
        let key = key();
        let mut leaf = CertificateParams::default();
        leaf.distinguished_name = DistinguishedName::new();
        leaf.subject_alt_names = vec![SanType::URI(SUBJECT.try_into().unwrap())];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        let mut text = vec![0x0c, u8::try_from(ISSUER.len()).unwrap()];
        text.extend_from_slice(ISSUER.as_bytes());
        leaf.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 57264, 1, 8], text)];
        leaf.not_before = date_time_ymd(2026, 11, 19);
        leaf.not_after = date_time_ymd(2026, 11, 21);
        let issuer = Issuer::new(self.ca.clone(), key_copy(&self.ca_key));
        let certificate = leaf.signed_by(&key, &issuer).unwrap();
        (key, certificate.der().to_vec(), certificate.pem())
    }

    /// The promise of the log, its proof, and the entry as a bundle has it.
    fn entry(&self, kind: &str, body: &Value, time: i64) -> (String, Value) {
        let body = body.to_string();
        let payload = format!(
            r#"{{"body":"{}","integratedTime":{time},"logID":"{}","logIndex":0}}"#,
            base64(body.as_bytes()),
            hex(&self.log_id())
        );
        let promise = base64(&self.log.sign(payload.as_bytes()).unwrap());
        let leaf = hash(&SHA256, &[&[0], body.as_bytes()].concat());
        let note = format!("log.example.com - 1\n1\n{}\n", base64(leaf.as_ref()));
        let signature = [&self.log_id()[..4], &self.log.sign(note.as_bytes()).unwrap()].concat();
        let entry = json!({
            "logIndex": "0",
            "logId": {"keyId": base64(&self.log_id())},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": time.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": promise},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": base64(leaf.as_ref()),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": format!("{note}\n\u{2014} log.example.com {}\n", base64(&signature))},
            },
            "canonicalizedBody": base64(body.as_bytes()),
        });
        (promise, entry)
    }

    /// A bundle as `cosign sign` makes it.
    fn bundle(&self, digest: &str, predicate_type: &str, change: impl Fn(&mut Value)) -> Evidence {
        let (key, der, pem) = self.identity();
        let payload = statement(digest, predicate_type, &json!({}));
        let signature = key.sign(&pae(&payload)).unwrap();
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": {"algorithm": "sha256", "value": hex(hash(&SHA256, b"any").as_ref())},
                "payloadHash": {"algorithm": "sha256", "value": hex(hash(&SHA256, &payload).as_ref())},
                "signatures": [{"signature": base64(&signature), "verifier": base64(pem.as_bytes())}],
            },
        });
        let (_, entry) = self.entry("dsse", &body, INTEGRATED);
        let mut material = json!({"certificate": {"rawBytes": base64(&der)}, "tlogEntries": [entry]});
        change(&mut material);
        evidence(digest, Content::Bundle(bundle_json(&material, "dsseEnvelope", &envelope(&payload, &signature))))
    }

    /// A `.sig` payload with the annotations of cosign 1 and 2.
    fn legacy(&self, reference: &str, digest: &str, time: i64) -> Evidence {
        let (key, _, pem) = self.identity();
        let payload = simple_payload(reference, digest);
        let signature = base64(&key.sign(&payload).unwrap());
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": hex(hash(&SHA256, &payload).as_ref())}},
                "signature": {"content": signature, "publicKey": {"content": base64(pem.as_bytes())}},
            },
        });
        let (promise, _) = self.entry("hashedrekord", &body, time);
        let log = json!({
            "SignedEntryTimestamp": promise,
            "Payload": {"body": base64(body.to_string().as_bytes()), "integratedTime": time, "logIndex": 0, "logID": hex(&self.log_id())},
        });
        let annotations =
            Annotations { signature: Some(signature), certificate: Some(pem), chain: None, log: Some(log.to_string()) };
        evidence(digest, Content::SimpleSigning { payload, annotations })
    }
}

/// A trusted root with both kinds of logs.
pub fn trusted_root() -> String {
    Instance::new().root_with_certificate_log()
}

fn key_copy(key: &KeyPair) -> KeyPair {
    KeyPair::try_from(key.serialize_der()).unwrap()
}

#[test]
fn an_identity_that_the_instance_certified_passes() {
    let (instance, digest) = (Instance::new(), digest_of("image"));
    let exact = instance.trust(ISSUER, SUBJECT, "required");
    let pattern = instance.trust("https://token.*", "https://git.example.com/shop/*", "required");
    for trust in [&exact, &pattern] {
        for one in [instance.bundle(&digest, SIGN, |_| ()), instance.legacy(REPOSITORY, &digest, INTEGRATED)] {
            assert_eq!(refusal(trust, &digest, std::slice::from_ref(&one)), "");
            let image = ImageRef::parse(REPOSITORY);
            let signature = judge(trust, &image, &digest, &[one]).signatures.remove(0);
            assert_eq!(signature.signer, SUBJECT);
            assert_eq!(signature.proved_at.map(jiff::Timestamp::as_second), Some(INTEGRATED));
        }
    }
}

#[test]
fn another_identity_issuer_or_instance_does_not() {
    let (instance, digest) = (Instance::new(), digest_of("image"));
    let evidence = || [instance.bundle(&digest, SIGN, |_| ()), instance.legacy(REPOSITORY, &digest, INTEGRATED)];
    for (issuer, subject, why) in [
        (ISSUER, "https://git.example.com/other/*", "it is signed by `https://git.example.com/shop/web"),
        ("https://token.evil.example", SUBJECT, "its issuer is `https://token.example.com`"),
    ] {
        for one in evidence() {
            let said = refusal(&instance.trust(issuer, subject, "required"), &digest, &[one]);
            assert!(said.contains(why) && said.contains("keyless "), "{said}");
        }
    }
    let other = Instance::new().trust(ISSUER, SUBJECT, "required");
    assert!(evidence().iter().all(|one| !passes(&other, REPOSITORY, &digest, std::slice::from_ref(one))));
}

#[test]
fn the_log_must_have_it_at_the_right_time() {
    let (instance, digest) = (Instance::new(), digest_of("image"));
    let (required, optional) =
        (instance.trust(ISSUER, SUBJECT, "required"), instance.trust(ISSUER, SUBJECT, "optional"));
    let without_proof = instance.bundle(&digest, SIGN, |material| {
        material["tlogEntries"][0].as_object_mut().unwrap().remove("inclusionProof");
    });
    assert!(!passes(&required, REPOSITORY, &digest, std::slice::from_ref(&without_proof)));
    assert!(passes(&optional, REPOSITORY, &digest, &[without_proof]));
    let without_entry = instance.bundle(&digest, SIGN, |material| material["tlogEntries"] = json!([]));
    for trust in [&required, &optional] {
        assert!(!passes(trust, REPOSITORY, &digest, std::slice::from_ref(&without_entry)));
    }
    let other_time =
        instance.bundle(&digest, SIGN, |material| material["tlogEntries"][0]["integratedTime"] = json!("1795132801"));
    let after_expiry = instance.legacy(REPOSITORY, &digest, INTEGRATED + 2 * 86_400);
    for one in [other_time, after_expiry] {
        assert!(!passes(&optional, REPOSITORY, &digest, std::slice::from_ref(&one)));
    }
    let keyless = json!({"root": {"pem": instance.root(false)}, "issuer": ISSUER, "subject": SUBJECT});
    let refused =
        Trust::compile(&document(json!([{"keyless": keyless}]), json!({})), &|_| Err(String::new())).unwrap_err();
    assert!(refused[0].message.contains("names no transparency log"), "{refused:?}");
}

#[test]
fn an_attestation_or_another_image_is_no_signature() {
    let (instance, digest) = (Instance::new(), digest_of("image"));
    let trust = instance.trust(ISSUER, SUBJECT, "required");
    let image = ImageRef::parse(REPOSITORY);
    let attested = [instance.bundle(&digest, "https://slsa.dev/provenance/v1", |_| ())];
    let verdict = judge(&trust, &image, &digest, &attested);
    assert!(!verdict.is_signed());
    assert_eq!(verdict.attested.len(), 1);
    assert!(!passes(
        &trust,
        REPOSITORY,
        &digest,
        &[instance.legacy("registry.example.com/shop/other", &digest, INTEGRATED)]
    ));
    let mut moved = instance.bundle(&digest_of("other"), SIGN, |_| ());
    moved.subject.clone_from(&digest);
    assert!(!passes(&trust, REPOSITORY, &digest, &[moved]));
}

#[test]
fn the_log_proves_when_a_key_signed() {
    let (instance, digest, key) = (Instance::new(), digest_of("image"), key());
    let payload = simple_payload(REPOSITORY, &digest);
    let signature = base64(&key.sign(&payload).unwrap());
    let body = json!({
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {
            "data": {"hash": {"algorithm": "sha256", "value": hex(hash(&SHA256, &payload).as_ref())}},
            "signature": {"content": signature, "publicKey": {"content": base64(key.public_key_pem().as_bytes())}},
        },
    });
    let (promise, _) = instance.entry("hashedrekord", &body, INTEGRATED);
    let log = json!({
        "SignedEntryTimestamp": promise,
        "Payload": {"body": base64(body.to_string().as_bytes()), "integratedTime": INTEGRATED, "logIndex": 0, "logID": hex(&instance.log_id())},
    });
    let annotations = Annotations { signature: Some(signature), log: Some(log.to_string()), ..Annotations::default() };
    let signed = [evidence(&digest, Content::SimpleSigning { payload, annotations })];
    let image = ImageRef::parse(REPOSITORY);
    let found = |root: Value, age: &str| {
        let mut authority = by_key(&key);
        authority["cosignKey"].as_object_mut().unwrap().extend(root.as_object().cloned().unwrap());
        let trust = trust(json!([authority]), json!({"maxSignatureAge": age}));
        let verdict = judge(&trust, &image, &digest, &signed);
        assert!(verdict.is_signed());
        verdict.freshness_problems(now(), None).into_iter().map(|problem| problem.found).collect::<Vec<_>>()
    };
    let root = json!({"root": {"pem": instance.root(true)}});
    assert!(found(root.clone(), "8d").is_empty());
    assert_eq!(found(root, "7d"), ["the newest signature is of 2026-11-20"]);
    assert_eq!(found(json!({}), "7d"), ["no time stamp and no transparency log proves when it was signed"]);
}

#[test]
fn a_root_without_a_certificate_log_is_no_silent_exception() {
    let (instance, digest) = (Instance::new(), digest_of("image"));
    let load = |root: String, more: Value| {
        let mut keyless = json!({"root": {"pem": root}, "issuer": ISSUER, "subject": SUBJECT});
        keyless.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        Trust::compile(&document(json!([{"keyless": keyless}]), json!({})), &|_| Err(String::new()))
    };
    for more in [json!({}), json!({"log": "optional", "ctLog": "required"})] {
        let refused = load(instance.root(true), more).unwrap_err();
        assert!(refused[0].at.ends_with("keyless.root"), "{refused:?}");
        assert!(refused[0].message.contains("names no certificate log (`ctlogs`)"), "{refused:?}");
    }
    for more in [json!({"ctLog": "optional"}), json!({"log": "optional"})] {
        let trust = load(instance.root(true), more).unwrap();
        let signed = [instance.bundle(&digest, SIGN, |_| ())];
        assert!(passes(&trust, REPOSITORY, &digest, &signed));
        let said = refusal(&trust, &digest, &[]);
        assert!(said.contains("(no certificate log)"), "{said}");
    }
    // A root that names one needs its promise, whatever the document says.
    for more in [json!({}), json!({"ctLog": "optional"}), json!({"log": "optional"})] {
        let trust = load(instance.root_with_certificate_log(), more).unwrap();
        assert!(!passes(&trust, REPOSITORY, &digest, &[instance.bundle(&digest, SIGN, |_| ())]));
    }
}
