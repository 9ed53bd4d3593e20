//! Whether the server is ready, for /readyz.

use crate::cluster::ApiHealth;
use arc_swap::ArcSwapOption;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a replica that starts waits for the first lists of the cluster: Policies, Exemptions, and the facts that
/// policies need. A list of very many objects takes longer. The replica is ready all the same: until the list is complete,
/// each request looks up its facts, and `onUnknown` decides where no answer comes. That is slower, and no less safe.
pub const FIRST_LIST: Duration = Duration::from_secs(10);

/// How /readyz names podreeve's own objects.
pub const POLICIES: &str = "Policies and Exemptions";

/// The result of one check of /readyz.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckStatus {
    pub ready: bool,
    pub text: String,
}

impl CheckStatus {
    #[must_use]
    pub fn ready(text: impl Into<String>) -> Self {
        Self { ready: true, text: text.into() }
    }

    #[must_use]
    pub fn not_ready(text: impl Into<String>) -> Self {
        Self { ready: false, text: text.into() }
    }
}

/// Written by the tasks of the server, read by /readyz.
#[derive(Debug)]
pub struct Health {
    certificate: ArcSwapOption<CheckStatus>,
    policies: ArcSwapOption<CheckStatus>,
    mode: ArcSwapOption<CheckStatus>,
    /// None where podreeve does not look at what is behind images.
    images: ArcSwapOption<CheckStatus>,
    denies: AtomicBool,
    /// None where podreeve does not write its webhook configurations.
    webhooks: ArcSwapOption<CheckStatus>,
    /// None without a cluster.
    pub(super) api: Option<Arc<ApiHealth>>,
    started: Instant,
    /// The first lists are complete, or the replica does not wait for them any more.
    settled: AtomicBool,
    /// What the first lists have not brought yet.
    awaited: ArcSwapOption<String>,
}

impl Health {
    #[must_use]
    pub fn new(api_health: Option<Arc<ApiHealth>>) -> Self {
        Self {
            certificate: ArcSwapOption::empty(),
            policies: ArcSwapOption::empty(),
            mode: ArcSwapOption::empty(),
            images: ArcSwapOption::empty(),
            denies: AtomicBool::new(true),
            webhooks: ArcSwapOption::empty(),
            api: api_health,
            started: Instant::now(),
            settled: AtomicBool::new(false),
            awaited: ArcSwapOption::empty(),
        }
    }

    /// Sets what the first lists have not brought yet. Empty once the cluster's policies and the facts that they need are in
    /// force.
    pub fn set_awaited(&self, awaited: &[&str]) {
        if awaited.is_empty() {
            self.settled.store(true, Ordering::Relaxed);
        }
        self.awaited.store(Some(Arc::new(awaited.join(", "))));
    }

    /// Not ready at start only. Later, what is in force stays in force.
    fn cluster(&self, api_health: &ApiHealth, waited: Duration) -> CheckStatus {
        if api_health.is_down() || waited >= FIRST_LIST {
            self.settled.store(true, Ordering::Relaxed);
        }
        if self.settled.load(Ordering::Relaxed) {
            CheckStatus::ready(api_health.text())
        } else {
            let awaited = self.awaited.load();
            let awaited = awaited.as_ref().map_or(POLICIES, |awaited| awaited.as_str());
            CheckStatus::not_ready(format!("{}; still to be read: {awaited}", api_health.text()))
        }
    }

    pub fn set_certificate(&self, status: CheckStatus) {
        self.certificate.store(Some(Arc::new(status)));
    }

    /// It never makes a replica unready: the API server reaches ready replicas only, and podreeve must answer before it is armed.
    pub fn set_webhooks(&self, status: CheckStatus) {
        self.webhooks.store(Some(Arc::new(status)));
    }

    /// A mode is never a fault, so this check always passes.
    pub fn set_mode(&self, status: CheckStatus) {
        self.mode.store(Some(Arc::new(status)));
    }

    /// Not ready before any settings loaded: a replica without them can judge no image, and the rollout must stop. Later, what is in force
    /// stays in force.
    pub fn set_images(&self, status: CheckStatus) {
        self.images.store(Some(Arc::new(status)));
    }

