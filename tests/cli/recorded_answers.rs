//! The answers to AdmissionReviews recorded from a real API server.

use super::common::TODAY;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podreeve::admit::{Hook, admit};
use podreeve::sources::Sources;
use serde_json::Value;

/// Every answer is compared as a whole.
#[test]
fn recorded_requests_have_these_answers() {
    let mut files: Vec<_> =
        std::fs::read_dir("tests/reviews").expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(files.len() >= 5);
    let snapshot = Sources::new(&[]).load(1, 20).expect("the built-in policy");
    for file in files {
        let body = std::fs::read(&file).expect("readable");
        let name = file.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        for hook in Hook::ALL {
            let reply: Value = serde_json::from_slice(&admit(&body, hook, &snapshot, TODAY).reply).expect("JSON");
            let mut response = reply["response"].clone();
            // Decoded, so that a person can read it.
            if let Some(patch) = response["patch"].as_str() {
                let patch = STANDARD.decode(patch).expect("base64");
                response["patch"] = serde_json::from_slice(&patch).expect("a patch");
            }
            insta::assert_snapshot!(format!("{name}-{}", hook.as_str()), format!("{response:#}"));
        }
    }
}
