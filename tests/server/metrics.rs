//! Metrics count what happened, under labels that no request can choose.

use crate::common::review;
use crate::harness::{Http, Running, pod, pod_with, post, with_uid};
use podreeve::rules::RULES;
use serde_json::json;
use std::collections::BTreeSet;

/// Names and labels of all series.
async fn series(server: &Running) -> BTreeSet<String> {
    let text = server.metrics().await;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_series_exists_from_the_start_and_no_request_adds_one() {
    let server = Running::start().await;
    let before = series(&server).await;
    for rule in RULES {
        for action in ["deny", "patch", "warn", "audit", "exempt"] {
            let series = format!("podreeve_violations_total{{action=\"{action}\",rule=\"{}\"}}", rule.id);
            assert!(before.contains(&series), "{series}");
        }
    }
    for http in Http::BOTH {
        server.client.works(http).await;
        let strange = json!({"apiVersion": "strange/v1", "kind": "strange", "metadata": {"name": "strange"}});
        for operation in ["CREATE", "UPDATE", "DELETE", "CONNECT", "strange"] {
            let body = with_uid("strange", review(operation, &strange, Some(&strange)));
            server.client.validate(http, body.clone()).await.allows("strange");
            server.client.ask(http, post("/mutate?timeout=strange", body)).await.allows("strange");
        }
        let container = json!({"name": "strange", "image": "strange", "securityContext": {"privileged": true}});
        server.client.validate(http, pod_with("strange", &json!([container]))).await.denies("strange", "strange");
        server.client.ask(http, post("/strange", "strange")).await;
        server.client.ask(http, post("/validate", "strange")).await;
    }
    assert_eq!(series(&server).await, before);
    assert!(!server.metrics().await.contains("strange"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_violations_are_counted() {
    let server = Running::start().await;
    for hook in ["/mutate", "/validate"] {
        server.client.ask(Http::One, post(hook, pod("u", true))).await;
        server.client.ask(Http::One, post(hook, pod("u", false))).await;
        server.client.ask(Http::One, post(hook, pod_with("u", &json!([{"name": "app"}])))).await;
    }
    for (series, value) in [
        (r#"podreeve_admission_requests_total{hook="validate",kind="pod",operation="CREATE",verdict="deny"}"#, 2.0),
        (r#"podreeve_admission_requests_total{hook="validate",kind="pod",operation="CREATE",verdict="allow"}"#, 1.0),
        (r#"podreeve_admission_requests_total{hook="mutate",kind="pod",operation="CREATE",verdict="patch"}"#, 1.0),
        (r#"podreeve_admission_requests_total{hook="mutate",kind="pod",operation="UPDATE",verdict="patch"}"#, 0.0),
        (r#"podreeve_violations_total{action="deny",rule="privileged"}"#, 1.0),
        (r#"podreeve_admission_duration_seconds_count{hook="validate"}"#, 3.0),
        (r#"podreeve_decision_duration_seconds_count{hook="mutate"}"#, 3.0),
        (r#"podreeve_admission_request_bytes_bucket{hook="mutate",le="1024"}"#, 3.0),
        ("podreeve_admission_in_flight", 0.0),
        ("podreeve_panics_total", 0.0),
    ] {
        let found = server.metric(series).await;
        assert!((found - value).abs() < 0.1, "{series} {found}\n{}", server.metrics().await);
    }
    for (action, count) in [("patch", 1.0), ("deny", 2.0)] {
        let series = format!("podreeve_violations_total{{action=\"{action}\",rule=\"allow-privilege-escalation\"}}");
        assert!((server.metric(&series).await - count).abs() < 0.1, "{action}");
    }
}
