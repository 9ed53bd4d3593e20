//! `podPidsLimit` of every node, from its kubelet's own configuration. FactAnswer now and then: it changes with a restart alone.

use super::ApiHealth;
use super::item::Item;
use super::state::StateSender;
use crate::facts::Labels;
use crate::facts::nodes::{Nodes, PidLimit};
use crate::text::with_causes;
use futures_util::{StreamExt, stream};
use kube::Client;
use kube::api::{ListParams, Request};
use kube::core::ObjectList;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two looks at which nodes there are.
const EVERY: Duration = Duration::from_secs(60);
/// A kubelet's answer counts as long.
const GOOD_FOR: Duration = Duration::from_secs(3600);
/// One kubelet may take as long, and as many are asked at one time.
const ANSWER: Duration = Duration::from_secs(5);
const AT_ONCE: usize = 8;

const FORBIDDEN: u16 = 403;
/// Nodes in a page of the list.
const PAGE: u32 = 500;

/// What is known of a kubelet.
struct FactAnswer {
    /// The last time.
    at: Instant,
    /// What it said when it last answered; none where it never did.
    limit: Option<i64>,
    /// How often in a row it did not answer.
    failures: u32,
}

impl FactAnswer {
    /// A node that is only starting is asked again soon, one that is gone for good ever less often.
    fn good_for(&self) -> Duration {
        match self.failures.checked_sub(1) {
            None => GOOD_FOR,
            Some(before) => EVERY.saturating_mul(2_u32.saturating_pow(before)).min(GOOD_FOR),
        }
    }
}

/// By the names of nodes.
type Limits = HashMap<String, FactAnswer>;

/// Labels by the names of nodes.
type Labelled = HashMap<String, Labels>;

