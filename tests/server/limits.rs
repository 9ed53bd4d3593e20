//! The limits that a server has when nobody says otherwise.

use crate::common::snapshot;
use crate::harness::{Http, Running, Setup, pod_with, post};
use bytes::Bytes;
use podreeve::policy::{Action, CompiledPolicy, CompiledRule};
use podreeve::rules::{Check, Findings, RULES};
use podreeve::server::Limits;
use podreeve::server::policies::Policies;
use podreeve::workload::Pod;
use serde_json::json;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What the API server does, and what it may do to a server of ours.
#[test]
fn the_defaults_fit_the_api_server() {
    let Limits { connections, body, memory, inline, handshake, idle, headers, request, http2_streams, http2_ping } =
        Limits::default();
    // The largest body that was seen is 18.85 MB, and nine out of ten are small.
    assert_eq!((body, memory, inline), (32 << 20, 128 << 20, 256 << 10));
    // 300 requests at once opened 532 connections.
    assert_eq!((connections, http2_streams), (4096, 256));
    // It keeps an idle connection for 90 s, and closes it itself.
    assert_eq!(idle, Duration::from_secs(120));
    // What a client that is no API server can hold up, and for how long.
    assert_eq!(
        (handshake, headers, http2_ping),
        (Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(30))
    );
    // As long as a webhook has when its configuration does not say.
    assert_eq!(request, Duration::from_secs(10));
}

/// A review of this size with a privileged container.
fn large(uid: &str, bytes: usize) -> Bytes {
    let with =
        |image: &str| pod_with(uid, &json!([{"name": "app", "image": image, "securityContext": {"privileged": true}}]));
    let rest = with("").len();
    let body = with(&"x".repeat(bytes - rest));
    assert_eq!(body.len(), bytes);
    body.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_mebibytes_are_judged_and_not_a_byte_more() {
    let server = Running::start().await;
    for http in Http::BOTH {
        let answer = server.client.ask(http, post("/validate", large("u-1", 32 << 20))).await;
        answer.denies("u-1", "securityContext.privileged");
        let answer = server.client.ask(http, post("/validate", large("u-2", (32 << 20) + 1))).await;
        answer.denies("u-2", "the AdmissionReview is larger than 32 MiB");
        server.client.works(http).await;
    }
    server.until_metric("podreeve_admission_shed_total{reason=\"size\"}", 2.0).await;
}

/// A rule that is not done with the container `slow` before the test is.
struct Waits(Mutex<Receiver<()>>);

impl Waits {
    fn new() -> (Self, Sender<()>) {
        let (done, waits) = channel();
        (Self(Mutex::new(waits)), done)
    }
}

impl Check for Waits {
    fn check<'p>(&self, pod: &'p Pod<'p>, _: &mut Findings<'p>) {
        if pod.all_containers().any(|container| &*container.container.name == "slow") {
            // The error is that the test has ended.
            let _ = self.0.lock().unwrap().recv();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_too_long_to_judge_is_denied_before_the_api_server_gives_up() {
    let (rule, done) = Waits::new();
    let mut snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let policy: &mut CompiledPolicy = Arc::get_mut(&mut snapshot.policies.policies[0]).unwrap();
    policy.rules.push(CompiledRule::new(RULES[0], 0, Action::Deny, Box::new(rule)));
    let server = Running::with(Setup { policies: Policies::fixed(snapshot), ..Setup::default() }).await;
    let large = |name: &str| json!([{"name": name, "image": "x".repeat(300_000)}]);
    for http in Http::BOTH {
        let mut connection = server.client.connect(http).await;
        let slow = post("/validate?timeout=200ms", pod_with("u-1", &large("slow")));
        connection.ask(slow).await.denies("u-1", "judging it took longer than the API server waits");
        // The next ones, large and small, on this connection and on another, while that one is still being judged.
        connection.ask(post("/validate", pod_with("u-2", &large("app")))).await.allows("u-2");
        server.client.works(http).await;
    }
    server.until_metric("podreeve_admission_shed_total{reason=\"deadline\"}", 2.0).await;
    drop(done);
}
