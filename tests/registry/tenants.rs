//! Pull secrets of namespaces: each namespace sees what its own secrets show, and nothing of another one.

use crate::fake::{Fake, status};
use crate::images::{LONG, later, push, service, setup};
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use podreeve::cluster::images::{Asker, ImageService};
use podreeve::facts::{ImageQuery, Images};
use podreeve::image::Digest;
use podreeve::image::known::{ImageAnswer, PullSecretScope, Reader, UnknownKind};
use serde_json::json;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::time::Instant;

/// The user of a request; none for an anonymous one.
fn user(request: &Request) -> Option<String> {
    let basic = |value: &HeaderValue| Some(value.to_str().ok()?.strip_prefix("Basic ")?.to_owned());
    let text = request.headers().get(header::AUTHORIZATION).and_then(basic)?;
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    text.strip_suffix(":hunter2").map(str::to_owned)
}

fn unauthorized() -> Response<Body> {
    let answer = Response::builder().status(StatusCode::UNAUTHORIZED).header(header::WWW_AUTHENTICATE, "Basic");
    answer.body(Body::empty()).unwrap()
}

/// Lets in who has one of these names.
fn wants(fake: &Fake, users: &'static [&'static str]) {
    fake.answer(move |request| {
        let is_in = user(request).is_some_and(|user| users.contains(&user.as_str()));
        (!is_in).then(unauthorized)
    });
}

/// An API server where the secret `login` of each namespace has the namespace's name as its user.
fn api_server(host: String) -> kube::Client {
    let service = tower::service_fn(move |request: axum::http::Request<kube::client::Body>| {
        let path = request.uri().path().strip_prefix("/api/v1/namespaces/").unwrap().to_owned();
        let parts: Vec<&str> = path.split('/').collect();
        let body = match parts.as_slice() {
            [namespace, "secrets", "login"] => {
                let auths =
                    json!({"auths": {host.clone(): {"username": namespace, "password": "hunter2"}}}).to_string();
                json!({"type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": STANDARD.encode(auths)}})
            }
            [_, "serviceaccounts", "builder"] => json!({"imagePullSecrets": [{"name": "login"}]}),
            _ => json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound"}),
        };
        let code = if body["code"] == 404 { 404 } else { 200 };
        let response = axum::http::Response::builder().status(code);
        let response = response.body(kube::client::Body::from(body.to_string().into_bytes())).unwrap();
        async { Ok::<_, Infallible>(response) }
    });
    kube::Client::new(service, "default")
}

async fn with_secrets(scope: &[&str]) -> (Fake, Arc<ImageService>) {
    let fake = Fake::start().await;
    let service = service(fake.client());
    let namespaces = scope.iter().map(|name| (*name).to_owned()).collect();
    let mut settings = setup(fake.client(), &json!([]));
    settings.pull_secrets = Some(Arc::new(PullSecretScope { namespaces }));
    service.set_up(settings);
    service.connected(api_server(fake.host.clone()));
    (fake, service)
}

/// What a pod of the namespace that names these secrets is answered.
async fn ask_with(
    service: &Arc<ImageService>,
    namespace: &str,
    secrets: &[&str],
    reference: &str,
) -> Result<Digest, UnknownKind> {
    let query = ImageQuery {
        namespace: namespace.to_owned(),
        pull_secrets: secrets.iter().map(|name| (*name).to_owned()).collect(),
        accounts: Vec::new(),
        references: vec![reference.to_owned()],
    };
    answer(&service.ask(&query, Asker::Request, Instant::now() + LONG).await, namespace, reference)
}

fn answer(images: &Images, namespace: &str, reference: &str) -> Result<Digest, UnknownKind> {
    match images.get_for(namespace, reference).unwrap() {
        ImageAnswer::Known(image) => {
            if let Reader::Namespaces(names) = &image.reader {
                assert_eq!(**names, [namespace.into()]);
            }
            Ok(image.digest.clone())
        }
        ImageAnswer::Unknown(image) => {
            assert!(!image.why.contains("hunter2"), "{}", image.why);
            Err(image.kind)
        }
    }
}

