//! Metrics and logs. They get an outcome after the reply has been made.

pub mod decisions;
pub mod format;
pub mod lines;
pub mod log;
pub mod log_once;
pub mod metrics;
mod stamp;
pub mod syslog;
pub mod times;

use crate::admit::Hook;
use crate::outcome::Outcome;
pub use decisions::{Caller, Decisions};
pub use format::Format;
pub use log::{DecisionLog, Log};
pub use log_once::LogOnce;
pub use metrics::{Metrics, Shed};
pub use times::Times;

/// Where decisions are recorded.
#[derive(Debug)]
pub struct Observer {
    pub metrics: Metrics,
    /// None when the log level leaves decisions out.
    pub decisions: Option<Decisions>,
}

impl Observer {
    /// Records one answered request.
    pub fn answered(&self, hook: Hook, outcome: &Outcome, bytes: usize, times: Times) {
        self.metrics.answered(hook, outcome, bytes, times);
        if let Some(decisions) = &self.decisions {
            decisions.write(hook, outcome, times);
        }
    }
}
