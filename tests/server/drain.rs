//! A drain: readiness ends first, and requests are served to their end.

use crate::harness::{Answer, Connection, Http, Running, SOON, Setup, get, pod, post};
use bytes::Bytes;
use http_body_util::Full;
use podreeve::server::Limits;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn readiness_goes_first_and_requests_are_still_served() {
    let server = Running::with(Setup { drain_delay: Duration::from_secs(1), ..Setup::default() });
    let (client, admin) = (server.client.clone(), server.admin);
    let mut one = client.connect(Http::One).await;
    let two = client.connect(Http::Two).await;
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

    // A connection from before hands its next request over, and closes. A new one answers.
    is_handed_over(&one.ask(post("/validate", pod("b", false))).await);
    let answer = client.validate(Http::One, pod("b", true)).await;
    answer.denies("b", "privileged");
    assert_eq!(answer.headers["connection"], "close");
    // A connection of HTTP/2 ends at once, since its client loses nothing by that.
    let Connection::Two(mut two): Connection<Full<Bytes>> = two else { unreachable!() };
    while two.ready().await.is_ok() {
        tokio::task::yield_now().await;
    }
    client.validate(Http::Two, pod("c", true)).await.denies("c", "privileged");

    // After the delay no connection is accepted, and idle ones are closed.
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.unwrap();
    while TcpStream::connect(client.address).await.is_ok() {}
    assert!(!ended.is_finished());

    slow.write_all(end.as_bytes()).await.unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("\"uid\":\"slow\""), "{answer}");
    ended.await.unwrap();
}

/// An endpoint may still lead here when the delay is over. Who has connected by then is answered, however late the handshake is.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_has_begun_before_the_end_is_answered() {
    for http in [Http::One, Http::Two] {
        let server = Running::start();
        let client = server.client.clone();
        let late = TcpStream::connect(client.address).await.unwrap();
        let mut before = client.tls(Http::One).await;
        before.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        before.read_u8().await.unwrap();
        let ended = server.stop();
        // This one is closed when the delay is over.
        before.read_to_end(&mut Vec::new()).await.unwrap();
        let mut late = client.connect_over(http, late).await;
        late.ask(post("/validate", pod("late", true))).await.denies("late", "privileged");
        ended.await.unwrap();
    }
}

/// The system queues connections while all permits are taken.
#[tokio::test(flavor = "multi_thread")]
async fn connections_that_wait_to_be_accepted_are_answered() {
    let limits = Limits { connections: 1, ..Setup::default().limits };
    let server = Running::with(Setup { limits, ..Setup::default() });
    let (client, admin) = (server.client.clone(), server.admin);
    let mut slow = client.tls(Http::One).await;
    let (body, head) = (pod("slow", true), "Host: a\r\nContent-Type: application/json\r\nContent-Length");
    let head = format!("POST /validate HTTP/1.1\r\n{head}: {}\r\n\r\n", body.len());
    slow.write_all(head.as_bytes()).await.unwrap();
    server.until_metric("podreeve_admission_in_flight", 1.0).await;
    let mut waiting = Vec::new();
    for _ in 0..3 {
        waiting.push(TcpStream::connect(client.address).await.unwrap());
    }
    let ended = server.stop();
    while get(admin, "/readyz").await.0 == 200 {}
    slow.write_all(body.as_bytes()).await.unwrap();
    slow.read_to_end(&mut Vec::new()).await.unwrap();
    for late in waiting {
        let mut late = client.connect_over(Http::One, late).await;
        late.ask(post("/validate", pod("late", true))).await.denies("late", "privileged");
    }
    ended.await.unwrap();
}

fn is_handed_over(answer: &Answer) {
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["retry-after"]),
        (503, &"0".parse().unwrap()),
        "{}",
        answer.text
    );
    assert_eq!(answer.headers["connection"], "close");
}

/// The API server gives up after some tries, so a review that meets one old connection after the other is answered in the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_review_is_not_handed_over_without_end() {
    let server = Running::with(Setup { drain_delay: Duration::from_secs(30), ..Setup::default() });
    let admin = server.admin;
    let mut kept = Vec::new();
    for _ in 0..4 {
        let mut connection = server.client.connect(Http::One).await;
        connection.ask(post("/validate", pod("before", false))).await.allows("before");
        kept.push(connection);
    }
    let ended = server.stop();
    while get(admin, "/readyz").await.0 == 200 {}
    for connection in &mut kept[..3] {
        is_handed_over(&connection.ask(post("/validate", pod("a", true))).await);
    }
    let answer = kept[3].ask(post("/validate", pod("a", true))).await;
    answer.denies("a", "privileged");
    assert_eq!(answer.headers["connection"], "close");
    ended.abort();
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
