//! The service that knows images, against a registry in this process.

use crate::built::Tar;
use crate::fake::{Fake, MANIFEST, client, status};
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use jiff::Timestamp;
use podreeve::cluster::images::{Asker, ImageService, Setup, TrustInForce};
use podreeve::facts::{ImageQuery, Images};
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, ImageSettings, KnownImage, UnknownImage, UnknownKind};
use podreeve::image::trust::{Trust, TrustDocument};
use podreeve::observe::metrics::images::ImageMetrics;
use podreeve::registry::{Client, Credentials};
use serde_json::json;
use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

thread_local! {
    /// Seconds since the start of the test, which has one thread.
    static SECONDS: Cell<i64> = const { Cell::new(0) };
}

fn clock() -> Timestamp {
    Timestamp::from_second(1_800_000_000 + SECONDS.get()).unwrap()
}

pub fn later(seconds: i64) {
    SECONDS.set(SECONDS.get() + seconds);
}

/// A service that reads from this registry.
pub fn service(client: Client) -> Arc<ImageService> {
    service_with(client, &prometheus::Registry::new())
}

/// The same with its metrics in this list.
pub fn service_with(client: Client, metrics: &prometheus::Registry) -> Arc<ImageService> {
    let metrics = ImageMetrics::new(metrics).unwrap();
    let service = Arc::new(ImageService::with_clock(Arc::new(metrics), clock));
    service.set_up(setup(client, &json!([])));
    service
}

pub fn setup(client: Client, trust: &serde_json::Value) -> Setup {
    let document: TrustDocument = serde_json::from_value(json!({"trust": trust})).unwrap();
    let nothing = |_: &_| Err("there are no ConfigMaps".to_owned());
    let id = Digest::sha256(trust.to_string().as_bytes());
    Setup {
        client,
        trust: TrustInForce { trust: Arc::new(Trust::compile(&document, &nothing).unwrap()), id },
        unknown: ImageSettings::default(),
        pull_secrets: None,
        layers: true,
        vulnerability_reports: false,
        registries: 1,
    }
}

/// An image with one layer.
pub fn push(fake: &Fake, tag: &str, user: &str) -> Digest {
    let layer = Tar::default().file("etc/passwd", "app:x:1000:1000::/:/bin/sh\n").end();
    let diff_id = fake.blob(&layer);
    let config = json!({
        "os": "linux", "architecture": "amd64", "config": {"User": user},
        "rootfs": {"type": "layers", "diff_ids": [diff_id.as_str()]},
    });
    let config = fake.blob(config.to_string().as_bytes());
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": config.as_str(), "size": 0},
        "layers": [{"digest": diff_id.as_str(), "size": layer.len(), "mediaType": "application/vnd.oci.image.layer.v1.tar"}],
    });
    fake.manifest(MANIFEST, &manifest, Some(tag))
}

pub async fn ask(service: &Arc<ImageService>, references: &[&str], time: Duration) -> Images {
    let query = ImageQuery {
        namespace: "shop".to_owned(),
        pull_secrets: Vec::new(),
        accounts: Vec::new(),
        references: references.iter().map(|reference| (*reference).to_owned()).collect(),
    };
    service.ask(&query, Asker::Request, Instant::now() + time).await
}

pub const LONG: Duration = Duration::from_secs(600);

async fn ask_one(service: &Arc<ImageService>, reference: &str) -> ImageAnswer {
    ask(service, &[reference], LONG).await.get(reference).unwrap().clone()
}

pub async fn known(service: &Arc<ImageService>, reference: &str) -> Arc<KnownImage> {
    match ask_one(service, reference).await {
        ImageAnswer::Known(image) => image,
        ImageAnswer::Unknown(image) => panic!("{reference}: {}", image.why),
    }
}

pub async fn unknown(service: &Arc<ImageService>, reference: &str) -> Arc<UnknownImage> {
    match ask_one(service, reference).await {
        ImageAnswer::Unknown(image) => image,
        ImageAnswer::Known(image) => panic!("{reference}: {} is known", image.digest),
    }
}

