//! What the verification of one signature costs: by a key (bundle and older format), by notation's certificates, by an identity. The
//! signatures are those of tests/trust, by the real tools.

use podreeve::image::trust::layout::{Layout, find};
use podreeve::image::trust::{Source, Target, Trust, TrustDocument, verify};
use podreeve::workload::image::ImageRef;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/trust");

struct Folder(PathBuf);

impl Layout for Folder {
    fn index(&self) -> Option<Vec<u8>> {
        fs::read(self.0.join("index.json")).ok()
    }
    fn blob(&self, digest: &str, _limit: usize) -> Option<Vec<u8>> {
        fs::read(self.0.join("blobs").join(digest.replace(':', "/"))).ok()
    }
    fn small_blobs(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.join("blobs/sha256")).into_iter().flatten().flatten();
        entries.map(|entry| format!("sha256:{}", entry.file_name().to_string_lossy())).collect()
    }
}

/// Prints one line for each way of signing.
pub fn measure(times: usize) {
    let key = r#"{"cosignKey":{"file":"cosign.pub"}}"#;
    let notary =
        r#"{"notary":{"roots":[{"file":"notation-root.pem"}],"identities":["x509.subject: C=DE, ST=BE, O=Example"]}}"#;
    let keyless = r#"{"keyless":{"root":{"file":"trusted-root.json"},"issuer":"https://token.example.com","subject":"https://git.example.com/*","log":"optional"}}"#;
    for (way, authority) in [("bundle", key), ("legacy", key), ("notation", notary), ("keyless", keyless)] {
        let name = fs::read_to_string(Path::new(ROOT).join(format!("{way}.name"))).expect("tests/trust");
        let image = ImageRef::parse(&name);
        let trust = trust(&image.registry, authority);
        let digest = image.digest.as_deref().expect("a digest");
        let mut evidence = find(&Folder(Path::new(ROOT).join(way)), digest, &[]);
        let target = Target { image: &image, digest, leaves: &[] };
        let now = "2026-11-27T12:00:00Z".parse().expect("a time");
        // One signature alone, without the attestations beside it.
        evidence.retain(|one| {
            verify(&trust, target, std::slice::from_ref(one), now).is_some_and(|verdict| verdict.is_signed())
        });
        evidence.truncate(1);
        let mut taken: Vec<Duration> = Vec::with_capacity(times);
        while taken.len() < times {
            let start = Instant::now();
            let verdict = black_box(verify(&trust, target, black_box(&evidence), now));
            taken.push(start.elapsed());
            assert!(verdict.is_some_and(|verdict| verdict.is_signed()), "{way} does not verify");
        }
        taken.sort_unstable();
        let middle = taken.get(taken.len() / 2).map_or(0.0, Duration::as_secs_f64);
        eprintln!("a signature, {way}: {:.3} ms", middle * 1e3);
    }
}

fn trust(registry: &str, authority: &str) -> Trust {
    let document = format!(r#"{{"trust":[{{"prefix":"{registry}","anyOf":[{authority}]}}]}}"#);
    let document: TrustDocument = serde_json::from_str(&document).expect("a document");
    let read = |source: &Source| {
        let file = source.file.as_deref().unwrap_or_default();
        fs::read_to_string(Path::new(ROOT).join(file)).map_err(|error| error.to_string())
    };
    Trust::compile(&document, &read).expect("it compiles")
}
