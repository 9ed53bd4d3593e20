//! How the server is, as /readyz tells it.

use crate::cluster::Link;
use arc_swap::ArcSwapOption;
use std::fmt::Write;
use std::sync::Arc;

/// What one check says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub ready: bool,
    pub text: String,
}

impl Status {
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
#[derive(Debug, Default)]
pub struct Health {
    certificate: ArcSwapOption<Status>,
    policies: ArcSwapOption<Status>,
    /// None without a cluster.
    pub(super) link: Option<Arc<Link>>,
}

impl Health {
    #[must_use]
    pub fn new(link: Option<Arc<Link>>) -> Self {
        Self { link, ..Self::default() }
    }

    pub fn set_certificate(&self, status: Status) {
        self.certificate.store(Some(Arc::new(status)));
    }

    pub fn set_policies(&self, status: Status) {
        self.policies.store(Some(Arc::new(status)));
    }

    /// Every check on a line, and whether all are well.
    #[must_use]
    pub fn report(&self, draining: bool) -> (bool, String) {
        let missing = || Arc::new(Status::not_ready("not loaded"));
        let serving = if draining { Status::not_ready("shutting down") } else { Status::ready("yes") };
        let mut checks = vec![
            ("serving", Arc::new(serving)),
            ("certificate", self.certificate.load_full().unwrap_or_else(missing)),
            ("policies", self.policies.load_full().unwrap_or_else(missing)),
        ];
        // Never a reason to be out of service: what is in force stays in force.
        checks.extend(self.link.as_ref().map(|link| ("cluster", Arc::new(Status::ready(link.text())))));
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
