//! Notation: JWS envelopes with certificates.

use super::make::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair};
use podreeve::image::trust::{Content, Evidence, Target, Trust, verify};
use podreeve::workload::image::ImageRef;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use serde_json::{Value, json};

/// A CA, and a signer that it certified.
pub struct Signer {
    root: Certificate,
    pub leaf: Certificate,
    key: KeyPair,
}

pub fn name(organization: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in [
        (DnType::CountryName, "DE"),
        (DnType::StateOrProvinceName, "BE"),
        (DnType::OrganizationName, organization),
        (DnType::CommonName, "signer"),
    ] {
        name.push(kind, value);
    }
    name
}

fn signer(key: KeyPair, organization: &str, usage: ExtendedKeyUsagePurpose, until: i32) -> Signer {
    let root_key = KeyPair::generate().unwrap();
    let mut root = CertificateParams::default();
    root.distinguished_name = name("Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let root_certificate = root.self_signed(&root_key).unwrap();
    let mut leaf = CertificateParams::default();
    leaf.distinguished_name = name(organization);
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    leaf.extended_key_usages = vec![usage];
    leaf.not_before = date_time_ymd(2025, 1, 1);
    leaf.not_after = date_time_ymd(until, 1, 1);
    let leaf = leaf.signed_by(&key, &Issuer::new(root, root_key)).unwrap();
    Signer { root: root_certificate, leaf, key }
}

fn example() -> Signer {
    signer(KeyPair::generate().unwrap(), "Example", ExtendedKeyUsagePurpose::CodeSigning, 2030)
}

fn trusting_root(root: &str, identity: &str) -> Trust {
    trust(json!([{"notary": {"roots": [{"pem": root}], "identities": [identity]}}]), json!({}))
}

impl Signer {
    fn trust(&self) -> Trust {
        trusting_root(&self.root.pem(), "x509.subject: C=DE, ST=BE, O=Example")
    }

    /// Signs, as its key signs.
    fn sign(&self, message: &[u8]) -> (&'static str, Vec<u8>) {
        let pkcs8 = self.key.serialize_der();
        if let Ok(key) = RsaKeyPair::from_pkcs8(&pkcs8) {
            let mut out = vec![0; key.public_modulus_len()];
            key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut out).unwrap();
            return ("PS256", out);
        }
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8).unwrap();
        ("ES256", key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec())
    }

    /// An envelope with more or other headers.
    fn envelope(&self, digest: &str, headers: Value) -> Value {
        let mut protected = json!({
            "alg": self.sign(b"").0,
            "cty": "application/vnd.cncf.notary.payload.v1+json",
            "crit": ["io.cncf.notary.signingScheme"],
            "io.cncf.notary.signingScheme": "notary.x509",
            "io.cncf.notary.signingTime": "2026-11-01T00:00:00Z",
        });
        for (name, value) in headers.as_object().unwrap() {
            if value.is_null() {
                protected.as_object_mut().unwrap().remove(name);
            } else {
                protected[name] = value.clone();
            }
        }
        let payload = json!({"targetArtifact": {"mediaType": "x", "digest": digest, "size": 1}});
        let (protected, payload) =
            (base64_url(protected.to_string().as_bytes()), base64_url(payload.to_string().as_bytes()));
        let (_, signature) = self.sign(format!("{protected}.{payload}").as_bytes());
        json!({
            "payload": payload,
            "protected": protected,
            "header": {"x5c": [base64(self.leaf.der()), base64(self.root.der())], "io.cncf.notary.signingAgent": "test"},
            "signature": base64_url(&signature),
        })
    }

    fn signed(&self, digest: &str, headers: Value) -> Evidence {
        jws(digest, &self.envelope(digest, headers))
    }
}

fn jws(digest: &str, envelope: &Value) -> Evidence {
    evidence(digest, Content::Jws(envelope.to_string().into_bytes()))
}

