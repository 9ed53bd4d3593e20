//! The serving certificate: from files that are polled by content, or made at start.
//!
//! A new pair is checked before it is swapped in. Until one passes, the last good pair serves.

mod pair;

use super::ServerState;
use super::health::{CheckStatus, Health};
use super::self_signed::SelfSigned;
use crate::authority::Pem;
use crate::observe::Metrics;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use pair::{Files, Pair};
use rustls::ServerConfig;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Where the certificate comes from, and the one in use.
#[derive(Clone)]
pub struct Certificates {
    current: Arc<ArcSwap<Pair>>,
    /// None for a certificate that was made here.
    files: Option<Files>,
    /// The file with the CA of clients, where the certificate is in none.
    client_ca: Option<PathBuf>,
    /// Until it has come.
    awaiting: Arc<AtomicBool>,
    /// For a certificate that was made here.
    unwritten: Option<Unwritten>,
}

/// A CA that could not be written yet.
#[derive(Clone)]
struct Unwritten {
    made: Arc<SelfSigned>,
    dir: PathBuf,
    error: String,
}

impl Certificates {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub fn from_files(cert: PathBuf, key: PathBuf, client_ca: Option<PathBuf>) -> Result<Self, String> {
        let files = Files { cert, key, client_ca };
        let pair = files.read().and_then(|bytes| files.check(bytes))?;
        Ok(Self { files: Some(files), ..Self::with(pair) })
    }

    fn with(pair: Pair) -> Self {
        Self {
            current: Arc::new(ArcSwap::from_pointee(pair)),
            files: None,
            client_ca: None,
            awaiting: Arc::new(AtomicBool::new(false)),
            unwritten: None,
        }
    }

    /// Waits for one from the cluster; until then nobody trusts what is served, and the server is not ready.
    ///
    /// # Errors
    /// When the one that stands in cannot be used, or the file with the clients' CA cannot.
    pub fn awaiting(made: &SelfSigned, client_ca: Option<PathBuf>) -> Result<Self, String> {
        let pair = pair::from_pem(&made.leaf.cert, &made.leaf.key, client_ca.as_deref())?;
        Ok(Self { client_ca, awaiting: Arc::new(AtomicBool::new(true)), ..Self::with(pair) })
    }

    /// Serves what the cluster's Secret holds, whenever it changes and can be used.
    pub(super) async fn follow(self, mut served: watch::Receiver<Option<Pem>>, shared: Arc<ServerState>) {
        while served.changed().await.is_ok() {
            let Some(pem) = served.borrow_and_update().clone() else { continue };
            let (health, metrics) = (&shared.health, &shared.observer.metrics);
            match pair::from_pem(&pem.cert, &pem.key, self.client_ca.as_deref()) {
                Ok(pair) => {
                    self.current.store(Arc::new(pair));
                    self.awaiting.store(false, Ordering::Relaxed);
                    metrics.certificate_reloaded(true);
                    tracing::info!(until = %self.current.load().until, "a new certificate is in use");
                    self.tell(health, metrics);
                }
                Err(error) => {
                    metrics.certificate_reloaded(false);
                    tracing::error!(error, "the certificate in the Secret is refused; the last good one serves on");
                    self.tell_with(Some(&error), health, metrics);
                }
            }
        }
    }

    /// Uses a certificate that was just made.
    ///
    /// # Errors
    /// When it cannot be used, or the file with the clients' CA cannot.
    pub fn from_self_signed(made: &SelfSigned, client_ca: Option<PathBuf>) -> Result<Self, String> {
        let pair = pair::from_pem(&made.leaf.cert, &made.leaf.key, client_ca.as_deref())?;
        Ok(Self { client_ca, ..Self::with(pair) })
    }

    /// Writes the CA of a certificate that was just made to `DIR/ca.crt`: now, or as soon as it can be.
    #[must_use]
    pub fn writing_ca(mut self, made: SelfSigned, dir: PathBuf) -> Self {
        match made.write_ca(&dir) {
            Ok(ca) => tracing::info!(ca = %ca.display(), "made a certificate; clients trust it with this CA"),
            Err(error) => {
                tracing::error!(
                    error,
                    "the certificate is served from memory, and new clients cannot trust it before its CA is written; \
                     it is tried again"
                );
                self.unwritten = Some(Unwritten { made: Arc::new(made), dir, error });
            }
        }
        self
    }

