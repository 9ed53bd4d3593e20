//! The policies in force: loaded at start, looked at again every few seconds, the last good ones kept.

use super::Shared;
use super::health::{Health, Status};
use crate::admit::Snapshot;
use crate::observe::Metrics;
use crate::review::response::TOLD;
use crate::sources::Sources;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Loads the policies for a generation; none when nothing changed since the last call.
pub type Load = Box<dyn FnMut(u64) -> Result<Option<Snapshot>, String> + Send>;

/// What decides, and where it comes from.
pub struct Policies {
    load: Load,
    generation: u64,
}

impl Policies {
    #[must_use]
    pub const fn new(load: Load) -> Self {
        Self { load, generation: 1 }
    }

    /// Policies from `--policy`, read again when their content changes.
    #[must_use]
    pub fn from_sources(sources: Sources) -> Self {
        let mut seen = None;
        Self::new(Box::new(move |generation| {
            let now = sources.fingerprint();
            if seen.replace(now) == Some(now) {
                return Ok(None);
            }
            sources.load(generation, TOLD).map(Some).map_err(|errors| errors.to_string())
        }))
    }

    /// Policies that stay as they are.
    #[must_use]
    pub fn fixed(snapshot: Snapshot) -> Self {
        let mut snapshot = Some(snapshot);
        Self::new(Box::new(move |_| Ok(snapshot.take())))
    }

    /// The first load. There is no last good one yet, so it must succeed.
    pub(super) fn first(&mut self, health: &Health, metrics: &Metrics) -> Result<Snapshot, String> {
        let snapshot = (self.load)(self.generation)?.ok_or("there are no policies to load")?;
        tell(&snapshot, None, health, metrics);
        Ok(snapshot)
    }

    /// Loads again every `poll` and swaps in what loads.
    pub(super) async fn watch(mut self, poll: Duration, shared: Arc<Shared>) {
        let mut failure: Option<String> = None;
        loop {
            tokio::time::sleep(poll).await;
            let next = self.generation + 1;
            let loading = tokio::task::spawn_blocking(move || {
                let loaded = (self.load)(next);
                (self, loaded)
            });
            let Ok((back, loaded)) = loading.await else {
                return tracing::error!(
                    "policies are no longer reloaded: loading them panicked; the last good ones stay"
                );
            };
            self = back;
            let (health, metrics) = (&shared.health, &shared.observer.metrics);
            match loaded {
                Ok(None) => {}
                Ok(Some(snapshot)) => {
                    self.generation = next;
                    failure = None;
                    tell(&snapshot, None, health, metrics);
                    tracing::info!(
                        generation = next,
                        policies = snapshot.policies.policies.len(),
                        "new policies are in force"
                    );
                    shared.snapshot.store(Arc::new(snapshot));
                }
                Err(error) => {
                    #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
                    metrics.policy_last_error.set(Timestamp::now().as_second() as f64);
                    if failure.as_ref() != Some(&error) {
                        tracing::error!(error, "policies changed and do not load; the last good ones stay in force");
                        tell(&shared.snapshot.load(), Some(&error), health, metrics);
                        failure = Some(error);
                    }
                }
            }
        }
    }
}

fn tell(snapshot: &Snapshot, failure: Option<&str>, health: &Health, metrics: &Metrics) {
    let (count, generation) = (snapshot.policies.policies.len(), snapshot.policies.generation);
    metrics.policies_loaded.set(i64::try_from(count).unwrap_or(i64::MAX));
    metrics.policies_failed.set(i64::from(failure.is_some()));
    metrics.policy_generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
    let names: Vec<&str> = snapshot.policies.policies.iter().map(|policy| &*policy.name).collect();
    let failure =
        failure.map(|failure| format!("; newer ones do not load: {}", failure.replace('\n', "; "))).unwrap_or_default();
    health.set_policies(Status::ready(format!("{} (generation {generation}){failure}", names.join(", "))));
}
