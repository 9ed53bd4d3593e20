//! POST /validate and /mutate, and a clear answer to everything else.

use super::ServerState;
use super::body::{BufferedBody, Cut, Time, discard, read};
use super::duration;
use super::judge::judge;
use crate::admit::Hook;
use crate::effort::End;
use crate::observe::{Shed, Times};
use crate::outcome::Outcome;
use crate::text::clean;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{StatusCode, Version};
use std::sync::Arc;
use std::time::Instant;

/// Of a request that is refused unread this much is read and thrown away, so that its sender hears why.
const DISCARD: usize = 1 << 20;

pub fn router(shared: Arc<ServerState>) -> Router {
    Router::new()
        .route("/validate", hook(Hook::Validate))
        .route("/mutate", hook(Hook::Mutate))
        .fallback(unknown_path)
        .with_state(shared)
}

fn hook(hook: Hook) -> MethodRouter<Arc<ServerState>> {
    post(move |State(shared): State<Arc<ServerState>>, request: Request| async move { review(&shared, hook, request).await })
        .fallback(wrong_method)
}

async fn unknown_path(State(shared): State<Arc<ServerState>>, request: Request) -> Response {
    let path = clean(request.uri().path(), 100);
    let text = format!("{path} is not served here; AdmissionReviews go to /validate and /mutate");
    refuse(&shared, request, StatusCode::NOT_FOUND, text).await
}

async fn wrong_method(State(shared): State<Arc<ServerState>>, request: Request) -> Response {
    let text =
        format!("{} does not work here; AdmissionReviews are sent with POST", clean(request.method().as_str(), 20));
    let mut response = refuse(&shared, request, StatusCode::METHOD_NOT_ALLOWED, text).await;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// The way of one request.
async fn review(shared: &Arc<ServerState>, hook: Hook, request: Request) -> Response {
    let start = Instant::now();
    if let Err(text) = json(request.headers()) {
        return Box::pin(refuse(shared, request, StatusCode::UNSUPPORTED_MEDIA_TYPE, text)).await;
    }
    let _flight = InFlight::new(shared);
    let deadline = start + duration::deadline(request.uri().query(), shared.limits.request);
    let version = request.version();
    let saturated = || shared.is_crowded();
    let time = Time { deadline: deadline.into(), patience: shared.limits.patience, saturated: &saturated };
    let held = read(request.into_body(), shared.limits.body, &shared.budget, &time).await;
    let read_at = Instant::now();
    let mut outcome = judge(shared, hook, &held, deadline.into()).await;
    let end = Instant::now();
    let times = Times { total: end - start, decision: end - read_at };
    let response = answer(&mut outcome, &held, version);
    if response.status() == StatusCode::OK {
        shared.observer.answered(hook, &outcome, held.bytes.len(), times);
    }
    response
}

fn answer(outcome: &mut Outcome, held: &BufferedBody, version: Version) -> Response {
    if held.cut == Some(Cut::NoMemory) || outcome.ended == Some(End::NoMemory) {
        let text = "podreeve holds as many bodies as its --memory-budget allows; try again in a second\n";
        return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, HeaderValue::from_static("1"))], text).into_response();
    }
    if held.cut == Some(Cut::Crowded) {
        let text = "the body is slow, and others wait for what it holds; try again in a second\n";
        let headers = [(RETRY_AFTER, HeaderValue::from_static("1"))];
        return closing((StatusCode::TOO_MANY_REQUESTS, headers, text).into_response(), version);
    }
    let response = if outcome.reply.is_empty() {
        let status = match held.cut {
            Some(Cut::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Some(Cut::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        };
        let problem = outcome.problem.as_deref().unwrap_or("there is no answer, which is a bug in podreeve");
        plain_text(status, &clean(problem, 1000))
    } else {
        let body = Body::from(std::mem::take(&mut outcome.reply));
        ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    };
    if held.cut.is_some() { closing(response, version) } else { response }
}

/// What was not read stands between this answer and the next request.
fn closing(mut response: Response, version: Version) -> Response {
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The API server always sends `application/json`.
fn json(headers: &HeaderMap) -> Result<(), String> {
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Err("the request has no Content-Type; AdmissionReviews are sent as application/json".to_owned());
    };
    let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    let found = clean(&String::from_utf8_lossy(value.as_bytes()), 100);
    Err(format!("Content-Type {found} is not read here; AdmissionReviews are sent as application/json"))
}

async fn refuse(shared: &ServerState, request: Request, status: StatusCode, text: String) -> Response {
    shared.observer.metrics.shed(Shed::Request);
    let deadline = Instant::now() + shared.limits.request;
    let _ = tokio::time::timeout_at(deadline.into(), discard(&mut request.into_body(), DISCARD)).await;
    plain_text(status, &text)
}

fn plain_text(status: StatusCode, text: &str) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], format!("{text}\n"))
        .into_response()
}

/// Counts while the request is being answered, however that ends.
struct InFlight<'s>(&'s ServerState);

impl<'s> InFlight<'s> {
    fn new(shared: &'s ServerState) -> Self {
        shared.observer.metrics.in_flight.inc();
        Self(shared)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.observer.metrics.in_flight.dec();
    }
}
