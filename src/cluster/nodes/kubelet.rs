//! The configuration of one kubelet, read through the API server.

use crate::cluster::api_error::ApiError;
use kube::Client;
use serde::Deserialize;
use std::time::Duration;

/// Longest wait for one kubelet.
const ANSWER: Duration = Duration::from_secs(5);

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

/// Asks the kubelet of a node for its `podPidsLimit`.
pub async fn pod_pids_limit(client: &Client, node: &str) -> Result<i64, KubeletError> {
    let text = tokio::time::timeout(ANSWER, configz(client, node)).await.map_err(|_| KubeletError::Timeout)?;
    let text = text.map_err(|error| match error {
        ApiError::Refused { code: 403, message } => KubeletError::Forbidden(message),
        error => KubeletError::Failed(error),
    })?;
    read(&text).ok_or(KubeletError::NoLimit)
}

async fn configz(client: &Client, node: &str) -> Result<String, ApiError> {
    let request = http::Request::get(format!("/api/v1/nodes/{node}/proxy/configz")).body(Vec::new());
    let request = request.map_err(|error| ApiError::Unavailable(error.to_string()))?;
    Ok(client.request_text(request).await?)
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
