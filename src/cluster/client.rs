//! A client for the API server, with the pod's own service account or a kubeconfig.

use crate::text::with_causes;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::path::PathBuf;
use std::time::Duration;

const USER_AGENT: &str = concat!("podreeve/", env!("CARGO_PKG_VERSION"));

/// How to reach the API server. Without all fields, the pod's own service account is used.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    /// Whether to look where kubectl does: `KUBECONFIG`, which may name several files, then `~/.kube/config`.
    pub like_kubectl: bool,
}

/// Why there is no client for the API server.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error(
        "there is no kubeconfig and no service account of a pod; name one with --kubeconfig FILE, or with KUBECONFIG as for \
         kubectl ({})",
        with_causes(.0)
    )]
    NotInCluster(#[source] kube::config::InClusterError),
    #[error("{}", kubeconfig_fault(.0))]
    Kubeconfig(#[source] KubeconfigError),
    #[error("{}", with_causes(.0))]
    Client(#[source] kube::Error),
}

fn kubeconfig_fault(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(error, path) => {
            format!("the kubeconfig {} cannot be read: {error}", path.display())
        }
        other => with_causes(other),
    }
}

impl Access {
    /// The access of a command that people run: without arguments, that of kubectl.
    #[must_use]
    pub fn for_people(kubeconfig: Option<PathBuf>, context: Option<String>) -> Self {
        let named = std::env::var_os("KUBECONFIG").is_some_and(|value| !value.is_empty());
        let home = std::env::home_dir().is_some_and(|home| home.join(".kube/config").is_file());
        Self { kubeconfig, context, like_kubectl: named || home }
    }

    /// Reads the credentials again at each call: they may be mounted late, and they expire.
    ///
    /// # Errors
    /// When credentials are missing or cannot be used.
    pub async fn client(&self) -> Result<Client, AccessError> {
        Client::try_from(self.config().await?).map_err(AccessError::Client)
    }

    /// The address of the API server, for people.
    ///
    /// # Errors
    /// When credentials are missing or cannot be used.
    pub async fn address(&self) -> Result<String, AccessError> {
        Ok(self.config().await?.cluster_url.to_string().trim_end_matches('/').to_owned())
    }

    async fn config(&self) -> Result<Config, AccessError> {
        let mut config = match (&self.kubeconfig, &self.context) {
            (None, None) if !self.like_kubectl => Config::incluster().map_err(AccessError::NotInCluster)?,
            (file, context) => {
                let read = match file {
                    Some(file) => Kubeconfig::read_from(file),
                    None => Kubeconfig::read(),
                };
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                let kubeconfig = read.map_err(AccessError::Kubeconfig)?;
                Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(AccessError::Kubeconfig)?
            }
        };
        config.connect_timeout = Some(Duration::from_secs(5));
        config.write_timeout = Some(Duration::from_secs(10));
        // Longer than a watch lasts (`watch::WATCH_SECONDS`). Requests that must be quick have their own limit.
        config.read_timeout = Some(Duration::from_secs(300));
        config.reset_reader_on_write = true;
        // Each caller tries again by itself, and logs that once.
        config.default_retry = false;
        config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT)));
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn kubeconfig(dir: &tempfile::TempDir) -> PathBuf {
        let file = dir.path().join("config");
        let text = "{apiVersion: v1, kind: Config, current-context: a,
            clusters: [{name: c, cluster: {server: 'https://127.0.0.1:6443'}}],
            users: [{name: u, user: {token: t}}],
            contexts: [{name: a, context: {cluster: c, user: u}},
                       {name: b, context: {cluster: c, user: u, namespace: elsewhere}}]}";
        fs::write(&file, text).unwrap();
        file
    }

    #[tokio::test]
    async fn a_kubeconfig_and_a_context_of_it() {
        let dir = tempfile::tempdir().unwrap();
        let kubeconfig = Some(kubeconfig(&dir));
        let config = |context: Option<&str>| Access {
            kubeconfig: kubeconfig.clone(),
            context: context.map(str::to_owned),
            like_kubectl: false,
        };
        assert_eq!(config(None).config().await.unwrap().default_namespace, "default");
        let config_b = config(Some("b")).config().await.unwrap();
        assert_eq!(config_b.default_namespace, "elsewhere");
        assert!(config_b.headers.iter().any(|(name, value)| name == "user-agent" && value == USER_AGENT));
        assert!(config_b.connect_timeout.is_some() && config_b.read_timeout.is_some());
        assert!(config(Some("c")).config().await.unwrap_err().to_string().contains("context: c"));
    }

    #[tokio::test]
    async fn an_error_names_what_is_missing() {
        let access = Access { kubeconfig: Some(PathBuf::from("/nowhere/config")), ..Access::default() };
        assert!(access.client().await.err().unwrap().to_string().contains("/nowhere/config"));
        // Tests do not run in a pod.
        assert!(Access::default().client().await.err().unwrap().to_string().contains("--kubeconfig FILE"));
    }
}
