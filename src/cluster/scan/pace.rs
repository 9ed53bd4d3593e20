//! How often the API server is asked: a scan has time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Hands out turns at even intervals. Turns that nobody took are not saved up.
#[derive(Debug)]
pub struct Pace {
    /// None for no bound.
    turns: Option<Mutex<Interval>>,
    taken: AtomicU64,
}

impl Pace {
    /// None for no bound.
    #[must_use]
    pub fn new(per_second: Option<u32>) -> Self {
        let turns = per_second.map(|rate| {
            let mut turns = interval(Duration::from_secs(1) / rate.max(1));
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            Mutex::new(turns)
        });
        Self { turns, taken: AtomicU64::new(0) }
    }

    /// How many turns were taken.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Waits for the next turn.
    pub async fn turn(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        if let Some(turns) = &self.turns {
            turns.lock().await.tick().await;
        }
    }
}
