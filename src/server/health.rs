//! How the server is, as /readyz tells it.

use crate::cluster::ApiHealth;
use arc_swap::ArcSwapOption;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A replica that starts is out of service no longer than this for want of what the cluster has: its Policies and
/// Exemptions, and the pods if a policy judges who enters them. A list of very many takes longer. Until it has come each
/// connection asks for its pod, and `onUnknown` decides where no answer comes: that is slower, and no less safe.
pub const FIRST_LIST: Duration = Duration::from_secs(10);

/// The first of what is waited for.
pub const POLICIES: &str = "Policies and Exemptions";

/// What one check says.
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

/// Written by the watchers, read by /readyz.
#[derive(Debug)]
pub struct Health {
    certificate: ArcSwapOption<CheckStatus>,
    policies: ArcSwapOption<CheckStatus>,
    /// None without a cluster.
    pub(super) link: Option<Arc<ApiHealth>>,
    started: Instant,
    /// What the cluster says is in force, or is not waited for any more.
    settled: AtomicBool,
    /// What is still to come until then.
    awaited: ArcSwapOption<String>,
}

impl Health {
    #[must_use]
    pub fn new(link: Option<Arc<ApiHealth>>) -> Self {
        Self {
            certificate: ArcSwapOption::empty(),
            policies: ArcSwapOption::empty(),
            link,
            started: Instant::now(),
            settled: AtomicBool::new(false),
            awaited: ArcSwapOption::empty(),
        }
    }

    /// What the cluster has not said yet; nothing once its Policies and Exemptions are in force and what they judge by
    /// has been read.
    pub fn set_awaited(&self, awaited: &[&str]) {
        if awaited.is_empty() {
            self.settled.store(true, Ordering::Relaxed);
        }
        self.awaited.store(Some(Arc::new(awaited.join(", "))));
    }

    /// A reason to be out of service at start, and never again: what is in force stays in force.
    fn cluster(&self, link: &ApiHealth, waited: Duration) -> CheckStatus {
        if link.is_down() || waited >= FIRST_LIST {
            self.settled.store(true, Ordering::Relaxed);
        }
        if self.settled.load(Ordering::Relaxed) {
            CheckStatus::ready(link.text())
        } else {
            let awaited = self.awaited.load();
            let awaited = awaited.as_ref().map_or(POLICIES, |awaited| awaited.as_str());
            CheckStatus::not_ready(format!("{}; still to be read: {awaited}", link.text()))
        }
    }

    pub fn set_certificate(&self, status: CheckStatus) {
        self.certificate.store(Some(Arc::new(status)));
    }

    pub fn set_policies(&self, status: CheckStatus) {
        self.policies.store(Some(Arc::new(status)));
    }

    /// Every check on a line, and whether all are well.
    #[must_use]
    pub fn report(&self, draining: bool) -> (bool, String) {
        let missing = || Arc::new(CheckStatus::not_ready("not loaded"));
        let serving = if draining { CheckStatus::not_ready("shutting down") } else { CheckStatus::ready("yes") };
        let mut checks = vec![
            ("serving", Arc::new(serving)),
            ("certificate", self.certificate.load_full().unwrap_or_else(missing)),
            ("policies", self.policies.load_full().unwrap_or_else(missing)),
        ];
        let waited = self.started.elapsed();
        checks.extend(self.link.as_ref().map(|link| ("cluster", Arc::new(self.cluster(link, waited)))));
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

    #[test]
    fn the_first_list_is_waited_for_once_and_not_for_ever() {
        let ready = |health: &Health, waited| health.cluster(health.link.as_ref().unwrap(), waited).ready;
        let health = || Health::new(Some(Arc::new(ApiHealth::default())));
        let soon = Duration::from_secs(9);

        let told = health();
        assert!(!ready(&told, soon));
        told.set_awaited(&["pods"]);
        let status = told.cluster(told.link.as_ref().unwrap(), soon);
        assert!(!status.ready && status.text.ends_with("still to be read: pods"), "{status:?}");
        told.set_awaited(&[]);
        assert!(ready(&told, soon));
        // It is never out of service again on that account.
        told.set_awaited(&["pods"]);
        assert!(ready(&told, soon));

        let late = health();
        assert!(ready(&late, FIRST_LIST));
        assert!(ready(&late, soon));

        let unreachable = health();
        let link = unreachable.link.clone().unwrap();
        link.down("refused");
        assert!(ready(&unreachable, soon));
        link.up();
        assert!(ready(&unreachable, soon));
    }
}
