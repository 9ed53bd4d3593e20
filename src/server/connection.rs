//! One connection: TLS, then the HTTP version that client and server agreed on, until it ends, is idle for too long or has
//! to close.

use super::activity::{Activity, CountedBody, CountedStream, InRequest};
use super::read_ahead::ReadAhead;
use super::routes::{self, Response};
use super::state::ServerState;
use crate::text::with_causes;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::service::service_fn;
use hyper::{Request, Version, server::conn::http1, server::conn::http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use rustls::ServerConfig;
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

/// How long a connection without requests may take to close.
const CLOSE: Duration = Duration::from_secs(5);
/// No limit here: the acceptor bounds the shutdown of all connections.
const NO_LIMIT: Duration = Duration::from_secs(3600);
/// Read buffer of HTTP/1. Headers and bodies of common size fit, and larger bodies come in several pieces.
const BUFFER: usize = 64 * 1024;
/// Most bytes of headers of HTTP/2, which has no common buffer for headers and body. Those of the API server take a tenth.
const HEADERS: u32 = 16 * 1024;

/// Serves connections.
#[derive(Clone)]
pub struct ConnectionHandler {
    pub state: Arc<ServerState>,
    pub phase: watch::Receiver<Phase>,
}

/// How long connections stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    Serving,
    /// A connection of HTTP/2 ends, because its client then begins another one and loses no request.
    Draining,
    /// All connections end.
    Closing,
}

impl ConnectionHandler {
    /// Serves one connection until it ends.
    pub async fn serve(self, stream: TcpStream, tls: Arc<ServerConfig>, activity: Arc<Activity>) {
        let limits = &self.state.limits;
        // An answer is one write, so there is nothing to wait for.
        let _ = stream.set_nodelay(true);
        let stream = ReadAhead::new(stream, Arc::clone(&self.state.budget));
        let stream = match timeout(limits.handshake, TlsAcceptor::from(tls).accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(error = with_causes(&error), "TLS handshake failed"),
            Err(_) => return tracing::debug!("TLS handshake took too long"),
        };
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if !http2 {
            activity.set_http1();
        }
        let io = TokioIo::new(CountedStream { stream, activity: Arc::clone(&activity) });
        let is_kept = !self.state.is_draining();
        let first = Instant::now() + if is_kept { Duration::ZERO } else { CLOSE };
        let service = service_fn(|request| answer(&self.state, activity.request(), request, is_kept));
        let ended = if http2 {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(limits.http2_streams)
                .max_header_list_size(HEADERS)
                .keep_alive_interval(limits.http2_ping)
                .keep_alive_timeout(limits.headers)
                .serve_connection(io, service);
            let end = End { phase: if is_kept { Phase::Draining } else { Phase::Closing }, first };
            drive(connection, &self.state, &activity, self.phase.clone(), end).await
        } else {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                // `drive` bounds both idle time and slow headers.
                .header_read_timeout(None)
                .max_buf_size(BUFFER)
                .serve_connection(io, service);
            drive(connection, &self.state, &activity, self.phase.clone(), End { phase: Phase::Closing, first }).await
        };
        if let Err(error) = ended {
            tracing::debug!(error = with_causes(&error), "connection failed");
        }
    }
}

fn answer(
    state: &Arc<ServerState>,
    request: InRequest,
    http: Request<Incoming>,
    is_kept: bool,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let version = http.version();
    let state = Arc::clone(state);
    let http = http.map(|body| CountedBody::new(body, request.activity()));
    let hands_over = is_kept && state.is_draining() && version < Version::HTTP_2;
    async move {
        let mut response = routes::respond(&state, http, hands_over).await;
        if state.is_draining() && version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        drop(request);
        Ok(response)
    }
}

/// When a connection has to end.
#[derive(Clone, Copy)]
struct End {
    phase: Phase,
    /// Until when it then waits for its first request. A client that has just connected is about to send one, and the answer ends the
    /// connection.
    first: Instant,
}

/// Runs the connection until it ends by itself, is idle for too long, sends its headers too slowly, or has to end.
async fn drive<C: GracefulConnection>(
    connection: C,
    state: &ServerState,
    activity: &Activity,
    mut phase: watch::Receiver<Phase>,
    end: End,
) -> Result<(), C::Error> {
    let limits = &state.limits;
    let mut connection = pin!(connection);
    let mut every = (limits.headers.min(limits.idle) / 2).min(limits.patience);
    let mut check = pin!(sleep(every));
    let mut closing_until: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            () = has_to_end(&mut phase, end, activity), if closing_until.is_none() => {
                closing_until = Some(Instant::now() + NO_LIMIT);
                connection.as_mut().graceful_shutdown();
            }
            () = check.as_mut() => {
                let headers = if state.is_under_load() { limits.patience.min(limits.headers) } else { limits.headers };
                let is_slow = activity.slow_headers().is_some_and(|since| since >= headers);
                if is_slow || closing_until.is_some_and(|until| Instant::now() >= until) {
                    return Ok(());
                }
                let idle = if state.is_saturated() { limits.headers.min(limits.idle) } else { limits.idle };
                if closing_until.is_none() && activity.idle().is_some_and(|since| since >= idle) {
                    every = every.min(CLOSE);
                    closing_until = Some(Instant::now() + every);
                    connection.as_mut().graceful_shutdown();
                }
                check.set(sleep(every));
            }
        }
    }
}

/// Waits for the time when the connection has to end: in its phase, and when its first request cannot be expected any more.
async fn has_to_end(phase: &mut watch::Receiver<Phase>, end: End, activity: &Activity) {
    // The sender is gone when the server has ended.
    let _ = phase.wait_for(|phase| *phase >= end.phase).await;
    tokio::select! {
        () = activity.until_used() => {}
        () = sleep_until(end.first) => {}
    }
}
