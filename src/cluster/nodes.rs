//! What every node allows and can do: `podPidsLimit` from the configuration of its kubelet, user namespaces from its status, and the rest from the
//! report of an agent. It changes only when a kubelet or a runtime restarts, so it is polled seldom.

mod direct;
mod kubelet;
#[cfg(test)]
mod tests;

pub use direct::DirectAccess;
pub use kubelet::KubeletAccess;

use super::api_error::ApiError;
use super::api_health::ApiHealth;
use super::fact_watches::FactsReceiver;
use super::item::Item;
use super::runtime;
use super::state::StateSender;
use crate::facts::nodes::{NodeFacts, Nodes, PidLimit};
use crate::facts::reported_nodes::{ReportedNode, ReportedNodes, recent};
use crate::facts::{FactKinds, Labels};
use crate::observe::LogOnce;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use kube::Client;
use kube::api::{ListParams, Request};
use kube::core::ObjectList;
use kubelet::{KubeletError, Kubelets};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Between two lists of the nodes.
const INTERVAL: Duration = Duration::from_secs(60);
/// How long the first list waits for the reports of agents.
const REPORTS: Duration = Duration::from_secs(5);
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

/// What calls have brought, by the names of nodes.
#[derive(Default)]
pub struct Known {
    kubelets: HashMap<String, Kubelet>,
    /// Whether the runtime has user namespaces, and when that was read.
    runtimes: HashMap<String, (Instant, bool)>,
}

/// Polls the nodes.
pub struct NodesPoll<'p> {
    pub client: &'p Client,
    pub access: &'p KubeletAccess,
    /// Whether agents report on their nodes.
    pub has_reports: bool,
    pub api_health: &'p ApiHealth,
    pub state: &'p StateSender,
    pub needed: &'p FactsReceiver,
}

impl NodesPoll<'_> {
    /// Polls as soon as a policy needs facts of nodes, and never ends.
    pub async fn run(&self) {
        // Of security modules the agents alone report.
        let some =
            if self.has_reports { FactKinds::OF_NODES } else { FactKinds::OF_NODES - FactKinds::SECURITY_MODULES };
        let (mut needed, mut state) = (self.needed.clone(), self.state.subscribe());
        let (mut known, mut log) = (Known::default(), LogOnce::default());
        loop {
            let Ok(kinds) = needed.wait_for(|needed| needed.intersects(some)).await.map(|needed| *needed & some) else {
                return;
            };
            if self.has_reports {
                // Else each start would call every kubelet.
                let listed = state.wait_for(|state| !state.reported_nodes.is_empty());
                let _ = tokio::time::timeout(REPORTS, listed).await;
            }
            let all = Arc::clone(&state.borrow().reported_nodes);
            let reported = recent(&all, Timestamp::now().as_second());
            let asked = Asked { client: self.client, access: self.access, kinds, reported: &reported };
            self.take(asked.round(&mut known).await, &mut log);
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                _ = needed.wait_for(|needed| !kinds.contains(*needed & some)) => {}
                _ = state.wait_for(|state| all.is_empty() && !state.reported_nodes.is_empty()) => {}
            }
        }
    }

    fn take(&self, round: Result<Round, ApiError>, log: &mut LogOnce) {
        match round {
            Ok(Round { nodes, error }) => {
                self.api_health.up();
                log_limits(log, self.access, error);
                self.state.send_if_modified(|state| {
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
            Err(error @ (ApiError::Unavailable(_) | ApiError::Timeout)) => self.api_health.down(&error.to_string()),
        }
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

pub struct Round {
    /// What is known after the round.
    pub nodes: Nodes,
    /// Why one of the kubelets did not answer.
    pub error: Option<String>,
}

/// What a round is to find out.
pub struct Asked<'a> {
    pub client: &'a Client,
    pub access: &'a KubeletAccess,
    pub kinds: FactKinds,
    pub reported: &'a ReportedNodes,
}

impl Asked<'_> {
    /// All nodes, read once; nothing where the API server does not list them.
    pub async fn once(&self) -> Round {
        self.round(&mut Known::default()).await.unwrap_or_else(|error| Round {
            nodes: Nodes::default(),
            error: Some(format!("nodes cannot be listed: {error}")),
        })
    }

    /// Reads what is too old. What an agent reported of its node is not read again.
    async fn round(&self, known: &mut Known) -> Result<Round, ApiError> {
        let nodes = list(self.client).await?;
        let error =
            if self.kinds.contains(FactKinds::NODES) { self.kubelets(&nodes, &mut known.kubelets).await } else { None };
        if self.kinds.contains(FactKinds::USER_NAMESPACES) {
            self.runtimes(&nodes, &mut known.runtimes).await?;
        }
        let silent = ReportedNode::default();
        let mut all = Nodes::default();
        for (name, labels) in nodes {
            let said = self.reported.get(&name).unwrap_or(&silent);
            let limit = said.pod_pids_limit.or_else(|| known.kubelets.get(&name).and_then(|kubelet| kubelet.limit));
            let runtime = said.user_namespaces.or_else(|| known.runtimes.get(&name).map(|(_, has)| *has));
            let node = NodeFacts {
                pids: PidLimit::new(limit),
                user_namespaces: runtime.into(),
                app_armor: said.app_armor.into(),
                se_linux: said.se_linux.into(),
            };
            all.add(name, &labels, node);
        }
        Ok(Round { nodes: all, error })
    }

    /// Reads the limits of kubelets. Returns why one of them did not answer.
    async fn kubelets(&self, nodes: &Labelled, known: &mut HashMap<String, Kubelet>) -> Option<String> {
        let is_silent = |name: &&String| self.reported.get(*name).and_then(|node| node.pod_pids_limit).is_none();
        known.retain(|name, _| nodes.contains_key(name) && is_silent(&name));
        let is_due =
            |name: &&String| known.get(*name).is_none_or(|kubelet| kubelet.asked.elapsed() > kubelet.good_for());
        let due: Vec<String> = nodes.keys().filter(is_silent).filter(is_due).cloned().collect();
        if due.is_empty() {
            return None;
        }
        match self.access.kubelets(self.client).await {
            Ok(callable) => read(&callable, due, known).await,
            Err(error) => Some(error.to_string()),
        }
    }

    async fn runtimes(&self, nodes: &Labelled, known: &mut HashMap<String, (Instant, bool)>) -> Result<(), ApiError> {
        let is_silent = |name: &&String| self.reported.get(*name).and_then(|node| node.user_namespaces).is_none();
        known.retain(|name, (read, _)| nodes.contains_key(name) && is_silent(&name) && read.elapsed() <= GOOD_FOR);
        let due: Vec<&String> = nodes.keys().filter(is_silent).filter(|name| !known.contains_key(*name)).collect();
        if !due.is_empty() {
            let read = runtime::read(self.client, &due).await?;
            known.extend(read.into_iter().map(|(name, has)| (name, (Instant::now(), has))));
        }
        Ok(())
    }
}

/// The labels of nodes, by their names.
type Labelled = HashMap<String, Labels>;

/// Why one of the kubelets did not answer.
async fn read(callable: &Kubelets<'_>, due: Vec<String>, kubelets: &mut HashMap<String, Kubelet>) -> Option<String> {
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
async fn list(client: &Client) -> Result<Labelled, ApiError> {
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