#[tokio::test]
async fn an_image_is_read_once_however_many_ask() {
    let fake = Fake::start().await;
    let digest = push(&fake, "1", "1000");
    let service = service(fake.client());
    let reference = format!("{}/shop/web:1", fake.host);
    let asking = (0..20).map(|_| known(&service, &reference));
    for image in futures_util::future::join_all(asking).await {
        assert_eq!((&image.digest, image.platforms[0].run.user.as_str()), (&digest, "1000"));
    }
    assert_eq!(fake.seen().len(), 3, "the tag, the manifest and the configuration: {:?}", fake.seen());
    // By its digest it is known, too.
    known(&service, &format!("{}/shop/web@{digest}", fake.host)).await;
    assert_eq!(fake.seen().len(), 3);
    // A tag counts for a minute, and its image for ever.
    later(61);
    known(&service, &reference).await;
    assert_eq!(fake.seen().len(), 4);
    assert_eq!(fake.seen()[3].0, Method::HEAD);
}

#[tokio::test]
async fn a_tag_that_moved_leads_to_the_new_image() {
    let fake = Fake::start().await;
    push(&fake, "1", "1000");
    let service = service(fake.client());
    let reference = format!("{}/shop/web:1", fake.host);
    known(&service, &reference).await;
    let new = push(&fake, "1", "2000");
    later(61);
    assert_eq!(known(&service, &reference).await.digest, new);
}

#[tokio::test]
async fn in_an_outage_what_was_known_counts() {
    let fake = Fake::start().await;
    let digest = push(&fake, "1", "1000");
    let service = service(fake.client());
    let tag = format!("{}/shop/web:1", fake.host);
    known(&service, &tag).await;
    for outage in [StatusCode::SERVICE_UNAVAILABLE, StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND] {
        fake.answer(move |_| Some(status(outage)));
        later(3600);
        assert_eq!(known(&service, &tag).await.digest, digest, "{outage}");
        let before = fake.seen().len();
        known(&service, &tag).await;
        assert_eq!(fake.seen().len(), before, "the registry is left alone for a while");
        known(&service, &format!("{}/shop/web@{digest}", fake.host)).await;
        // Another one is not known, and a failure says how.
        let kind = unknown(&service, &format!("{}/shop/web:2", fake.host)).await.kind;
        assert_eq!(kind == UnknownKind::NotFound, outage == StatusCode::NOT_FOUND);
    }
    // A week later nobody knows where the tag would lead.
    later(8 * 24 * 3600);
    unknown(&service, &tag).await;
}

#[tokio::test]
async fn a_failure_is_not_tried_again_at_once() {
    let fake = Fake::start().await;
    let service = service(fake.client());
    let reference = format!("{}/shop/web:1", fake.host);
    assert_eq!(unknown(&service, &reference).await.kind, UnknownKind::NotFound);
    let before = fake.seen().len();
    unknown(&service, &reference).await;
    assert_eq!(fake.seen().len(), before);
    push(&fake, "1", "1000");
    later(31);
    known(&service, &reference).await;
}

#[tokio::test]
async fn a_registry_that_allows_no_more_is_left_alone_for_all_images() {
    let fake = Fake::start().await;
    push(&fake, "1", "1000");
    let service = service(fake.client());
    fake.answer(|_| {
        let answer = Response::builder().status(StatusCode::TOO_MANY_REQUESTS).header("retry-after", "90");
        Some(answer.body(Body::empty()).unwrap())
    });
    let of = |tag: &str| format!("{}/shop/web:{tag}", fake.host);
    assert_eq!(unknown(&service, &of("1")).await.kind, UnknownKind::Unavailable);
    let before = fake.seen().len();
    unknown(&service, &of("2")).await;
    later(89);
    unknown(&service, &of("3")).await;
    assert_eq!(fake.seen().len(), before);
    fake.answer(|_| None);
    later(2);
    known(&service, &of("1")).await;
}