#[tokio::test]
async fn a_secret_opens_an_image_for_its_own_namespace_alone() {
    let (fake, service) = with_secrets(&[]).await;
    let digest = push(&fake, "1", "1000");
    wants(&fake, &["shop"]);
    let tag = format!("{}/shop/web:1", fake.host);
    let pinned = format!("{}/shop/web@{digest}", fake.host);
    assert_eq!(ask_with(&service, "shop", &[], &tag).await, Err(UnknownKind::Refused));
    assert_eq!(ask_with(&service, "shop", &["missing"], &tag).await, Err(UnknownKind::Refused));
    for reference in [&tag, &pinned] {
        assert_eq!(ask_with(&service, "shop", &["login"], reference).await.as_ref(), Ok(&digest), "{reference}");
        // Neither without secrets nor with those that the registry does not know.
        for secrets in [&[][..], &["login"]] {
            assert_eq!(ask_with(&service, "other", secrets, reference).await, Err(UnknownKind::Refused), "{reference}");
        }
    }
    // What is known now needs neither the secret nor the registry.
    let before = fake.seen().len();
    assert_eq!(ask_with(&service, "shop", &["login"], &tag).await.as_ref(), Ok(&digest));
    assert_eq!(fake.seen().len(), before);
    // A pod of the namespace that names no secret is judged by it, too.
    later(61);
    assert_eq!(ask_with(&service, "shop", &[], &tag).await.as_ref(), Ok(&digest));
    assert_eq!(ask_with(&service, "other", &[], &tag).await, Err(UnknownKind::Refused));
    // The others may read it themselves, and are asked to show that.
    wants(&fake, &["shop", "other"]);
    later(31);
    assert_eq!(ask_with(&service, "other", &["login"], &pinned).await.as_ref(), Ok(&digest));
    assert!(fake.seen().len() > before);
}

#[tokio::test]
async fn a_template_has_the_secrets_of_its_account() {
    let (fake, service) = with_secrets(&["shop"]).await;
    let digest = push(&fake, "1", "1000");
    wants(&fake, &["shop", "other"]);
    let reference = format!("{}/shop/web:1", fake.host);
    let query = |namespace: &str| ImageQuery {
        namespace: namespace.to_owned(),
        pull_secrets: Vec::new(),
        accounts: vec!["builder".to_owned()],
        references: vec![reference.clone()],
    };
    let until = Instant::now() + LONG;
    let images = service.ask(&query("shop"), Asker::Request, until).await;
    assert_eq!(answer(&images, "shop", &reference), Ok(digest));
    // The settings name the namespaces.
    let images = service.ask(&query("other"), Asker::Request, until).await;
    assert_eq!(answer(&images, "other", &reference), Err(UnknownKind::Refused));
}

/// A hostile registry shows each tenant another image, and claims that it has the image of another tenant.
#[tokio::test]
async fn a_registry_that_answers_by_credentials_misleads_each_reader_alone() {
    let (fake, service) = with_secrets(&[]).await;
    let [of_shop, of_other] = ["1000", "2000"].map(|user| push(&fake, "1", user));
    let (shop, other) = (of_shop.clone(), of_other.clone());
    fake.answer(move |request| {
        let Some(user) = user(request) else { return Some(unauthorized()) };
        let digest = if user == "shop" { &shop } else { &other };
        let claims = request.uri().path().ends_with("/manifests/1");
        let lies = user == "other" && request.uri().path().ends_with(shop.as_str());
        if lies {
            return Some(status(StatusCode::NOT_FOUND));
        }
        claims.then(|| {
            let answer = Response::builder().header("docker-content-digest", digest.as_str());
            answer.header(header::CONTENT_LENGTH, "0").body(Body::empty()).unwrap()
        })
    });
    let tag = format!("{}/shop/web:1", fake.host);
    for _ in 0..2 {
        assert_eq!(ask_with(&service, "shop", &["login"], &tag).await.as_ref(), Ok(&of_shop));
        assert_eq!(ask_with(&service, "other", &["login"], &tag).await.as_ref(), Ok(&of_other));
        later(61);
    }
    let pinned = format!("{}/shop/web@{of_shop}", fake.host);
    assert_eq!(ask_with(&service, "shop", &["login"], &pinned).await, Ok(of_shop));
    assert!(ask_with(&service, "other", &["login"], &pinned).await.is_err());
}

