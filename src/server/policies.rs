//! The policies in force: loaded at start, read again every few seconds. The last good ones stay when newer ones do not load.

mod error;

use super::ends::EndsReport;
use super::health::{CheckStatus, Health, POLICIES};
use super::state::ServerState;
use crate::admit::{Audience, Snapshot};
use crate::cluster::last_good::GoodFiles;
use crate::cluster::served::{ServedPolicies, ServedSender};
use crate::cluster::{ClusterState, FactClient};
use crate::facts::{FactKinds, Images};
use crate::observe::{LogOnce, Metrics};
use crate::policy::{Ceiling, Mode};
use crate::review::response::MAX_REPORTED;
use crate::sources::{PolicyFiles, Sources};
use crate::text::in_one_line;
use error::Load;
pub use error::LoadError;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// The last policy files that loaded, as the leader kept them in the cluster.
#[derive(Debug)]
pub struct LastGood {
    pub snapshot: Snapshot,
    /// When they loaded, for messages.
    pub kept_at: String,
}

/// Composes the snapshot in force from files and, if there is one, the cluster.
pub struct Policies {
    load: Load,
    good_files: watch::Sender<Option<Arc<PolicyFiles>>>,
    /// What is served if the files do not load at the start.
    last_good: Option<LastGood>,
    /// Since when the last good files are in force in place of those that do not load.
    stale: Option<String>,
    generation: u64,
    /// The last files that loaded.
    loaded: Option<Snapshot>,
    /// Why newer files do not load.
    load_log: LogOnce,
    cluster_state: ClusterState,
    /// The kinds of facts that the policies in force need.
    needed: watch::Sender<FactKinds>,
    /// The policies from files and built-in ones.
    served: ServedSender,
    ends: EndsReport,
    /// Whether there is a cluster.
    cluster: bool,
    pub(super) audience: Audience,
    /// Whether podreeve looks at what is behind images.
    pub(super) knows_images: bool,
    /// The namespace that podreeve runs in; none without a cluster.
    pub(super) own_namespace: Option<Arc<str>>,
    /// The ceiling of the arguments. The ceiling that podreeve's Deployment names may be softer.
    pub(super) ceiling: Ceiling,
}

impl Policies {
    #[must_use]
    pub fn new(load: Load) -> Self {
        Self {
            load,
            good_files: watch::Sender::default(),
            last_good: None,
            stale: None,
            generation: 1,
            loaded: None,
            load_log: LogOnce::default(),
            cluster_state: ClusterState::default(),
            needed: watch::Sender::default(),
            served: watch::Sender::default(),
            ends: EndsReport::default(),
            cluster: false,
            audience: Audience::default(),
            knows_images: false,
            own_namespace: None,
            ceiling: Ceiling::default(),
        }
    }

    /// Policies from `--policy`. They are loaded again when their content changes.
    #[must_use]
    pub fn from_sources(sources: Sources) -> Self {
        let mut seen = None;
        let good_files = watch::Sender::default();
        let sender = good_files.clone();
        let load: Load = Box::new(move |generation| {
            let now = sources.fingerprint();
            if seen.replace(now) == Some(now) {
                return Ok(None);
            }
            let files = sources.policy_files();
            let loaded = sources.load(generation, MAX_REPORTED)?;
            // Files that change meanwhile are loaded again at the next poll.
            sender.send_replace(files.filter(|_| sources.fingerprint() == now).map(Arc::new));
            Ok(Some(loaded))
        });
        Self { good_files, ..Self::new(load) }
    }

    /// Serves these if the files do not load at the start, and until they do.
    #[must_use]
    pub fn with_last_good(self, last_good: Option<LastGood>) -> Self {
        Self { last_good, ..self }
    }

    pub(super) fn good_files(&self) -> GoodFiles {
        self.good_files.subscribe()
    }

    /// Policies that never change.
    #[must_use]
    pub fn fixed(snapshot: Snapshot) -> Self {
        let mut snapshot = Some(snapshot);
        Self::new(Box::new(move |_| Ok(snapshot.take())))
    }

    /// The kinds of facts that the policies in force need.
    pub(super) fn needed(&self) -> watch::Receiver<FactKinds> {
        self.needed.subscribe()
    }

    /// The policies from files and built-in ones.
    pub(super) fn served(&self) -> ServedPolicies {
        ServedPolicies::new(&self.served)
    }

    /// The first load. It must succeed, unless the leader kept policies in the cluster.
    pub(super) fn first(&mut self, health: &Health, metrics: &Metrics, cluster: bool) -> Result<Snapshot, LoadError> {
        self.cluster = cluster;
        let loaded = match ((self.load)(self.generation), self.last_good.take()) {
            (Err(LoadError(error)), Some(LastGood { snapshot, kept_at })) => {
                tracing::error!(
                    error,
                    kept_at,
                    "the policy files do not load; the last good ones, which the leader kept in the cluster, are in force"
                );
                metrics.policies.failed_at(Timestamp::now());
                let _ = self.load_log.failed(&error);
                self.stale = Some(kept_at);
                snapshot
            }
            (loaded, _) => loaded?.ok_or("there are no policies to load")?,
        };
        self.served.send_replace(loaded.policies.policies.clone());
        self.loaded = Some(loaded);
        let snapshot = self.compose().ok_or("there are no policies to load")?;
        self.report(&snapshot, health, metrics);
        self.ends.update(&snapshot.policies, metrics);
        Ok(snapshot)
    }

