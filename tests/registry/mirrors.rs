//! A mirror takes the place of a prefix.

use crate::fake::{Fake, MANIFEST};
use podreeve::registry::{Client, Credentials, Limits, RegistrySettings, Settings};
use podreeve::workload::image::ImageRef;
use serde_json::json;

#[tokio::test]
async fn the_longest_prefix_and_its_mirror() {
    let fake = Fake::start().await;
    let bytes = json!({}).to_string();
    for path in ["cache/hub/library/nginx/manifests/1", "special/web/manifests/1"] {
        fake.put(path, MANIFEST, bytes.as_bytes());
    }
    let entry = |prefix: &str, mirror: &str| RegistrySettings {
        prefix: prefix.to_owned(),
        mirror: Some(format!("{}/{mirror}", fake.host)),
        plain_http: true,
        ..RegistrySettings::default()
    };
    let registries = vec![entry("docker.io", "cache/hub"), entry("docker.io/shop", "special")];
    let settings = Settings { registries, any_host: false };
    let client = Client::new(&settings, Credentials::default(), Limits::default()).unwrap();
    client.digest(&ImageRef::parse("nginx:1")).await.unwrap();
    client.digest(&ImageRef::parse("shop/web:1")).await.unwrap();
    let paths: Vec<_> = fake.seen().into_iter().map(|(_, path, _)| path).collect();
    assert_eq!(paths, ["/v2/cache/hub/library/nginx/manifests/1", "/v2/special/web/manifests/1"]);
}
