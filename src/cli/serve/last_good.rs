//! What a replica serves whose policy files do not load when it starts.

use super::cluster::ClusterArgs;
use crate::cluster::{Access, last_good};
use crate::review::response::MAX_REPORTED;
use crate::server::policies::LastGood;
use crate::sources::Sources;
use std::time::Duration;

/// Longest time for the API server to answer. kubelet starts a replica that gives up again.
const PATIENCE: Duration = Duration::from_secs(10);

/// The files that the leader kept in the cluster. None if the files of this replica load, or must load, and if the kept ones
/// cannot be served; the log says why.
pub async fn find(sources: &Sources, args: &ClusterArgs, access: &Access) -> Option<LastGood> {
    let name = args.last_good_policies()?;
    if sources.load(1, MAX_REPORTED).is_ok() {
        return None;
    }
    let hash = sources.policy_files().map(|files| files.sha256());
    if hash.is_some() && hash.as_deref() == args.rolled_out_policies() {
        tracing::error!(
            "the policy files do not load, and this replica was rolled out with them; it does not start, so that the rollout stops"
        );
        return None;
    }
    match kept(sources, args.namespace(), name, access).await {
        Ok(last_good) => Some(last_good),
        Err(error) => {
            tracing::error!(error, "the policy files do not load, and there are no last good ones to serve");
            None
        }
    }
}

async fn kept(sources: &Sources, namespace: &str, name: &str, access: &Access) -> Result<LastGood, String> {
    let read = async {
        let client = access.client().await.map_err(|error| error.to_string())?;
        last_good::read(&client, namespace, name, &last_good::POLICIES).await.map_err(|error| error.to_string())
    };
    let kept = tokio::time::timeout(PATIENCE, read).await;
    let kept = kept.map_err(|_| format!("the API server did not answer within {PATIENCE:?}"))??;
    let loaded = sources.clone().with_files(kept.files).load(1, MAX_REPORTED);
    let snapshot = loaded.map_err(|errors| format!("the kept ones do not load either: {errors}"))?;
    Ok(LastGood { snapshot, kept_at: kept.at })
}