#[tokio::test]
async fn secrets_that_are_revoked_show_nothing_after_an_hour_and_an_outage_changes_nothing() {
    let (fake, service) = with_secrets(&[]).await;
    let digest = push(&fake, "1", "1000");
    let pinned = format!("{}/shop/web@{digest}", fake.host);
    wants(&fake, &["shop"]);
    assert_eq!(ask_with(&service, "shop", &["login"], &pinned).await.as_ref(), Ok(&digest));
    fake.answer(|request| {
        Some(if user(request).is_some() { status(StatusCode::SERVICE_UNAVAILABLE) } else { unauthorized() })
    });
    later(3601);
    assert_eq!(ask_with(&service, "shop", &["login"], &pinned).await.as_ref(), Ok(&digest));
    wants(&fake, &["nobody"]);
    later(3601);
    assert_eq!(ask_with(&service, "shop", &["login"], &pinned).await, Err(UnknownKind::Refused));
    wants(&fake, &["shop"]);
    later(301);
    assert_eq!(ask_with(&service, "shop", &["login"], &pinned).await.as_ref(), Ok(&digest));
    // A week without a registry that shows it again is too long.
    fake.answer(|request| {
        Some(if user(request).is_some() { status(StatusCode::SERVICE_UNAVAILABLE) } else { unauthorized() })
    });
    later(8 * 24 * 3600);
    assert_eq!(ask_with(&service, "shop", &["login"], &pinned).await, Err(UnknownKind::Refused));
}

#[tokio::test]
async fn what_one_tenant_does_too_often_holds_up_no_other() {
    let (fake, service) = with_secrets(&[]).await;
    let digest = push(&fake, "1", "1000");
    fake.answer(|request| match user(request).as_deref() {
        Some("shop") => {
            let answer = Response::builder().status(StatusCode::TOO_MANY_REQUESTS).header("retry-after", "3000");
            Some(answer.body(Body::empty()).unwrap())
        }
        Some(_) => None,
        None => Some(unauthorized()),
    });
    let reference = format!("{}/shop/web:1", fake.host);
    assert_eq!(ask_with(&service, "shop", &["login"], &reference).await, Err(UnknownKind::Refused));
    assert_eq!(ask_with(&service, "other", &["login"], &reference).await, Ok(digest));
    let before = fake.seen().len();
    assert_eq!(ask_with(&service, "shop", &["login"], &format!("{reference}1")).await, Err(UnknownKind::Refused));
    let by_shop = fake.seen().iter().skip(before).filter(|(_, _, authorization)| authorization.is_some()).count();
    assert_eq!(by_shop, 0, "the registry wants to be left alone");
}

/// Whoever writes the pod must not choose between `onUnknown` and `onUnavailable` by a secret.
#[tokio::test]
async fn a_secret_does_not_change_why_an_image_is_unknown() {
    let (fake, service) = with_secrets(&[]).await;
    let reference = format!("{}/shop/web:1", fake.host);
    for (own, theirs) in [
        (StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE),
        (StatusCode::NOT_FOUND, StatusCode::FORBIDDEN),
        (StatusCode::FORBIDDEN, StatusCode::NOT_FOUND),
        (StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS),
    ] {
        later(3601);
        fake.answer(move |request| match user(request) {
            Some(_) => Some(status(theirs)),
            None if own == StatusCode::NOT_FOUND => Some(status(own)),
            None => Some(unauthorized()),
        });
        let wanted = if own == StatusCode::NOT_FOUND { UnknownKind::NotFound } else { UnknownKind::Refused };
        assert_eq!(ask_with(&service, "shop", &["login"], &reference).await, Err(wanted), "{own} {theirs}");
    }
}

#[tokio::test]
async fn a_digest_that_moves_to_another_repository_must_be_shown_there() {
    let (fake, service) = with_secrets(&[]).await;
    let digest = push(&fake, "1", "1000");
    wants(&fake, &["shop"]);
    let of = |repository: &str| format!("{}/{repository}@{digest}", fake.host);
    assert_eq!(ask_with(&service, "shop", &["login"], &of("shop/web")).await, Ok(digest.clone()));
    assert!(ask_with(&service, "shop", &["login"], &of("shop/other")).await.is_err());
}

/// What another replica of podreeve learns, and what is switched off again.
#[tokio::test]
async fn settings_that_allow_it_no_more_count_at_once() {
    let (fake, service) = with_secrets(&[]).await;
    let digest = push(&fake, "1", "1000");
    wants(&fake, &["shop"]);
    let reference = format!("{}/shop/web:1", fake.host);
    assert_eq!(ask_with(&service, "shop", &["login"], &reference).await, Ok(digest));
    service.set_up(setup(fake.client(), &json!([])));
    assert_eq!(ask_with(&service, "shop", &["login"], &reference).await, Err(UnknownKind::Refused));
}
