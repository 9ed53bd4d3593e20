//! A registry that is busy, broken or gone.

use crate::fake::{Fake, MANIFEST, client_with, status};
use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use podreeve::registry::{Credentials, Limits, RegistryError};
use serde_json::json;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub fn too_many(retry_after: &str) -> Response<Body> {
    let answer = Response::builder().status(StatusCode::TOO_MANY_REQUESTS).header(header::RETRY_AFTER, retry_after);
    answer.body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_busy_registry_is_asked_again_as_it_says() {
    let fake = Fake::start().await;
    let digest = fake.manifest(MANIFEST, &json!({}), Some("1"));
    let busy = AtomicU32::new(0);
    fake.answer(move |_| match busy.fetch_add(1, Ordering::Relaxed) {
        0 => Some(too_many("0")),
        1 => Some(status(StatusCode::BAD_GATEWAY)),
        _ => None,
    });
    assert_eq!(fake.client().digest(&fake.image(":1")).await, Ok(digest));
    assert_eq!(fake.seen().len(), 3);

    fake.answer(|_| Some(too_many("3600")));
    let error = fake.client().digest(&fake.image(":1")).await.unwrap_err();
    let expected =
        RegistryError::TooManyRequests { host: fake.host.clone(), retry_after: Some(Duration::from_secs(3600)) };
    assert_eq!(error, expected);
    assert_eq!(fake.seen().len(), 4, "a wait of an hour is the caller's");
}

#[tokio::test]
async fn tries_end() {
    let fake = Fake::start().await;
    fake.answer(|_| Some(status(StatusCode::SERVICE_UNAVAILABLE)));
    let error = fake.client().digest(&fake.image(":1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Status { status: 503, .. }), "{error}");
    assert_eq!(fake.seen().len(), 3);
    fake.answer(|_| Some(status(StatusCode::IM_A_TEAPOT)));
    let error = fake.client().digest(&fake.image(":1")).await.unwrap_err();
    assert!(matches!(error, RegistryError::Status { status: 418, .. }), "{error}");
    assert_eq!(fake.seen().len(), 4, "what does not pass is not tried again");
}

#[tokio::test]
async fn nobody_listens_or_nobody_answers() {
    let fake = Fake::start().await;
    let limits = Limits { answer: Duration::from_millis(50), tries: 1, ..Limits::default() };
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut settings = fake.settings();
    settings.prefix = silent.local_addr().unwrap().to_string();
    let client = client_with(settings.clone(), Credentials::default(), limits.clone());
    let image = podreeve::workload::image::ImageRef::parse(&format!("{}/shop/web:1", settings.prefix)).into_owned();
    let error = client.digest(&image).await.unwrap_err();
    assert!(matches!(error, RegistryError::TimedOut { .. }), "{error}");
    drop(silent);
    let error = client_with(settings, Credentials::default(), limits).digest(&image).await.unwrap_err();
    assert!(matches!(error, RegistryError::Connect { .. }), "{error}");
}
