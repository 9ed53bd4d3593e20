//! One connection: TLS, then the HTTP that was agreed on, until it ends, idles too long or is told to end.

use super::ServerState;
use super::watched::{Activity, InRequest, Noticed, Watched};
use crate::text::with_causes;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
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
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tower::Service;

/// After it was told to end, a connection without requests may take this long.
const PARTING: Duration = Duration::from_secs(5);
const FAR: Duration = Duration::from_secs(3600);
/// Headers fit in it, and so do bodies of common size; larger bodies come in several pieces.
const BUFFER: usize = 64 * 1024;
/// Of HTTP/2, where they are held apart. The API server's take a tenth.
const HEADERS: u32 = 16 * 1024;

/// What all connections share.
#[derive(Clone)]
pub struct Connections {
    pub shared: Arc<ServerState>,
    pub router: Router,
    /// True once connections are to end.
    pub closing: watch::Receiver<bool>,
}

impl Connections {
    /// Serves one connection until it ends.
    pub async fn serve(self, stream: TcpStream, tls: Arc<ServerConfig>, activity: Arc<Activity>) {
        let limits = &self.shared.limits;
        // An answer is one write; nothing is gained by waiting for more.
        let _ = stream.set_nodelay(true);
        let stream = match timeout(limits.handshake, TlsAcceptor::from(tls).accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(error = with_causes(&error), "TLS handshake failed"),
            Err(_) => return tracing::debug!("TLS handshake took too long"),
        };
        let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        if !http2 {
            activity.speaks_http1();
        }
        let io = TokioIo::new(Watched { stream, activity: Arc::clone(&activity) });
        let service = service_fn(|request| answer(&self.shared, self.router.clone(), activity.request(), request));
        let ended = if http2 {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(limits.http2_streams)
                .max_header_list_size(HEADERS)
                .keep_alive_interval(limits.http2_ping)
                .keep_alive_timeout(limits.headers)
                .serve_connection(io, service);
            drive(connection, &self.shared, &activity, self.closing.clone()).await
        } else {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                // `drive` bounds both idle time and slow headers.
                .header_read_timeout(None)
                .max_buf_size(BUFFER)
                .serve_connection(io, service);
            drive(connection, &self.shared, &activity, self.closing.clone()).await
        };
        if let Err(error) = ended {
            tracing::debug!(error = with_causes(&error), "connection failed");
        }
    }
}

fn answer(
    shared: &Arc<ServerState>,
    mut router: Router,
    request: InRequest,
    http: Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let version = http.version();
    let shared = Arc::clone(shared);
    let response = router.call(http.map(|body| Body::new(Noticed::new(body, request.activity()))));
    async move {
        let mut response = response.await?;
        // The API server keeps using connections that it has, whatever the endpoints say.
        if shared.draining() && version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        drop(request);
        Ok(response)
    }
}

/// Runs the connection to its end, which comes when it is idle, dribbles, or everything closes.
async fn drive<C: GracefulConnection>(
    connection: C,
    shared: &ServerState,
    activity: &Activity,
    mut closing: watch::Receiver<bool>,
) -> Result<(), C::Error> {
    let limits = &shared.limits;
    let mut connection = pin!(connection);
    let mut every = (limits.headers.min(limits.idle) / 2).min(limits.patience);
    let mut look = pin!(sleep(every));
    let mut closing_until: Option<Instant> = None;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => return ended,
            _ = closing.wait_for(|closing| *closing), if closing_until.is_none() => {
                // How long it may take is for the acceptor to say, who waits for all.
                closing_until = Some(Instant::now() + FAR);
                connection.as_mut().graceful_shutdown();
            }
            () = look.as_mut() => {
                let saturated = shared.is_crowded();
                let headers = if saturated { limits.patience.min(limits.headers) } else { limits.headers };
                let dribbles = activity.slow_headers().is_some_and(|since| since >= headers);
                if dribbles || closing_until.is_some_and(|until| Instant::now() >= until) {
                    return Ok(());
                }
                let idle = if shared.saturated.load(Ordering::Relaxed) { limits.headers.min(limits.idle) } else { limits.idle };
                if closing_until.is_none() && activity.idle().is_some_and(|since| since >= idle) {
                    every = every.min(PARTING);
                    closing_until = Some(Instant::now() + every);
                    connection.as_mut().graceful_shutdown();
                }
                look.set(sleep(every));
            }
        }
    }
}
