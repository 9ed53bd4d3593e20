//! How commands reach the API server.

use super::exit::Failure;
use crate::cluster::Access;
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
pub struct AccessArgs {
    /// How to reach the API server [default: KUBECONFIG, ~/.kube/config, or in a pod its own service account]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    kubeconfig: Option<PathBuf>,

    /// The kubeconfig's context [default: its current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
}

impl AccessArgs {
    /// The flags that were given, with their values.
    pub fn flags(&self) -> impl Iterator<Item = (&'static str, String)> {
        let kubeconfig = self.kubeconfig.as_ref().map(|file| ("--kubeconfig", file.display().to_string()));
        kubeconfig.into_iter().chain(self.context.clone().map(|context| ("--context", context)))
    }

    /// The address of the API server; empty if it is not known.
    pub fn address(&self) -> String {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let access = Access::for_people(self.kubeconfig.clone(), self.context.clone());
        runtime.ok().and_then(|runtime| runtime.block_on(access.address()).ok()).unwrap_or_default()
    }

    /// Runs `call` with a client of the API server.
    ///
    /// # Errors
    /// If the API server cannot be reached, and the errors of `call`.
    pub fn with_client<T>(&self, call: impl AsyncFnOnce(kube::Client) -> Result<T, Failure>) -> Result<T, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::internal(format!("the runtime cannot be started: {error}")))?;
        let access = Access::for_people(self.kubeconfig.clone(), self.context.clone());
        runtime.block_on(async {
            let client = access.client().await;
            call(client.map_err(|error| Failure::input(format!("the API server cannot be reached: {error}")))?).await
        })
    }
}
