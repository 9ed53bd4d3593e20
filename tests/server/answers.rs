//! Every kind of request gets a clear answer over both protocols, and the next request is served.

use crate::common::{review, snapshot};
use crate::harness::{Answer, Http, Running, Setup, pod, pod_with, post, with_uid};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Full};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE};
use hyper::{Method, Request};
use podreeve::policy::Action;
use podreeve::policy::{CompiledPolicy, CompiledRule};
use podreeve::rule::{Check, Findings};
use podreeve::rules::RULES;
use podreeve::server::Limits;
use podreeve::server::policies::Policies;
use podreeve::workload::Pod;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Sends this body, checks the answer, and checks that the server still works.
async fn each(body: impl Into<Bytes>, check: impl Fn(&Answer)) {
    let server = Running::start();
    let body = body.into();
    for http in Http::BOTH {
        check(&server.client.validate(http, body.clone()).await);
        server.client.works(http).await;
    }
}

fn says(answer: &Answer, status: u16, text: &str) {
    assert_eq!(answer.status, status, "{}", answer.text);
    assert!(answer.text.contains(text), "{}", answer.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_json_is_refused() {
    each("kind: AdmissionReview", |answer| says(answer, 400, "the body is not JSON")).await;
    each("", |answer| says(answer, 400, "the body is not JSON")).await;
    each(vec![0xff, 0xfe], |answer| says(answer, 400, "not UTF-8")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_kind_or_version_is_denied() {
    let other = |from: &str, to: &str| pod("u-1", false).replacen(from, to, 1);
    each(other("\"AdmissionReview\"", "\"Pod\""), |a| a.denies("u-1", "is admission.k8s.io/v1 Pod")).await;
    each(other("k8s.io/v1\"", "k8s.io/v1beta1\""), |a| a.denies("u-1", "admission.k8s.io/v1beta1")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_truncated_body_is_denied_with_its_uid() {
    let mut body = pod("u-2", false);
    body.truncate(body.len() / 2);
    each(body, |answer| answer.denies("u-2", "not JSON")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_uid_there_is_no_review_to_answer() {
    each(pod("", false), |answer| says(answer, 400, "no `request.uid`")).await;
    each(r#"{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}"#, |answer| {
        says(answer, 400, "no `request`");
    })
    .await;
    each("[]", |answer| says(answer, 400, "could not be read")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_mebibytes_are_denied_and_the_connection_closed() {
    let pad = "x".repeat(40 << 20);
    let body = Bytes::from(pod_with("u-3", &json!([{"name": "app", "image": pad}])));
    let server = Running::start();
    for http in Http::BOTH {
        let known = server.client.validate(http, body.clone()).await;
        // A streamed body has no Content-Length.
        let streamed = Full::new(body.clone()).map_frame(|frame| frame);
        let request = post("/validate", "").map(|_| streamed);
        for answer in [known, server.client.ask(http, request).await] {
            answer.denies("u-3", "larger than 32 MiB");
            assert_eq!(answer.headers.contains_key(CONNECTION), http == Http::One);
        }
        server.client.works(http).await;
    }
    server.until_metric("podreeve_admission_shed_total{reason=\"size\"}", 4.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_is_judged() {
    let env = json!([{"name": "A", "value": "<".repeat(3 << 20)}]);
    let containers = json!([{"name": "app", "env": env, "securityContext": {"privileged": true}}]);
    each(pod_with("u-4", &containers), |answer| answer.denies("u-4", "spec.containers[0].securityContext.privileged"))
        .await;
}

/// The pod is judged to its end on the thread that read it.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_middling_size_is_judged() {
    let env: Vec<Value> = (0..3000).map(|n| json!({"name": format!("A{n}"), "value": "b"})).collect();
    let containers = json!([{"name": "app", "env": env, "securityContext": {"privileged": true}}]);
    each(pod_with("u-6", &containers), |answer| answer.denies("u-6", "critical privileged")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_fields_may_be_deep() {
    let deep = format!("{}{{}}{}", "{\"f:a\":".repeat(5000), "}".repeat(5000));
    let managed = format!(r#""metadata":{{"managedFields":[{{"fieldsV1":{deep}}}],"#);
    let deep = |privileged| pod("u-5", privileged).replacen("\"metadata\":{", &managed, 1);
    assert!(deep(true).len() > 5000 * 8);
    each(deep(false), |answer| answer.allows("u-5")).await;
    each(deep(true), |answer| answer.denies("u-5", "privileged")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_may_be_null_and_nothing_else() {
    each(pod_with("u-6", &Value::Null), |answer| answer.allows("u-6")).await;
    each(pod_with("u-6", &json!(5)), |answer| answer.denies("u-6", "`spec.containers`")).await;
    each(pod_with("u-6", &json!([5])), |answer| answer.denies("u-6", "`spec.containers[0]`")).await;
    let wrong = json!([{"name": "a", "securityContext": {"privileged": "yes"}}]);
    each(pod_with("u-6", &wrong), |answer| answer.denies("u-6", "securityContext.privileged")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lone_surrogates_are_denied() {
    let body = pod("u-7", false).replacen("\"app\"", r#""\ud800""#, 1);
    each(body, |answer| answer.denies("u-7", "`spec.containers[0].name`")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_containers_are_judged_and_the_answer_is_short() {
    let container = json!({"name": "c", "securityContext": {"privileged": true, "allowPrivilegeEscalation": false}});
    each(pod_with("u-8", &Value::Array(vec![container; 20_000])), |answer| {
        answer.denies("u-8", "20000 violations");
        answer.denies("u-8", "c and 19999 more");
        assert!(answer.text.len() < 64 * 1024, "{}", answer.text.len());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_are_not_passed_on() {
    let name = "\u{1b}[31mred\u{202e}\n\0";
    let container = json!({"name": name, "securityContext": {"privileged": true}});
    each(pod_with("u-9", &json!([container])), |answer| {
        answer.denies("u-9", "\\u{1b}[31mred\\u{202e}");
        let message = answer.response()["status"]["message"].to_string();
        assert!(!message.contains("\\u001b") && !message.contains('\u{202e}') && !message.contains("\\u0000"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_post_of_json_to_the_two_paths_is_served() {
    let server = Running::start();
    for http in Http::BOTH {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let request = Request::builder().method(&method).uri("/mutate").body(Empty::new()).unwrap();
            let answer = server.client.ask(http, request).await;
            says(&answer, 405, &format!("{method} does not work here; AdmissionReviews are sent with POST"));
            assert_eq!(answer.headers[ALLOW], "POST");
        }
        says(&server.client.ask(http, post("/validate/", pod("u", false))).await, 404, "go to /validate and /mutate");
        for (content, status) in [
            (Some("text/plain"), 415),
            (Some("application/json2"), 415),
            (Some("application/yaml"), 415),
            (None, 415),
            (Some("application/json; charset=utf-8"), 200),
            (Some("Application/JSON"), 200),
        ] {
            let mut request = post("/validate", pod("u", false));
            request.headers_mut().remove(CONTENT_TYPE);
            if let Some(content) = content {
                request.headers_mut().insert(CONTENT_TYPE, content.parse().unwrap());
            }
            let answer = server.client.ask(http, request).await;
            assert_eq!(answer.status, status, "{content:?}: {}", answer.text);
            assert!(status == 200 || answer.text.contains("sent as application/json"), "{}", answer.text);
        }
        server.client.works(http).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_request_leaves_its_connection_usable() {
    let server = Running::start();
    for http in Http::BOTH {
        let mut connection = server.client.connect(http).await;
        for _ in 0..3 {
            let mut request = post("/validate", "x".repeat(300_000));
            request.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().unwrap());
            says(&connection.ask(request).await, 415, "text/plain");
            connection.ask(post("/validate", pod("u", false))).await.allows("u");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_memory_budget_the_answer_is_to_try_again() {
    let limits = Limits { memory: 6000, ..Setup::default().limits };
    let server = Running::with(Setup { limits, ..Setup::default() });
    let large = pod_with("u", &json!([{"name": "app", "image": "x".repeat(2000)}]));
    for http in Http::BOTH {
        let mut connection = server.client.connect(http).await;
        for _ in 0..3 {
            let answer = connection.ask(post("/validate", large.clone())).await;
            says(&answer, 429, "--memory-budget");
            assert_eq!(answer.headers["retry-after"], "1");
            connection.ask(post("/validate", pod("u", false))).await.allows("u");
        }
    }
    assert!((server.metric("podreeve_admission_shed_total{reason=\"memory\"}").await - 6.0).abs() < 0.1);
}

/// A rule with a bug.
struct Panics;

impl Check for Panics {
    fn check<'p>(&self, pod: &'p Pod<'p>, _: &mut Findings<'p>) {
        assert!(pod.all_containers().all(|c| c.name != "boom"), "a bug");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_rule_is_a_denial() {
    let mut snapshot = snapshot(json!({"privileged": {"action": "deny"}}));
    let policy: &mut CompiledPolicy = std::sync::Arc::get_mut(&mut snapshot.policies.policies[0]).unwrap();
    // Both hooks run a rule with the action `patch`.
    policy.rules.push(CompiledRule::new(RULES[0], 0, Action::Patch, Box::new(Panics)));
    let server = Running::with(Setup { policies: Policies::fixed(snapshot), ..Setup::default() });
    for http in Http::BOTH {
        for hook in ["/validate", "/mutate"] {
            let small = json!([{"name": "boom"}]);
            let large = json!([{"name": "boom", "image": "x".repeat(300_000)}]);
            let mut connection = server.client.connect(http).await;
            for containers in [small, large] {
                let answer = connection.ask(post(hook, pod_with("u-10", &containers))).await;
                answer.denies("u-10", "podreeve failed while judging it");
                connection.ask(post("/validate", pod("u-11", true))).await.denies("u-11", "privileged");
            }
        }
        server.client.works(http).await;
    }
    assert!((server.metric("podreeve_panics_total").await - 8.0).abs() < 0.1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_uid_of_its_own_request() {
    let server = Running::start();
    for http in Http::BOTH {
        let connections = (0..25).map(|connection| {
            let client = server.client.clone();
            tokio::spawn(async move {
                let mut link = client.connect(http).await;
                let mut seen = Vec::new();
                for n in 0..80 {
                    let (uid, bad) = (format!("{connection}-{n}"), n % 3 == 0);
                    let hook = if n % 2 == 0 { "/validate" } else { "/mutate" };
                    let response = link.ask(post(hook, pod(&uid, bad))).await.response();
                    assert_eq!(response["uid"], uid);
                    assert_eq!(response["allowed"], !(bad && n % 2 == 0));
                    seen.push(uid);
                }
                seen
            })
        });
        let mut seen = HashSet::new();
        for connection in connections.collect::<Vec<_>>() {
            seen.extend(connection.await.unwrap());
        }
        assert_eq!(seen.len(), 2000);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_on_one_http2_connection_do_not_mix() {
    let server = Running::start();
    let crate::harness::Connection::Two(sender) = server.client.connect::<Full<Bytes>>(Http::Two).await else {
        unreachable!()
    };
    let asked = (0..200).map(|n| {
        let mut connection = crate::harness::Connection::Two(sender.clone());
        tokio::spawn(async move {
            let uid = format!("u-{n}");
            connection.ask(post("/validate", pod(&uid, n % 2 == 0))).await.response()["uid"] == *uid
        })
    });
    for asked in asked.collect::<Vec<_>>() {
        assert!(asked.await.unwrap());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mutating_hook_repairs_and_the_validating_one_judges() {
    let server = Running::start();
    for http in Http::BOTH {
        let body = pod_with("u-12", &json!([{"name": "app"}]));
        let response = server.client.ask(http, post("/mutate?timeout=10s", body)).await.response();
        assert_eq!((&response["uid"], &response["allowed"]), (&json!("u-12"), &json!(true)));
        assert_eq!(response["patchType"], "JSONPatch");
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web"}});
        let other = with_uid("u-13", review("CREATE", &eviction, None));
        server.client.validate(http, other).await.allows("u-13");
    }
}
