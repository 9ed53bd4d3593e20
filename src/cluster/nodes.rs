//! `podPidsLimit` of every node, from the configuration of its kubelet. It changes only when a kubelet restarts, so it is
//! polled seldom.

mod direct;
mod kubelet;

pub use direct::DirectAccess;
pub use kubelet::KubeletAccess;

use super::api_error::ApiError;
use super::api_health::ApiHealth;
use super::item::Item;
use super::state::StateSender;
use crate::facts::Labels;
use crate::facts::nodes::{Nodes, PidLimit};
use crate::facts::reported_nodes::ReportedNodes;
use crate::observe::LogOnce;
use futures_util::{StreamExt, stream};
use kube::Client;
use kube::api::{ListParams, Request};
use kube::core::ObjectList;
use kubelet::{KubeletError, Kubelets};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two lists of the nodes.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long the answer of a kubelet counts.
const GOOD_FOR: Duration = Duration::from_secs(3600);
/// Most kubelets that one round calls at one time.
const AT_ONCE: usize = 8;
/// Nodes in a page of the list.
const PAGE: u32 = 500;

/// The state of one kubelet.
struct Kubelet {
    /// When podreeve called it last.
    asked: Instant,
    /// Its last answer; none if it never answered.
    limit: Option<i64>,
    /// How often in a row it did not answer.
    failures: u32,
}

impl Kubelet {
    /// The next call to a kubelet that is only starting comes soon, and to one that never answers less and less often.
    fn good_for(&self) -> Duration {
        match self.failures.checked_sub(1) {
            None => GOOD_FOR,
            Some(before) => INTERVAL.saturating_mul(2_u32.saturating_pow(before)).min(GOOD_FOR),
        }
    }
}

/// By the names of nodes.
type Known = HashMap<String, Kubelet>;

