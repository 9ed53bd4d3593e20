//! The service that knows images, against registries and references that are made to harm it.

use crate::fake::{Fake, INDEX, MANIFEST, client_of};
use crate::images::{LONG, ask, known, later, push, service, setup, unknown};
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, UnknownKind};
use podreeve::registry::RegistrySettings;
use serde_json::json;
use std::time::Duration;

/// An index of two platforms, of which the second is not there.
fn index(fake: &Fake, there: &str, absent: &str) -> Digest {
    let entry = |digest: &str, architecture: &str| json!({"digest": digest, "platform": {"os": "linux", "architecture": architecture}});
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(there, "amd64"), entry(absent, "arm64")]});
    fake.manifest(INDEX, &index, Some("all"))
}

#[tokio::test]
async fn a_platform_that_is_pushed_later_is_judged() {
    let fake = Fake::start().await;
    let amd = push(&fake, "amd", "1000");
    let arm = push(&fake, "arm", "0");
    let arm_bytes = fake.remove(&format!("shop/web/manifests/{arm}"));
    let _ = index(&fake, amd.as_str(), arm.as_str());
    let service = service(fake.client());
    let reference = format!("{}/shop/web:all", fake.host);
    let image = known(&service, &reference).await;
    assert_eq!((image.platforms.len(), image.absent.len()), (1, 1));
    // Its signature is wanted before it is there.
    let key = json!([{"prefix": fake.host, "signed": "leaves", "anyOf": [{"cosignKey": {"pem": include_str!("../trust/cosign.pub")}}]}]);
    service.set_up(setup(fake.client(), &key));
    let image = known(&service, &reference).await;
    assert_eq!(image.platforms[0].trust.as_ref().unwrap().wanted, [amd.to_string(), arm.to_string()]);
    service.set_up(setup(fake.client(), &json!([])));
    fake.put(&format!("shop/web/manifests/{arm}"), MANIFEST, &arm_bytes);
    later(61);
    let image = known(&service, &reference).await;
    let users: Vec<&str> = image.platforms.iter().map(|facts| facts.run.user.as_str()).collect();
    assert_eq!((users, image.absent.len()), (vec!["1000", "0"], 0));
}

#[tokio::test]
async fn a_reference_that_no_runtime_accepts_is_answered_at_once() {
    let fake = Fake::start().await;
    let service = service(fake.client());
    let long = format!("{}/{}", fake.host, "a".repeat(1 << 20));
    for reference in [long.as_str(), "a b", "registry.example.com/shop@sha256:AB"] {
        let image = unknown(&service, reference).await;
        assert_eq!(image.kind, UnknownKind::Invalid);
        assert!(image.why.len() < 300);
    }
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn a_registry_that_does_not_answer_holds_up_no_other_one() {
    let fake = Fake::start().await;
    push(&fake, "1", "1000");
    // Nobody accepts a connection of it.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = silent.local_addr().unwrap().to_string();
    let settings = RegistrySettings { prefix: host.clone(), ..fake.settings() };
    let service = service(client_of(vec![fake.settings(), settings]));
    let names: Vec<String> = (0..40).map(|number| format!("{host}/shop/web:{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let images = ask(&service, &names, Duration::from_millis(1)).await;
    assert!(names.iter().all(|name| matches!(images.get(name), Some(ImageAnswer::Unknown(_)))));
    // They wait still, and this one is read.
    let reference = format!("{}/shop/web:1", fake.host);
    let images = ask(&service, &[&reference], LONG).await;
    assert!(matches!(images.get(&reference), Some(ImageAnswer::Known(_))));
}
