//! The mode of a server: what it answers, and where an operator sees it.

use crate::common::snapshot;
use crate::harness::{Http, Running, Setup, pod, pod_with, post, rules};
use bytes::Bytes;
use podreeve::policy::{Ceiling, Mode};
use podreeve::server::Limits;
use podreeve::server::policies::Policies;
use serde_json::json;

fn running(mode: Mode) -> Running {
    let limits = Limits { body: 1 << 20, ..Setup::default().limits };
    Running::with(Setup { ceiling: Ceiling { mode, ..Ceiling::default() }, limits, ..Setup::default() })
}

#[tokio::test(flavor = "multi_thread")]
async fn below_deny_a_violation_is_admitted_and_counted() {
    for (mode, effect) in [(Mode::Audit, "audit"), (Mode::Warn, "warn")] {
        let server = running(mode);
        let answer = server.client.validate(Http::One, pod("u", true)).await;
        answer.allows("u");
        assert_eq!(answer.response()["warnings"].is_array(), mode == Mode::Warn);
        // A repair that mode deny makes.
        let body = pod_with("u", &json!([{"name": "app"}]));
        let mutated = server.client.ask(Http::One, post("/mutate?timeout=30s", body.clone())).await;
        mutated.allows("u");
        assert!(mutated.response()["patch"].is_null());
        server.client.validate(Http::One, body).await.allows("u");
        for (series, value) in [
            (format!("podreeve_mode{{deny_from=\"low\",mode=\"{mode}\"}}"), 1.0),
            ("podreeve_mode{deny_from=\"low\",mode=\"deny\"}".to_owned(), 0.0),
            (format!("podreeve_violations_total{{action=\"{effect}\",rule=\"privileged\"}}"), 1.0),
            ("podreeve_violations_total{action=\"deny\",rule=\"privileged\"}".to_owned(), 0.0),
            ("podreeve_violations_held_back_total{action=\"deny\",rule=\"privileged\"}".to_owned(), 1.0),
            (
                "podreeve_violations_held_back_total{action=\"patch\",rule=\"allow-privilege-escalation\"}".to_owned(),
                1.0,
            ),
        ] {
            server.until_metric(&series, value).await;
        }
        let (_, text) = crate::harness::get(server.admin, "/readyz").await;
        assert!(text.contains(&format!("[+]mode: {mode} (nothing is denied or changed)\n")), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn below_deny_a_body_that_cannot_be_judged_is_admitted() {
    let server = running(Mode::Warn);
    let image = "x".repeat(2 << 20);
    let body: Bytes = pod_with("u-1", &json!([{"name": "app", "image": image}])).into();
    let answer = server.client.ask(Http::One, post("/validate", body)).await;
    answer.allows("u-1");
    let warning = answer.response()["warnings"][0].as_str().unwrap_or_default().to_owned();
    assert!(warning.contains("could not judge") && warning.contains("larger than 1 MiB"), "{warning}");
    server.until_metric("podreeve_admission_shed_total{reason=\"size\"}", 1.0).await;
}

/// New policies leave the mode as it is.
#[tokio::test(flavor = "multi_thread")]
async fn the_mode_holds_for_policies_that_come_later() {
    let mut next = vec![snapshot(json!({"privileged": {"action": "deny"}})), rules()];
    let policies = Policies::new(Box::new(move |generation| {
        Ok(next.pop().map(|mut snapshot| {
            snapshot.policies.generation = generation;
            snapshot
        }))
    }));
    let ceiling = Ceiling { mode: Mode::Warn, ..Ceiling::default() };
    let server = Running::with(Setup { policies, ceiling, ..Setup::default() });
    server.until_metric("podreeve_policy_generation", 2.0).await;
    server.client.validate(Http::Two, pod("u", true)).await.allows("u");
}