#[tokio::test]
async fn a_request_waits_no_longer_than_it_may_and_the_reading_goes_on() {
    let fake = Fake::start().await;
    push(&fake, "1", "1000");
    // Nobody answers before the test lets it.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = fake.settings();
    settings.prefix = silent.local_addr().unwrap().to_string();
    let reference = format!("{}/shop/web:1", settings.prefix);
    let service = service(client(settings, Credentials::default()));
    let images = ask(&service, &[&reference], Duration::from_millis(20)).await;
    let Some(ImageAnswer::Unknown(image)) = images.get(&reference) else { panic!("known") };
    assert_eq!(image.kind, UnknownKind::Unavailable);
    assert!(image.why.contains("did not answer in time"), "{}", image.why);
    // The reading goes on: a proxy to the real registry takes over.
    let host = fake.host.clone();
    let proxy = async move {
        loop {
            let (mut from, _) = silent.accept().await.unwrap();
            let mut to = tokio::net::TcpStream::connect(&host).await.unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut from, &mut to).await });
        }
    };
    tokio::spawn(proxy);
    known(&service, &reference).await;
}

#[tokio::test]
async fn other_hosts_are_not_contacted() {
    let (fake, other) = (Fake::start().await, Fake::start().await);
    push(&other, "1", "1000");
    let service = service(fake.client());
    let image = unknown(&service, &format!("{}/shop/web:1", other.host)).await;
    assert_eq!((image.kind, other.seen().len()), (UnknownKind::NotCovered, 0));
    for bad in ["", "shop//web", "SHOP/WEB:1", "registry.example.com/shop/web:a:b"] {
        assert!(!unknown(&service, bad).await.why.is_empty(), "{bad}");
    }
    assert_eq!(fake.seen().len(), 0);
}

#[tokio::test]
async fn a_repository_that_was_not_asked_must_have_the_image() {
    let fake = Fake::start().await;
    let digest = push(&fake, "1", "1000");
    let service = service(fake.client());
    known(&service, &format!("{}/shop/web@{digest}", fake.host)).await;
    let image = unknown(&service, &format!("{}/other/web@{digest}", fake.host)).await;
    assert_eq!(image.kind, UnknownKind::NotFound);
}

#[tokio::test]
async fn without_settings_every_image_is_unknown_and_counts_as_one_to_be_signed() {
    let metrics = ImageMetrics::new(&prometheus::Registry::new()).unwrap();
    let service = Arc::new(ImageService::with_clock(Arc::new(metrics), clock));
    let image = unknown(&service, "registry.example.com/shop/web:1").await;
    assert!(image.must_be_signed && image.kind == UnknownKind::Unavailable);
}

#[tokio::test]
async fn new_trust_judges_what_is_known_without_a_registry() {
    let fake = Fake::start().await;
    push(&fake, "1", "1000");
    let service = service(fake.client());
    let reference = format!("{}/shop/web:1", fake.host);
    assert!(known(&service, &reference).await.platforms[0].trust.is_none());
    let key = json!([{"prefix": fake.host, "anyOf": [{"cosignKey": {"pem": include_str!("../trust/cosign.pub")}}]}]);
    service.set_up(setup(fake.client(), &key));
    // What is attached was not read yet, so it is read now.
    let before = fake.count("sha256-");
    let image = known(&service, &reference).await;
    assert!(image.platforms[0].trust.as_ref().is_some_and(|verdict| verdict.signatures.is_empty()));
    assert!(fake.count("sha256-") > before);
    // Another key needs nothing of the registry.
    let before = fake.seen().len();
    let other = json!([{"prefix": fake.host, "anyOf": [{"cosignKey": {"pem": include_str!("../trust/other.pub")}}]}]);
    service.set_up(setup(fake.client(), &other));
    assert!(known(&service, &reference).await.platforms[0].trust.is_some());
    assert_eq!(fake.seen().len(), before);
    service.set_up(setup(fake.client(), &json!([])));
    assert!(known(&service, &reference).await.platforms[0].trust.is_none());
}
