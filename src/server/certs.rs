//! The serving certificate and its rotation.
//!
//! A [`CertificateSource`] has the certificate: [`files`], [`cluster`] or [`self_signed`]. [`Certificates::rotate`] reads the
//! source, and [`InUse::replace`] is the only place that puts a new pair into use. A pair that does not pass the checks of
//! [`pair`] is refused, and the last good pair stays in use.

mod cluster;
mod error;
mod files;
mod pair;
mod self_signed;
mod source;

pub use error::{CertificateError, WriteCaError};
pub use self_signed::SelfSigned;

use super::health::{CheckStatus, Health};
use super::state::ServerState;
use crate::cluster::certificates::PairSender;
use crate::observe::{LogOnce, Metrics};
use arc_swap::ArcSwap;
use cluster::ClusterSource;
use files::FilesSource;
use jiff::Timestamp;
use pair::Pair;
use rustls::ServerConfig;
use self_signed::SelfSignedSource;
use source::{CertificateSource, Material};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The pair in use, and the source of the next one.
pub struct Certificates {
    in_use: InUse,
    source: Box<dyn CertificateSource>,
    /// Sends a pair to the source, if the source is the cluster.
    pair_sender: PairSender,
}

/// The pair that new connections are served with.
#[derive(Clone)]
pub struct InUse(Arc<ArcSwap<Pair>>);

impl InUse {
    /// For the next connection.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.load().config)
    }

    /// Puts a new pair into use, if it passes the checks. False if it is the pair in use.
    fn replace(&self, material: Material) -> Result<bool, CertificateError> {
        if self.0.load().material == material {
            return Ok(false);
        }
        self.0.store(Arc::new(Pair::new(material)?));
        Ok(true)
    }
}

impl Certificates {
    /// A certificate in files. They are read again at each poll.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn from_files(cert: PathBuf, key: PathBuf, client_ca: Option<PathBuf>) -> Result<Self, CertificateError> {
        Self::new(FilesSource { cert, key, client_ca }, PairSender::default())
    }

    /// The certificate in podreeve's Secret. The server is not ready until it has one, and serves `stand_in` until then.
    ///
    /// # Errors
    /// When the file with the clients' CA cannot be used.
    pub fn from_cluster(stand_in: SelfSigned, client_ca: Option<PathBuf>) -> Result<Self, CertificateError> {
        let sender = PairSender::default();
        let source = ClusterSource { secret: sender.subscribe(), stand_in: stand_in.leaf, client_ca };
        Self::new(source, sender)
    }

    /// A certificate that was made at start. Its CA is written to `ca_dir`, now or as soon as that is possible.
    ///
    /// # Errors
    /// When the file with the clients' CA cannot be used.
    pub fn from_self_signed(
        made: SelfSigned,
        ca_dir: Option<PathBuf>,
        client_ca: Option<PathBuf>,
    ) -> Result<Self, CertificateError> {
        Self::new(SelfSignedSource::new(made, ca_dir, client_ca), PairSender::default())
    }

    /// There is no last good pair yet, so the first one must pass the checks.
    fn new(mut source: impl CertificateSource + 'static, pair_sender: PairSender) -> Result<Self, CertificateError> {
        let first = Pair::new(source.read()?)?;
        let in_use = InUse(Arc::new(ArcSwap::from_pointee(first)));
        Ok(Self { in_use, source: Box::new(source), pair_sender })
    }

    /// Whether every client has to show a certificate.
    #[must_use]
    pub fn verifies_clients(&self) -> bool {
        self.in_use.0.load().material.client_ca.is_some()
    }

    /// The pair in use. It changes when a new pair is put into use.
    #[must_use]
    pub fn in_use(&self) -> InUse {
        self.in_use.clone()
    }

    /// Where the cluster's tasks send the pair of the Secret.
    #[must_use]
    pub fn pair_sender(&self) -> PairSender {
        self.pair_sender.clone()
    }

    pub(super) fn report(&self, health: &Health, metrics: &Metrics) {
        report(&self.in_use, None, self.source.warning(), health, metrics);
    }

    /// Reads the source at each poll and after each change, and puts a new pair into use. Never ends.
    pub(super) async fn rotate(self, poll: Duration, state: Arc<ServerState>) {
        let Self { in_use, mut source, .. } = self;
        let (health, metrics) = (&state.health, &state.observer.metrics);
        let mut log = LogOnce::default();
        loop {
            tokio::select! {
                () = tokio::time::sleep(poll) => {}
                () = source.changed() => {}
            }
            let pair = in_use.clone();
            let reading = tokio::task::spawn_blocking(move || {
                let replaced = source.read().and_then(|material| pair.replace(material));
                (source, replaced)
            });
            let Ok((back, replaced)) = reading.await else {
                tracing::error!(
                    "the certificate is no longer read: reading it panicked; the last good pair stays in use"
                );
                return;
            };
            source = back;
            match replaced.map_err(|error| error.to_string()) {
                Ok(replaced) => {
                    log.recovered();
                    if replaced {
                        metrics.certificate.reloaded(true);
                        tracing::info!(until = %in_use.0.load().until, "a new certificate is in use");
                    }
                }
                Err(error) => {
                    if log.failed(&error) {
                        metrics.certificate.reloaded(false);
                        tracing::error!(error, "the new certificate is refused; the last good pair stays in use");
                    }
                }
            }
            // Also when nothing has changed: certificates expire.
            report(&in_use, log.last_error(), source.warning(), health, metrics);
        }
    }
}