/// An envelope by a signer of its own, and the trust in it, for the properties.
pub fn signed_by_someone(digest: &str) -> (Trust, Evidence) {
    let signer = example();
    (signer.trust(), signer.signed(digest, json!({})))
}

#[test]
fn a_signer_under_the_root_passes() {
    let digest = digest_of("image");
    for key in [KeyPair::generate().unwrap(), KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap()] {
        let signer = signer(key, "Example", ExtendedKeyUsagePurpose::CodeSigning, 2030);
        let trust = signer.trust();
        assert_eq!(refusal(&trust, &digest, &[signer.signed(&digest, json!({}))]), "");
        let all = trusting_root(&signer.root.pem(), "*");
        assert!(passes(&all, REPOSITORY, &digest, &[signer.signed(&digest, json!({}))]));
    }
}

#[test]
fn the_certificate_decides() {
    let (ours, digest) = (example(), digest_of("image"));
    let new = |organization: &str, usage, until| signer(KeyPair::generate().unwrap(), organization, usage, until);
    let other_root = example();
    let said = refusal(&ours.trust(), &digest, &[other_root.signed(&digest, json!({}))]);
    assert!(said.contains("leads to none of the roots"), "{said}");
    let other_name = new("Evil", ExtendedKeyUsagePurpose::CodeSigning, 2030);
    let said = refusal(&other_name.trust(), &digest, &[other_name.signed(&digest, json!({}))]);
    assert!(said.contains("O=Evil") && said.contains("none of the identities"), "{said}");
    let server = new("Example", ExtendedKeyUsagePurpose::ServerAuth, 2030);
    let said = refusal(&server.trust(), &digest, &[server.signed(&digest, json!({}))]);
    assert!(said.contains("its certificate is not made for code signing"), "{said}");
    let expired = new("Example", ExtendedKeyUsagePurpose::CodeSigning, 2026);
    let said = refusal(&expired.trust(), &digest, &[expired.signed(&digest, json!({}))]);
    assert!(said.contains("has expired, and no time stamp proves"), "{said}");
    // The chain of one signer with the signature of another.
    let mut forged = ours.envelope(&digest, json!({}));
    forged["signature"] = other_root.envelope(&digest, json!({}))["signature"].clone();
    let said = refusal(&ours.trust(), &digest, &[jws(&digest, &forged)]);
    assert!(said.contains("its signature does not fit its certificate"), "{said}");
}

#[test]
fn the_headers_must_fit() {
    let (ours, digest) = (example(), digest_of("image"));
    let scheme = "io.cncf.notary.signingScheme";
    let (expiry, time) = ("io.cncf.notary.expiry", "io.cncf.notary.authenticSigningTime");
    for (headers, why) in [
        (json!({"alg": "PS256"}), "its key needs ES256"),
        (json!({"alg": "none"}), "its key needs ES256"),
        (json!({"alg": "HS256"}), "its key needs ES256"),
        (json!({"cty": "text/plain"}), "it signs a `text/plain`"),
        (json!({"crit": null}), "does not mark scheme and expiry as critical"),
        (json!({expiry: "2030-01-01T00:00:00Z"}), "does not mark scheme and expiry as critical"),
        (json!({"crit": [scheme, "x"]}), "its critical header `x` is missing"),
        (json!({"crit": [scheme, "x"], "x": 1}), "its critical header `x` is not known here"),
        (
            json!({"crit": [scheme, "io.cncf.notary.verificationPlugin"], "io.cncf.notary.verificationPlugin": "p"}),
            "verification plugin",
        ),
        (json!({scheme: "notary.x509.signingAuthority"}), "do not fit the signing scheme"),
        (json!({scheme: "other"}), "is not known"),
        (json!({time: "2026-01-01T00:00:00Z"}), "do not fit the signing scheme"),
        (json!({expiry: "soon"}), "its protected header is wrong"),
    ] {
        let said = refusal(&ours.trust(), &digest, &[ours.signed(&digest, headers.clone())]);
        assert!(said.contains(why), "{headers}: {said}");
    }
    for broken in ["", "{}", "[]", "{\"payload\":\"%\",\"protected\":\"%\",\"header\":{\"x5c\":[]},\"signature\":\"\"}"]
    {
        let said = refusal(&ours.trust(), &digest, &[evidence(&digest, Content::Jws(broken.into()))]);
        assert!(said.contains("it is no JWS envelope") || said.contains("is no base64"), "{said}");
    }
}

