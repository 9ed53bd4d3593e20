//! What is read has its digest and its size, or is refused.

use crate::fake::{Fake, MANIFEST, client, client_with};
use axum::body::Body;
use axum::http::{Method, Response};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use podreeve::image::Digest;
use podreeve::registry::{Credentials, Limits, RegistryError};
use podreeve::workload::image::ImageRef;
use serde_json::json;
use std::io::{self, Read};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test]
async fn a_tag_leads_to_a_digest_and_the_digest_to_bytes() {
    let fake = Fake::start().await;
    let config = fake.blob(b"{}");
    let digest = fake.manifest(MANIFEST, &json!({"config": {"digest": config.as_str()}}), Some("1.2"));
    let client = fake.client();
    let image = fake.image(":1.2");
    assert_eq!(client.digest(&image).await.unwrap(), digest);
    let manifest = client.manifest(&image, &digest).await.unwrap();
    assert_eq!((manifest.media_type.as_str(), &manifest.digest), (MANIFEST, &digest));
    assert_eq!(client.config(&image, &config).await.unwrap(), b"{}");
    // A digest in the reference needs no registry, and one that cannot be compared is refused.
    assert_eq!(client.digest(&fake.image(&format!(":9@{digest}"))).await.unwrap(), digest);
    assert_eq!(fake.count("manifests/9"), 0);
    let missing = client.digest(&fake.image(":none")).await.unwrap_err();
    assert!(matches!(missing, RegistryError::NotFound { .. }), "{missing}");
}

#[tokio::test]
async fn a_tag_without_the_header_is_read_as_a_whole() {
    let fake = Fake::start().await;
    let bytes = br#"{"schemaVersion":2}"#.to_vec();
    let expected = Digest::sha256(&bytes);
    fake.answer(move |request| {
        let body = if request.method() == Method::HEAD { Vec::new() } else { bytes.clone() };
        Some(Response::new(Body::from(body)))
    });
    assert_eq!(fake.client().digest(&fake.image(":1")).await.unwrap(), expected);
}

#[tokio::test]
async fn other_bytes_are_refused() {
    let fake = Fake::start().await;
    let digest = fake.blob(b"right");
    fake.answer(|_| Some(Response::new(Body::from("wrong"))));
    let client = fake.client();
    let image = fake.image(":1");
    for error in [
        client.config(&image, &digest).await.unwrap_err(),
        client.manifest(&image, &digest).await.map(|_| ()).unwrap_err(),
    ] {
        let expected = RegistryError::WrongDigest {
            host: fake.host.clone(),
            expected: digest.clone(),
            found: Digest::sha256(b"wrong"),
        };
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn an_endless_body_ends_at_the_limit() {
    let fake = Fake::start().await;
    let digest = fake.blob(b"small");
    fake.answer(|_| {
        let endless = stream::repeat_with(|| Ok::<_, io::Error>(Bytes::from_static(&[0; 8192])));
        Some(Response::new(Body::from_stream(endless)))
    });
    let client = fake.client();
    let error = client.config(&fake.image(":1"), &digest).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooBig { limit: 4_194_304, .. }), "{error}");
    let mut blob = client.blob(&fake.image(":1"), &digest, 100_000).await.unwrap();
    let error = loop {
        if let Err(error) = blob.next().await {
            break error;
        }
    };
    assert!(matches!(error, RegistryError::TooBig { limit: 100_000, .. }), "{error}");
}

#[tokio::test]
async fn half_a_layer_is_an_error_and_silence_ends() {
    let fake = Fake::start().await;
    let digest = fake.blob(b"first second");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = fake.settings();
    settings.prefix = listener.local_addr().unwrap().to_string();
    let image = ImageRef::parse(&format!("{}/shop/web:1", settings.prefix)).into_owned();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let mut request = [0; 4096];
            assert!(tcp.read(&mut request).await.unwrap() > 0);
            tcp.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\nfirst ").await.unwrap();
        }
    });
    let error = client(settings, Credentials::default()).config(&image, &digest).await.unwrap_err();
    assert!(matches!(error, RegistryError::Interrupted { .. }), "{error}");

    fake.answer(|_| {
        let silent = stream::iter([Ok::<_, io::Error>(Bytes::from_static(b"first "))]).chain(stream::pending());
        Some(Response::new(Body::from_stream(silent)))
    });
    let limits = Limits { idle: Duration::from_millis(50), ..Limits::default() };
    let client = client_with(fake.settings(), Credentials::default(), limits);
    let error = client.config(&fake.image(":1"), &digest).await.unwrap_err();
    assert!(matches!(error, RegistryError::TimedOut { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blocking_reader_reads_and_verifies() {
    let fake = Fake::start().await;
    let bytes = vec![7; 300_000];
    let digest = fake.blob(&bytes);
    let client = fake.client();
    let image = fake.image(":1");
    let blob = client.blob(&image, &digest, 300_000).await.unwrap();
    let mut reader = blob.blocking(tokio::runtime::Handle::current());
    let read = tokio::task::spawn_blocking(move || {
        let mut read = Vec::new();
        reader.read_to_end(&mut read).map(|_| read)
    });
    assert_eq!(read.await.unwrap().unwrap(), bytes);

    fake.answer(|_| Some(Response::new(Body::from("other"))));
    let blob = client.blob(&image, &digest, 300_000).await.unwrap();
    let mut reader = blob.blocking(tokio::runtime::Handle::current());
    let read = tokio::task::spawn_blocking(move || reader.read_to_end(&mut Vec::new()));
    let error = read.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("other bytes than"), "{error}");
}

#[tokio::test]
async fn a_body_that_drips_ends() {
    let fake = Fake::start().await;
    let digest = fake.blob(b"never");
    fake.answer(|_| {
        let parts = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((Ok::<_, io::Error>(Bytes::from_static(b"a")), ()))
        });
        Some(Response::new(Body::from_stream(parts)))
    });
    let limits = Limits { window: Duration::from_millis(100), least: 1 << 20, ..Limits::default() };
    let client = client_with(fake.settings(), Credentials::default(), limits);
    let error = client.config(&fake.image(":1"), &digest).await.unwrap_err();
    assert!(matches!(error, RegistryError::TooSlow { .. }), "{error}");
}

/// A proxy, or a page on which a person logs in, answers with HTML and status 200.
#[tokio::test]
async fn a_web_page_is_called_one() {
    let fake = Fake::start().await;
    let digest = fake.manifest(MANIFEST, &serde_json::json!({}), Some("1"));
    let page = || Response::builder().header("content-type", "text/html").body(Body::from("<!doctype html>")).unwrap();
    fake.answer(move |_| Some(page()));
    let client = fake.client();
    for error in [
        client.digest(&fake.image(":1")).await.map(|_| ()).unwrap_err(),
        client.manifest(&fake.image(":1"), &digest).await.map(|_| ()).unwrap_err(),
    ] {
        assert!(error.to_string().contains("answers with a web page"), "{error}");
    }
}
