//! What cosign 3.1.3 and the Notary Project's library signed, verified from the folders that `cosign save` left. `make
//! image-signatures` makes tests/trust again, with keys of its own.

use super::make::{compile, now};
use jiff::Timestamp;
use podreeve::image::trust::layout::{Layout, find};
use podreeve::image::trust::{Content, ScanLimits, Source, Target, Trust, TrustDocument, verify};
use podreeve::workload::image::ImageRef;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

struct Folder(PathBuf);

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trust"))
}

impl Layout for Folder {
    fn index(&self) -> Option<Vec<u8>> {
        fs::read(self.0.join("index.json")).ok()
    }
    fn blob(&self, digest: &str, limit: usize) -> Option<Vec<u8>> {
        fs::read(self.0.join("blobs").join(digest.replace(':', "/"))).ok().filter(|blob| blob.len() <= limit)
    }
    fn small_blobs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("blobs/sha256")).expect("a layout");
        entries.map(|entry| format!("sha256:{}", entry.unwrap().file_name().to_string_lossy())).collect()
    }
}

/// A document whose sources are files beside the layouts.
fn trusting(registry: &str, authority: Value, more: Value) -> Trust {
    let mut entry = json!({"prefix": registry, "anyOf": [authority]});
    entry.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    let document: TrustDocument = serde_json::from_value(json!({"trust": [entry]})).unwrap();
    let read =
        |source: &Source| fs::read_to_string(root().join(source.file.as_deref().unwrap())).map_err(|e| e.to_string());
    Trust::compile(&document, &read).unwrap()
}

/// What is wrong with the image that this way signed, as of a day.
fn problems(way: &str, authority: Value, more: Value, at: Timestamp) -> Vec<String> {
    let name = fs::read_to_string(root().join(format!("{way}.name"))).unwrap();
    let image = ImageRef::parse(&name);
    let trust = trusting(&image.registry, authority, more);
    let digest = image.digest.as_deref().unwrap();
    let evidence = find(&Folder(root().join(way)), digest, &[]);
    let verdict = verify(&trust, Target { image: &image, digest, leaves: &[] }, &evidence, at).unwrap();
    let found = [
        verdict.signature_problems(),
        verdict.freshness_problems(at, None),
        verdict.sbom_problems(),
        verdict.vulnerability_problems(at, ScanLimits { max_age: None, max_critical: 0 }),
    ];
    found.concat().into_iter().map(|problem| problem.found).collect()
}

fn key(file: &str) -> Value {
    json!({"cosignKey": {"file": file}})
}

fn keyless(subject: &str) -> Value {
    json!({"keyless": {"root": {"file": "trusted-root.json"}, "issuer": "https://token.example.com", "subject": subject, "log": "optional"}})
}

fn notary(root: &str, more: Value) -> Value {
    let mut notary = json!({"roots": [{"file": root}], "identities": ["x509.subject: C=DE, ST=BE, O=Example"]});
    notary.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    json!({"notary": notary})
}

const NO_SBOM: &str = "no SBOM (CycloneDX or SPDX) that one of the authorities signed";

#[test]
fn cosign_with_a_key() {
    let require = json!({"require": [
        {"predicate": "cyclonedx"}, {"predicate": "spdx"}, {"predicate": "vuln", "maxCritical": 0},
        {"predicate": "openvex"}, {"predicate": "slsaprovenance", "builder": "https://ci.example.com/*"},
    ]});
    assert!(problems("bundle", key("cosign.pub"), require.clone(), now()).is_empty());
    assert_eq!(problems("bundle", key("other.pub"), require, now()).len(), 6);
    assert!(problems("legacy", key("cosign.pub"), json!({}), now()).is_empty());
    let said = problems("legacy", key("other.pub"), json!({}), now());
    assert!(said[0].contains("it is signed by another key") && said[1] == NO_SBOM, "{said:?}");
}

