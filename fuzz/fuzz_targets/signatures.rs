//! Whatever is attached to an image: no panic, and no signature that its authority did not make. The first byte says which format the
//! rest is in: bundle, DSSE, older payload, JWS.
#![no_main]

use libfuzzer_sys::fuzz_target;
use podreeve::image::trust::{Annotations, Content, Evidence, Source, Target, Trust, TrustDocument, verify};
use podreeve::workload::image::ImageRef;
use std::sync::LazyLock;

/// Every kind of authority. Nobody kept their private keys.
static TRUST: LazyLock<Trust> = LazyLock::new(|| {
    let document = r#"{"trust":[{"prefix":"*","anyOf":[
        {"cosignKey":{"file":"cosign.pub","root":{"file":"trusted-root.json"}}},
        {"notary":{"roots":[{"file":"notation-root.pem"}],"timestampRoots":[{"file":"tsa-roots.pem"}],"identities":["*"]}},
        {"keyless":{"root":{"file":"trusted-root.json"},"issuer":"https://token*","subject":"https://git*","log":"optional"}}],
        "require":[{"predicate":"sbom"},{"predicate":"vuln"},{"predicate":"openvex"},{"predicate":"slsaprovenance"}]}]}"#;
    let document: TrustDocument = serde_json::from_str(document).expect("a document");
    let read = |source: &Source| {
        let file = source.file.as_deref().unwrap_or_default();
        std::fs::read_to_string(format!("{}/../tests/trust/{file}", env!("CARGO_MANIFEST_DIR"))).map_err(|e| e.to_string())
    };
    Trust::compile(&document, &read).expect("it compiles")
});

/// No manifest has this digest, and no signature of tests/trust is for it.
const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, rest)) = bytes.split_first() else { return };
    let text = || String::from_utf8_lossy(rest).into_owned();
    let content = match kind % 4 {
        0 => Content::Bundle(rest.to_vec()),
        1 => Content::Dsse { envelope: rest.to_vec(), annotations: Annotations::default() },
        2 => {
            let payload = format!(r#"{{"critical":{{"identity":{{"docker-reference":"a.example/b"}},"image":{{"docker-manifest-digest":"{DIGEST}"}},"type":"cosign container image signature"}}}}"#);
            let parts: Vec<String> = text().split('\0').map(str::to_owned).collect();
            let part = |index: usize| parts.get(index).cloned();
            let annotations = Annotations { signature: part(0), certificate: part(1), chain: part(2), log: part(3) };
            Content::SimpleSigning { payload: payload.into_bytes(), annotations }
        }
        _ => Content::Jws(rest.to_vec()),
    };
    let evidence = [Evidence { subject: DIGEST.to_owned(), name: DIGEST.to_owned(), content }];
    let image = ImageRef::parse("a.example/b");
    let now = "2026-11-27T12:00:00Z".parse().expect("a time");
    let verdict = verify(&TRUST, Target { image: &image, digest: DIGEST, leaves: &[] }, &evidence, now).expect("an entry");
    assert!(!verdict.is_signed() && verdict.attested.is_empty());
    let _ = (verdict.signature_problems(), verdict.freshness_problems(now, None), verdict.sbom_problems());
});
