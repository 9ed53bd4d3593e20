//! The agent on a node: it audits its host at intervals and when an audited file changes, and keeps the report of the node in the cluster.
//!
//! It can read all files of the host, so it refuses to run where it could also change them ([`safety`]). It has no port and calls the API
//! server alone.

mod changes;
mod facts;
mod publish;
mod report;
pub mod safety;

use crate::admit::Snapshot;
use crate::cluster::{Access, once, runtime};
use crate::host::{Root, Watched, snapshot};
use crate::node::Node;
use crate::observe::LogOnce;
use crate::policy::{NodeIdentity, PolicySet};
use crate::report::node::judge;
use changes::Changes;
use jiff::Timestamp;
use jiff::tz::Offset;
use k8s_openapi::api::core::v1::Node as NodeObject;
use kube::{Api, Client};
use publish::Publisher;
use report::Audited;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What the agent does.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The host's `/`, as it is mounted here.
    pub root: PathBuf,
    /// The name of the node in the cluster.
    pub node: String,
    pub interval: Duration,
    pub access: Access,
    /// The policies to judge by where those of the cluster cannot be read.
    pub policies: Snapshot,
    /// Whether to judge by the policies in force in the cluster.
    pub follows_cluster: bool,
}

/// Why a round failed.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    #[error("{}: the host cannot be read: {error}", root.display())]
    Root {
        root: PathBuf,
        #[source]
        error: std::io::Error,
    },
    #[error("the API server cannot be reached: {0}")]
    Access(#[from] crate::cluster::client::AccessError),
    #[error("the node {node} cannot be read: {error}; grant the agent's role get on nodes")]
    Node {
        node: String,
        #[source]
        error: crate::cluster::ApiError,
    },
    #[error(transparent)]
    Publish(#[from] publish::PublishError),
    #[error("the audit ended with a bug; please report it")]
    Panic,
}

/// The longest wait after a round that failed.
const RETRY: Duration = Duration::from_secs(60);
/// How long an audit waits after a change: an installation changes many files.
const SETTLE: Duration = Duration::from_secs(30);

/// A host that was read.
struct Reading {
    host: Node,
    at: Instant,
    /// What notices the next change.
    changes: Option<Changes>,
    /// Whether something has changed while it was read.
    again: bool,
    /// Whether it is to be read again, whatever its age.
    is_stale: bool,
}

impl Reading {
    /// How long it stays the newest, if nothing changes.
    fn left(&self, interval: Duration) -> Duration {
        if self.is_stale { Duration::ZERO } else { interval.saturating_sub(self.at.elapsed()) }
    }

    /// Waits until a change has settled; forever where changes are not reported.
    async fn changed(&self) {
        let is_reported = match &self.changes {
            _ if self.again => true,
            Some(changes) => changes.next().await.is_ok(),
            None => false,
        };
        if !is_reported {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(SETTLE).await;
    }
}

/// Audits, and never ends. The host is read again after the interval or a change; what only could not be written is written again from what
/// was read.
pub async fn run(settings: Settings) {
    let mut log = LogOnce::default();
    let mut last: Option<Reading> = None;
    loop {
        let done = round(&settings, &mut last).await;
        let left = last.as_ref().map_or(RETRY, |reading| reading.left(settings.interval));
        let wait = match done {
            Ok(()) => {
                if log.recovered() {
                    tracing::info!("the node is audited again");
                }
                left
            }
            Err(error) => {
                let error = error.to_string();
                if log.failed(&error) {
                    tracing::warn!(error, "the report of this node is not written; it is tried again");
                }
                left.min(RETRY)
            }
        };
        let Some(reading) = &mut last else {
            tokio::time::sleep(wait).await;
            continue;
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = reading.changed() => {
                tracing::debug!("an audited file has changed");
                reading.is_stale = true;
            }
        }
    }
}

/// Reads the host if what was read is too old, judges it, and writes the report.
async fn round(settings: &Settings, last: &mut Option<Reading>) -> Result<(), RoundError> {
    let is_old = |reading: &Reading| reading.left(settings.interval).is_zero();
    if last.as_ref().is_none_or(is_old) {
        *last = Some(read(settings, last.take()).await?);
    }
    let Some(reading) = last else { return Ok(()) };
    let host = &reading.host;
    let client = settings.access.client().await?;
    let nodes: Api<NodeObject> = Api::all(client.clone());
    let object = nodes
        .get(&settings.node)
        .await
        .map_err(|error| RoundError::Node { node: settings.node.clone(), error: error.into() })?;
    let policies = in_force(settings, &client).await;
    let labels = object.metadata.labels.unwrap_or_default();
    let today = Offset::UTC.to_datetime(Timestamp::now()).date();
    let report = judge(&policies, host, NodeIdentity { name: &settings.node, labels: &labels }, today);
    let uid = object.metadata.uid.unwrap_or_default();
    let audited = Audited { at: host.taken, interval: settings.interval };
    let publisher = Publisher { client: &client, node: &settings.node, uid: &uid, audited };
    let runtime = object.status.as_ref().and_then(runtime::user_namespaces);
    let written = publisher.publish(&report, &facts::facts(host, runtime)).await?;
    let summary = report.summary;
    tracing::info!(fail = summary.fail, unknown = summary.unknown, pass = summary.pass, written, "the node is audited");
    Ok(())
}

/// Reads the host, and what to watch of it. What watched it before reports changes until then.
async fn read(settings: &Settings, before: Option<Reading>) -> Result<Reading, RoundError> {
    let at = Instant::now();
    let before = before.and_then(|reading| reading.changes);
    if let Some(changes) = &before {
        changes.drain();
    }
    let root = settings.root.clone();
    // Files of the host may be slow to read.
    let read = tokio::task::spawn_blocking(move || {
        let host = Root::open(&root).map_err(|error| RoundError::Root { root, error })?;
        let watched = Watched::new(&host);
        let node = snapshot(&watched, Timestamp::now().as_second());
        let folders = watched.folders(&node);
        Ok::<_, RoundError>((node, folders))
    });
    let (host, folders) = read.await.map_err(|_| RoundError::Panic)??;
    let changes = Changes::watch(&settings.root, &folders).ok();
    let again = before.is_some_and(|changes| changes.drain());
    Ok(Reading { host, at, changes, again, is_stale: false })
}

/// The policies in force in the cluster, as far as they show there; those of the arguments where they cannot be read.
async fn in_force(settings: &Settings, client: &Client) -> Snapshot {
    let mut snapshot = settings.policies.clone();
    if !settings.follows_cluster {
        return snapshot;
    }
    match once::state(client, &[]).await {
        Ok((state, built_in)) => {
            if !built_in.is_empty() {
                snapshot.policies = PolicySet::new(built_in, 1);
            }
            snapshot.policies.policies.extend(state.policies);
        }
        Err(error) => {
            tracing::warn!(%error, "the policies of the cluster cannot be read; the built-in ones judge the node");
        }
    }
    snapshot
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the API server cannot be reached, the report is tried again, and the host is left alone.
    #[tokio::test]
    async fn a_host_is_read_once_in_an_interval() {
        let root = tempfile::tempdir().unwrap();
        let mut settings = Settings {
            root: root.path().to_owned(),
            node: "n-1".to_owned(),
            interval: Duration::from_secs(3600),
            access: Access { kubeconfig: Some(root.path().join("none")), ..Access::default() },
            policies: Snapshot::new(PolicySet::new(Vec::new(), 1), 0),
            follows_cluster: false,
        };
        let mut last = None;
        assert!(matches!(round(&settings, &mut last).await, Err(RoundError::Access(_))));
        let at = |last: &Option<Reading>| last.as_ref().map(|reading| reading.at);
        let first = at(&last);
        assert!(first.is_some() && round(&settings, &mut last).await.is_err());
        assert_eq!(at(&last), first);
        last.as_mut().unwrap().is_stale = true;
        assert!(round(&settings, &mut last).await.is_err());
        assert_ne!(at(&last), first, "something changed");
        settings.interval = Duration::ZERO;
        settings.root = root.path().join("none");
        assert!(matches!(round(&settings, &mut last).await, Err(RoundError::Root { .. })));
        assert!(last.is_none());
    }
}
