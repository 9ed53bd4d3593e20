//! The policies that the server has from files and built in. They hold without the API server, which shows a copy of some of them.

use crate::policy::CompiledPolicy;
use std::sync::Arc;
use tokio::sync::watch;

/// Where the server puts them.
pub type ServedSender = watch::Sender<Vec<Arc<CompiledPolicy>>>;

/// The newest of them.
#[derive(Debug, Clone)]
pub struct ServedPolicies(watch::Receiver<Vec<Arc<CompiledPolicy>>>);

impl ServedPolicies {
    #[must_use]
    pub fn new(sender: &ServedSender) -> Self {
        Self(sender.subscribe())
    }

    /// None, now and later.
    #[must_use]
    pub fn none() -> Self {
        Self(watch::channel(Vec::new()).1)
    }

    /// The one with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Arc<CompiledPolicy>> {
        self.0.borrow().iter().find(|policy| *policy.name == *name).map(Arc::clone)
    }

    /// Whether others are served since the last call.
    #[must_use]
    pub fn take_change(&mut self) -> bool {
        let changed = self.0.has_changed().unwrap_or_default();
        self.0.mark_unchanged();
        changed
    }

    /// Waits until others are served.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // The server ends, and this task with it.
            std::future::pending::<()>().await;
        }
    }
}
