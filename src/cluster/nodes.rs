//! `podPidsLimit` of every node, from its kubelet's own configuration. Asked now and then: it changes with a restart alone.

use super::Link;
use super::client::told;
use super::item::{Item, resource};
use super::parts::Publisher;
use futures_util::{StreamExt, stream};
use kube::api::ListParams;
use kube::{Api, Client};
use serde::Deserialize;
use std::collections::HashMap;
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

/// Watches, and never ends.
pub async fn watch(client: &Client, link: &Link, parts: &Publisher) {
    let mut limits = Limits::new();
    let mut trouble: Option<String> = None;
    loop {
        match round(client, &mut limits).await {
            Ok(error) => {
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
                let highest = highest(limits.values().map(|(_, limit)| *limit));
                parts.send_if_modified(|parts| std::mem::replace(&mut parts.facts.node_pids, highest) != highest);
            }
            Err(kube::Error::Api(status)) if trouble.is_none() => {
                tracing::warn!(error = status.message, "nodes cannot be listed; pids-limit goes by its nodeLimit");
                trouble = Some(status.message.clone());
            }
            Err(kube::Error::Api(_)) => {}
            Err(error) => link.down(&told(&error)),
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// The highest limit of all nodes, asked for once; none while one of them is not known.
pub async fn once(client: &Client) -> Option<i64> {
    let mut limits = Limits::new();
    round(client, &mut limits).await.ok()?;
    highest(limits.values().map(|(_, limit)| *limit))
}

/// Asks those nodes that have not been asked for long. The result is why one did not say.
async fn round(client: &Client, limits: &mut Limits) -> kube::Result<Option<String>> {
    let api: Api<Item> = Api::all_with(client.clone(), &resource("", "v1", "Node", "nodes"));
    let mut names = Vec::new();
    let mut params = ListParams::default().limit(100);
    loop {
        let page = api.list(&params).await?;
        // Windows has no such limit, and a Linux pod does not run there.
        let linux = |node: &&Item| {
            node.metadata
                .labels
                .as_ref()
                .and_then(|labels| labels.get("kubernetes.io/os"))
                .is_none_or(|os| os != "windows")
        };
        names.extend(page.items.iter().filter(linux).map(|node| node.name().to_owned()));
        params.continue_token = page.metadata.continue_.filter(|more| !more.is_empty());
        if params.continue_token.is_none() {
            break;
        }
    }
    limits.retain(|name, _| names.contains(name));
    let due = |name: &String| limits.get(name).is_none_or(|(at, limit)| limit.is_none() || at.elapsed() > GOOD_FOR);
    let due: Vec<String> = names.into_iter().filter(due).collect();
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
    Ok(error)
}

async fn ask(client: &Client, node: &str) -> Result<i64, String> {
    let request = http::Request::get(format!("/api/v1/nodes/{node}/proxy/configz")).body(Vec::new());
    let text = client.request_text(request.map_err(|error| error.to_string())?).await.map_err(|error| told(&error))?;
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

/// The highest limit of all nodes; -1 when one has none, and nothing when one is not known.
fn highest(limits: impl Iterator<Item = Option<i64>>) -> Option<i64> {
    let mut highest: Option<i64> = None;
    let mut unlimited = false;
    for limit in limits {
        let limit = limit?;
        unlimited |= limit <= 0;
        highest = highest.max(Some(limit));
    }
    highest.map(|highest| if unlimited { -1 } else { highest })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_node_without_a_limit_is_none() {
        let of = |limits: &[Option<i64>]| highest(limits.iter().copied());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[Some(100), Some(4096)]), Some(4096));
        assert_eq!(of(&[Some(100), Some(-1)]), Some(-1));
        assert_eq!(of(&[Some(100), Some(0)]), Some(-1));
        assert_eq!(of(&[Some(100), None]), None);
    }

    #[test]
    fn a_kubelets_configz_is_read() {
        assert_eq!(read(r#"{"kubeletconfig":{"maxPods":110,"podPidsLimit":1024}}"#), Some(1024));
        assert_eq!(read(r#"{"kubeletconfig":{"podPidsLimit":-1}}"#), Some(-1));
        assert_eq!(read("{}"), None);
    }
}
