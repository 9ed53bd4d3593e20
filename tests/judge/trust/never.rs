//! The property: no signature made for one repository, digest, predicate type or index passes for another.

use super::make::*;
use super::notation::signed_by_someone;
use podreeve::image::trust::{Content, Evidence, Target, verify};
use podreeve::workload::image::ImageRef;
use proptest::prelude::*;
use serde_json::json;

fn name() -> impl Strategy<Value = String> {
    "[a-c]{1,2}(/[a-c]{1,2}){0,2}"
}

fn predicate() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        SIGN,
        "https://sigstore.dev/cosign/sign/v2",
        "https://sigstore.dev/cosign/sign",
        "https://sigstore.dev/cosign/sign/v1/",
        "https://cyclonedx.org/bom",
        "https://slsa.dev/provenance/v1",
        "https://cosign.sigstore.dev/attestation/vuln/v1",
        "",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_signature_for_another_repository(signed_for in name(), pulled in name()) {
        let (key, digest) = (key(), digest_of("image"));
        let trust = trust(json!([by_key(&key)]), json!({}));
        let evidence = [legacy(&key, &format!("registry.example.com/shop/{signed_for}"), &digest)];
        let passed = passes(&trust, &format!("registry.example.com/shop/{pulled}"), &digest, &evidence);
        prop_assert_eq!(passed, signed_for == pulled);
    }

    #[test]
    fn a_signature_for_another_prefix(first in name(), second in name(), pulled in name()) {
        prop_assume!(first != second);
        let keys = [key(), key()];
        let entry = |prefix: &str, key| json!({"prefix": format!("registry.example.com/{prefix}"), "anyOf": [by_key(key)]});
        let document = serde_json::from_value(json!({"trust": [entry(&first, &keys[0]), entry(&second, &keys[1])]})).unwrap();
        let trust = compile(&document);
        let (image, digest) = (format!("registry.example.com/{pulled}"), digest_of("image"));
        let image = ImageRef::parse(&image);
        for (prefix, key) in [&first, &second].into_iter().zip(&keys) {
            // A bundle names no repository: only the entry that counts for the image may accept its key.
            let counts = trust.entry(&image).is_some_and(|entry| entry.prefix == format!("registry.example.com/{prefix}"));
            let target = Target { image: &image, digest: &digest, leaves: &[] };
            let passed = verify(&trust, target, &[signed(key, &digest)], now()).is_some_and(|verdict| verdict.is_signed());
            prop_assert_eq!(passed, counts);
        }
    }

    #[test]
    fn a_signature_for_another_digest(first in "[ab]{1,3}", second in "[ab]{1,3}") {
        let key = key();
        let (signed_digest, judged) = (digest_of(&first), digest_of(&second));
        let (notary, by_notary) = signed_by_someone(&signed_digest);
        let trust = trusting(&key);
        for (trust, mut one) in [
            (&trust, signed(&key, &signed_digest)),
            (&trust, legacy(&key, REPOSITORY, &signed_digest)),
            (&notary, by_notary),
        ] {
            // An attacker attaches it to the other manifest.
            one.subject.clone_from(&judged);
            prop_assert_eq!(passes(trust, REPOSITORY, &judged, &[one]), first == second);
        }
    }

    #[test]
    fn a_statement_of_another_type(kind in predicate()) {
        let (key, digest) = (key(), digest_of("image"));
        let trust = trusting(&key);
        let one = bundle(&key, &digest, kind, &json!({}));
        prop_assert_eq!(passes(&trust, REPOSITORY, &digest, std::slice::from_ref(&one)), kind == SIGN);
        // The same envelope without a bundle, as cosign 2 attached attestations.
        let Content::Bundle(bytes) = one.content else { unreachable!() };
        let whole: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let envelope = whole["dsseEnvelope"].to_string().into_bytes();
        let dsse = evidence(&digest, Content::Dsse { envelope, annotations: Default::default() });
        prop_assert_eq!(passes(&trust, REPOSITORY, &digest, &[dsse]), kind == SIGN);
    }

    #[test]
    fn a_signature_of_the_index_for_a_platform_and_the_other_way_round(signed_at in 0_usize..3, want_leaves: bool) {
        let key = key();
        let digests = [digest_of("index"), digest_of("amd64"), digest_of("arm64")];
        let image = ImageRef::parse(REPOSITORY);
        let trust = trust(json!([by_key(&key)]), json!({"signed": if want_leaves { "leaves" } else { "index" }}));
        let target = Target { image: &image, digest: &digests[0], leaves: &digests[1..] };
        // One signature, attached to everything.
        let one = signed(&key, &digests[signed_at]);
        let everywhere: Vec<Evidence> = digests.iter().map(|digest| Evidence { subject: digest.clone(), ..one.clone() }).collect();
        let verdict = verify(&trust, target, &everywhere, now()).unwrap();
        prop_assert_eq!(verdict.is_signed(), !want_leaves && signed_at == 0);
    }

    #[test]
    fn a_changed_byte(at in 0_usize..2000, to: u8) {
        let (key, digest) = (key(), digest_of("image"));
        let trust = trusting(&key);
        let Content::Bundle(bytes) = signed(&key, &digest).content else { unreachable!() };
        let mut changed = bytes.clone();
        let at = at % changed.len();
        changed[at] = to;
        // Whatever still passes says the same: the signature and the payload are what was signed.
        let parts = |bytes: &[u8]| {
            let value: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
            let envelope = &value["dsseEnvelope"];
            (envelope["payload"].clone(), envelope["payloadType"].clone(), envelope["signatures"][0]["sig"].clone())
        };
        if passes(&trust, REPOSITORY, &digest, &[evidence(&digest, Content::Bundle(changed.clone()))]) {
            prop_assert_eq!(parts(&changed), parts(&bytes));
        }
    }
}
