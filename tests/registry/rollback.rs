//! A tag that goes back to an image that was signed earlier.

use crate::fake::{Fake, MANIFEST};
use crate::images::{LONG, later, push, service, setup};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use podreeve::cluster::images::{Asker, ImageService};
use podreeve::facts::ImageQuery;
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, KnownImage};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::Instant;

/// A signing service that vouches for the time, as notation knows them.
struct SigningService {
    root: rcgen::Certificate,
    leaf: rcgen::Certificate,
    key: KeyPair,
}

impl SigningService {
    fn new() -> Self {
        let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let params = |common_name: &str| {
            let mut params = CertificateParams::default();
            for (kind, value) in [
                (DnType::CountryName, "DE"),
                (DnType::StateOrProvinceName, "BE"),
                (DnType::OrganizationName, "Example"),
                (DnType::CommonName, common_name),
            ] {
                params.distinguished_name.push(kind, value);
            }
            params
        };
        let mut root = params("root");
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root_certificate = root.self_signed(&root_key).unwrap();
        let mut leaf = params("signer");
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        (leaf.not_before, leaf.not_after) = (date_time_ymd(2025, 1, 1), date_time_ymd(2030, 1, 1));
        let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key)).unwrap();
        Self { root: root_certificate, leaf, key }
    }

    fn trust(&self, prefix: &str) -> Value {
        let notary = json!({"signingAuthorityRoots": [{"pem": self.root.pem()}], "identities": ["*"]});
        json!([{"prefix": prefix, "anyOf": [{"notary": notary}]}])
    }

    /// Signs the image, and attaches that to it.
    fn sign(&self, fake: &Fake, digest: &Digest, time: &str) {
        let (scheme, signed_at) = ("io.cncf.notary.signingScheme", "io.cncf.notary.authenticSigningTime");
        let protected = json!({
            "alg": "ES256", "cty": "application/vnd.cncf.notary.payload.v1+json", "crit": [scheme, signed_at],
            scheme: "notary.x509.signingAuthority", signed_at: time,
        });
        let payload = json!({"targetArtifact": {"mediaType": MANIFEST, "digest": digest.as_str(), "size": 1}});
        let [protected, payload] = [protected, payload].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &self.key.serialize_der()).unwrap();
        let signature = key.sign(&SystemRandom::new(), format!("{protected}.{payload}").as_bytes()).unwrap();
        let chain = [&self.leaf, &self.root].map(|certificate| STANDARD.encode(certificate.der()));
        let envelope = json!({
            "payload": payload, "protected": protected, "header": {"x5c": chain, "io.cncf.notary.signingAgent": "test"},
            "signature": URL_SAFE_NO_PAD.encode(signature.as_ref()),
        });
        let blob = fake.blob(envelope.to_string().as_bytes());
        let manifest = json!({
            "schemaVersion": 2, "artifactType": "application/vnd.cncf.notary.signature", "subject": {"digest": digest.as_str()},
            "layers": [{"mediaType": "application/jose+json", "digest": blob.as_str(), "size": envelope.to_string().len()}],
        });
        let manifest = fake.manifest(MANIFEST, &manifest, None);
        let list = json!({"schemaVersion": 2, "manifests": [{"mediaType": MANIFEST, "digest": manifest.as_str()}]});
        let index = "application/vnd.oci.image.index.v1+json";
        fake.put(&format!("shop/web/referrers/{digest}"), index, list.to_string().as_bytes());
    }
}

async fn known(service: &Arc<ImageService>, reference: &str) -> Arc<KnownImage> {
    let references = vec![reference.to_owned()];
    let query = ImageQuery { namespace: "shop".to_owned(), pull_secrets: vec![], accounts: vec![], references };
    match service.ask(&query, Asker::Request, Instant::now() + LONG).await.get(reference).unwrap() {
        ImageAnswer::Known(image) => Arc::clone(image),
        ImageAnswer::Unknown(image) => panic!("{reference}: {}", image.why),
    }
}

#[tokio::test]
async fn a_tag_that_goes_back_is_found_and_a_digest_is_not() {
    let fake = Fake::start().await;
    let signer = SigningService::new();
    let service = service(fake.client());
    service.set_up(setup(fake.client(), &signer.trust(&fake.host)));
    let tag = format!("{}/shop/web:1", fake.host);
    let old = push(&fake, "1", "1000");
    signer.sign(&fake, &old, "2026-10-01T00:00:00Z");
    let image = known(&service, &tag).await;
    assert!(image.platforms[0].trust.as_ref().is_some_and(podreeve::image::trust::Verdict::is_signed));
    assert!(!image.is_moved_back());
    let new = push(&fake, "1", "2000");
    signer.sign(&fake, &new, "2026-11-01T00:00:00Z");
    later(61);
    let image = known(&service, &tag).await;
    assert!(image.digest == new && !image.is_moved_back());
    // Back to the first one: with its tag, and with the tag before the digest, but not by the digest that somebody chose.
    assert_eq!(push(&fake, "1", "1000"), old);
    later(61);
    let image = known(&service, &tag).await;
    let problems =
        image.platforms[0].trust.as_ref().unwrap().freshness_problems("2027-01-15T00:00:00Z".parse().unwrap(), None);
    assert_eq!(problems[0].found, "the tag went back to an image that was signed at 2026-10-01T00:00:00Z");
    assert!(problems[0].wanted.contains("2026-11-01T00:00:00Z or later"), "{}", problems[0].wanted);
    for (reference, went_back) in [(format!("{tag}@{old}"), false), (format!("{}/shop/web@{old}", fake.host), false)] {
        assert_eq!(known(&service, &reference).await.is_moved_back(), went_back, "{reference}");
    }
    // Whoever signs the old one again means it.
    signer.sign(&fake, &old, "2026-12-01T00:00:00Z");
    later(3601);
    assert!(!known(&service, &tag).await.is_moved_back());
}
