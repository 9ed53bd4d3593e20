//! The configuration of one kubelet.

use super::direct::{Caller, DirectAccess};
use crate::cluster::api_error::ApiError;
use kube::Client;
use serde::Deserialize;
use std::time::Duration;

/// Longest wait for one kubelet.
const ANSWER: Duration = Duration::from_secs(5);

/// How podreeve reaches kubelets.
#[derive(Debug, Clone, Default)]
pub enum KubeletAccess {
    /// Through the API server, which takes `get` on nodes/proxy.
    #[default]
    Proxy,
    /// Each at its own address, which takes `get` on nodes/configz.
    Direct(DirectAccess),
}

/// Reads the kubelets of one round.
pub enum Kubelets<'c> {
    Proxy(&'c Client),
    Direct(&'c Client, Caller),
}

/// Why `podPidsLimit` of a node is unknown.
#[derive(Debug, thiserror::Error)]
pub enum KubeletError {
    /// The API server forbids the call, for every node alike.
    #[error("{0}")]
    Forbidden(String),
    #[error("no answer in time")]
    Timeout,
    #[error("its configz has no podPidsLimit")]
    NoLimit,
    #[error(transparent)]
    Failed(ApiError),
}

impl KubeletAccess {
    /// Gets what the calls of a round need.
    ///
    /// # Errors
    /// As [`DirectAccess::caller`].
    pub async fn kubelets<'c>(&self, client: &'c Client) -> Result<Kubelets<'c>, ApiError> {
        match self {
            Self::Proxy => Ok(Kubelets::Proxy(client)),
            Self::Direct(access) => Ok(Kubelets::Direct(client, access.caller(client).await?)),
        }
    }

    /// The rights that this takes.
    #[must_use]
    pub const fn rights(&self) -> &'static str {
        match self {
            Self::Proxy => {
                "`get` on nodes/configz with --kubelet-service-account (chart value `rbac.nodesConfigz`), or `get` on nodes/proxy, which \
                 reaches every container of the node"
            }
            Self::Direct(_) => {
                "`get` on nodes, and a ServiceAccount for kubelets with `get` on nodes/configz whose token podreeve may create"
            }
        }
    }
}

impl Kubelets<'_> {
    /// Reads `podPidsLimit` from the kubelet of a node.
    pub async fn pod_pids_limit(&self, node: &str) -> Result<i64, KubeletError> {
        let text = tokio::time::timeout(ANSWER, self.configz(node)).await.map_err(|_| KubeletError::Timeout)?;
        let text = text.map_err(|error| match error {
            ApiError::Refused { code: 403, message } if matches!(self, Self::Proxy(_)) => {
                KubeletError::Forbidden(message)
            }
            error => KubeletError::Failed(error),
        })?;
        read(&text).ok_or(KubeletError::NoLimit)
    }

    async fn configz(&self, node: &str) -> Result<String, ApiError> {
        match self {
            Self::Proxy(client) => Ok(client.request_text(get(format!("/api/v1/nodes/{node}/proxy/configz"))?).await?),
            Self::Direct(client, caller) => caller.configz(client, node).await,
        }
    }
}

/// A request without a body.
pub fn get(path: String) -> Result<http::Request<Vec<u8>>, ApiError> {
    http::Request::get(path).body(Vec::new()).map_err(|error| ApiError::Unavailable(error.to_string()))
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
