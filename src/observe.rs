//! Metrics and logs: they consume an outcome after the reply has been made.

pub mod decisions;
pub mod lines;
pub mod log;
pub mod metrics;

use crate::admit::Hook;
use crate::outcome::Outcome;
pub use decisions::{Caller, Decisions};
pub use log::{Format, Log};
pub use metrics::{Metrics, Shed};
use std::time::Duration;

/// How long one request took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// From the headers to the reply.
    pub total: Duration,
    /// The part of it that went into judging.
    pub decision: Duration,
}

/// Whoever watches the decisions.
#[derive(Debug)]
pub struct Observer {
    pub metrics: Metrics,
    /// None when the log level leaves decisions out.
    pub decisions: Option<Decisions>,
}

impl Observer {
    /// Takes note of one answered request.
    pub fn answered(&self, hook: Hook, outcome: &Outcome, bytes: usize, times: Times) {
        self.metrics.answered(hook, outcome, bytes, times);
        if let Some(decisions) = &self.decisions {
            decisions.write(hook, outcome, times);
        }
    }
}
