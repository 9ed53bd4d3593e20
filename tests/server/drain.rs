//! A drain: readiness ends first, and requests are served to their end.

use crate::harness::{Connection, Http, Running, SOON, Setup, get, pod, post};
use bytes::Bytes;
use http_body_util::Full;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn readiness_goes_first_and_requests_are_still_served() {
    let server = Running::with(Setup { drain_delay: Duration::from_secs(1), ..Setup::default() });
    let (client, admin) = (server.client.clone(), server.admin);
    let mut one = client.connect(Http::One).await;
    let mut two = client.connect(Http::Two).await;
    let mut idle = client.tls(Http::One).await;
    one.ask(post("/validate", pod("a", false))).await.allows("a");
    assert_eq!(get(admin, "/readyz").await.0, 200);

    // Half of a request has arrived when the signal comes.
    let mut slow = client.tls(Http::One).await;
    let body = pod("slow", true);
    let (length, (start, end)) = (body.len(), body.split_at(body.len() / 2));
    let head = format!("Host: a\r\nContent-Type: application/json\r\nContent-Length: {length}");
    slow.write_all(format!("POST /validate HTTP/1.1\r\n{head}\r\n\r\n{start}").as_bytes()).await.unwrap();
    server.until_metric("podreeve_admission_in_flight", 1.0).await;

    let ended = server.stop();
    while get(admin, "/readyz").await.0 == 200 {}
    let (status, text) = get(admin, "/readyz").await;
    assert_eq!(status, 503);
    assert!(text.contains("[-]serving: shutting down"), "{text}");
    assert_eq!(get(admin, "/livez").await.0, 200);

    // Pooled connections go on with a request to close, and new connections are accepted.
    let answer = one.ask(post("/validate", pod("b", false))).await;
    answer.allows("b");
    assert_eq!(answer.headers["connection"], "close");
    let answer = two.ask(post("/validate", pod("c", false))).await;
    answer.allows("c");
    assert!(!answer.headers.contains_key("connection"));
    client.validate(Http::One, pod("d", true)).await.denies("d", "privileged");

    // After the delay no connection is accepted, and idle ones are closed.
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    let Connection::Two(mut two): Connection<Full<Bytes>> = two else { unreachable!() };
    while two.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    while TcpStream::connect(client.address).await.is_ok() {}
    assert!(!ended.is_finished());

    slow.write_all(end.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"uid\":\"slow\""), "{answer}");
    ended.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_never_ends_does_not_hold_up_the_end() {
    let server = Running::with(Setup { exit_within: SOON, ..Setup::default() });
    let mut slow = server.client.tls(Http::One).await;
    let head = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 99";
    slow.write_all(format!("POST /validate HTTP/1.1\r\n{head}\r\n\r\n{{").as_bytes()).await.unwrap();
    server.until_metric("podreeve_admission_in_flight", 1.0).await;
    server.stop().await.unwrap();
}
