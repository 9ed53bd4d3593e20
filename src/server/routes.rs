//! POST /validate and /mutate, and a clear answer to everything else.

use super::body::{BufferedBody, Cut, ReadTime, discard, read};
use super::duration;
use super::handover::{KeptConnection, try_another};
use super::judge::judge;
use super::state::ServerState;
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

/// Bytes of a refused request that are read and thrown away, so that its sender reads the answer.
const DISCARD: usize = 1 << 20;

pub fn router(state: Arc<ServerState>) -> Router {
    Router::new()
        .route("/validate", hook(Hook::Validate))
        .route("/mutate", hook(Hook::Mutate))
        .fallback(unknown_path)
        .with_state(state)
}

fn hook(hook: Hook) -> MethodRouter<Arc<ServerState>> {
    post(move |State(state): State<Arc<ServerState>>, request: Request| async move { review(&state, hook, request).await })
        .fallback(wrong_method)
}

async fn unknown_path(State(state): State<Arc<ServerState>>, request: Request) -> Response {
    let path = clean(request.uri().path(), 100);
    let text = format!("{path} is not served here; AdmissionReviews go to /validate and /mutate");
    refuse(&state, request, StatusCode::NOT_FOUND, text).await
}

async fn wrong_method(State(state): State<Arc<ServerState>>, request: Request) -> Response {
    let text =
        format!("{} does not work here; AdmissionReviews are sent with POST", clean(request.method().as_str(), 20));
    let mut response = refuse(&state, request, StatusCode::METHOD_NOT_ALLOWED, text).await;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// Answers one review.
async fn review(state: &Arc<ServerState>, hook: Hook, request: Request) -> Response {
    let start = Instant::now();
    if let Err(error) = check_content_type(request.headers()) {
        return Box::pin(refuse(state, request, StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string())).await;
    }
    let _flight = InFlight::new(state);
    let deadline = start + duration::deadline(request.uri().query(), state.limits.request);
    let version = request.version();
    let is_kept = request.extensions().get::<KeptConnection>().is_some();
    let is_under_load = || state.is_under_load();
    let patience = state.limits.patience;
    let time = ReadTime { deadline: deadline.into(), patience, is_under_load: &is_under_load };
    let body = read(request.into_body(), state.limits.body, &state.budget, &time).await;
    if is_kept && body.cut.is_none() && state.handover.hands_over(&body.bytes) {
        return try_another();
    }
    let read_at = Instant::now();
    let mut outcome = judge(state, hook, &body, deadline.into()).await;
    let end = Instant::now();
    let times = Times { total: end - start, decision: end - read_at };
    let response = answer(&mut outcome, &body, version);
    if response.status() == StatusCode::OK {
        state.observer.answered(hook, &outcome, body.bytes.len(), times);
    }
    response
}

fn answer(outcome: &mut Outcome, body: &BufferedBody, version: Version) -> Response {
    if body.cut == Some(Cut::NoMemory) || outcome.ended == Some(End::NoMemory) {
        let text = "podreeve holds as many bodies as its --memory-budget allows; try again in a second\n";
        return (StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, HeaderValue::from_static("1"))], text).into_response();
    }
    if body.cut == Some(Cut::SlowUnderLoad) {
        let text = "the body is slow, and others wait for what it holds; try again in a second\n";
        let headers = [(RETRY_AFTER, HeaderValue::from_static("1"))];
        return closing((StatusCode::TOO_MANY_REQUESTS, headers, text).into_response(), version);
    }
    let response = if outcome.reply.is_empty() {
        let status = match body.cut {
            Some(Cut::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Some(Cut::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            _ => StatusCode::BAD_REQUEST,
        };
        let problem = outcome.problem.as_deref().unwrap_or("there is no answer, which is a bug in podreeve");
        plain_text(status, &clean(problem, 1000))
    } else {
        let reply = Body::from(std::mem::take(&mut outcome.reply));
        ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], reply).into_response()
    };
    if body.cut.is_some() { closing(response, version) } else { response }
}

/// Closes the connection after the answer: the rest of the body is still in front of the next request.
fn closing(mut response: Response, version: Version) -> Response {
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Why the content type of a request is refused.
#[derive(Debug, thiserror::Error)]
enum ContentTypeError {
    #[error("the request has no Content-Type; AdmissionReviews are sent as application/json")]
    Missing,
    #[error("Content-Type {0} is not read here; AdmissionReviews are sent as application/json")]
    Other(String),
}

/// The API server always sends `application/json`.
fn check_content_type(headers: &HeaderMap) -> Result<(), ContentTypeError> {
    let value = headers.get(CONTENT_TYPE).ok_or(ContentTypeError::Missing)?;
    let essence = value.as_bytes().split(|b| *b == b';').next().unwrap_or_default().trim_ascii();
    if essence.eq_ignore_ascii_case(b"application/json") {
        return Ok(());
    }
    Err(ContentTypeError::Other(clean(&String::from_utf8_lossy(value.as_bytes()), 100)))
}

async fn refuse(state: &ServerState, request: Request, status: StatusCode, text: String) -> Response {
    state.observer.metrics.shed(Shed::Request);
    let deadline = Instant::now() + state.limits.request;
    let _ = tokio::time::timeout_at(deadline.into(), discard(&mut request.into_body(), DISCARD)).await;
    plain_text(status, &text)
}

fn plain_text(status: StatusCode, text: &str) -> Response {
    (status, [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], format!("{text}\n"))
        .into_response()
}

/// Counts a request until it is dropped, however the request ends.
struct InFlight<'s>(&'s ServerState);

impl<'s> InFlight<'s> {
    fn new(state: &'s ServerState) -> Self {
        state.observer.metrics.in_flight.inc();
        Self(state)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.observer.metrics.in_flight.dec();
    }
}
