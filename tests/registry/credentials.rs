//! Where credentials go, and where not.

use crate::fake::{Fake, MANIFEST, client};
use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use podreeve::registry::{Credentials, Keyring, Providers};
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn without_tls_credentials_stay_here() {
    let fake = Fake::start().await;
    let port = fake.host.rsplit_once(':').unwrap().1.to_owned();
    fake.answer(|_| {
        let answer = Response::builder().status(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, "Basic");
        Some(answer.body(Body::empty()).unwrap())
    });
    // The address of this machine's name is no loopback literal, so podreeve must take it for a foreign one.
    let name = format!("localhost.localdomain:{port}");
    let mut settings = fake.settings();
    settings.prefix.clone_from(&name);
    settings.mirror = Some(format!("0x7f.1:{port}"));
    let json = json!({"auths": {format!("0x7f.1:{port}"): {"username": "robot", "password": "hunter2"}}}).to_string();
    let credentials = Credentials::default().keyring(Keyring::read(json.as_bytes()).unwrap());
    let image = podreeve::workload::image::ImageRef::parse(&format!("{name}/shop/web:1")).into_owned();
    let error = client(settings, credentials).digest(&image).await.unwrap_err();
    assert!(fake.seen().iter().all(|(_, _, authorization)| authorization.is_none()), "{error}");
    assert!(error.to_string().contains("since it has no TLS"), "{error}");
}

#[tokio::test]
async fn a_credential_provider_is_asked_for_its_registry() {
    let fake = Fake::start().await;
    let digest = fake.manifest(MANIFEST, &json!({}), Some("1"));
    fake.answer(|request| {
        let known = request.headers().get(header::AUTHORIZATION).is_some_and(|value| value == "Basic Y2xvdWQ6dG9rZW4=");
        let refusal = Response::builder().status(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, "Basic");
        (!known).then(|| refusal.body(Body::empty()).unwrap())
    });
    let dir = tempfile::tempdir().unwrap();
    let answer = json!({"kind": "CredentialProviderResponse", "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "cacheKeyType": "Registry", "auth": {fake.host.clone(): {"username": "cloud", "password": "token"}}});
    let program = dir.path().join("cloud");
    fs::write(&program, format!("#!/bin/sh\ncat > /dev/null\necho '{answer}'\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let config = json!({"apiVersion": "kubelet.config.k8s.io/v1", "kind": "CredentialProviderConfig", "providers": [{
        "name": "cloud", "apiVersion": "credentialprovider.kubelet.k8s.io/v1", "matchImages": [fake.host],
        "defaultCacheDuration": "1h"}]});
    let providers = Providers::read(&config.to_string(), dir.path()).unwrap();
    let client = client(fake.settings(), Credentials::default().providers(providers));
    assert_eq!(client.digest(&fake.image(":1")).await, Ok(digest));
}