    /// Whether the mode lets policies deny. Where it does not, a replica without settings of images may answer, and is ready: so
    /// `mode=warn` is a way back.
    pub fn set_denies(&self, denies: bool) {
        self.denies.store(denies, Ordering::Relaxed);
    }

    /// Whether settings of images are in force, or none are needed.
    #[must_use]
    pub fn knows_image_settings(&self) -> bool {
        self.images.load().as_ref().is_none_or(|status| status.ready)
    }

    pub fn set_policies(&self, status: CheckStatus) {
        self.policies.store(Some(Arc::new(status)));
    }

    /// One line for each check, and whether all checks passed.
    #[must_use]
    pub fn report(&self, draining: bool) -> (bool, String) {
        let missing = || Arc::new(CheckStatus::not_ready("not loaded"));
        let serving = if draining { CheckStatus::not_ready("shutting down") } else { CheckStatus::ready("yes") };
        let mut checks = vec![
            ("serving", Arc::new(serving)),
            ("certificate", self.certificate.load_full().unwrap_or_else(missing)),
            ("policies", self.policies.load_full().unwrap_or_else(missing)),
        ];
        checks.extend(self.mode.load_full().map(|status| ("mode", status)));
        let denies = self.denies.load(Ordering::Relaxed);
        let images = |status: Arc<CheckStatus>| {
            if status.ready || denies {
                return status;
            }
            Arc::new(CheckStatus::ready(format!("{}; this mode denies nothing", status.text)))
        };
        checks.extend(self.images.load_full().map(|status| ("images", images(status))));
        let waited = self.started.elapsed();
        let cluster = |api_health: &Arc<ApiHealth>| ("cluster", Arc::new(self.cluster(api_health, waited)));
        checks.extend(self.api.as_ref().map(cluster));
        checks.extend(self.webhooks.load_full().map(|status| ("webhooks", status)));
        let mut text = String::new();
        for (name, status) in &checks {
            let sign = if status.ready { '+' } else { '-' };
            let _ = writeln!(text, "[{sign}]{name}: {}", status.text);
        }
        let ready = checks.iter().all(|(_, status)| status.ready);
        text.push_str(if ready { "ready\n" } else { "not ready\n" });
        (ready, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Else `mode=warn` would be no way back: no replica would answer.
    #[test]
    fn settings_of_images_hold_a_replica_back_where_policies_may_deny() {
        let health = Health::new(None);
        health.set_certificate(CheckStatus::ready("yes"));
        health.set_policies(CheckStatus::ready("owasp"));
        health.set_images(CheckStatus::not_ready("the settings do not load: there is no Secret"));
        let (ready, text) = health.report(false);
        assert!(!ready && text.contains("[-]images: the settings do not load"), "{text}");
        health.set_denies(false);
        let (ready, text) = health.report(false);
        assert!(ready && text.contains("[+]images: the settings do not load"), "{text}");
    }

    #[test]
    fn a_replica_waits_for_the_first_lists_at_start_only() {
        let ready = |health: &Health, waited| health.cluster(health.api.as_ref().unwrap(), waited).ready;
        let health = || Health::new(Some(Arc::new(ApiHealth::default())));
        let soon = Duration::from_secs(9);

        let listed = health();
        assert!(!ready(&listed, soon));
        listed.set_awaited(&["pods"]);
        let status = listed.cluster(listed.api.as_ref().unwrap(), soon);
        assert!(!status.ready && status.text.ends_with("still to be read: pods"), "{status:?}");
        listed.set_awaited(&[]);
        assert!(ready(&listed, soon));
        // The first lists never make it unready again.
        listed.set_awaited(&["pods"]);
        assert!(ready(&listed, soon));

        let late = health();
        assert!(ready(&late, FIRST_LIST));
        assert!(ready(&late, soon));

        let unreachable = health();
        let api_health = unreachable.api.clone().unwrap();
        api_health.down("refused");
        assert!(ready(&unreachable, soon));
        api_health.up();
        assert!(ready(&unreachable, soon));
    }
}