    async fn write_ca(&mut self) {
        let Some(Unwritten { made, dir, .. }) = self.unwritten.clone() else { return };
        match tokio::task::spawn_blocking(move || made.write_ca(&dir)).await {
            Ok(Ok(ca)) => {
                tracing::info!(ca = %ca.display(), "the CA certificate is written");
                self.unwritten = None;
            }
            Ok(Err(error)) => {
                if let Some(unwritten) = &mut self.unwritten {
                    unwritten.error = error;
                }
            }
            Err(_) => {}
        }
    }

    /// Whether every caller has to show a certificate.
    #[must_use]
    pub fn verifies_clients(&self) -> bool {
        self.client_ca.is_some() || self.files.as_ref().is_some_and(|files| files.client_ca.is_some())
    }

    /// For the next connection.
    #[must_use]
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    pub(super) fn tell(&self, health: &Health, metrics: &Metrics) {
        self.tell_with(None, health, metrics);
    }

    fn tell_with(&self, failure: Option<&str>, health: &Health, metrics: &Metrics) {
        let until = self.current.load().until;
        #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
        metrics.certificate_expiry.set(until.as_second() as f64);
        if self.awaiting.load(Ordering::Relaxed) {
            return health
                .set_certificate(CheckStatus::not_ready(failure.unwrap_or("none has come from the cluster yet")));
        }
        let mut status = status(until, Timestamp::now(), failure);
        if let Some(Unwritten { error, .. }) = &self.unwritten {
            status.text = format!("{}; {error}", status.text);
        }
        health.set_certificate(status);
    }

    /// Looks at the files every `poll` and swaps in what passes; writes what could not be written.
    pub(super) async fn watch(mut self, poll: Duration, shared: Arc<ServerState>) {
        let mut failure: Option<String> = None;
        loop {
            tokio::time::sleep(poll).await;
            self.write_ca().await;
            let (health, metrics) = (&shared.health, &shared.observer.metrics);
            match self.look().await {
                Some(Ok(())) => {
                    failure = None;
                    metrics.certificate_reloaded(true);
                    tracing::info!(until = %self.current.load().until, "a new certificate is in use");
                }
                Some(Err(error)) if failure.as_ref() != Some(&error) => {
                    metrics.certificate_reloaded(false);
                    tracing::error!(
                        error,
                        "the certificate files changed and are refused; the last good pair serves on"
                    );
                    failure = Some(error);
                }
                Some(Err(_)) => {}
                None => failure = None,
            }
            // Every time, because certificates expire while nothing changes.
            self.tell_with(failure.as_deref(), health, metrics);
        }
    }

    /// None when the files hold what is in use.
    async fn look(&self) -> Option<Result<(), String>> {
        let current = self.current.load_full();
        let (files, client_ca, before) = (self.files.clone(), self.client_ca.clone(), Arc::clone(&current));
        let looked = tokio::task::spawn_blocking(move || {
            let read = match (&files, &client_ca) {
                (Some(files), _) => files.read(),
                (None, Some(path)) => before.bytes.with_client_ca(path),
                (None, None) => return None,
            };
            let bytes = match read {
                Ok(bytes) if bytes == before.bytes => return None,
                Ok(bytes) => bytes,
                Err(error) => return Some(Err(error)),
            };
            Some(files.unwrap_or_else(|| Files::of_memory(client_ca)).check(bytes))
        });
        match looked.await.ok()?? {
            Ok(pair) => {
                // One that came from the cluster meanwhile was made with the clients' CA as it is now.
                self.current.compare_and_swap(&current, Arc::new(pair));
                Some(Ok(()))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

/// The last good pair serves as long as it is valid, whatever is in the files.
fn status(until: Timestamp, now: Timestamp, failure: Option<&str>) -> CheckStatus {
    let failure = failure.map(|failure| format!("; a newer pair is refused: {failure}")).unwrap_or_default();
    if until > now {
        CheckStatus::ready(format!("valid until {until}{failure}"))
    } else {
        CheckStatus::not_ready(format!("expired at {until}, so that no API server accepts it{failure}"))
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
}
