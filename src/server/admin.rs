//! The admin port, plain HTTP: /livez, /readyz, /metrics.

use super::ServerState;
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

/// Kubelet and Prometheus need two or three; strangers that are silent must not keep them out.
const CONNECTIONS: usize = 256;
const TIMEOUT: Duration = Duration::from_secs(5);
/// Also of who does not read the answer.
const WHOLE: Duration = Duration::from_secs(30);

pub async fn serve(listener: TcpListener, shared: Arc<ServerState>) {
    let router = Router::new()
        .route("/livez", get(|| async { "alive\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "served here: /livez, /readyz, /metrics\n") })
        .with_state(shared);
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
                .header_read_timeout(TIMEOUT)
                .keep_alive(false)
                .max_buf_size(16 * 1024)
                .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
            // A probe that leaves early is its own business.
            let _ = timeout(WHOLE, connection).await;
            drop(permit);
        });
    }
}

async fn readyz(State(shared): State<Arc<ServerState>>) -> Response {
    let (ready, text) = shared.health.report(shared.draining());
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, text).into_response()
}

async fn metrics(State(shared): State<Arc<ServerState>>) -> Response {
    let metrics = &shared.observer.metrics;
    if let Some(decisions) = &shared.observer.decisions {
        metrics.log_lines_lost.inc_by(decisions.lost().saturating_sub(metrics.log_lines_lost.get()));
    }
    metrics.memory.set(i64::try_from(shared.budget.held()).unwrap_or(i64::MAX));
    match metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"))], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
