//! Cosign with a key: bundles, and the older format.

use super::make::*;
use podreeve::image::trust::{Content, Evidence, Target, verify};
use podreeve::workload::image::ImageRef;
use rcgen::{KeyPair, SigningKey};
use serde_json::json;

#[test]
fn every_kind_of_key_verifies_what_it_signs() {
    let kinds = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ];
    let digest = digest_of("image");
    for kind in kinds {
        let key = KeyPair::generate_for(kind).unwrap();
        let trust = trusting(&key);
        assert!(passes(&trust, REPOSITORY, &digest, &[signed(&key, &digest)]), "{kind:?}");
        assert!(passes(&trust, REPOSITORY, &digest, &[legacy(&key, REPOSITORY, &digest)]), "{kind:?}");
    }
}

#[test]
fn a_refusal_names_the_authority_and_the_reason() {
    let (ours, other, digest) = (key(), key(), digest_of("image"));
    let trust = trusting(&ours);
    let said = refusal(&trust, &digest, &[signed(&other, &digest)]);
    assert!(said.contains("cosignKey ") && said.contains("it is signed by another key"), "{said}");
    let said = refusal(&trust, &digest, &[]);
    assert!(said.contains("nothing attached that cosign with this key could have signed"), "{said}");
    let said = refusal(&trust, &digest, &[bundle(&ours, &digest, "https://cyclonedx.org/bom", &json!({}))]);
    assert!(said.contains("1 attestation is valid, and no signature"), "{said}");
    let said = refusal(&trust, &digest, &[legacy(&ours, "evil.example/web", &digest)]);
    assert!(said.contains("it was made for evil.example/web, and this is registry.example.com/shop/web"), "{said}");
    let said = refusal(&trust, &digest, &[evidence(&digest, Content::Bundle(b"{}".to_vec()))]);
    assert!(said.contains("it is no Sigstore bundle"), "{said}");
}

#[test]
fn one_of_several_authorities_and_formats_is_enough() {
    let (first, second, digest) = (key(), key(), digest_of("image"));
    let trust = trust(json!([by_key(&first), by_key(&second)]), json!({}));
    let junk = evidence(&digest, Content::Jws(b"junk".to_vec()));
    let (by_first, by_second) = (signed(&first, &digest), legacy(&second, REPOSITORY, &digest));
    for good in [vec![by_first.clone()], vec![by_second.clone()], vec![junk, signed(&key(), &digest), by_second]] {
        assert!(passes(&trust, REPOSITORY, &digest, &good));
    }
    let image = ImageRef::parse(REPOSITORY);
    let verdict = judge(&trust, &image, &digest, std::slice::from_ref(&by_first));
    assert!(verdict.signatures[0].authority.starts_with("cosignKey "));
}

#[test]
fn a_signature_of_the_manifests_bytes_counts() {
    let (key, manifest) = (key(), "{\"schemaVersion\":2}");
    let digest = digest_of(manifest);
    let message = json!({
        "messageDigest": {"algorithm": "SHA2_256", "digest": "ignored"},
        "signature": base64(&key.sign(manifest.as_bytes()).unwrap()),
    });
    let bytes = bundle_json(&json!({"publicKey": {"hint": "x"}}), "messageSignature", &message);
    let one = |digest: &str| vec![evidence(digest, Content::Bundle(bytes.clone()))];
    let trust = trusting(&key);
    assert!(passes(&trust, REPOSITORY, &digest, &one(&digest)));
    let other = digest_of("another manifest");
    assert!(!passes(&trust, REPOSITORY, &other, &one(&other)));
}

#[test]
fn leaves_are_signed_one_by_one() {
    let (key, index) = (key(), digest_of("index"));
    let leaves = [digest_of("amd64"), digest_of("arm64")];
    let image = ImageRef::parse(REPOSITORY);
    let target = Target { image: &image, digest: &index, leaves: &leaves };
    let signed_by = |digests: &[&String]| digests.iter().map(|digest| signed(&key, digest)).collect::<Vec<Evidence>>();
    let of_index = trusting(&key);
    let of_leaves = trust(json!([by_key(&key)]), json!({"signed": "leaves"}));
    for (evidence, index_signed, leaves_signed) in [
        (signed_by(&[&index]), true, false),
        (signed_by(&[&leaves[0]]), false, false),
        (signed_by(&[&leaves[0], &leaves[1]]), false, true),
    ] {
        assert_eq!(verify(&of_index, target, &evidence, now()).unwrap().is_signed(), index_signed);
        assert_eq!(verify(&of_leaves, target, &evidence, now()).unwrap().is_signed(), leaves_signed);
        // Who signed the platforms alone learns what to do.
        let problems = verify(&of_index, target, &evidence, now()).unwrap().signature_problems();
        assert_eq!(problems.iter().any(|problem| problem.wanted.contains("`signed: leaves`")), leaves_signed);
    }
}

#[test]
fn images_that_were_copied_keep_the_signatures_of_their_former_place() {
    let (key, digest) = (key(), digest_of("image"));
    let copied = trust(json!([by_key(&key)]), json!({"signedAs": "docker.io/example"}));
    for (reference, good) in [
        ("example/web", true),
        ("docker.io/example/web", true),
        ("docker.io/example/other", false),
        (REPOSITORY, false),
    ] {
        assert_eq!(passes(&copied, REPOSITORY, &digest, &[legacy(&key, reference, &digest)]), good, "{reference}");
    }
}

#[test]
fn a_refusal_says_what_signed_as_does_and_nothing_that_it_takes_back() {
    let (key, digest) = (key(), digest_of("image"));
    let copied = trust(json!([by_key(&key)]), json!({"signedAs": "docker.io/example"}));
    let said = refusal(&copied, &digest, &[legacy(&key, "docker.io/example/other", &digest)]);
    let wanted = "it was made for docker.io/example/other, and by `signedAs`, which replaces the prefix alone, this image was docker.io/example/";
    assert!(said.contains(wanted), "{said}");
    let said = refusal(&trusting(&key), &digest, &[legacy(&key, "docker.io/example/web", &digest)]);
    assert!(said.contains("if it was copied from there, name that prefix in `signedAs`"), "{said}");
    assert!(said.contains("nothing else attached that cosign") && !said.contains("nothing attached"), "{said}");
    let other = refusal(&trusting(&self::key()), &digest, &[signed(&key, &digest)]);
    assert!(other.contains(": it is signed by another key"), "{other}");
}

#[test]
fn evidence_beyond_the_limit_is_left_out_with_a_word() {
    let (ours, digest) = (key(), digest_of("image"));
    let mut many = vec![evidence(&digest, Content::Jws(Vec::new())); 70];
    many.push(signed(&ours, &digest));
    let said = refusal(&trusting(&ours), &digest, &many);
    assert!(said.contains("7 more pieces of evidence are left out"), "{said}");
}
