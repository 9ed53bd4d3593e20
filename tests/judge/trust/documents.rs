//! Trust documents: which entry counts, and which documents do not load.

use super::make::*;
use podreeve::image::trust::{Source, Trust, TrustDocument};
use podreeve::workload::image::ImageRef;
use rcgen::KeyPair;
use serde_json::{Value, json};

fn errors(entry: Value) -> Vec<String> {
    let document: TrustDocument = serde_json::from_value(json!({"trust": [entry]})).unwrap();
    let errors = Trust::compile(&document, &|_: &Source| Err("there is nothing".to_owned())).err().unwrap_or_default();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn the_longest_prefix_counts_on_whole_segments() {
    let key = key();
    let entry = |prefix: &str| json!({"prefix": prefix, "anyOf": [by_key(&key)]});
    let prefixes = [
        "registry.example.com",
        "registry.example.com/shop",
        "registry.example.com/shop/web",
        "docker.io/library/nginx",
    ];
    let document: TrustDocument = serde_json::from_value(json!({"trust": prefixes.map(entry)})).unwrap();
    let trust = compile(&document);
    let found = |image: &str| trust.entry(&ImageRef::parse(image)).map(|entry| entry.prefix.clone());
    for (image, prefix) in [
        ("registry.example.com/shop/web:1", Some("registry.example.com/shop/web")),
        ("registry.example.com/shop/webshop", Some("registry.example.com/shop")),
        ("registry.example.com/shopping/web", Some("registry.example.com")),
        ("registry.example.com.evil.org/shop/web", None),
        ("registry.example.com:5000/shop/web", None),
        ("nginx:1", Some("docker.io/library/nginx")),
        ("docker.io/library/nginx", Some("docker.io/library/nginx")),
        ("evil/nginx", None),
    ] {
        assert_eq!(found(image).as_deref(), prefix, "{image}");
    }
    let all: TrustDocument =
        serde_json::from_value(json!({"trust": [entry("*"), entry("docker.io/library/nginx")]})).unwrap();
    let all = compile(&all);
    assert_eq!(all.entry(&ImageRef::parse("evil/web")).map(|entry| entry.prefix.as_str()), Some("*"));
    assert_eq!(
        all.entry(&ImageRef::parse("nginx")).map(|entry| entry.prefix.as_str()),
        Some("docker.io/library/nginx")
    );
}

#[test]
fn a_private_key_does_not_load() {
    let key = key();
    for pem in [
        key.serialize_pem(),
        key.serialize_pem().replace("PRIVATE", "ENCRYPTED SIGSTORE PRIVATE"),
        key.serialize_pem().replace("PRIVATE", "EC PRIVATE"),
        format!("{}{}", key.public_key_pem(), key.serialize_pem()),
        format!("-----BEGIN PUBLIC KEY-----\n%\n{}", key.serialize_pem()),
    ] {
        let said = errors(json!({"prefix": "a.example", "anyOf": [{"cosignKey": {"pem": pem}}]}));
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("trust[0].anyOf[0].cosignKey: holds a private key"), "{said:?}");
        assert!(!said[0].contains("BEGIN"), "{said:?}");
    }
}

