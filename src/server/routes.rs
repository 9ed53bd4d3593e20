//! POST /validate and /mutate, and a clear answer to everything else.

use super::activity::CountedBody;
use super::body::{BufferedBody, Cut, ReadTime, discard, read};
use super::duration;
use super::judge::judge;
use super::state::ServerState;
use crate::admit::Hook;
use crate::effort::End;
use crate::observe::{Shed, Times};
use crate::outcome::Outcome;
use crate::text::clean;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::{Method, StatusCode, Version};
use std::sync::Arc;
use std::time::Instant;

/// Bytes of a refused request that are read and thrown away, so that its sender reads the answer.
const DISCARD: usize = 1 << 20;

pub type Request = hyper::Request<CountedBody>;
pub type Response = hyper::Response<Full<Bytes>>;

/// Answers one request. With two paths and one method there is no need of a router, which allocates ten times for each request.
///
/// `hands_over` means that another replica may answer it.
pub async fn respond(state: &Arc<ServerState>, request: Request, hands_over: bool) -> Response {
    let hook = match request.uri().path() {
        "/validate" => Hook::Validate,
        "/mutate" => Hook::Mutate,
        _ => return Box::pin(unknown_path(state, request)).await,
    };
    if request.method() == Method::POST {
        review(state, hook, request, hands_over).await
    } else {
        Box::pin(wrong_method(state, request)).await
    }
}

async fn unknown_path(state: &ServerState, request: Request) -> Response {
    let path = clean(request.uri().path(), 100);
    let text = format!("{path} is not served here; AdmissionReviews go to /validate and /mutate");
    refuse(state, request, StatusCode::NOT_FOUND, text).await
}

async fn wrong_method(state: &ServerState, request: Request) -> Response {
    let text =
        format!("{} does not work here; AdmissionReviews are sent with POST", clean(request.method().as_str(), 20));
    let mut response = refuse(state, request, StatusCode::METHOD_NOT_ALLOWED, text).await;
    response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    response
}

/// Answers one review.
async fn review(state: &Arc<ServerState>, hook: Hook, request: Request, hands_over: bool) -> Response {
    let start = Instant::now();
    if let Err(error) = check_content_type(request.headers()) {
        return Box::pin(refuse(state, request, StatusCode::UNSUPPORTED_MEDIA_TYPE, error.to_string())).await;
    }
    let _flight = InFlight::new(state);
    let deadline = start + duration::deadline(request.uri().query(), state.limits.request);
    let version = request.version();
    let is_under_load = || state.is_under_load();
    let patience = state.limits.patience;
    let time = ReadTime { deadline: deadline.into(), patience, is_under_load: &is_under_load };
    let body = read(request.into_body(), state.limits.body, &state.budget, &time).await;
    if hands_over && body.cut.is_none() && state.handover.hands_over(&body.bytes) {
        return later(StatusCode::SERVICE_UNAVAILABLE, "0", "this replica shuts down; try again on a new connection");
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
        let text = "podreeve holds as many bodies as its --memory-budget allows; try again in a second";
        return later(StatusCode::TOO_MANY_REQUESTS, "1", text);
    }
    if body.cut == Some(Cut::SlowUnderLoad) {
        let text = "the body is slow, and others wait for what it holds; try again in a second";
        return closing(later(StatusCode::TOO_MANY_REQUESTS, "1", text), version);
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
        with_type("application/json", std::mem::take(&mut outcome.reply))
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
    let mut response = with_type("text/plain; charset=utf-8", format!("{text}\n"));
    *response.status_mut() = status;
    response
}

/// The client is to try again after so many seconds.
fn later(status: StatusCode, seconds: &'static str, text: &str) -> Response {
    let mut response = plain_text(status, text);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
    response
}

fn with_type(content_type: &'static str, body: impl Into<Bytes>) -> Response {
    let mut response = Response::new(Full::new(body.into()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
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
