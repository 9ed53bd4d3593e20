//! What the metrics say about the reading of images.

use crate::fake::Fake;
use crate::images::{push, service_with};
use podreeve::cluster::images::Asker;
use podreeve::facts::ImageQuery;
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

#[tokio::test]
async fn the_bytes_are_those_that_the_registry_sent() {
    let fake = Fake::start().await;
    let registry = prometheus::Registry::new();
    let service = service_with(fake.client(), &registry);
    let digest = push(&fake, "1", "1000");
    let references = ["1", "none"].map(|tag| format!("{}/shop/web:{tag}", fake.host)).to_vec();
    let query = ImageQuery { namespace: "shop".to_owned(), pull_secrets: vec![], accounts: vec![], references };
    for _ in 0..2 {
        service.ask(&query, Asker::Request, Instant::now() + Duration::from_secs(10)).await;
    }
    let manifest = fake.remove(&format!("shop/web/manifests/{digest}"));
    let parsed: Value = serde_json::from_slice(&manifest).unwrap();
    let config = fake.remove(&format!("shop/web/blobs/{}", parsed["config"]["digest"].as_str().unwrap()));
    let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    for wanted in [
        format!("podreeve_image_fetched_bytes_total{{what=\"image\"}} {}", manifest.len() + config.len()),
        "podreeve_image_fetched_bytes_total{what=\"tag\"} 0".to_owned(),
        "podreeve_image_fetch_errors_total{kind=\"not_found\",what=\"tag\"} 1".to_owned(),
    ] {
        assert!(text.lines().any(|line| line == wanted), "there is no {wanted}:\n{text}");
    }
}