#[test]
fn a_weak_or_broken_key_does_not_load() {
    let refused = |pem: &str| errors(json!({"prefix": "a.example", "anyOf": [{"cosignKey": {"pem": pem}}]}));
    // openssl genrsa 1024, and an EC key of secp256k1.
    let weak = "-----BEGIN PUBLIC KEY-----\nMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC/9cmIYxuho7nyQd6dSsnur9IL\n1yUG02CwUZn3fnkEPessXe01VqupfpRok8t5vKwELUPYXWyztGaeoW0jK03v70bJ\nj+jAJxczIM5TOPiGtwaCoTfGKxDf2RltdAR29ASOLKDemiz+cwFlZ9QmVfNMCQUY\nksULCovDmuzJGUZoFQIDAQAB\n-----END PUBLIC KEY-----\n";
    let curve = "-----BEGIN PUBLIC KEY-----\nMFYwEAYHKoZIzj0CAQYFK4EEAAoDQgAE9UQsPjtclEj6weWAY48Zi7Sh0I0v7T/1\nJm2PAmzrOX7k3E7eSqU7i7KMCs/InZGuSStfZzW3rV08kN6uAw6tpw==\n-----END PUBLIC KEY-----\n";
    for (pem, why) in [
        (weak, "1024 bits"),
        (curve, "another curve"),
        ("", "holds 0 PEM blocks"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "no public key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA", "no PEM text"),
    ] {
        let said = refused(pem);
        assert!(said.iter().any(|said| said.contains(why)), "{why}: {said:?}");
    }
    // PKCS #1 is the same key in another wrapping.
    let rsa = KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let der = spki(&rsa);
    let (_, read) =
        <x509_parser::x509::SubjectPublicKeyInfo<'_> as x509_parser::prelude::FromDer<_>>::from_der(&der).unwrap();
    let body = base64(&read.subject_public_key.data);
    let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    let pkcs1 = format!("-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n", lines.join("\n"));
    let digest = digest_of("image");
    let trust = trust(json!([{"cosignKey": {"pem": pkcs1}}]), json!({}));
    assert!(passes(&trust, REPOSITORY, &digest, &[signed(&rsa, &digest)]));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let key = key();
    for (entry, wanted) in [
        (json!({"prefix": "a.example", "anyOf": []}), "trust[0].anyOf: is empty"),
        (json!({"prefix": "a.example/", "anyOf": [by_key(&key)]}), "trust[0].prefix: `a.example/` is no registry"),
        (json!({"prefix": "a.example/b:1", "anyOf": [by_key(&key)]}), "names a tag or a digest"),
        (json!({"prefix": "https://a.example", "anyOf": [by_key(&key)]}), "has a scheme"),
        (json!({"prefix": "shop/web", "anyOf": [by_key(&key)]}), "`shop/web` has no registry"),
        (json!({"prefix": "a.example", "anyOf": [{}]}), "trust[0].anyOf[0]: must have exactly one of"),
        (json!({"prefix": "a.example", "anyOf": [{"cosignKey": {"configMap": "x"}}]}), "there is nothing"),
        (json!({"prefix": "a.example", "anyOf": [{"cosignKey": {"pem": "a", "file": "b"}}]}), "exactly one of `pem`"),
        (json!({"prefix": "a.example", "anyOf": [{"notary": {"identities": ["*"]}}]}), "notary.roots: is empty"),
        (
            json!({"prefix": "a.example", "anyOf": [{"keyless": {"root": {"pem": "{}"}, "issuer": "a", "subject": "b"}}]}),
            "keyless.root: is no Sigstore trusted root",
        ),
        (
            json!({"prefix": "a.example", "anyOf": [by_key(&key)], "require": [{"predicate": "sbomm"}]}),
            "require[0].predicate: `sbomm` is none of",
        ),
        (
            json!({"prefix": "a.example", "anyOf": [by_key(&key)], "require": [{"predicate": "sbom", "maxAge": "7d"}]}),
            "require[0].maxAge: belongs to `predicate: vuln`",
        ),
        (
            json!({"prefix": "a.example", "anyOf": [by_key(&key)], "require": [{"predicate": SIGN}]}),
            "require[0].predicate: is a signature",
        ),
        (json!({"prefix": "*", "signedAs": "a.example", "anyOf": [by_key(&key)]}), "signedAs: needs a `prefix`"),
    ] {
        let said = errors(entry);
        assert!(said.iter().any(|said| said.contains(wanted)), "{wanted}: {said:?}");
    }
    let twice = json!({"trust": [{"prefix": "index.docker.io/library/nginx", "anyOf": [by_key(&key)]}, {"prefix": "docker.io/library/nginx", "anyOf": [by_key(&key)]}]});
    let document: TrustDocument = serde_json::from_value(twice).unwrap();
    let said = Trust::compile(&document, &|_: &Source| Err(String::new())).unwrap_err();
    assert!(said[0].message.contains("has an entry already"), "{said:?}");
}

/// Another spelling of a name must not lead around the entry.
#[test]
fn an_entry_covers_an_image_however_it_is_spelled() {
    let key = key();
    let covers = |prefix: &str, image: &str| {
        let document = json!({"trust": [{"prefix": prefix, "anyOf": [by_key(&key)]}]});
        compile(&serde_json::from_value(document).unwrap()).entry(&ImageRef::parse(image)).is_some()
    };
    let digest = digest_of("image");
    for (prefix, images) in [
        (
            "docker.io/nginx",
            vec!["nginx", "library/nginx:1", "docker.io/nginx", "index.docker.io/library/nginx", "nginx/x"],
        ),
        ("docker.io/library", vec!["nginx", "docker.io:443/library/nginx"]),
        (
            "registry.example.com/shop",
            vec![
                "registry.example.com:443/shop/web:1",
                "REGISTRY.example.com/shop/web",
                "Registry.Example.Com:443/shop",
            ],
        ),
        ("registry.example.com:443/shop", vec!["registry.example.com/shop/web"]),
    ] {
        for image in images {
            assert!(covers(prefix, image), "{prefix} {image}");
            if !image.contains('@') {
                assert!(covers(prefix, &format!("{image}@{digest}")), "{prefix} {image}");
            }
        }
    }
    for (prefix, image) in
        [("docker.io/nginx", "nginx2"), ("docker.io/nginx", "other/nginx"), ("quay.io/nginx", "nginx")]
    {
        assert!(!covers(prefix, image), "{prefix} {image}");
    }
}

#[test]
fn the_documents_of_the_pages_load() {
    // trust.yaml and require.yaml.
    for (page, authorities) in
        [(include_str!("../../../docs/signatures.md"), 3), (include_str!("../../../docs/attestations.md"), 1)]
    {
        let block = page.split("```yaml").nth(1).and_then(|block| block.split_once('\n'));
        let yaml = block.and_then(|(_, text)| text.split_once("```")).unwrap().0;
        let document = podreeve::manifest::parse(yaml.as_bytes()).unwrap().remove(0);
        let document: TrustDocument = serde_json::from_str(&document.root.to_json()).unwrap();
        let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trust/");
        let read = |source: &Source| match source.file.as_deref().unwrap() {
            "trusted-root.json" => Ok(super::keyless::trusted_root()),
            file => std::fs::read_to_string(format!("{files}{file}")).map_err(|error| error.to_string()),
        };
        let trust = Trust::compile(&document, &read).unwrap();
        let entry = trust.entry(&ImageRef::parse("registry.example.com/shop/web")).unwrap();
        assert_eq!((entry.authorities.len(), entry.require.len()), (authorities, 2));
    }
}