fn report(in_use: &InUse, error: Option<&str>, warning: Option<String>, health: &Health, metrics: &Metrics) {
    let pair = in_use.0.load();
    metrics.certificate.expires(pair.until);
    if pair.material.is_stand_in {
        return health.set_certificate(CheckStatus::not_ready(error.unwrap_or("none has come from the cluster yet")));
    }
    let mut status = status(pair.until, Timestamp::now(), error);
    if let Some(warning) = warning {
        status.text = format!("{}; {warning}", status.text);
    }
    health.set_certificate(status);
}

/// The last good pair serves as long as it is valid, whatever the source has now.
fn status(until: Timestamp, now: Timestamp, error: Option<&str>) -> CheckStatus {
    let refused = error.map(|error| format!("; a newer pair is refused: {error}")).unwrap_or_default();
    if until > now {
        CheckStatus::ready(format!("valid until {until}{refused}"))
    } else {
        CheckStatus::not_ready(format!("expired at {until}, so that no API server accepts it{refused}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expired_certificate_is_not_ready_and_a_refused_one_is() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(status(at(5), at(4), None), CheckStatus::ready("valid until 1970-01-01T00:00:05Z"));
        assert!(status(at(5), at(4), Some("no key")).text.ends_with("; a newer pair is refused: no key"));
        assert!(status(at(5), at(4), Some("no key")).ready);
        assert!(!status(at(5), at(5), None).ready);
        assert!(status(at(5), at(9), Some("no key")).text.ends_with("; a newer pair is refused: no key"));
    }

    fn pem() -> crate::authority::Pem {
        SelfSigned::make(&[]).unwrap().leaf
    }

    #[test]
    fn a_pair_of_the_secret_replaces_the_stand_in_and_a_broken_one_does_not() {
        let certificates = Certificates::from_cluster(SelfSigned::make(&[]).unwrap(), None).unwrap();
        let (sender, in_use) = (certificates.pair_sender(), certificates.in_use());
        let mut source = certificates.source;
        let mut read = || source.read().and_then(|material| in_use.replace(material));
        let is_stand_in = || in_use.0.load().material.is_stand_in;
        assert!(!read().unwrap() && is_stand_in());
        sender.send_replace(Some(crate::authority::Pem { key: String::new(), ..pem() }));
        assert!(read().is_err() && is_stand_in());
        sender.send_replace(Some(pem()));
        assert!(read().unwrap() && !is_stand_in());
        assert!(!read().unwrap());
        sender.send_replace(Some(crate::authority::Pem::default()));
        assert!(read().is_err() && !is_stand_in());
    }
}