    /// Loads files again at each poll, and composes a new snapshot after each change of files or cluster.
    pub(super) async fn watch(
        mut self,
        poll: Duration,
        state: Arc<ServerState>,
        mut cluster: watch::Receiver<ClusterState>,
    ) {
        let mut ticks = tokio::time::interval(poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut connected = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let Some(back) = self.load_again(&state).await else { return };
                    self = back;
                    self.ends.update(&state.snapshot.load().policies, &state.observer.metrics);
                }
                changed = cluster.changed(), if connected => match changed {
                    Ok(()) => {
                        let cluster_state = cluster.borrow_and_update().clone();
                        self.update(cluster_state, &state);
                    }
                    // The sender is gone: there is no cluster.
                    Err(_) => connected = false,
                },
            }
        }
    }

    async fn load_again(mut self, state: &ServerState) -> Option<Self> {
        let next = self.generation + 1;
        let loading = tokio::task::spawn_blocking(move || {
            let loaded = (self.load)(next);
            (self, loaded)
        });
        let Ok((mut this, loaded)) = loading.await else {
            tracing::error!("policies are no longer reloaded: loading them panicked; the last good ones stay in force");
            return None;
        };
        match loaded {
            Ok(None) => {}
            Ok(Some(snapshot)) => {
                this.load_log.recovered();
                this.served.send_replace(snapshot.policies.policies.clone());
                this.stale = None;
                this.loaded = Some(snapshot);
                this.put_into_force(state);
            }
            Err(error) => {
                let metrics = &state.observer.metrics;
                metrics.policies.failed_at(Timestamp::now());
                let LoadError(error) = error;
                if this.load_log.failed(&error) {
                    tracing::error!(error, "policies changed and do not load; the last good ones stay in force");
                    this.report(&state.snapshot.load(), &state.health, metrics);
                }
            }
        }
        Some(this)
    }

    fn update(&mut self, cluster_state: ClusterState, state: &ServerState) {
        let before = std::mem::replace(&mut self.cluster_state, cluster_state);
        let (now, metrics) = (&self.cluster_state, &state.observer.metrics);
        metrics.lookups.pids_limit_known.set(i64::from(now.facts.nodes.all_known()));
        if before.errors != now.errors && !now.errors.is_empty() {
            metrics.policies.failed_at(Timestamp::now());
        }
        if now.has_same_policies(&before) {
            // Only facts have changed. They change all the time, so this is not a new generation and not in the log.
            if let Some(snapshot) = self.compose() {
                state.snapshot.store(Arc::new(snapshot));
            }
        } else {
            self.put_into_force(state);
        }
        state.health.set_awaited(&self.awaited());
    }

    /// What the first lists have not brought yet: without it requests are not judged by the cluster's policies.
    fn awaited(&self) -> Vec<&'static str> {
        let missing = *self.needed.borrow() & (FactKinds::AWAITED - self.cluster_state.facts.complete);
        let policies = (!self.cluster_state.listed.all()).then_some(POLICIES);
        policies.into_iter().chain(missing.names()).collect()
    }

    fn put_into_force(&mut self, state: &ServerState) {
        self.generation += 1;
        let Some(snapshot) = self.compose() else { return };
        self.report(&snapshot, &state.health, &state.observer.metrics);
        tracing::info!(
            generation = self.generation,
            policies = snapshot.policies.policies.len(),
            mode = %snapshot.ceiling,
            "new policies are in force"
        );
        state.snapshot.store(Arc::new(snapshot));
        if let Some(images) = state.fact_client.as_ref().and_then(FactClient::images) {
            images.forget_judgements();
        }
    }

    /// The policies of files come first, then those of the cluster.
    fn compose(&self) -> Option<Snapshot> {
        let mut snapshot = self.loaded.clone()?;
        snapshot.policies.policies.extend(self.cluster_state.policies.iter().cloned());
        snapshot.policies.exemptions.clone_from(&self.cluster_state.exemptions);
        snapshot.policies.generation = self.generation;
        snapshot.facts.clone_from(&self.cluster_state.facts);
        snapshot.facts.cluster = self.cluster;
        snapshot.facts.own_namespace.clone_from(&self.own_namespace);
        if self.knows_images && snapshot.facts.images.is_none() {
            // None are known yet, which is not the same as image facts that are switched off. Nor is it known which must be signed.
            snapshot.facts.images = Some(Arc::new(Images::unsettled()));
        }
        snapshot.audience = self.audience;
        let deployed = self.cluster_state.ceiling.unwrap_or_default();
        snapshot.ceiling = self.ceiling.softer(deployed);
        let needed = snapshot.policies.facts();
        self.needed.send_if_modified(|before| std::mem::replace(before, needed) != needed);
        Some(snapshot)
    }

    fn report(&self, snapshot: &Snapshot, health: &Health, metrics: &Metrics) {
        let (count, generation) = (snapshot.policies.policies.len(), snapshot.policies.generation);
        let errors = self.cluster_state.errors.iter().map(String::as_str);
        let failures: Vec<&str> = self.load_log.last_error().into_iter().chain(errors).collect();
        metrics.policies.set(count, failures.len(), generation);
        metrics.policies.set_stale(self.stale.is_some());
        let names: Vec<&str> = snapshot.policies.policies.iter().map(|policy| &*policy.name).collect();
        let mut text = format!("{} (generation {generation})", names.join(", "));
        if let Some(kept_at) = &self.stale {
            text.push_str(&format!("; these are the last good ones, which the leader kept on {kept_at}"));
        }
        if !failures.is_empty() {
            text.push_str(&format!("; newer ones do not load: {}", in_one_line(&failures.join("\n"))));
        }
        health.set_policies(CheckStatus::ready(text));
        health.set_mode(CheckStatus::ready(snapshot.ceiling.to_string()));
        health.set_denies(snapshot.ceiling.mode == Mode::Deny);
        metrics.mode.set(snapshot.ceiling);
    }
}

#[cfg(test)]
mod tests;
