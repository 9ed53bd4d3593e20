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
use crate::host::{Root, snapshot};
use crate::observe::LogOnce;
use crate::policy::{NodeIdentity, PolicySet};
use crate::report::node::judge;
use changes::Changes;
use jiff::Timestamp;
use jiff::tz::Offset;
use k8s_openapi::api::core::v1::Node as NodeObject;
use kube::{Api, Client};
use publish::Publisher;
use std::path::PathBuf;
use std::time::Duration;

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

/// Audits, and never ends.
pub async fn run(settings: Settings) {
    let mut log = LogOnce::default();
    loop {
        let (wait, changes) = match round(&settings).await {
            Ok(changes) => {
                if log.recovered() {
                    tracing::info!("the node is audited again");
                }
                (settings.interval, changes)
            }
            Err(error) => {
                let error = error.to_string();
                if log.failed(&error) {
                    tracing::warn!(error, "the report of this node is not written; it is tried again");
                }
                (settings.interval.min(RETRY), None)
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = changed(changes.as_ref()) => tracing::debug!("an audited file has changed"),
        }
    }
}

/// Waits until a change has settled; forever where changes are not reported.
async fn changed(changes: Option<&Changes>) {
    match changes {
        Some(changes) if changes.next().await.is_ok() => tokio::time::sleep(SETTLE).await,
        _ => std::future::pending().await,
    }
}

/// Reads the host, judges it, and writes the report. Returns what notices the next change.
async fn round(settings: &Settings) -> Result<Option<Changes>, RoundError> {
    let client = settings.access.client().await?;
    let nodes: Api<NodeObject> = Api::all(client.clone());
    let object = nodes
        .get(&settings.node)
        .await
        .map_err(|error| RoundError::Node { node: settings.node.clone(), error: error.into() })?;
    let policies = in_force(settings, &client).await;
    let root = settings.root.clone();
    // Files of the host may be slow to read.
    let read = tokio::task::spawn_blocking(move || {
        let host = Root::open(&root).map_err(|error| RoundError::Root { root, error })?;
        Ok::<_, RoundError>(snapshot(&host, Timestamp::now().as_second()))
    });
    let host = read.await.map_err(|_| RoundError::Panic)??;
    // From here on, so that no change is missed.
    let changes = Changes::watch(&settings.root, host.files.keys().map(String::as_str)).ok();
    let labels = object.metadata.labels.unwrap_or_default();
    let today = Offset::UTC.to_datetime(Timestamp::now()).date();
    let audited = judge(&policies, &host, NodeIdentity { name: &settings.node, labels: &labels }, today);
    let uid = object.metadata.uid.unwrap_or_default();
    let publisher = Publisher { client: &client, node: &settings.node, uid: &uid };
    let runtime = object.status.as_ref().and_then(runtime::user_namespaces);
    let written = publisher.publish(&audited, &facts::facts(&host, runtime)).await?;
    let summary = audited.summary;
    tracing::info!(fail = summary.fail, unknown = summary.unknown, pass = summary.pass, written, "the node is audited");
    Ok(changes)
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
