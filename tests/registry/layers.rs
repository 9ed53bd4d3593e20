//! The leader reads the layers of images. What is too much, or cannot be read, is never taken for known.

use crate::built::Tar;
use crate::fake::{Fake, MANIFEST};
use crate::images::{known, service};
use crate::outages::too_many;
use podreeve::cluster::images::{Asker, read_layers};
use podreeve::facts::ImageQuery;
use podreeve::image::known::{ImageAnswer, KnownImage};
use podreeve::image::{Digest, Part, Parts};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAabcdefghij0123456789KLMNOPqrstuvWXYZ+/abcd\n-----END PRIVATE KEY-----\n";

/// An image of one platform with one layer, and the digest of the layer.
fn push(fake: &Fake, architecture: &str, layer: &[u8], tag: Option<&str>) -> (Digest, Digest) {
    let layer_digest = fake.blob(layer);
    let config = json!({
        "os": "linux", "architecture": architecture, "config": {"User": "1000"},
        "rootfs": {"type": "layers", "diff_ids": [layer_digest.as_str()]},
    });
    let config = fake.blob(config.to_string().as_bytes());
    let stored = json!({"digest": layer_digest.as_str(), "size": layer.len(), "mediaType": "application/vnd.oci.image.layer.v1.tar"});
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": config.as_str(), "size": 0}, "layers": [stored],
    });
    (fake.manifest(MANIFEST, &manifest, tag), layer_digest)
}

/// The image as soon as the layers of its first platform are read.
async fn read(fake: &Fake) -> Arc<KnownImage> {
    let service = service(fake.client());
    let reference = format!("{}/shop/web:1", fake.host);
    let (leads, leadership) = watch::channel(true);
    let reading = tokio::spawn({
        let service = Arc::clone(&service);
        async move { read_layers(&service, leadership).await }
    });
    loop {
        let image = known(&service, &reference).await;
        if image.platforms[0].content.is_some() {
            reading.abort();
            drop(leads);
            return image;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn an_image_with_more_than_is_kept_stays_incomplete_with_what_fits() {
    let fake = Fake::start().await;
    let folder = "a".repeat(3900);
    let layer = (0..1100).fold(Tar::default(), |tar, number| {
        let path = format!("{number}/{folder}");
        tar.pax(&[("path", path.as_bytes())]).file_with_mode("x", 0o4755, KEY)
    });
    let (_, layer) = push(&fake, "amd64", &layer.end(), Some("1"));
    let image = read(&fake).await;
    let facts = &image.platforms[0];
    let content = facts.content.as_ref().unwrap();
    assert_eq!((content.privileged_files.len(), content.secrets.len()), (100, 100));
    assert!(content.truncated && facts.missing() == Parts::of(&[Part::PrivilegedFiles, Part::Secrets]));
    assert_eq!(image.traits().missing, facts.missing());
    // It is not read again and again.
    assert_eq!(fake.count(&format!("blobs/{layer}")), 1);
}

#[tokio::test]
async fn layers_of_one_platform_that_cannot_be_read_say_nothing_of_the_others() {
    let fake = Fake::start().await;
    let layer = |name: &str| Tar::default().file_with_mode(name, 0o4755, "x").end();
    let (amd, _) = push(&fake, "amd64", &layer("bin/su"), None);
    let (arm, missing) = push(&fake, "arm64", &layer("bin/sudo"), None);
    fake.remove(&format!("shop/web/blobs/{missing}"));
    let entry = |digest: &Digest, architecture: &str| -> Value {
        json!({"mediaType": MANIFEST, "digest": digest.as_str(), "size": 0, "platform": {"os": "linux", "architecture": architecture}})
    };
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(&amd, "amd64"), entry(&arm, "arm64")]});
    fake.manifest(INDEX, &index, Some("1"));
    let image = read(&fake).await;
    let missing: Vec<Parts> = image.platforms.iter().map(podreeve::image::ImageFacts::missing).collect();
    assert_eq!(missing, [Parts::NONE, Parts::OF_LAYERS]);
    assert_eq!(image.platforms[0].content.as_ref().unwrap().privileged_files[0].path, "bin/su");
}

/// A layer that is larger than podreeve reads stays so: its image is known, and says that its layers are not.
#[tokio::test]
async fn a_layer_that_is_too_large_is_not_read_again() {
    let fake = Fake::start().await;
    // A file of 24 GiB of zeros, which the archive does not have.
    let sparse = Tar::default().changed(b'S', "sparse", "", 0o644, b"", |header| {
        header[483..495].copy_from_slice(b"300000000000");
    });
    let (_, layer) = push(&fake, "amd64", &sparse.end(), Some("1"));
    let image = read(&fake).await;
    let gaps = image.platforms[0].all_gaps();
    assert_eq!((gaps.len(), image.traits().missing), (1, Parts::OF_LAYERS));
    assert!(gaps[0].why.starts_with("its layers were not read: ") && !gaps[0].is_unread(), "{gaps:?}");
    assert!(image.traits().writable.is_empty());
    assert_eq!(fake.count(&format!("blobs/{layer}")), 1);
}

