//! Podreeve's own certificates. The leader makes them, keeps them in a Secret, and keeps `caBundle` in both webhook
//! configurations right. Every replica serves the pair of the Secret.
//!
//! [`plan`] decides, [`secret`] and [`ca_bundle`] read and write, [`manager`] runs the steps.

mod ca_bundle;
mod manager;
mod plan;
mod secret;

pub use manager::CertificateManager;
pub(super) use secret::read as read_secret;

use crate::authority::Pem;

/// Where the pair of the Secret goes: to the server's certificate source.
pub type PairSender = tokio::sync::watch::Sender<Option<Pem>>;

/// The names of what podreeve manages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManagedCertificates {
    /// The Secret, in podreeve's namespace.
    pub secret: String,
    /// The Service that the API server calls.
    pub service: String,
    /// Both webhook configurations.
    pub configuration: String,
}

impl ManagedCertificates {
    /// The DNS names that the API server may use for the Service.
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
