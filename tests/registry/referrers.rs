//! Signatures are found however a registry lists them.

use crate::fake::{Fake, INDEX, MANIFEST, client_with, status};
use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use podreeve::image::Digest;
use podreeve::registry::{Attached, Credentials, Limits, Referrers, RegistryError};
use serde_json::{Value, json};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const LEGACY: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

fn is_signature(media_type: &str) -> bool {
    [BUNDLE, LEGACY].contains(&media_type)
}

/// A signature of `subject`; its own manifest is stored.
fn sign(fake: &Fake, subject: &Digest, bytes: &[u8]) -> Value {
    let blob = fake.blob(bytes);
    let manifest = json!({"artifactType": BUNDLE, "subject": {"digest": subject.as_str()},
        "annotations": {"of": "manifest", "a": "b"},
        "layers": [{"mediaType": BUNDLE, "digest": blob.as_str(), "size": bytes.len(), "annotations": {"of": "layer"}},
                   {"mediaType": "application/octet-stream", "digest": blob.as_str(), "size": 99_999_999_999_u64}]});
    let digest = fake.manifest(MANIFEST, &manifest, None);
    // The type in a list is not reliable.
    json!({"mediaType": MANIFEST, "digest": digest.as_str(), "artifactType": "application/vnd.oci.empty.v1+json"})
}

fn index(entries: &[Value]) -> Value {
    json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
}

async fn read(fake: &Fake, subject: &Digest) -> Result<Referrers, RegistryError> {
    fake.client().referrers(&fake.image(":1"), subject, &is_signature).await
}

fn texts(found: &[Attached]) -> Vec<&str> {
    found.iter().map(|attached| std::str::from_utf8(&attached.bytes).unwrap()).collect()
}

#[tokio::test]
async fn by_the_api_the_fallback_tag_and_the_tags_of_cosign() {
    let fake = Fake::start().await;
    let subject = fake.manifest(MANIFEST, &json!({"an": "image"}), Some("1"));
    assert!(read(&fake, &subject).await.unwrap().attached.is_empty());

    let tagged = index(&[sign(&fake, &subject, b"by tag")]);
    fake.manifest(INDEX, &tagged, Some(&subject.fallback_tag()));
    let found = read(&fake, &subject).await.unwrap();
    assert_eq!(texts(&found.attached), ["by tag"]);
    let attached = &found.attached[0];
    assert_eq!((attached.artifact_type.as_str(), attached.media_type.as_str()), (BUNDLE, BUNDLE));
    assert_eq!((attached.annotations["of"].as_str(), attached.annotations["a"].as_str()), ("layer", "b"));

    // An empty answer of the API is what a registry gives that has lists under tags from before.
    let path = format!("shop/web/referrers/{subject}");
    fake.put(&path, INDEX, index(&[]).to_string().as_bytes());
    assert_eq!(texts(&read(&fake, &subject).await.unwrap().attached), ["by tag"]);
    fake.put(&path, INDEX, index(&[sign(&fake, &subject, b"by API")]).to_string().as_bytes());
    assert_eq!(texts(&read(&fake, &subject).await.unwrap().attached), ["by API"]);

    let blob = fake.blob(b"legacy");
    let legacy = json!({"config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": blob.as_str()},
        "layers": [{"mediaType": LEGACY, "digest": blob.as_str(), "size": 6}]});
    fake.manifest(MANIFEST, &legacy, Some(&format!("{}.sig", subject.fallback_tag())));
    let found = read(&fake, &subject).await.unwrap();
    assert_eq!(texts(&found.attached), ["by API", "legacy"]);
    assert_eq!(found.attached[1].tag, Some(format!("{}.sig", subject.fallback_tag())));
}

