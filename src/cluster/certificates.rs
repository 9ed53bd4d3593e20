//! Certificates of podreeve's own: the leader keeps CA and certificate in a Secret and `caBundle` right in
//! both webhook configurations; every replica serves what the Secret holds.

mod plan;
mod store;

use super::api_health::ApiHealth;
use crate::authority::{CertificateInfo, Pem};
use crate::text::with_causes;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::Client;
use kube::api::{Api, PostParams};
use plan::Step;
use std::time::Duration;
use tokio::sync::watch;

/// Where podreeve keeps its own certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagedCertificates {
    /// The Secret, in podreeve's namespace.
    pub secret: String,
    /// The Service that the API server calls.
    pub service: String,
    /// The name of both webhook configurations.
    pub configuration: String,
}

impl ManagedCertificates {
    /// The names that the API server may call the Service by.
    #[must_use]
    pub fn names(&self, namespace: &str) -> Vec<String> {
        let Self { service, .. } = self;
        vec![
            format!("{service}.{namespace}.svc"),
            format!("{service}.{namespace}.svc.cluster.local"),
            format!("{service}.{namespace}"),
            service.clone(),
        ]
    }
}

/// Between two looks at the Secret and the configurations.
const EVERY: Duration = Duration::from_secs(5);

/// What keeping needs.
pub struct CertificateManager<'k> {
    pub client: Client,
    pub link: &'k ApiHealth,
    pub own: &'k ManagedCertificates,
    pub namespace: &'k str,
    /// Whether this replica is the leader.
    pub leads: watch::Receiver<bool>,
    /// What is to be served.
    pub served: watch::Sender<Option<Pem>>,
}

impl CertificateManager<'_> {
    /// Keeps them as long as it runs. What goes wrong is told once and tried again.
    pub async fn run(mut self) {
        let mut trouble = String::new();
        loop {
            match self.once().await {
                Ok(()) => {
                    if !trouble.is_empty() {
                        tracing::info!(secret = self.own.secret, "the certificates are kept again");
                        trouble.clear();
                    }
                }
                Err(error) if error != trouble => {
                    tracing::error!(
                        error,
                        secret = self.own.secret,
                        "the certificates cannot be kept; what is served stays, and it is tried again"
                    );
                    trouble = error;
                }
                Err(_) => {}
            }
            // A new leader begins at once.
            let _ = tokio::time::timeout(EVERY, self.leads.changed()).await;
            if self.leads.has_changed().is_err() {
                tokio::time::sleep(EVERY).await;
            }
        }
    }

    async fn once(&mut self) -> Result<(), String> {
        let secrets: Api<Secret> = Api::namespaced(self.client.clone(), self.namespace);
        let found = secrets.get_opt(&self.own.secret).await.map_err(|error| with_causes(&error))?;
        self.link.up();
        let stored = found.as_ref().map(store::read).unwrap_or_default();
        self.serve(&stored.leaf);
        if !*self.leads.borrow_and_update() {
            return Ok(());
        }
        let trusted = match CertificateInfo::of(&stored.ca.cert) {
            Some(_) => store::sync_ca_bundle(&self.client, &self.own.configuration, &stored.bundle).await?,
            None => false,
        };
        let names = self.own.names(self.namespace);
        let now = Timestamp::now();
        let step = stored.next(&names, trusted, now);
        if step == Step::Nothing {
            return Ok(());
        }
        let new = stored.after(step, &names, now)?;
        let secret = store::to_secret(found.unwrap_or_default(), &self.own.secret, &new);
        let written = if secret.metadata.resource_version.is_some() {
            // With the version that was read: whoever was first stays.
            secrets.replace(&self.own.secret, &PostParams::default(), &secret).await
        } else {
            secrets.create(&PostParams::default(), &secret).await
        };
        match written {
            Ok(_) => tracing::info!(secret = self.own.secret, made = ?step, "certificates were made"),
            Err(kube::Error::Api(status)) if status.code == 409 => return Ok(()),
            Err(error) => return Err(with_causes(&error)),
        }
        // Known before it is served.
        store::sync_ca_bundle(&self.client, &self.own.configuration, &new.bundle).await?;
        self.serve(&new.leaf);
        Ok(())
    }

    fn serve(&self, leaf: &Pem) {
        if leaf.cert.is_empty() || leaf.key.is_empty() {
            return;
        }
        self.served.send_if_modified(|served| {
            let changed = served.as_ref() != Some(leaf);
            if changed {
                *served = Some(leaf.clone());
            }
            changed
        });
    }
}
