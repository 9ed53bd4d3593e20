//! A client for the API server, from the pod's own account or from a kubeconfig.

use crate::text::with_causes;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use std::path::PathBuf;
use std::time::Duration;

const USER_AGENT: &str = concat!("podreeve/", env!("CARGO_PKG_VERSION"));

/// How the API server is found. With neither, the pod's own service account is used.
#[derive(Debug, Clone, Default)]
pub struct Access {
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
}

impl Access {
    /// Reads the credentials anew each time: they may come late, and they expire.
    ///
    /// # Errors
    /// What is missing, and where it was looked for.
    pub async fn client(&self) -> Result<Client, String> {
        let config = self.config().await?;
        Client::try_from(config).map_err(|error| with_causes(&error))
    }

    async fn config(&self) -> Result<Config, String> {
        let mut config = match (&self.kubeconfig, &self.context) {
            (None, None) => Config::incluster().map_err(|error| {
                format!("{}; outside of a pod, name a kubeconfig with --kubeconfig FILE", with_causes(&error))
            })?,
            (file, context) => {
                let read = match file {
                    Some(file) => Kubeconfig::read_from(file),
                    None => Kubeconfig::read(),
                };
                let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
                let config = Config::from_custom_kubeconfig(read.map_err(|error| with_causes(&error))?, &options);
                config.await.map_err(|error| with_causes(&error))?
            }
        };
        config.connect_timeout = Some(Duration::from_secs(5));
        config.write_timeout = Some(Duration::from_secs(10));
        // Above the time for which a watch may be silent; a request that must be quick has its own limit.
        config.read_timeout = Some(Duration::from_secs(300));
        config.reset_reader_on_write = true;
        // Whoever asks tries again by itself, and says so once.
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
        let config =
            |context: Option<&str>| Access { kubeconfig: kubeconfig.clone(), context: context.map(str::to_owned) };
        assert_eq!(config(None).config().await.unwrap().default_namespace, "default");
        let config_b = config(Some("b")).config().await.unwrap();
        assert_eq!(config_b.default_namespace, "elsewhere");
        assert!(config_b.headers.iter().any(|(name, value)| name == "user-agent" && value == USER_AGENT));
        assert!(config_b.connect_timeout.is_some() && config_b.read_timeout.is_some());
        assert!(config(Some("c")).config().await.unwrap_err().contains("context: c"));
    }

    #[tokio::test]
    async fn what_is_missing_is_told() {
        let access = Access { kubeconfig: Some(PathBuf::from("/nowhere/config")), context: None };
        assert!(access.client().await.err().unwrap().contains("/nowhere/config"));
        // Tests do not run in a pod.
        assert!(Access::default().client().await.err().unwrap().contains("--kubeconfig FILE"));
    }
}
