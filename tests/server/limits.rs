//! The default limits of a server.

use crate::common::snapshot;
use crate::harness::{Http, Running, Setup, pod_with, post};
use bytes::Bytes;
use podreeve::policy::{Action, CompiledPolicy, CompiledRule};
use podreeve::rule::{Check, Findings};
use podreeve::rules::RULES;
use podreeve::server::Limits;
use podreeve::server::policies::Policies;
use podreeve::workload::Pod;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The defaults allow everything that the API server does.
#[test]
fn the_defaults_fit_the_api_server() {
    let limits = Limits::default();
    let Limits { connections, body, memory, inline, handshake, idle, headers, request, .. } = limits;
    let Limits { http2_streams, http2_ping, patience, grace, .. } = limits;
    // The largest body that was seen is 18.85 MB, and nine out of ten are small.
    assert_eq!((body, memory, inline), (32 << 20, 128 << 20, 256 << 10));
    // 300 requests at once opened 532 connections.
    assert_eq!((connections, http2_streams), (4096, 256));
    // It keeps an idle connection for 90 s, and closes it itself.
    assert_eq!(idle, Duration::from_secs(120));
    // The limits for a client that is no API server.
    assert_eq!(
        (handshake, headers, http2_ping),
        (Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(30))
    );
    // The limits when others wait for the connection.
    assert_eq!((patience, grace), (Duration::from_secs(2), Duration::from_millis(500)));
    // The default time-out of a webhook configuration.
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
    let server = Running::start();
    for http in Http::BOTH {
        let answer = server.client.ask(http, post("/validate", large("u-1", 32 << 20))).await;
        answer.denies("u-1", "securityContext.privileged");
        let answer = server.client.ask(http, post("/validate", large("u-2", (32 << 20) + 1))).await;
        answer.denies("u-2", "the AdmissionReview is larger than 32 MiB");
        server.client.works(http).await;
    }
    server.until_metric("podreeve_admission_shed_total{reason=\"size\"}", 2.0).await;
}

/// A rule that is never done with a pod that has a container `slow`, unless somebody ends it: it walks its containers
/// again and again, as a rule would that costs too much.
struct Endless;

impl Check for Endless {
    fn check<'p>(&self, pod: &'p Pod<'p>, _: &mut Findings<'p>) {
        while pod.all_containers().any(|container| container.name == "slow") {}
    }
}

fn endless() -> Policies {
    let mut snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let policy: &mut CompiledPolicy = Arc::get_mut(&mut snapshot.policies.policies[0]).unwrap();
    policy.rules.push(CompiledRule::new(RULES[0], 0, Action::Deny, Box::new(Endless)));
    Policies::fixed(snapshot)
}

const MEMORY: &str = "podreeve_admission_memory_bytes";

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_takes_too_long_to_judge_is_denied() {
    let server = Running::with(Setup { policies: endless(), ..Setup::default() });
    // The first is judged on a thread of its own, the second on the connection's thread.
    for size in [300_000, 30_000] {
        let sized = |name: &str| json!([{"name": name, "image": "x".repeat(size)}]);
        for http in Http::BOTH {
            let mut connection = server.client.connect(http).await;
            let slow = post("/validate?timeout=200ms", pod_with("u-1", &sized("slow")));
            connection.ask(slow).await.denies("u-1", "judging it took longer than the API server waits");
            // The next requests are served: large and small, on this connection and on another.
            connection.ask(post("/validate", pod_with("u-2", &sized("app")))).await.allows("u-2");
            server.client.works(http).await;
        }
    }
    server.until_metric("podreeve_admission_shed_total{reason=\"deadline\"}", 4.0).await;
    server.until_metric(MEMORY, 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_ends_the_work_for_it() {
    let server = Running::with(Setup { policies: endless(), ..Setup::default() });
    let body = pod_with("u-1", &json!([{"name": "slow", "image": "x".repeat(300_000)}]));
    let client = server.client.clone();
    let gone = tokio::spawn(async move { client.validate(Http::One, body).await.status });
    server.until_metric("podreeve_admission_in_flight", 1.0).await;
    server.until_more(MEMORY, 300_000.0).await;
    gone.abort();
    server.until_metric(MEMORY, 0.0).await;
    server.client.works(Http::One).await;
}

/// Many requests of 3 MB at once, and a server with room for two of them.
#[tokio::test(flavor = "multi_thread")]
async fn large_bodies_that_cost_too_much_leave_room_for_the_next() {
    let limits = Limits { memory: 8 << 20, ..Setup::default().limits };
    let server = Running::with(Setup { policies: endless(), limits, ..Setup::default() });
    let body = pod_with("u-1", &json!([{"name": "slow", "image": "x".repeat(3_000_000)}]));
    let mut attack = tokio::task::JoinSet::new();
    for _ in 0..18 {
        let (client, body) = (server.client.clone(), body.clone());
        attack.spawn(async move { client.ask(Http::One, post("/validate?timeout=300ms", body)).await });
    }
    // Small requests are served meanwhile.
    server.client.works(Http::One).await;
    for answer in attack.join_all().await {
        match answer.status.as_u16() {
            429 => {}
            // On a busy machine the body may arrive too late.
            _ => answer.denies("u-1", ""),
        }
    }
    server.until_metric(MEMORY, 0.0).await;
    let large = pod_with("u-2", &json!([{"name": "app", "image": "x".repeat(3_000_000)}]));
    server.client.validate(Http::One, large).await.allows("u-2");
}

/// Elements of 3 bytes, which take a hundred times as much memory.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_many_times_larger_in_memory_is_refused() {
    let crowd = |size: usize| {
        let containers = format!("[{}{{}}]", "{},".repeat(size / 3));
        pod_with("u-1", &json!("CROWD")).replace("\"CROWD\"", &containers)
    };
    let server = Running::start();
    for http in Http::BOTH {
        let answer = server.client.validate(http, crowd(20 << 20)).await;
        answer.denies("u-1", "more list elements than can be judged at once");
    }
    server.until_metric("podreeve_admission_shed_total{reason=\"size\"}", 2.0).await;
    // With a smaller budget other requests may be the cause.
    let limits = Limits { memory: 8 << 20, ..Setup::default().limits };
    let server = Running::with(Setup { limits, ..Setup::default() });
    let answer = server.client.validate(Http::One, crowd(1 << 20)).await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    server.until_metric(MEMORY, 0.0).await;
}
