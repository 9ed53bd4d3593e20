//! The policies in force: loaded at start, looked at again every few seconds, the last good ones kept.

use super::ServerState;
use super::health::{CheckStatus, Health, POLICIES};
use crate::admit::{Audience, Snapshot};
use crate::cluster::ClusterState;
use crate::facts::FactKinds;
use crate::observe::Metrics;
use crate::review::response::MAX_REPORTED;
use crate::sources::Sources;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// Loads the policies for a generation; none when nothing changed since the last call.
pub type Load = Box<dyn FnMut(u64) -> Result<Option<Snapshot>, String> + Send>;

/// What decides, and where it comes from: files, and the cluster where there is one.
pub struct Policies {
    load: Load,
    generation: u64,
    /// What is in force of the files.
    loaded: Option<Snapshot>,
    /// Why newer files are not.
    failure: Option<String>,
    parts: ClusterState,
    needed: watch::Sender<FactKinds>,
    /// There is a cluster to ask.
    cluster: bool,
    pub(super) audience: Audience,
}

impl Policies {
    #[must_use]
    pub fn new(load: Load) -> Self {
        Self {
            load,
            generation: 1,
            loaded: None,
            failure: None,
            parts: ClusterState::default(),
            needed: watch::Sender::default(),
            cluster: false,
            audience: Audience::default(),
        }
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
            sources.load(generation, MAX_REPORTED).map(Some).map_err(|errors| errors.to_string())
        }))
    }

    /// Policies that stay as they are.
    #[must_use]
    pub fn fixed(snapshot: Snapshot) -> Self {
        let mut snapshot = Some(snapshot);
        Self::new(Box::new(move |_| Ok(snapshot.take())))
    }

    /// What the policies in force ask the cluster for.
    pub(super) fn needed(&self) -> watch::Receiver<FactKinds> {
        self.needed.subscribe()
    }

    /// The first load. There is no last good one yet, so it must succeed.
    pub(super) fn first(&mut self, health: &Health, metrics: &Metrics, cluster: bool) -> Result<Snapshot, String> {
        self.cluster = cluster;
        self.loaded = Some((self.load)(self.generation)?.ok_or("there are no policies to load")?);
        let snapshot = self.compose().ok_or("there are no policies to load")?;
        self.tell(&snapshot, health, metrics);
        Ok(snapshot)
    }

    /// Loads files again every `poll`, hears what the cluster says, and swaps in what is usable.
    pub(super) async fn watch(
        mut self,
        poll: Duration,
        shared: Arc<ServerState>,
        mut cluster: watch::Receiver<ClusterState>,
    ) {
        let mut ticks = tokio::time::interval(poll);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        let mut connected = true;
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let Some(back) = self.load_again(&shared).await else { return };
                    self = back;
                }
                changed = cluster.changed(), if connected => match changed {
                    Ok(()) => {
                        let parts = cluster.borrow_and_update().clone();
                        self.handle(parts, &shared);
                    }
                    // There is no cluster.
                    Err(_) => connected = false,
                },
            }
        }
    }

    async fn load_again(mut self, shared: &ServerState) -> Option<Self> {
        let next = self.generation + 1;
        let loading = tokio::task::spawn_blocking(move || {
            let loaded = (self.load)(next);
            (self, loaded)
        });
        let Ok((mut this, loaded)) = loading.await else {
            tracing::error!("policies are no longer reloaded: loading them panicked; the last good ones stay");
            return None;
        };
        match loaded {
            Ok(None) => {}
            Ok(Some(snapshot)) => {
                this.failure = None;
                this.loaded = Some(snapshot);
                this.swap(shared);
            }
            Err(error) => {
                #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
                shared.observer.metrics.policy_last_error.set(Timestamp::now().as_second() as f64);
                if this.failure.as_ref() != Some(&error) {
                    tracing::error!(error, "policies changed and do not load; the last good ones stay in force");
                    this.failure = Some(error);
                    this.tell(&shared.snapshot.load(), &shared.health, &shared.observer.metrics);
                }
            }
        }
        Some(this)
    }

    fn handle(&mut self, parts: ClusterState, shared: &ServerState) {
        let before = std::mem::replace(&mut self.parts, parts);
        shared.observer.metrics.lookups.pids_limit_known.set(i64::from(self.parts.facts.nodes.all_known()));
        if before.errors != self.parts.errors && !self.parts.errors.is_empty() {
            #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
            shared.observer.metrics.policy_last_error.set(Timestamp::now().as_second() as f64);
        }
        if self.parts.says_as(&before) {
            // Facts change all the time, and nobody needs to handle of it.
            if let Some(snapshot) = self.compose() {
                shared.snapshot.store(Arc::new(snapshot));
            }
        } else {
            self.swap(shared);
        }
        shared.health.set_awaited(&self.awaited());
    }

    /// What is to be read before requests are judged as the cluster's policies want it.
    fn awaited(&self) -> Vec<&'static str> {
        let missing = *self.needed.borrow() & (FactKinds::AWAITED - self.parts.facts.complete);
        let own = (!self.parts.listed.all()).then_some(POLICIES);
        own.into_iter().chain(missing.names()).collect()
    }

    fn swap(&mut self, shared: &ServerState) {
        self.generation += 1;
        let Some(snapshot) = self.compose() else { return };
        self.tell(&snapshot, &shared.health, &shared.observer.metrics);
        tracing::info!(
            generation = self.generation,
            policies = snapshot.policies.policies.len(),
            "new policies are in force"
        );
        shared.snapshot.store(Arc::new(snapshot));
    }

    /// The policies of files, then those of the cluster.
    fn compose(&self) -> Option<Snapshot> {
        let mut snapshot = self.loaded.clone()?;
        snapshot.policies.policies.extend(self.parts.policies.iter().cloned());
        snapshot.policies.exemptions.clone_from(&self.parts.exemptions);
        snapshot.policies.generation = self.generation;
        snapshot.facts.clone_from(&self.parts.facts);
        snapshot.facts.cluster = self.cluster;
        snapshot.audience = self.audience;
        let needed = snapshot.policies.facts();
        self.needed.send_if_modified(|known| std::mem::replace(known, needed) != needed);
        Some(snapshot)
    }

    fn tell(&self, snapshot: &Snapshot, health: &Health, metrics: &Metrics) {
        let (count, generation) = (snapshot.policies.policies.len(), snapshot.policies.generation);
        let failures: Vec<&String> = self.failure.iter().chain(&self.parts.errors).collect();
        metrics.policies_loaded.set(i64::try_from(count).unwrap_or(i64::MAX));
        metrics.policies_failed.set(i64::try_from(failures.len()).unwrap_or(i64::MAX));
        metrics.policy_generation.set(i64::try_from(generation).unwrap_or(i64::MAX));
        let names: Vec<&str> = snapshot.policies.policies.iter().map(|policy| &*policy.name).collect();
        let mut text = format!("{} (generation {generation})", names.join(", "));
        if !failures.is_empty() {
            let failures: Vec<String> = failures.iter().map(|failure| failure.replace('\n', "; ")).collect();
            text.push_str(&format!("; newer ones do not load: {}", failures.join("; ")));
        }
        health.set_policies(CheckStatus::ready(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::state::Listed;
    use crate::policy::{CompiledPolicy, PolicyDocument, PolicySet};

    fn policies(rules: &str) -> Policies {
        let document = format!(
            r#"{{"apiVersion":"podreeve.dev/v1alpha1","kind":"Policy","metadata":{{"name":"p"}},"spec":{{"rules":{rules}}}}}"#
        );
        let policy = CompiledPolicy::new(&PolicyDocument::from_json(&document).unwrap()).unwrap();
        let mut policies = Policies::fixed(Snapshot::new(PolicySet::new(vec![policy], 1), 20));
        policies.first(&Health::new(None), &Metrics::new().unwrap(), true).unwrap();
        policies
    }

    #[test]
    fn what_a_policy_judges_by_is_waited_for() {
        let rules = r#"{"exec-root": {"action": "warn"}, "network-policy": {"action": "deny"}}"#;
        let mut needing = policies(rules);
        assert_eq!(needing.awaited(), [POLICIES, "pods", "network policies"]);
        needing.parts.listed = Listed { policies: true, exemptions: true };
        assert_eq!(needing.awaited(), ["pods", "network policies"]);
        needing.parts.facts.complete |= FactKinds::PODS;
        assert_eq!(needing.awaited(), ["network policies"]);
        needing.parts.facts.complete |= FactKinds::NETWORK_POLICIES;
        assert!(needing.awaited().is_empty());

        let mut others = policies(r#"{"privileged": {"action": "deny"}}"#);
        assert_eq!(others.awaited(), [POLICIES]);
        others.parts.listed = Listed { policies: true, exemptions: true };
        assert!(others.awaited().is_empty());
    }
}
