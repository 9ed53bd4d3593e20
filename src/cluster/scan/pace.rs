//! How often the API server is asked: a scan has time.

use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Hands out turns at even intervals. Turns that nobody took are not saved up.
#[derive(Debug)]
pub struct Pace(Option<Mutex<Interval>>);

impl Pace {
    /// None for no bound.
    #[must_use]
    pub fn new(per_second: Option<u32>) -> Self {
        Self(per_second.map(|rate| {
            let mut turns = interval(Duration::from_secs(1) / rate.max(1));
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Mutex::new(turns)
        }))
    }

    /// Waits for the next turn.
    pub async fn turn(&self) {
        if let Some(turns) = &self.0 {
            turns.lock().await.tick().await;
        }
    }
}
