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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{Instant, advance};

    #[tokio::test(start_paused = true)]
    async fn the_rate_holds_for_all_together() {
        let pace = Pace::new(Some(10));
        let turns = async |n: u32| {
            for _ in 0..n {
                pace.turn().await;
            }
        };
        let begun = Instant::now();
        // The first is at once.
        tokio::join!(turns(11), turns(20));
        assert_eq!(begun.elapsed(), Duration::from_secs(3));

        // A minute in which nobody asked saves up one turn and no more.
        advance(Duration::from_secs(60)).await;
        let begun = Instant::now();
        turns(11).await;
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
        assert_eq!(pace.taken(), 42);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_nobody_waits() {
        let (pace, begun) = (Pace::new(None), Instant::now());
        for _ in 0..1000 {
            pace.turn().await;
        }
        assert_eq!((begun.elapsed(), pace.taken()), (Duration::ZERO, 1000));
    }
}