#[test]
fn a_signing_service_vouches_for_its_time() {
    let (ours, digest) = (example(), digest_of("image"));
    let time = "io.cncf.notary.authenticSigningTime";
    let headers = json!({
        "io.cncf.notary.signingScheme": "notary.x509.signingAuthority",
        "io.cncf.notary.signingTime": null,
        "crit": ["io.cncf.notary.signingScheme", time],
        time: "2026-10-01T00:00:00Z",
    });
    let signed = [ours.signed(&digest, headers)];
    let said = refusal(&ours.trust(), &digest, &signed);
    assert!(said.contains("no `signingAuthorityRoots` are configured"), "{said}");
    let authority = json!({"signingAuthorityRoots": [{"pem": ours.root.pem()}], "identities": ["*"]});
    let service = trust(json!([{"notary": authority}]), json!({"maxSignatureAge": "30d"}));
    let image = ImageRef::parse(REPOSITORY);
    let verdict = judge(&service, &image, &digest, &signed);
    assert!(verdict.is_signed());
    let problems = verdict.freshness_problems(now(), None);
    assert_eq!(problems[0].found, "the newest signature is of 2026-10-01");
    // The same envelope is no proof for the roots of signers.
    assert!(!passes(&service, REPOSITORY, &digest, &[ours.signed(&digest, json!({}))]));
}

#[test]
fn a_certificate_that_will_expire_says_when_the_verdict_changes() {
    let (ours, digest) = (example(), digest_of("image"));
    let verdict = judge(&ours.trust(), &ImageRef::parse(REPOSITORY), &digest, &[ours.signed(&digest, json!({}))]);
    assert!(verdict.is_signed());
    assert_eq!(verdict.changes_at(), "2030-01-01T00:00:01Z".parse().ok());
    let target = Target { image: &ImageRef::parse(REPOSITORY), digest: &digest, leaves: &[] };
    let signed = |at: &str| {
        let evidence = [ours.signed(&digest, json!({}))];
        verify(&ours.trust(), target, &evidence, at.parse().unwrap()).unwrap().is_signed()
    };
    assert!(signed("2030-01-01T00:00:00Z") && !signed("2030-01-01T00:00:01Z"));
}

#[test]
fn an_expiry_that_passed_is_a_matter_of_freshness() {
    let (ours, digest) = (example(), digest_of("image"));
    let (trust, image) = (ours.trust(), ImageRef::parse(REPOSITORY));
    let until = |day: &str| {
        let crit = json!(["io.cncf.notary.signingScheme", "io.cncf.notary.expiry"]);
        ours.signed(&digest, json!({"crit": crit, "io.cncf.notary.expiry": format!("{day}T00:00:00Z")}))
    };
    let target = Target { image: &image, digest: &digest, leaves: &[] };
    let found = |evidence: &[Evidence]| {
        let verdict = verify(&trust, target, evidence, now()).unwrap();
        assert!(verdict.is_signed());
        verdict.freshness_problems(now(), None).into_iter().map(|problem| problem.found).collect::<Vec<_>>()
    };
    assert_eq!(found(&[until("2026-11-20")]), ["the signature expired on 2026-11-20"]);
    assert!(found(&[until("2026-12-20")]).is_empty());
    assert!(found(&[until("2026-11-20"), until("2026-12-20")]).is_empty());
}
