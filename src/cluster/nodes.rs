//! `podPidsLimit` of every node, from its kubelet's own configuration. Asked now and then: it changes with a restart alone.

use super::Link;
use super::item::{Item, resource};
use super::parts::Publisher;
use crate::facts::Labels;
use crate::facts::nodes::{Limit, Nodes};
use crate::text::with_causes;
use futures_util::{StreamExt, stream};
use kube::api::ListParams;
use kube::{Api, Client};
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

/// What each kubelet said, and when; none where it did not say.
type Limits = HashMap<String, (Instant, Option<i64>)>;

/// Labels by the names of nodes.
type Labelled = HashMap<String, Labels>;

/// Watches, and never ends.
pub async fn watch(client: &Client, link: &Link, parts: &Publisher) {
    let mut limits = Limits::new();
    let mut trouble: Option<String> = None;
    loop {
        match round(client, &mut limits).await {
            Ok((nodes, error)) => {
                link.up();
                match (&error, &trouble) {
                    (Some(error), None) => tracing::warn!(
                        error,
                        "podPidsLimit of some nodes cannot be read (it takes `get` on nodes/proxy); pids-limit goes by its nodeLimit"
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
                tracing::warn!(error = status.message, "nodes cannot be listed; pids-limit goes by its nodeLimit");
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
    let due = |name: &&String| limits.get(*name).is_none_or(|(at, limit)| limit.is_none() || at.elapsed() > GOOD_FOR);
    let due: Vec<String> = names.keys().filter(due).cloned().collect();
    let answers = stream::iter(due).map(|name| async move {
        let answer = tokio::time::timeout(ANSWER, ask(client, &name)).await;
        (name, answer.unwrap_or_else(|_| Err("no answer in time".to_owned())))
    });
    let mut answers = std::pin::pin!(answers.buffer_unordered(AT_ONCE));
    let mut error = None;
    while let Some((name, answer)) = answers.next().await {
        let limit = answer.map_err(|why| error = Some(format!("{name}: {why}"))).ok();
        limits.insert(name, (Instant::now(), limit));
    }
    let mut nodes = Nodes::default();
    for (name, labels) in names {
        let limit = limits.get(&name).and_then(|(_, limit)| *limit);
        nodes.add(name, &labels, Limit::new(limit));
    }
    Ok((nodes, error))
}

async fn list(client: &Client) -> kube::Result<Labelled> {
    let api: Api<Item> = Api::all_with(client.clone(), &resource("", "v1", "Node", "nodes"));
    let mut names = Labelled::new();
    let mut params = ListParams::default().limit(100);
    loop {
        let page = api.list(&params).await?;
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

async fn ask(client: &Client, node: &str) -> Result<i64, String> {
    let request = http::Request::get(format!("/api/v1/nodes/{node}/proxy/configz")).body(Vec::new());
    let text =
        client.request_text(request.map_err(|error| error.to_string())?).await.map_err(|error| with_causes(&error))?;
    read(&text).ok_or_else(|| "its configz has no podPidsLimit".to_owned())
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

    #[test]
    fn a_kubelets_configz_is_read() {
        assert_eq!(read(r#"{"kubeletconfig":{"maxPods":110,"podPidsLimit":1024}}"#), Some(1024));
        assert_eq!(read(r#"{"kubeletconfig":{"podPidsLimit":-1}}"#), Some(-1));
        assert_eq!(read("{}"), None);
    }
}
