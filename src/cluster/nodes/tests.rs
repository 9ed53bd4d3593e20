//! The nodes of an API server in the test.

use super::*;
use crate::workload::OnNodes;
use kube::client::Body;
use serde_json::json;
use std::convert::Infallible;
use std::sync::Mutex;

/// One round, which reads the limits alone.
async fn round(client: &Client, known: &mut Known, reported: &ReportedNodes) -> Round {
    let asked = Asked { client, access: &KubeletAccess::Proxy, kinds: FactKinds::NODES, reported };
    asked.round(known).await.unwrap()
}

fn highest(nodes: &Nodes, name: Option<&str>) -> Option<i64> {
    nodes.of_pod(name, &Labels::new()).highest_pids()
}

/// An API server with two pages of nodes, the answer of each kubelet, and the names of the kubelets that got a call.
fn server(second: &[&str], answer: fn(&str) -> (u16, &'static str)) -> (Client, Arc<Mutex<Vec<String>>>) {
    let items: Vec<_> = second.iter().map(|name| json!({"metadata": {"name": name}})).collect();
    let second_page = json!({"metadata": {}, "items": items}).to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&asked);
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let node =
            request.uri().path().strip_prefix("/api/v1/nodes/").and_then(|rest| rest.strip_suffix("/proxy/configz"));
        let (code, body) = if let Some(node) = node {
            names.lock().unwrap().push(node.to_owned());
            answer(node)
        } else {
            let query = request.uri().query().unwrap_or_default();
            if let Some(name) = query.split('&').find_map(|pair| pair.strip_prefix("fieldSelector=metadata.name%3D")) {
                names.lock().unwrap().push(format!("status of {name}"));
                let status = STATUS.replace("NAME", name);
                let response = http::Response::builder().body(Body::from(status.into_bytes()));
                return std::future::ready(Ok::<_, Infallible>(response.unwrap()));
            }
            let accept = request.headers()[http::header::ACCEPT].to_str().unwrap();
            assert!(accept.contains("PartialObjectMetadataList"), "{accept}");
            let first = !request.uri().query().unwrap().contains("continue=more");
            (200, if first { FIRST_PAGE } else { &*second_page })
        };
        let response = http::Response::builder().status(code).body(Body::from(body.as_bytes().to_vec()));
        std::future::ready(Ok::<_, Infallible>(response.unwrap()))
    });
    (Client::new(service, "default"), asked)
}

const FIRST_PAGE: &str = r#"{"metadata": {"continue": "more"}, "items": [
    {"metadata": {"name": "a", "labels": {"pool": "small"}}},
    {"metadata": {"name": "w", "labels": {"kubernetes.io/os": "windows"}}}]}"#;
/// A node whose runtime has user namespaces.
const STATUS: &str = r#"{"metadata": {}, "items": [{"metadata": {"name": "NAME"}, "status": {
    "runtimeHandlers": [{"name": "", "features": {"userNamespaces": true}}],
    "nodeInfo": {"architecture": "", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "", "kubeProxyVersion": "",
        "kubeletVersion": "v1.36.3", "machineID": "", "operatingSystem": "", "osImage": "", "systemUUID": ""}}}]}"#;