/// Watches, and never ends.
pub async fn watch(client: &Client, link: &ApiHealth, parts: &StateSender) {
    let mut limits = Limits::new();
    let mut trouble: Option<String> = None;
    loop {
        match round(client, &mut limits).await {
            Ok((nodes, error)) => {
                link.up();
                match (&error, &trouble) {
                    (Some(error), None) => tracing::warn!(
                        error,
                        "podPidsLimit of some nodes cannot be read (it takes `get` on nodes/proxy); without its nodeLimit pids-limit finds nothing in pods that may run there"
                    ),
                    (None, Some(_)) => tracing::info!("podPidsLimit of all nodes is known"),
                    _ => {}
                }
                trouble = error;
                parts.send_if_modified(|parts| {
                    let changed = *parts.facts.nodes != nodes;
                    if changed {
                        parts.facts.nodes = Arc::new(nodes);
                    }
                    changed
                });
            }
            Err(kube::Error::Api(status)) if trouble.is_none() => {
                tracing::warn!(
                    error = status.message,
                    "nodes cannot be listed; without its nodeLimit pids-limit finds nothing"
                );
                trouble = Some(status.message.clone());
            }
            Err(kube::Error::Api(_)) => {}
            Err(error) => link.down(&with_causes(&error)),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// What the nodes allow, asked for once; nothing where they cannot be listed.
pub async fn once(client: &Client) -> Nodes {
    round(client, &mut Limits::new()).await.map(|(nodes, _)| nodes).unwrap_or_default()
}

/// Asks those nodes that have not been asked for long. The result is what is known then, and why one did not say.
async fn round(client: &Client, limits: &mut Limits) -> kube::Result<(Nodes, Option<String>)> {
    let names = list(client).await?;
    limits.retain(|name, _| names.contains_key(name));
    let due = |name: &&String| limits.get(*name).is_none_or(|asked| asked.at.elapsed() > asked.good_for());
    let due: Vec<String> = names.keys().filter(due).cloned().collect();
    let answers = stream::iter(due).map(|name| async move {
        let answer = tokio::time::timeout(ANSWER, ask(client, &name)).await;
        (name, answer.unwrap_or_else(|_| Err(ProbeError::new("no answer in time"))))
    });
    // What is known after a while is better than all of it later: some nodes may be dead.
    let mut answers = std::pin::pin!(answers.buffer_unordered(AT_ONCE).take_until(tokio::time::sleep(EVERY)));
    let mut error = None;
    while let Some((name, answer)) = answers.next().await {
        let (limit, failures) = match answer {
            Ok(limit) => (Some(limit), 0),
            Err(ProbeError { forbidden, why }) => {
                error = Some(format!("{name}: {why}"));
                // It is for all of them, and thousands of calls would say the same.
                if forbidden {
                    break;
                }
                let known = limits.get(&name);
                (known.and_then(|known| known.limit), known.map_or(1, |known| known.failures.saturating_add(1)))
            }
        };
        limits.insert(name, FactAnswer { at: Instant::now(), limit, failures });
    }
    let mut nodes = Nodes::default();
    for (name, labels) in names {
        let limit = limits.get(&name).and_then(|asked| asked.limit);
        nodes.add(name, &labels, PidLimit::new(limit));
    }
    Ok((nodes, error))
}

/// Names and labels are enough: a node's status is tens of kilobytes.
async fn list(client: &Client) -> kube::Result<Labelled> {
    let mut names = Labelled::new();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let request = Request::new("/api/v1/nodes").list_metadata(&params).map_err(kube::Error::BuildRequest)?;
        let page: ObjectList<Item> = client.request(request).await?;
        let labelled = |node: Item| (node.name().to_owned(), node.metadata.labels.unwrap_or_default());
        // Windows has no such limit, and a Linux pod does not run there.
        let linux = |(_, labels): &(_, Labels)| labels.get("kubernetes.io/os").is_none_or(|os| os != "windows");
        names.extend(page.items.into_iter().map(labelled).filter(linux));
        params.continue_token = page.metadata.continue_.filter(|more| !more.is_empty());
        if params.continue_token.is_none() {
            return Ok(names);
        }
    }
}

/// Why a kubelet did not say.
struct ProbeError {
    /// The API server does not let podreeve ask any.
    forbidden: bool,
    why: String,
}

impl ProbeError {
    fn new(why: impl Into<String>) -> Self {
        Self { forbidden: false, why: why.into() }
    }
}

async fn ask(client: &Client, node: &str) -> Result<i64, ProbeError> {
    let request = http::Request::get(format!("/api/v1/nodes/{node}/proxy/configz")).body(Vec::new());
    let text = match client.request_text(request.map_err(|error| ProbeError::new(error.to_string()))?).await {
        Ok(text) => text,
        Err(error) => {
            let forbidden = matches!(&error, kube::Error::Api(status) if status.code == FORBIDDEN);
            return Err(ProbeError { forbidden, why: with_causes(&error) });
        }
    };
    read(&text).ok_or_else(|| ProbeError::new("its configz has no podPidsLimit"))
}

fn read(configz: &str) -> Option<i64> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Config {
        pod_pids_limit: Option<i64>,
    }
    #[derive(Deserialize)]
    struct Configz {
        kubeletconfig: Config,
    }
    serde_json::from_str::<Configz>(configz).ok()?.kubeletconfig.pod_pids_limit
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::client::Body;
    use serde_json::json;
    use std::convert::Infallible;
    use std::sync::Mutex;

    /// An API server with two pages of nodes, each answer of a kubelet, and whom it was asked for.
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
    async fn each_linux_node_is_asked_once() {
        let (client, asked) = server(&["b", "c"], |node| if node == "b" { (502, "no such host") } else { SAYS_1024 });
        let mut limits = Limits::new();
        let (nodes, error) = round(&client, &mut limits).await.unwrap();
        assert!(error.is_some_and(|error| error.starts_with("b: ")));
        assert_eq!(nodes.highest(Some("a"), &Labels::new()), Some(1024));
        assert_eq!(nodes.highest(Some("b"), &Labels::new()), None);
        let (_, error) = round(&client, &mut limits).await.unwrap();
        assert_eq!(error, None);
        let mut asked = asked.lock().unwrap().clone();
        asked.sort();
        assert_eq!(asked, ["a", "b", "c"]);
    }

    #[tokio::test]
    async fn who_is_forbidden_to_ask_asks_hardly_any() {
        let many: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
        let many: Vec<&str> = many.iter().map(|name| &**name).collect();
        let (client, asked) = server(&many, |_| (403, FORBIDS));
        let mut limits = Limits::new();
        for rounds in 1..=3 {
            let (nodes, error) = round(&client, &mut limits).await.unwrap();
            assert!(error.is_some_and(|error| error.contains("forbidden")));
            assert_eq!(nodes.highest(None, &Labels::new()), None);
            assert!((rounds..=rounds * AT_ONCE).contains(&asked.lock().unwrap().len()));
        }
    }

    #[test]
    fn a_silent_node_is_asked_ever_less_often_and_keeps_what_it_said() {
        let waits = |failures| FactAnswer { at: Instant::now(), limit: Some(1), failures }.good_for().as_secs();
        assert_eq!([0, 1, 2, 3, 6, 7, u32::MAX].map(waits), [3600, 60, 120, 240, 1920, 3600, 3600]);
    }

    #[tokio::test]
    async fn a_node_that_does_not_answer_any_more_keeps_its_limit() {
        let (client, _) = server(&[], |_| SAYS_1024);
        let mut limits = Limits::new();
        round(&client, &mut limits).await.unwrap();
        for asked in limits.values_mut() {
            asked.at = asked.at.checked_sub(GOOD_FOR * 2).unwrap();
        }
        let (client, asked) = server(&[], |_| (502, "gone"));
        let (nodes, _) = round(&client, &mut limits).await.unwrap();
        assert_eq!((asked.lock().unwrap().len(), nodes.highest(None, &Labels::new())), (1, Some(1024)));
    }

    #[test]
    fn a_kubelets_configz_is_read() {
        assert_eq!(read(r#"{"kubeletconfig":{"maxPods":110,"podPidsLimit":1024}}"#), Some(1024));
        assert_eq!(read(r#"{"kubeletconfig":{"podPidsLimit":-1}}"#), Some(-1));
        assert_eq!(read("{}"), None);
    }
}
