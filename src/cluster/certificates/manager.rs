//! Reads the Secret every few seconds, and in the leader takes the next step of the plan.

use super::plan::{Step, Stored};
use super::{ManagedCertificates, PairSender, ca_bundle, secret};
use crate::authority::{AuthorityError, CertificateInfo, Pem};
use crate::cluster::api_error::ApiError;
use crate::cluster::api_health::ApiHealth;
use crate::cluster::lease::Leadership;
use crate::observe::LogOnce;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, PostParams};
use std::time::Duration;

/// Between two checks of the Secret and the webhook configurations.
const INTERVAL: Duration = Duration::from_secs(5);

pub struct CertificateManager<'m> {
    pub client: Client,
    pub api_health: &'m ApiHealth,
    pub managed: &'m ManagedCertificates,
    pub namespace: &'m str,
    pub leadership: Leadership,
    pub pair: PairSender,
}

/// Why the certificates could not be brought up to date.
#[derive(Debug, thiserror::Error)]
enum ManageError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Authority(#[from] AuthorityError),
}

impl From<kube::Error> for ManageError {
    fn from(error: kube::Error) -> Self {
        Self::Api(error.into())
    }
}

impl CertificateManager<'_> {
    /// Runs as long as podreeve serves.
    pub async fn run(mut self) {
        let mut log = LogOnce::default();
        loop {
            match self.round().await.map_err(|error| error.to_string()) {
                Ok(()) if log.recovered() => {
                    tracing::info!(secret = self.managed.secret, "the certificates are kept up to date again");
                }
                Err(error) if log.failed(&error) => tracing::error!(
                    error,
                    secret = self.managed.secret,
                    "the certificates cannot be kept up to date; the pair in use stays, and podreeve tries again"
                ),
                Ok(()) | Err(_) => {}
            }
            // A new leader begins at once.
            let _ = tokio::time::timeout(INTERVAL, self.leadership.changed()).await;
            if self.leadership.has_changed().is_err() {
                tokio::time::sleep(INTERVAL).await;
            }
        }
    }

    async fn round(&mut self) -> Result<(), ManageError> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), self.namespace);
        let found = secrets.get_opt(&self.managed.secret).await?;
        self.api_health.up();
        let stored = found.as_ref().map(secret::read).unwrap_or_default();
        self.serve(&stored.leaf);
        if !*self.leadership.borrow_and_update() {
            return Ok(());
        }
        let trusted = match CertificateInfo::of(&stored.ca.cert) {
            Some(_) => self.sync_ca_bundle(&stored).await?,
            None => false,
        };
        let names = self.managed.names(self.namespace);
        let now = Timestamp::now();
        let step = stored.next(&names, trusted, now);
        if step == Step::Nothing {
            return Ok(());
        }
        let new = stored.after(step, &names, now)?;
        if !self.write(&secrets, found, step, &new).await? {
            return Ok(());
        }
        // The API servers have to trust the new bundle before the new pair is served.
        self.sync_ca_bundle(&new).await?;
        self.serve(&new.leaf);
        Ok(())
    }

    async fn sync_ca_bundle(&self, stored: &Stored) -> Result<bool, ApiError> {
        ca_bundle::sync(&self.client, &self.managed.configuration, &stored.bundle).await
    }

    /// False if another replica has written the Secret since it was read.
    async fn write(
        &self,
        secrets: &Api<Secret>,
        found: Option<Secret>,
        step: Step,
        new: &Stored,
    ) -> Result<bool, ApiError> {
        let name = &self.managed.secret;
        let secret = secret::update(found.unwrap_or_default(), name, new);
        let written = if secret.metadata.resource_version.is_some() {
            secrets.replace(name, &PostParams::default(), &secret).await
        } else {
            secrets.create(&PostParams::default(), &secret).await
        };
        match written.map_err(ApiError::from) {
            Ok(_) => {
                tracing::info!(secret = name, made = ?step, "new certificates are in the Secret");
                Ok(true)
            }
            Err(error) if error.is_conflict() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends the pair to the server if it is another one than before.
    fn serve(&self, pair: &Pem) {
        if pair.cert.is_empty() || pair.key.is_empty() {
            return;
        }
        self.pair.send_if_modified(|sent| {
            let changed = sent.as_ref() != Some(pair);
            if changed {
                *sent = Some(pair.clone());
            }
            changed
        });
    }
}