const FORBIDS: &str = r#"{"kind": "Status", "code": 403, "message": "nodes/proxy is forbidden"}"#;
const SAYS_1024: (u16, &str) = (200, r#"{"kubeletconfig":{"podPidsLimit":1024}}"#);

#[tokio::test]
async fn a_kubelet_whose_limit_an_agent_reported_is_not_called() {
    let (client, asked) = server(&["b"], |_| (403, FORBIDS));
    let of = |limit| ReportedNode { pod_pids_limit: Some(limit), ..ReportedNode::default() };
    let reported = ReportedNodes::from([("a".to_owned(), of(512)), ("b".to_owned(), of(4096))]);
    let Round { nodes, error } = round(&client, &mut Known::default(), &reported).await;
    assert_eq!((highest(&nodes, None), error, asked.lock().unwrap().len()), (Some(4096), None, 0));
}

#[tokio::test]
async fn each_linux_node_is_asked_once() {
    let (client, asked) = server(&["b", "c"], |node| if node == "b" { (502, "no such host") } else { SAYS_1024 });
    let mut known = Known::default();
    let Round { nodes, error } = round(&client, &mut known, &ReportedNodes::new()).await;
    assert!(error.is_some_and(|error| error.starts_with("b: ")));
    assert_eq!(highest(&nodes, Some("a")), Some(1024));
    assert_eq!(highest(&nodes, Some("b")), None);
    let Round { error, .. } = round(&client, &mut known, &ReportedNodes::new()).await;
    assert_eq!(error, None);
    let mut asked = asked.lock().unwrap().clone();
    asked.sort();
    assert_eq!(asked, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_forbidden_call_is_tried_for_few_nodes() {
    let many: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
    let many: Vec<&str> = many.iter().map(|name| &**name).collect();
    let (client, asked) = server(&many, |_| (403, FORBIDS));
    let mut known = Known::default();
    for rounds in 1..=3 {
        let Round { nodes, error } = round(&client, &mut known, &ReportedNodes::new()).await;
        assert!(error.is_some_and(|error| error.contains("forbidden")));
        assert_eq!(highest(&nodes, None), None);
        assert!((rounds..=rounds * AT_ONCE).contains(&asked.lock().unwrap().len()));
    }
}

#[test]
fn a_silent_kubelet_is_asked_less_and_less_often() {
    let waits = |failures| Kubelet { asked: Instant::now(), limit: Some(1), failures }.good_for().as_secs();
    assert_eq!([0, 1, 2, 3, 6, 7, u32::MAX].map(waits), [3600, 60, 120, 240, 1920, 3600, 3600]);
}

#[tokio::test]
async fn a_kubelet_that_stops_answering_keeps_its_limit() {
    let (client, _) = server(&[], |_| SAYS_1024);
    let mut known = Known::default();
    round(&client, &mut known, &ReportedNodes::new()).await;
    for kubelet in known.kubelets.values_mut() {
        kubelet.asked = kubelet.asked.checked_sub(GOOD_FOR * 2).unwrap();
    }
    let (client, asked) = server(&[], |_| (502, "gone"));
    let Round { nodes, .. } = round(&client, &mut known, &ReportedNodes::new()).await;
    assert_eq!((asked.lock().unwrap().len(), highest(&nodes, None)), (1, Some(1024)));
}

#[tokio::test]
async fn the_status_of_a_node_is_read_where_no_agent_reports_it_and_a_policy_needs_it() {
    let (client, asked) = server(&["b"], |_| (403, FORBIDS));
    let of_b = ReportedNode { user_namespaces: Some(false), app_armor: Some(true), ..ReportedNode::default() };
    let reported = ReportedNodes::from([("b".to_owned(), of_b)]);
    let mut known = Known::default();
    for _ in 0..2 {
        let kinds = FactKinds::USER_NAMESPACES | FactKinds::SECURITY_MODULES;
        let round = Asked { client: &client, access: &KubeletAccess::Proxy, kinds, reported: &reported };
        let nodes = round.round(&mut known).await.unwrap().nodes;
        let of = |name| nodes.of_pod(Some(name), &Labels::new());
        assert_eq!((of("a").user_namespaces(), of("b").user_namespaces()), (OnNodes::All, OnNodes::None));
        assert_eq!((of("a").app_armor(), of("b").app_armor()), (OnNodes::Unknown, OnNodes::All));
        assert_eq!(of("b").se_linux(), OnNodes::Unknown);
        // Once, and no kubelet was called.
        assert_eq!(*asked.lock().unwrap(), ["status of a"]);
    }
}
