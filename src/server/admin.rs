//! The admin port, plain HTTP: /livez, /readyz, /metrics.

use super::state::ServerState;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::{StatusCode, body::Incoming};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::ServiceExt;

/// Most connections. Kubelet and Prometheus need two or three, and silent clients must not keep them out.
const CONNECTIONS: usize = 256;
/// Longest time for the headers of a request.
const HEADERS: Duration = Duration::from_secs(5);
/// Longest time for a connection, also if the client does not read the answer.
const CONNECTION: Duration = Duration::from_secs(30);

pub async fn serve(listener: TcpListener, state: Arc<ServerState>) {
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "served here: /livez, /readyz, /metrics\n") })
        .with_state(state);
    let permits = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let service =
            router.clone().map_request(|request: hyper::Request<Incoming>| request.map(axum::body::Body::new));
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS)
                .keep_alive(false)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            // A client that leaves early is no error of the server.
            let _ = timeout(CONNECTION, connection).await;
            drop(permit);
        });
    }
}

async fn readyz(State(state): State<Arc<ServerState>>) -> Response {
    let (ready, text) = state.health.report(state.is_draining());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, text).into_response()
}

async fn metrics(State(state): State<Arc<ServerState>>) -> Response {
    let metrics = &state.observer.metrics;
    if let Some(decisions) = &state.observer.decisions {
        metrics.log_lines_lost.inc_by(decisions.lost().saturating_sub(metrics.log_lines_lost.get()));
        if let Some(syslog) = decisions.syslog() {
            metrics.syslog_messages_lost.inc_by(syslog.lost().saturating_sub(metrics.syslog_messages_lost.get()));
            metrics.syslog_failing.set(i64::from(syslog.is_failing()));
        }
    }
    metrics.memory.set(i64::try_from(state.budget.held()).unwrap_or(i64::MAX));
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"))], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
