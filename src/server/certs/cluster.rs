//! The certificate in podreeve's Secret. [`crate::cluster::certificates`] makes it and sends it here.

use super::error::CertificateError;
use super::source::{CertificateSource, Material};
use crate::authority::Pem;
use futures_util::future::BoxFuture;
use std::path::PathBuf;
use tokio::sync::watch;

/// `--tls-secret`.
pub struct ClusterSource {
    /// The newest pair of the Secret; none until it has been read.
    pub secret: watch::Receiver<Option<Pem>>,
    /// Served until then: TLS needs a certificate.
    pub stand_in: Pem,
    pub client_ca: Option<PathBuf>,
}

impl CertificateSource for ClusterSource {
    fn read(&mut self) -> Result<Material, CertificateError> {
        let secret = self.secret.borrow_and_update().clone();
        let is_stand_in = secret.is_none();
        let pair = secret.as_ref().unwrap_or(&self.stand_in);
        Ok(Material { is_stand_in, ..Material::from_memory(pair, self.client_ca.as_deref())? })
    }

    fn changed(&mut self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            // An error means that the sender is gone: nothing changes any more.
            if self.secret.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }
}