#[tokio::test]
async fn a_registry_without_the_api_says_so_in_many_ways() {
    let fake = Fake::start().await;
    let subject = fake.manifest(MANIFEST, &json!({"an": "image"}), None);
    fake.manifest(INDEX, &index(&[sign(&fake, &subject, b"by tag")]), Some(&subject.fallback_tag()));
    for code in [404, 400, 405, 406, 501, 200] {
        fake.answer(move |request| {
            let page = Response::builder().status(code).header(header::CONTENT_TYPE, "text/html");
            request.uri().path().contains("/referrers/").then(|| page.body(Body::from("<html>")).unwrap())
        });
        assert_eq!(texts(&read(&fake, &subject).await.unwrap().attached), ["by tag"], "{code}");
    }
    // A registry that fails has not said that there is no signature.
    fake.answer(|request| request.uri().path().contains("/referrers/").then(|| status(StatusCode::BAD_GATEWAY)));
    assert!(read(&fake, &subject).await.unwrap_err().is_transient());
}

#[tokio::test]
async fn a_referrer_names_its_subject() {
    let fake = Fake::start().await;
    let subject = fake.manifest(MANIFEST, &json!({"an": "image"}), None);
    let other = fake.manifest(MANIFEST, &json!({"another": "image"}), None);
    let entries = [sign(&fake, &other, b"of another"), sign(&fake, &subject, b"own")];
    fake.put(&format!("shop/web/referrers/{subject}"), INDEX, index(&entries).to_string().as_bytes());
    assert_eq!(texts(&read(&fake, &subject).await.unwrap().attached), ["own"]);
}

#[tokio::test]
async fn broken_referrers_are_named_and_the_good_ones_read() {
    let fake = Fake::start().await;
    let subject = fake.manifest(MANIFEST, &json!({"an": "image"}), None);
    let gone = sign(&fake, &subject, b"gone");
    let entries = [gone.clone(), json!({"digest": "sha256:zz"}), sign(&fake, &subject, b"own")];
    fake.put(&format!("shop/web/referrers/{subject}"), INDEX, index(&entries).to_string().as_bytes());
    fake.remove(&format!("shop/web/manifests/{}", gone["digest"].as_str().unwrap()));
    let found = read(&fake, &subject).await.unwrap();
    assert_eq!(texts(&found.attached), ["own"]);
    assert_eq!(found.unread.len(), 1);
    assert_eq!(found.unread[0].0, gone["digest"].as_str().unwrap());

    fake.put(&format!("shop/web/referrers/{subject}"), INDEX, b"{broken");
    assert!(matches!(read(&fake, &subject).await, Err(RegistryError::Malformed { .. })));
}

#[tokio::test]
async fn pages_are_followed_up_to_the_limit() {
    let fake = Fake::start().await;
    let subject = fake.manifest(MANIFEST, &json!({"an": "image"}), None);
    let entries: Vec<Value> = (0..5).map(|n| sign(&fake, &subject, format!("{n}").as_bytes())).collect();
    let path = format!("/v2/shop/web/referrers/{subject}");
    let link = format!("<http://elsewhere.example.com{path}?last=2>; rel=\"next\"");
    let (first, second) = (index(&entries[..3]).to_string(), index(&entries[3..]).to_string());
    fake.answer(move |request| {
        let page = Response::builder().header(header::CONTENT_TYPE, INDEX);
        match (request.uri().path() == path, request.uri().query()) {
            (false, _) => None,
            (true, None) => Some(page.header(header::LINK, &link).body(Body::from(first.clone())).unwrap()),
            (true, Some(_)) => Some(page.body(Body::from(second.clone())).unwrap()),
        }
    });
    let found = read(&fake, &subject).await.unwrap();
    assert_eq!(texts(&found.attached), ["0", "1", "2", "3", "4"]);
    let limits = Limits { referrers: 2, ..Limits::default() };
    let client = client_with(fake.settings(), Credentials::default(), limits);
    let found = client.referrers(&fake.image(":1"), &subject, &is_signature).await.unwrap();
    assert_eq!((texts(&found.attached), found.more), (vec!["0", "1"], true));
}