/// Polls, and never ends.
pub async fn poll(client: &Client, access: &KubeletAccess, api_health: &ApiHealth, state: &StateSender) {
    let mut kubelets = Known::new();
    let mut log = LogOnce::default();
    loop {
        let reported = Arc::clone(&state.borrow().reported_nodes);
        match round(client, access, &mut kubelets, &reported).await {
            Ok(Round { nodes, error }) => {
                api_health.up();
                log_limits(&mut log, access, error);
                state.send_if_modified(|state| {
                    let changed = *state.facts.nodes != nodes;
                    if changed {
                        state.facts.nodes = Arc::new(nodes);
                    }
                    changed
                });
            }
            Err(ApiError::Refused { message, .. }) => {
                if log.began_to_fail(&message) {
                    tracing::warn!(
                        error = message,
                        "nodes cannot be listed; without its nodeLimit pids-limit finds nothing"
                    );
                }
            }
            Err(error @ (ApiError::Unavailable(_) | ApiError::Timeout)) => api_health.down(&error.to_string()),
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn log_limits(log: &mut LogOnce, access: &KubeletAccess, error: Option<String>) {
    if let Some(error) = error {
        if log.began_to_fail(&error) {
            tracing::warn!(
                error,
                needs = access.rights(),
                "podPidsLimit of some nodes cannot be read; without its nodeLimit pids-limit finds nothing in pods that may run there"
            );
        }
    } else if log.recovered() {
        tracing::info!("podPidsLimit of all nodes is known");
    }
}

/// The limits of all nodes, read once; nothing where the API server does not list the nodes.
pub async fn once(client: &Client, access: &KubeletAccess) -> Round {
    round(client, access, &mut Known::new(), &ReportedNodes::new()).await.unwrap_or_else(|error| Round {
        nodes: Nodes::default(),
        error: Some(format!("nodes cannot be listed: {error}")),
    })
}

pub struct Round {
    /// What is known after the round.
    pub nodes: Nodes,
    /// Why one of the kubelets did not answer.
    pub error: Option<String>,
}

/// Asks the kubelets whose answer is too old.
/// A kubelet whose limit an agent on its node reported is not called.
async fn round(
    client: &Client,
    access: &KubeletAccess,
    kubelets: &mut Known,
    reported: &ReportedNodes,
) -> Result<Round, ApiError> {
    let nodes = list(client).await?;
    let said = |name: &String| reported.get(name).and_then(|node| node.pod_pids_limit);
    kubelets.retain(|name, _| nodes.contains_key(name) && said(name).is_none());
    let is_due =
        |name: &&String| kubelets.get(*name).is_none_or(|kubelet| kubelet.asked.elapsed() > kubelet.good_for());
    let due: Vec<String> = nodes.keys().filter(|name| said(name).is_none()).filter(is_due).cloned().collect();
    let error = if due.is_empty() {
        None
    } else {
        match access.kubelets(client).await {
            Ok(callable) => read(&callable, due, kubelets).await,
            Err(error) => Some(error.to_string()),
        }
    };
    let mut known = Nodes::default();
    for (name, labels) in nodes {
        let limit = said(&name).or_else(|| kubelets.get(&name).and_then(|kubelet| kubelet.limit));
        known.add(name, &labels, PidLimit::new(limit));
    }
    Ok(Round { nodes: known, error })
}

/// Why one of the kubelets did not answer.
async fn read(callable: &Kubelets<'_>, due: Vec<String>, kubelets: &mut Known) -> Option<String> {
    let answers = stream::iter(due).map(|name| async move {
        let answer = callable.pod_pids_limit(&name).await;
        (name, answer)
    });
    // Some nodes may be dead. After the interval the others are published, and the next round calls the rest.
    let mut answers = std::pin::pin!(answers.buffer_unordered(AT_ONCE).take_until(tokio::time::sleep(INTERVAL)));
    let mut error = None;
    while let Some((name, answer)) = answers.next().await {
        let (limit, failures) = match answer {
            Ok(limit) => (Some(limit), 0),
            Err(why) => {
                error = Some(format!("{name}: {why}"));
                // The API server forbids the call for every node, so thousands of calls would have the same answer.
                if matches!(why, KubeletError::Forbidden(_)) {
                    break;
                }
                let known = kubelets.get(&name);
                (known.and_then(|known| known.limit), known.map_or(1, |known| known.failures.saturating_add(1)))
            }
        };
        kubelets.insert(name, Kubelet { asked: Instant::now(), limit, failures });
    }
    error
}

/// The labels of each node. Metadata is enough: the status of a node is tens of kilobytes.
async fn list(client: &Client) -> Result<HashMap<String, Labels>, ApiError> {
    let mut nodes = HashMap::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let request = Request::new("/api/v1/nodes").list_metadata(&params).map_err(kube::Error::BuildRequest)?;
        let page: ObjectList<Item> = client.request(request).await?;
        let labelled = |node: Item| (node.name().to_owned(), node.metadata.labels.unwrap_or_default());
        // Windows has no such limit, and a Linux pod does not run there.
        let is_linux = |(_, labels): &(_, Labels)| labels.get("kubernetes.io/os").is_none_or(|os| os != "windows");
        nodes.extend(page.items.into_iter().map(labelled).filter(is_linux));
        params.continue_token = page.metadata.continue_.filter(|more| !more.is_empty());
        if params.continue_token.is_none() {
            return Ok(nodes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::reported_nodes::ReportedNode;
    use kube::client::Body;
    use serde_json::json;
    use std::convert::Infallible;
    use std::sync::Mutex;

    /// An API server with two pages of nodes, the answer of each kubelet, and the names of the kubelets that got a call.
    fn server(second: &[&str], answer: fn(&str) -> (u16, &'static str)) -> (Client, Arc<Mutex<Vec<String>>>) {
        let items: Vec<_> = second.iter().map(|name| json!({"metadata": {"name": name}})).collect();
        let second_page = json!({"metadata": {}, "items": items}).to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let names = Arc::clone(&asked);
        let service = tower::service_fn(move |request: http::Request<Body>| {
            let node = request
                .uri()
                .path()
                .strip_prefix("/api/v1/nodes/")
                .and_then(|rest| rest.strip_suffix("/proxy/configz"));
            let (code, body) = if let Some(node) = node {
                names.lock().unwrap().push(node.to_owned());
                answer(node)
            } else {
                let accept = request.headers()[http::header::ACCEPT].to_str().unwrap();
                assert!(accept.contains("PartialObjectMetadataList"), "{accept}");
                let first = !request.uri().query().unwrap().contains("continue=more");
                (200, if first { FIRST_PAGE } else { &*second_page })
            };
            let response = http::Response::builder().status(code).body(Body::from(body.as_bytes().to_vec()));
            async { Ok::<_, Infallible>(response.unwrap()) }
        });
        (Client::new(service, "default"), asked)
    }

    const FIRST_PAGE: &str = r#"{"metadata": {"continue": "more"}, "items": [
        {"metadata": {"name": "a", "labels": {"pool": "small"}}},
        {"metadata": {"name": "w", "labels": {"kubernetes.io/os": "windows"}}}]}"#;
    const FORBIDS: &str = r#"{"kind": "Status", "code": 403, "message": "nodes/proxy is forbidden"}"#;
    const SAYS_1024: (u16, &str) = (200, r#"{"kubeletconfig":{"podPidsLimit":1024}}"#);

    #[tokio::test]
    async fn a_kubelet_whose_limit_an_agent_reported_is_not_called() {
        let (client, asked) = server(&["b"], |_| (403, FORBIDS));
        let of = |limit| ReportedNode { pod_pids_limit: Some(limit) };
        let reported = ReportedNodes::from([("a".to_owned(), of(512)), ("b".to_owned(), of(4096))]);
        let Round { nodes, error } = round(&client, &KubeletAccess::Proxy, &mut Known::new(), &reported).await.unwrap();
        assert_eq!((nodes.highest(None, &Labels::new()), error, asked.lock().unwrap().len()), (Some(4096), None, 0));
    }

    #[tokio::test]
    async fn each_linux_node_is_asked_once() {
        let (client, asked) = server(&["b", "c"], |node| if node == "b" { (502, "no such host") } else { SAYS_1024 });
        let mut kubelets = Known::new();
        let Round { nodes, error } =
            round(&client, &KubeletAccess::Proxy, &mut kubelets, &ReportedNodes::new()).await.unwrap();
        assert!(error.is_some_and(|error| error.starts_with("b: ")));
        assert_eq!(nodes.highest(Some("a"), &Labels::new()), Some(1024));
        assert_eq!(nodes.highest(Some("b"), &Labels::new()), None);
        let Round { error, .. } =
            round(&client, &KubeletAccess::Proxy, &mut kubelets, &ReportedNodes::new()).await.unwrap();
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
        let mut kubelets = Known::new();
        for rounds in 1..=3 {
            let Round { nodes, error } =
                round(&client, &KubeletAccess::Proxy, &mut kubelets, &ReportedNodes::new()).await.unwrap();
            assert!(error.is_some_and(|error| error.contains("forbidden")));
            assert_eq!(nodes.highest(None, &Labels::new()), None);
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
        let mut kubelets = Known::new();
        round(&client, &KubeletAccess::Proxy, &mut kubelets, &ReportedNodes::new()).await.unwrap();
        for kubelet in kubelets.values_mut() {
            kubelet.asked = kubelet.asked.checked_sub(GOOD_FOR * 2).unwrap();
        }
        let (client, asked) = server(&[], |_| (502, "gone"));
        let Round { nodes, .. } =
            round(&client, &KubeletAccess::Proxy, &mut kubelets, &ReportedNodes::new()).await.unwrap();
        assert_eq!((asked.lock().unwrap().len(), nodes.highest(None, &Labels::new())), (1, Some(1024)));
    }
}
