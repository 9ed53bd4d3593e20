//! `podreeve review` gives the same answers as `podreeve serve`.

use crate::binary::Process;
use crate::common::review;
use crate::harness::{Http, post};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};

fn reviewed(hook: &str, body: &str) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_podreeve"));
    command.args(["review", "--hook", hook, "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
    serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap_or_default()
}

fn connect(sub_resource: &str) -> Value {
    let mut review = review("CONNECT", &json!({"kind": "Options", "container": "app"}), None);
    review["request"]["subResource"] = json!(sub_resource);
    review["request"]["name"] = json!("web");
    review["request"]["resource"]["resource"] = json!("pods");
    review
}

/// A pod with more violations and warnings than an answer has room for.
fn many() -> Value {
    let containers: Vec<Value> =
        (0..60).map(|n| json!({"name": format!("c{n}"), "securityContext": {"privileged": true}})).collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": {"containers": containers}})
}

#[tokio::test(flavor = "multi_thread")]
async fn review_and_serve_give_the_same_answers() {
    let process = Process::start(&["--drain-delay", "0s"]);
    let pod = |pod: Value| json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": pod});
    let template = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": many()}});
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"labels": {"pod-security.kubernetes.io/enforce": "strict"}}});
    let mut bodies: Vec<Value> =
        ["exec", "attach", "portforward", "proxy", "log", "unknown"].map(connect).into_iter().collect();
    for object in [
        many(),
        template,
        namespace,
        pod(json!({"containers": [{"name": "a", "image": "x:1"}]})),
        pod(json!({"containers": 7})),
        pod(json!([])),
        json!({"apiVersion": "v1", "kind": "ConfigMap"}),
    ] {
        bodies.extend([review("CREATE", &object, None), review("UPDATE", &object, Some(&object))]);
        bodies.push(review("DELETE", &Value::Null, Some(&object)));
    }
    let mut denied = 0;
    for body in bodies {
        let body = body.to_string();
        for hook in ["validate", "mutate"] {
            let served = process.client.ask(Http::One, post(&format!("/{hook}?timeout=30s"), body.clone())).await;
            let served: Value = serde_json::from_str(&served.text).unwrap();
            assert_eq!(reviewed(hook, &body), served, "{hook} {body}");
            denied += usize::from(served["response"]["allowed"] == false);
        }
    }
    assert!(denied > 8, "only {denied} were denied");
    process.signal("TERM");
    assert_eq!(process.rest().0, Some(0));
}