/// A layer with a file behind a link is read twice, and another one once.
#[tokio::test]
async fn a_file_behind_a_link_is_read() {
    let fake = Fake::start().await;
    let settings =
        Tar::default().file("opt/x", "deb [trusted=yes] http://a b c\n").symlink("etc/apt/sources.list", "/opt/x");
    let (_, layer) = push(&fake, "amd64", &settings.end(), Some("1"));
    let image = read(&fake).await;
    let content = image.platforms[0].content.as_ref().unwrap();
    assert_eq!((content.unverified[0].path.as_str(), content.unverified.len()), ("etc/apt/sources.list", 1));
    assert_eq!((image.platforms[0].missing(), fake.count(&format!("blobs/{layer}"))), (Parts::NONE, 2));
}

/// Else the first pods of an image run whatever is in it. Where the layers cannot be read, nothing waits for them.
#[tokio::test]
async fn a_request_waits_for_the_layers() {
    let fake = Fake::start().await;
    push(&fake, "amd64", &Tar::default().file("app/key.pem", KEY).end(), Some("1"));
    let (_, lost) = push(&fake, "amd64", &Tar::default().file("app/other", "x").end(), Some("2"));
    fake.remove(&format!("shop/web/blobs/{lost}"));
    let service = service(fake.client());
    let (_leads, leadership) = watch::channel(true);
    let reading = tokio::spawn({
        let service = Arc::clone(&service);
        async move { read_layers(&service, leadership).await }
    });
    tokio::task::yield_now().await;
    for (tag, read) in [("1", true), ("2", false)] {
        let references = vec![format!("{}/shop/web:{tag}", fake.host)];
        let query = ImageQuery {
            namespace: "shop".to_owned(),
            pull_secrets: Vec::new(),
            accounts: Vec::new(),
            references: references.clone(),
        };
        let asking = service.ask(&query, Asker::Request, Instant::now() + Duration::from_secs(3600));
        let images = tokio::time::timeout(Duration::from_secs(60), asking).await.expect("it waits for nothing");
        let Some(ImageAnswer::Known(image)) = images.get(&references[0]) else { panic!("unknown") };
        assert_eq!(image.platforms[0].content.is_some(), read, "{tag}");
    }
    reading.abort();
}

/// Registries that delete manifests without a tag leave such images behind. One must not keep the leader busy, and what is left of it is
/// read.
#[tokio::test]
async fn of_an_image_that_lost_a_platform_the_others_are_read_once() {
    let fake = Fake::start().await;
    let (amd, _) = push(&fake, "amd64", &Tar::default().file("a", "x").end(), None);
    let (arm, _) = push(&fake, "arm64", &Tar::default().file("b", "x").end(), None);
    let entry = |digest: &Digest, architecture: &str| -> Value {
        json!({"mediaType": MANIFEST, "digest": digest.as_str(), "size": 0, "platform": {"os": "linux", "architecture": architecture}})
    };
    let index =
        json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry(&amd, "amd64"), entry(&arm, "arm64")]});
    let index = fake.manifest(INDEX, &index, Some("1"));
    let service = service(fake.client());
    let reference = format!("{}/shop/web:1", fake.host);
    known(&service, &reference).await;
    fake.remove(&format!("shop/web/manifests/{arm}"));
    let before = fake.count(&format!("manifests/{index}"));
    let (_leads, leadership) = watch::channel(true);
    let reading = read_layers(&service, leadership);
    let _ = tokio::time::timeout(Duration::from_secs(1), reading).await;
    let tries = fake.count(&format!("manifests/{index}")) - before;
    assert!((1..=3).contains(&tries), "it was read {tries} times");
    let image = known(&service, &reference).await;
    let read = image.platforms.iter().map(|facts| (facts.platform.to_string(), facts.content.is_some()));
    assert_eq!(read.collect::<Vec<_>>(), [("linux/amd64".to_owned(), true), ("linux/arm64".to_owned(), false)]);
}

/// Two images at one time may see it before it says so.
#[tokio::test]
async fn a_registry_that_wants_to_be_left_alone_is_asked_for_no_other_layers() {
    let fake = Fake::start().await;
    let service = service(fake.client());
    for tag in 0..6 {
        let tag = tag.to_string();
        push(&fake, "amd64", &Tar::default().file(&tag, "x").end(), Some(&tag));
        known(&service, &format!("{}/shop/web:{tag}", fake.host)).await;
    }
    fake.answer(|_| Some(too_many("3600")));
    let before = fake.seen().len();
    let (_leads, leadership) = watch::channel(true);
    let _ = tokio::time::timeout(Duration::from_secs(1), read_layers(&service, leadership)).await;
    let asked = fake.seen().len() - before;
    assert!((1..=2).contains(&asked), "it was asked {asked} times");
}
