//! Metrics have labels that no request can choose.

use crate::clients::stalling;
use crate::common::review;
use crate::harness::{Http, Running, Setup, pod, pod_with, post, with_uid};
use hyper::header::CONTENT_TYPE;
use podreeve::rules::of_requests;
use podreeve::server::policies::Policies;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Names and labels of all series.
async fn series(server: &Running) -> BTreeSet<String> {
    let text = server.metrics().await;
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect()
}

/// The label is the hook of the path, and nothing from the request.
#[tokio::test(flavor = "multi_thread")]
async fn paths_that_meet_no_pod_are_counted() {
    let spec = json!({"rules": {"privileged": {"action": "deny"}}, "workloads": [
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "path": "spec.template"},
        {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "path": "spec.other[].template"},
    ]});
    let policies = Policies::fixed(crate::common::policies(&[spec]));
    let server = Running::with(Setup { policies, ..Setup::default() });
    let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r"}, "spec": {"template": {}}});
    let body = with_uid("u", review("CREATE", &object, None));
    server.client.validate(Http::One, body.clone()).await.allows("u");
    server.client.ask(Http::One, post("/mutate?timeout=30s", body)).await.allows("u");
    for reason in ["absent", "no-containers"] {
        server.until_metric(&format!("podreeve_unmet_template_paths_total{{reason=\"{reason}\"}}"), 1.0).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_series_exists_from_the_start_and_no_request_adds_one() {
    let server = Running::start();
    let before = series(&server).await;
    for rule in of_requests() {
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
    let server = Running::start();
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
    // A violation that `privileged` implies is not counted.
    for (action, count) in [("patch", 1.0), ("deny", 1.0)] {
        let series = format!("podreeve_violations_total{{action=\"{action}\",rule=\"allow-privilege-escalation\"}}");
        assert!((server.metric(&series).await - count).abs() < 0.1, "{action}");
    }
}

/// The labels and values of the series of this metric that are not zero.
async fn counted(server: &Running, metric: &str) -> BTreeMap<String, u32> {
    let text = server.metrics().await;
    let lines = text.lines().filter_map(|line| line.strip_prefix(metric)?.strip_prefix('{')?.rsplit_once("} "));
    let counts = lines.map(|(labels, count)| (labels.replace('"', ""), count.parse().unwrap()));
    counts.filter(|(_, count)| *count > 0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_counted_once_with_its_result() {
    let server = Running::start();
    let pod = |context: &Value| json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "a", "securityContext": context}]}});
    let deployment = |context: &Value| {
        let spec = json!({"template": {"spec": pod(context)["spec"]}});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec})
    };
    let good = json!({"allowPrivilegeEscalation": false});
    let bad = json!({"allowPrivilegeEscalation": false, "privileged": true});
    let bare = json!({});
    let broken = json!({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": 5}});
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap"});
    let sent = [
        ("/validate", review("CREATE", &pod(&good), None)),
        ("/validate", review("CREATE", &pod(&good), None)),
        ("/validate", review("CREATE", &pod(&bad), None)),
        ("/validate", review("UPDATE", &pod(&bad), Some(&pod(&good)))),
        ("/validate", review("UPDATE", &pod(&bad), Some(&pod(&bad)))),
        ("/validate", review("DELETE", &Value::Null, Some(&pod(&bad)))),
        ("/validate", review("CREATE", &broken, None)),
        ("/validate", review("CREATE", &deployment(&bare), None)),
        ("/validate", review("CREATE", &deployment(&bad), None)),
        ("/validate", review("UPDATE", &deployment(&good), Some(&deployment(&bad)))),
        ("/validate", review("CREATE", &other, None)),
        ("/validate", review("SCRAP", &other, None)),
        ("/mutate", review("CREATE", &pod(&bare), None)),
        ("/mutate", review("CREATE", &pod(&good), None)),
        ("/mutate", review("CREATE", &deployment(&bare), None)),
    ];
    for (path, review) in sent {
        server.client.ask(Http::One, post(path, review.to_string())).await.response();
    }
    let wanted = [
        ("validate", "pod", "CREATE", "allow", 2),
        ("validate", "pod", "CREATE", "deny", 2),
        ("validate", "pod", "UPDATE", "deny", 1),
        ("validate", "pod", "UPDATE", "warn", 1),
        ("validate", "other", "DELETE", "allow", 1),
        ("validate", "template", "CREATE", "allow", 1),
        ("validate", "template", "CREATE", "deny", 1),
        ("validate", "template", "UPDATE", "allow", 1),
        ("validate", "other", "CREATE", "allow", 1),
        ("validate", "other", "other", "allow", 1),
        ("mutate", "pod", "CREATE", "patch", 1),
        ("mutate", "pod", "CREATE", "allow", 1),
        ("mutate", "template", "CREATE", "allow", 1),
    ];
    let wanted = wanted.map(|(hook, kind, operation, verdict, count)| {
        (format!("hook={hook},kind={kind},operation={operation},verdict={verdict}"), count)
    });
    assert_eq!(counted(&server, "podreeve_admission_requests_total").await, wanted.into());
    let wanted = [
        ("action=deny,rule=privileged", 3),
        ("action=warn,rule=privileged", 1),
        ("action=audit,rule=allow-privilege-escalation", 1),
        ("action=patch,rule=allow-privilege-escalation", 1),
    ];
    let wanted = wanted.map(|(labels, count)| (labels.to_owned(), count));
    assert_eq!(counted(&server, "podreeve_violations_total").await, wanted.into());
    // An object that cannot be read is denied, and a denial is an answer.
    let wanted = [("reason=unreadable".to_owned(), 1)];
    assert_eq!(counted(&server, "podreeve_admission_shed_total").await, wanted.into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_not_judged_is_counted_by_its_reason() {
    let server = Running::start();
    let ask = |path, body: &str| {
        let request = post(path, body.to_owned());
        server.client.ask(Http::One, request)
    };
    // The body is no review, so there is no answer.
    for body in ["{", "[]", "{}"] {
        assert_eq!(ask("/validate", body).await.status, 400);
    }
    assert_eq!(ask("/metrics", "{}").await.status, 404);
    let mut text = post("/validate", pod("u", false));
    text.headers_mut().insert(CONTENT_TYPE, "text/plain".parse().unwrap());
    assert_eq!(server.client.ask(Http::One, text).await.status, 415);
    // The end of the body never comes.
    for http in Http::BOTH {
        let client = server.client.clone();
        let gone = tokio::spawn(async move { client.ask(http, stalling("/validate", pod("u", false))).await.status });
        server.until_metric("podreeve_admission_in_flight", 1.0).await;
        gone.abort();
        server.until_metric("podreeve_admission_in_flight", 0.0).await;
    }
    let wanted = [("reason=unreadable", 3), ("reason=request", 2), ("reason=aborted", 2)];
    let wanted = wanted.map(|(labels, count)| (labels.to_owned(), count));
    assert_eq!(counted(&server, "podreeve_admission_shed_total").await, wanted.into());
    // The requests that broke off had sent their uid, so they count as denied.
    let wanted = [("hook=validate,kind=other,operation=other,verdict=deny".to_owned(), 2)];
    assert_eq!(counted(&server, "podreeve_admission_requests_total").await, wanted.into());
}
