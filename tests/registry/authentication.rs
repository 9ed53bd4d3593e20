//! Challenges, tokens, and whom credentials are sent to.

use crate::fake::{Fake, MANIFEST, client, redirect};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode, header};
use futures_util::future::join_all;
use podreeve::image::Digest;
use podreeve::registry::{Credentials, Keyring, RegistryError, RegistrySettings};
use serde_json::json;

fn unauthorized(challenge: &str) -> Response<Body> {
    let answer = Response::builder().status(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, challenge);
    answer.body(Body::empty()).unwrap()
}

fn has(request: &Request, authorization: &str) -> bool {
    request.headers().get(header::AUTHORIZATION).is_some_and(|value| value == authorization)
}

fn keyring(registry: &str, user: &str, password: &str) -> Keyring {
    let auths = json!({"auths": {registry: {"username": user, "password": password}}});
    Keyring::read(auths.to_string().as_bytes()).unwrap()
}

/// A registry that gives the token `good` to the user `robot`, and `public` to everybody.
async fn with_tokens() -> (Fake, Digest) {
    let fake = Fake::start().await;
    let digest = fake.manifest(MANIFEST, &json!({"private": true}), Some("1"));
    let realm = format!("http://{}/token?a=b", fake.host);
    fake.answer(move |request| {
        if request.uri().path() == "/token" {
            let robot = has(request, "Basic cm9ib3Q6aHVudGVyMg==");
            let token = if robot { "good" } else { "public" };
            return Some(Response::new(Body::from(json!({"token": token, "expires_in": 300}).to_string())));
        }
        let challenge = format!(r#"Bearer realm="{realm}",service="the registry",scope="repository:shop/web:pull""#);
        if has(request, "Bearer good") { None } else { Some(unauthorized(&challenge)) }
    });
    (fake, digest)
}

#[tokio::test]
async fn a_token_is_fetched_once_for_a_repository() {
    let (fake, digest) = with_tokens().await;
    let client = client(fake.settings(), Credentials::default().keyring(keyring(&fake.host, "robot", "hunter2")));
    let image = fake.image(":1");
    let digests = join_all((0..20).map(|_| client.digest(&image))).await;
    assert!(digests.iter().all(|found| found.as_ref() == Ok(&digest)), "{digests:?}");
    assert_eq!(fake.count("/token"), 1);
    let (_, path, _) = fake.seen().into_iter().find(|(_, path, _)| path.starts_with("/token")).unwrap();
    assert_eq!(path, "/token?a=b&service=the%20registry&scope=repository%3Ashop%2Fweb%3Apull");
    client.manifest(&image, &digest).await.unwrap();
    assert_eq!(fake.count("/token"), 1);
}

#[tokio::test]
async fn a_refusal_says_whose_credentials_it_were() {
    let (fake, _) = with_tokens().await;
    let ask = async |credentials| {
        client(fake.settings(), credentials).digest(&fake.image(":1")).await.unwrap_err().to_string()
    };
    let host = &fake.host;
    let refused = ask(Credentials::default()).await;
    assert_eq!(refused, format!("{host} refuses access to shop/web, without credentials"));
    let refused = ask(Credentials::default().keyring(keyring(host, "mallory", "hunter3"))).await;
    assert_eq!(refused, format!("{host} refuses access to shop/web, with the credentials of mallory"));
    assert!(!refused.contains("hunter3"));
}

#[tokio::test]
async fn the_second_credentials_are_tried_when_the_first_are_refused() {
    let (fake, digest) = with_tokens().await;
    let credentials = Credentials::default()
        .keyring(keyring(&format!("{}/shop", fake.host), "old", "x"))
        .keyring(keyring(&fake.host, "robot", "hunter2"));
    assert_eq!(client(fake.settings(), credentials).digest(&fake.image(":1")).await, Ok(digest));
}

#[tokio::test]
async fn a_token_that_is_revoked_is_fetched_again() {
    let (fake, digest) = with_tokens().await;
    let client = client(fake.settings(), Credentials::default().keyring(keyring(&fake.host, "robot", "hunter2")));
    client.digest(&fake.image(":1")).await.unwrap();
    let realm = format!("http://{}/token", fake.host);
    fake.answer(move |request| {
        if request.uri().path() == "/token" {
            return Some(Response::new(Body::from(r#"{"access_token": "newer"}"#)));
        }
        if has(request, "Bearer newer") { None } else { Some(unauthorized(&format!("Bearer realm=\"{realm}\""))) }
    });
    assert_eq!(client.digest(&fake.image(":1")).await, Ok(digest));
}

#[tokio::test]
async fn basic_authentication_and_a_refresh_token() {
    let fake = Fake::start().await;
    let digest = fake.manifest(MANIFEST, &json!({}), Some("1"));
    fake.answer(|request| (!has(request, "Basic cm9ib3Q6aHVudGVyMg==")).then(|| unauthorized("Basic realm=\"r\"")));
    let basic = Credentials::default().keyring(keyring(&fake.host, "robot", "hunter2"));
    assert_eq!(client(fake.settings(), basic).digest(&fake.image(":1")).await, Ok(digest.clone()));

    let realm = format!("http://{}/token", fake.host);
    fake.answer(move |request| {
        if request.uri().path() == "/token" {
            return (request.method() == Method::POST).then(|| Response::new(Body::from(r#"{"access_token": "t"}"#)));
        }
        if has(request, "Bearer t") { None } else { Some(unauthorized(&format!("Bearer realm=\"{realm}\""))) }
    });
    let json = json!({"auths": {fake.host.clone(): {"identitytoken": "refresh"}}}).to_string();
    let identity = Credentials::default().keyring(Keyring::read(json.as_bytes()).unwrap());
    assert_eq!(client(fake.settings(), identity).digest(&fake.image(":1")).await, Ok(digest));
}

#[tokio::test]
async fn a_hostile_realm_gets_nothing() {
    let thief = Fake::start().await;
    let fake = Fake::start().await;
    let credentials = || Credentials::default().keyring(keyring(&fake.host, "robot", "hunter2"));
    let ways = [
        // The same machine by another name is another host.
        ("http://localhost:1/token".to_owned(), "no https"),
        (format!("http://user@{}/token", thief.host.replace("127.0.0.1", "127.0.0.2")), "has credentials"),
        ("file:///etc/passwd".to_owned(), "no address"),
        ("https://evil.example.com/token".to_owned(), "another host"),
        ("https://169.254.169.254/token".to_owned(), "another host"),
        ("https://127.0.0.1.evil.example.com/token".to_owned(), "another host"),
        ("https://127.0.0.1:x@localhost/token".to_owned(), "has credentials"),
        ("no address".to_owned(), "no address"),
    ];
    for (realm, why) in ways {
        let challenge = format!("Bearer realm=\"{realm}\"");
        fake.answer(move |_| Some(unauthorized(&challenge)));
        let error = client(fake.settings(), credentials()).digest(&fake.image(":1")).await.unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, RegistryError::Realm { .. }), "{text}");
        assert!(text.contains(why), "{realm}: {text}");
    }
    assert!(thief.seen().is_empty());
    // Listed, another host may give tokens, but not with a metadata address.
    fake.answer(|_| Some(unauthorized("Bearer realm=\"https://169.254.169.254/token\"")));
    let settings = RegistrySettings { auth_hosts: vec!["169.254.169.254".to_owned()], ..fake.settings() };
    let error = client(settings, credentials()).digest(&fake.image(":1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Address { .. }), "{error}");
}

#[tokio::test]
async fn no_credentials_across_a_redirect() {
    let storage = Fake::start().await;
    let fake = Fake::start().await;
    let digest = fake.blob(b"layer");
    storage.put("layer", "application/octet-stream", b"layer");
    let to = format!("http://{}/v2/layer?signature=hunter4", storage.host);
    fake.answer(move |request| {
        Some(if has(request, "Basic cm9ib3Q6aHVudGVyMg==") { redirect(&to) } else { unauthorized("Basic realm=\"r\"") })
    });
    let credentials = || Credentials::default().keyring(keyring(&fake.host, "robot", "hunter2"));
    let settings = RegistrySettings { redirect_hosts: vec![storage.host.clone()], ..fake.settings() };
    assert_eq!(client(settings, credentials()).config(&fake.image(":1"), &digest).await.unwrap(), b"layer");
    assert!(storage.seen().iter().all(|(_, _, authorization)| authorization.is_none()));
    assert_eq!(storage.seen().len(), 1);

    // Without an entry, a host in a private network is not contacted, and the message has no signature.
    let error = client(fake.settings(), credentials()).config(&fake.image(":1"), &digest).await.unwrap_err();
    assert!(matches!(error, RegistryError::Redirect { .. }), "{error}");
    assert!(!error.to_string().contains("hunter4"));
    assert_eq!(storage.seen().len(), 1);
}