#[test]
fn cosign_with_an_identity_and_a_time_stamp() {
    let fresh = json!({"maxSignatureAge": "7d"});
    let later: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(problems("keyless", keyless("https://git.example.com/shop/*"), fresh.clone(), now()), [NO_SBOM]);
    // The certificate lived two hours; the time stamp proves that it signed then.
    let said = problems("keyless", keyless("https://git.example.com/shop/*"), fresh, later);
    assert_eq!(said[0], "the newest signature is of 2026-11-27");
    let said = problems("keyless", keyless("https://git.example.com/other/*"), json!({}), now());
    assert!(said[0].contains("it is signed by `https://git.example.com/shop/web"), "{said:?}");
}

#[test]
fn an_entry_of_a_log_that_the_root_does_not_name_does_no_harm_to_a_time_stamp() {
    let image = fs::read_to_string(root().join("keyless.name")).unwrap();
    let image = ImageRef::parse(&image);
    let trust = trusting(&image.registry, keyless("https://git.example.com/shop/*"), json!({}));
    let digest = image.digest.as_deref().unwrap();
    let signed_with = |keep_time: bool| {
        let mut evidence = find(&Folder(root().join("keyless")), digest, &[]);
        for one in &mut evidence {
            let Content::Bundle(bytes) = &mut one.content else { panic!("a bundle") };
            let mut bundle: Value = serde_json::from_slice(bytes).unwrap();
            let material = &mut bundle["verificationMaterial"];
            let any = super::make::base64(&[7; 32]);
            material["tlogEntries"] = json!([{"logIndex": "0", "logId": {"keyId": any}, "kindVersion": {"kind": "dsse", "version": "0.0.1"},
                "integratedTime": "1795132800", "inclusionPromise": {"signedEntryTimestamp": any}, "canonicalizedBody": super::make::base64(b"{}")}]);
            if !keep_time {
                material.as_object_mut().unwrap().remove("timestampVerificationData");
            }
            *bytes = bundle.to_string().into_bytes();
        }
        let verdict = verify(&trust, Target { image: &image, digest, leaves: &[] }, &evidence, now()).unwrap();
        (verdict.is_signed(), verdict.signed_at().is_some())
    };
    assert_eq!(signed_with(true), (true, true));
    assert_eq!(signed_with(false), (false, false));
}

#[test]
fn notation_with_and_without_a_time_stamp() {
    let none = || json!({});
    assert_eq!(problems("notation", notary("notation-root.pem", none()), none(), now()), [NO_SBOM]);
    let said = problems("notation", notary("fulcio.pem", none()), none(), now());
    assert!(said[0].contains("leads to none of the roots"), "{said:?}");
    let later: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(
        problems("notation", notary("notation-root.pem", none()), none(), later)[0],
        "the signature expired on 2026-11-28"
    );
    let tsa = || json!({"timestampRoots": [{"file": "tsa-roots.pem"}]});
    let fresh = json!({"maxSignatureAge": "7d"});
    assert_eq!(problems("notation-tsa", notary("notation-root.pem", tsa()), fresh.clone(), now()), [NO_SBOM]);
    let said = problems("notation-tsa", notary("notation-root.pem", tsa()), fresh, later);
    assert_eq!(said[0], "the newest signature is of 2026-11-27");
    let other = json!({"timestampRoots": [{"file": "fulcio.pem"}]});
    let said = problems("notation-tsa", notary("notation-root.pem", other), none(), now());
    assert!(said[0].contains("its time stamp is refused"), "{said:?}");
    // After the certificate of the signer has expired, only the time stamp lets the signature count.
    let much_later: Timestamp = "2060-01-01T00:00:00Z".parse().unwrap();
    let said = problems("notation-tsa", notary("notation-root.pem", none()), none(), much_later);
    assert!(said[0].contains("no `timestampRoots` are configured"), "{said:?}");
    assert_eq!(problems("notation-tsa", notary("notation-root.pem", tsa()), none(), much_later), [NO_SBOM]);
}

#[test]
fn a_document_without_sources_needs_none() {
    assert!(compile(&TrustDocument::default()).entry(&ImageRef::parse("nginx")).is_none());
}
