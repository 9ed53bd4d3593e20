//! Clients that are slow, silent or gone, and too many clients.

use crate::harness::{Http, NEVER, Running, SOON, Setup, get, pod, pod_with, post};
use bytes::Bytes;
use hyper::Request;
use hyper::body::{Body, Frame};
use hyper::header::CONTENT_TYPE;
use podreeve::server::Limits;
use serde_json::json;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn limits() -> Limits {
    Setup::default().limits
}

fn server(limits: Limits) -> Running {
    Running::with(Setup { limits, ..Setup::default() })
}

/// Sends these bytes and then nothing more.
pub struct Stalls(Option<Bytes>);

impl Body for Stalls {
    type Data = Bytes;
    type Error = Infallible;
    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.take() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            None => Poll::Pending,
        }
    }
}

/// A request whose body stops after these bytes.
pub fn stalling(path: &str, sent: String) -> Request<Stalls> {
    Request::post(path).header(CONTENT_TYPE, "application/json").body(Stalls(Some(sent.into()))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_body_is_denied_before_the_api_server_gives_up() {
    let server = server(limits());
    for http in Http::BOTH {
        let mut sent = pod("u-1", false);
        sent.truncate(300);
        let answer = server.client.ask(http, stalling("/validate?timeout=200ms", sent)).await;
        answer.denies("u-1", "only 300 bytes of the AdmissionReview arrived in time");
        let answer = server.client.ask(http, stalling("/validate?timeout=200ms", "{\"kind\":".to_owned())).await;
        assert_eq!(answer.status, 408, "{}", answer.text);
        server.client.works(http).await;
    }
    server.until_metric("podreeve_admission_shed_total{reason=\"deadline\"}", 4.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_timeout_the_servers_own_holds() {
    let server = server(Limits { request: SOON, ..limits() });
    for http in Http::BOTH {
        let mut sent = pod("u-1", false);
        sent.truncate(300);
        server.client.ask(http, stalling("/mutate", sent)).await.denies("u-1", "arrived in time");
    }
}

/// Waits until the server closes the connection. The bytes before that do not matter.
async fn until_closed(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut bytes = [0; 1024];
    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_speaks_tls_is_left() {
    let server = server(Limits { handshake: SOON, ..limits() });
    let mut silent = TcpStream::connect(server.client.address).await.unwrap();
    until_closed(&mut silent).await;
    let mut babbling = TcpStream::connect(server.client.address).await.unwrap();
    babbling.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    until_closed(&mut babbling).await;
    server.client.works(Http::One).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_request_is_left() {
    let server = server(Limits { idle: SOON, ..limits() });
    for http in Http::BOTH {
        until_closed(&mut server.client.tls(http).await).await;
        let mut connection = server.client.connect(http).await;
        connection.ask(post("/validate", pod("u", false))).await.allows("u");
        server.until_metric("podreeve_connections", 0.0).await;
    }
    server.client.works(Http::Two).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_dribble_are_left() {
    let server = server(Limits { headers: SOON, idle: NEVER, ..limits() });
    let mut first = server.client.tls(Http::One).await;
    first.write_all(b"POST /validate HTTP/1.1\r\nHost: a\r\n").await.unwrap();
    until_closed(&mut first).await;

    // The same on a connection that has served a request.
    let mut second = server.client.tls(Http::One).await;
    let body = pod("u", false);
    let length = body.len();
    let request = format!(
        "POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    second.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = [0; 4096];
    assert!(second.read(&mut bytes).await.unwrap() > 0);
    second.write_all(b"POST").await.unwrap();
    until_closed(&mut second).await;
    server.client.works(Http::One).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_vanishes_in_its_body_leaves_nothing_behind() {
    let server = server(limits());
    for http in Http::BOTH {
        let client = server.client.clone();
        let gone = tokio::spawn(async move { client.ask(http, stalling("/validate", pod("u", false))).await.status });
        server.until_metric("podreeve_admission_in_flight", 1.0).await;
        gone.abort();
        server.until_metric("podreeve_admission_in_flight", 0.0).await;
        server.client.works(http).await;
    }
    let mut raw = server.client.tls(Http::One).await;
    raw.write_all(
        b"POST /validate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{",
    )
    .await
    .unwrap();
    server.until_metric("podreeve_admission_in_flight", 1.0).await;
    drop(raw);
    server.until_metric("podreeve_admission_in_flight", 0.0).await;
    server.client.works(Http::One).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn newcomers_wait_for_a_place() {
    let server = server(Limits { connections: 2, ..limits() });
    let first = server.client.connect(Http::One).await;
    let mut second = server.client.connect(Http::Two).await;
    let client = server.client.clone();
    let third = tokio::spawn(async move { client.validate(Http::One, pod("u-3", false)).await });
    server.until_metric("podreeve_admission_shed_total{reason=\"connections\"}", 1.0).await;
    second.ask(post("/validate", pod("u-2", false))).await.allows("u-2");
    assert!(!third.is_finished());
    drop::<crate::harness::Connection<http_body_util::Full<Bytes>>>(first);
    third.await.unwrap().allows("u-3");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_make_room_for_newcomers() {
    let server = server(Limits { connections: 2, headers: SOON, ..limits() });
    let idle = (server.client.tls(Http::One).await, server.client.tls(Http::Two).await);
    server.client.works(Http::One).await;
    drop(idle);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_no_http_end_only_their_connection() {
    let server = server(limits());
    let mut second = server.client.tls(Http::Two).await;
    second.write_all(b"POST /validate HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
    until_closed(&mut second).await;
    let mut first = server.client.tls(Http::One).await;
    first.write_all(b"\x16\x03\x01 what\r\n\r\n").await.unwrap();
    until_closed(&mut first).await;
    let mut headers = server.client.tls(Http::One).await;
    let long = format!("POST /validate HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(200_000));
    let _ = headers.write_all(long.as_bytes()).await;
    until_closed(&mut headers).await;
    server.client.works(Http::One).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_answers_no_ping_is_left() {
    // The connection is neither idle nor slow: only a ping shows that the client is gone.
    let server = server(Limits { http2_ping: SOON, headers: SOON, idle: NEVER, ..limits() });
    let mut dead = server.client.tls(Http::Two).await;
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    dead.write_all(&[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &settings[..]].concat()).await.unwrap();
    until_closed(&mut dead).await;
    server.until_metric("podreeve_connections", 0.0).await;
}

/// More clients than the admin port has permits for.
const STRANGERS: usize = 300;

#[tokio::test(flavor = "multi_thread")]
async fn silent_clients_of_the_admin_port_do_not_block_others() {
    let server = server(limits());
    let mut strangers = Vec::new();
    for number in 0..STRANGERS {
        let mut stranger = TcpStream::connect(server.admin).await.unwrap();
        // Clients that are silent from the start, or in the middle of a request.
        if number % 2 == 0 {
            stranger.write_all(b"GET /livez HTTP/1.1\r\n").await.unwrap();
        }
        strangers.push(stranger);
    }
    for http in Http::BOTH {
        server.client.works(http).await;
    }
    // The clients behind them are served once the first are closed.
    assert_eq!(get(server.admin, "/livez").await, (200, "alive\n".to_owned()));
    for stranger in &mut strangers {
        until_closed(stranger).await;
    }
}

/// A server with fewer permits than slow clients.
fn few() -> Limits {
    Limits { connections: 8, grace: SOON, ..limits() }
}

/// Sends the headers of a request whose body does not end.
fn dribble(server: &Running, http: Http) -> tokio::task::JoinHandle<()> {
    let client = server.client.clone();
    let mut sent = pod("u", false);
    sent.truncate(300);
    tokio::spawn(async move {
        let mut connection = client.connect(http).await;
        // The connection ends when the server closes it.
        let _ = connection.try_ask(stalling("/validate?timeout=30s", sent)).await;
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_never_finishes_a_request_is_closed_for_others() {
    let server = server(few());
    let mut dribblers = Vec::new();
    for number in 0..40 {
        dribblers.push(dribble(&server, Http::BOTH[number % 2]));
    }
    server.until_metric("podreeve_connections", 8.0).await;
    for http in Http::BOTH {
        server.client.works(http).await;
    }
    // A client that has finished a request keeps its connection.
    let mut regular = server.client.connect(Http::One).await;
    regular.ask(post("/validate", pod("u-1", false))).await.allows("u-1");
    for number in 0..40 {
        dribblers.push(dribble(&server, Http::BOTH[number % 2]));
    }
    server.client.works(Http::One).await;
    regular.ask(post("/validate", pod("u-2", false))).await.allows("u-2");
    for dribbler in dribblers {
        dribbler.abort();
    }
    drop(regular);
    server.until_metric("podreeve_connections", 0.0).await;
    server.until_metric("podreeve_admission_memory_bytes", 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn half_headers_and_silence_give_place() {
    let server = server(few());
    let mut half = Vec::new();
    for number in 0..20 {
        let mut stream = server.client.tls(Http::One).await;
        if number % 2 == 0 {
            let _ = stream.write_all(b"POST /validate HTTP/1.1\r\nHost: a\r\nX: half").await;
        }
        half.push(stream);
        // The same for clients that do not speak TLS.
        half.push(server.client.tls(Http::Two).await);
    }
    for http in Http::BOTH {
        server.client.works(http).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_finished_longest_ago_gives_place_last() {
    let server = server(few());
    let mut regulars = Vec::new();
    for _ in 0..8 {
        let mut regular = server.client.connect(Http::One).await;
        regular.ask(post("/validate", pod("u", false))).await.allows("u");
        regulars.push(regular);
    }
    // All connections have finished a request, so the oldest of them is closed.
    server.client.works(Http::One).await;
    for regular in regulars.iter_mut().skip(3) {
        regular.ask(post("/validate", pod("u", false))).await.allows("u");
    }
}

const MEMORY: &str = "podreeve_admission_memory_bytes";

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_do_not_end_count_as_memory() {
    let server = server(Limits { memory: 100_000, ..limits() });
    let mut half = Vec::new();
    for _ in 0..4 {
        let mut stream = server.client.tls(Http::One).await;
        stream
            .write_all(format!("POST /validate HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(15_000)).as_bytes())
            .await
            .unwrap();
        half.push(stream);
    }
    server.until_more(MEMORY, 60_000.0).await;
    // Some of the slow ones are closed before they hold more memory than there is.
    for stream in &mut half {
        let _ = stream.write_all("x".repeat(40_000).as_bytes()).await;
    }
    let mut bytes = [0; 16];
    let mut left = 0;
    while left == 0 {
        for stream in &mut half {
            let read = tokio::time::timeout(SOON / 10, stream.read(&mut bytes)).await;
            left += usize::from(matches!(read, Ok(Ok(0) | Err(_))));
        }
    }
    server.client.works(Http::Two).await;
    drop(half);
    server.until_metric(MEMORY, 0.0).await;
    server.client.works(Http::One).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_bodies_give_memory_back_when_others_want_it() {
    let server = server(Limits { memory: 512 << 10, patience: SOON, ..limits() });
    let mut slow = Vec::new();
    for number in 0..12 {
        let client = server.client.clone();
        let sent = pod_with("u", &json!([{"name": "app", "image": "x".repeat(60_000)}]));
        let sent = sent[..50_000].to_owned();
        slow.push(tokio::spawn(async move {
            client.ask(Http::BOTH[number % 2], stalling("/validate?timeout=30s", sent)).await
        }));
    }
    server.until_more("podreeve_admission_in_flight", 1.0).await;
    // Without a limit they would stay for half a minute.
    let (cut, _, slow) = futures_util::future::select_all(slow).await;
    let cut = cut.unwrap();
    assert_eq!((cut.status.as_u16(), cut.headers["retry-after"].as_bytes()), (429, &b"1"[..]), "{}", cut.text);
    let body = pod_with("u-1", &json!([{"name": "app", "image": "x".repeat(200_000)}]));
    while server.client.validate(Http::One, body.clone()).await.status == 429 {}
    server.client.works(Http::Two).await;
    for slow in slow {
        slow.abort();
    }
    server.until_metric(MEMORY, 0.0).await;
}
