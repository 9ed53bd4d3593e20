//! How often the API server is asked: a scan has time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Hands out turns at even intervals. Turns that nobody took are not saved up.
#[derive(Debug)]
pub struct RateLimiter {
    /// None for no bound.
    turns: Option<Mutex<Turns>>,
    taken: AtomicU64,
}

#[derive(Debug)]
struct Turns {
    every: Duration,
    /// The earliest time of the next one; none before the first.
    next: Option<Instant>,
}

impl Turns {
    /// When whoever asks now has its run.
    fn take(&mut self, now: Instant) -> Instant {
        let at = self.next.map_or(now, |next| next.max(now));
        self.next = Some(at + self.every);
        at
    }
}

impl RateLimiter {
    /// None for no bound.
    #[must_use]
    pub fn new(per_second: Option<u32>) -> Self {
        let turns = per_second.map(|rate| Turns { every: Duration::from_secs(1) / rate.max(1), next: None });
        Self { turns: turns.map(Mutex::new), taken: AtomicU64::new(0) }
    }

    /// How many turns were taken.
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Waits for the next run.
    pub async fn run(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        if let Some(turns) = &self.turns {
            let at = turns.lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now());
            sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_for_all_together() {
        let mut turns = Turns { every: Duration::from_millis(100), next: None };
        let begun = Instant::now();
        // The first is at once.
        let last = (0..31).map(|_| turns.take(begun)).last();
        assert_eq!(last, Some(begun + Duration::from_secs(3)));
        // A minute in which nobody asked saves up nothing.
        let later = begun + Duration::from_secs(63);
        assert_eq!(turns.take(later), later);
        let last = (0..10).map(|_| turns.take(later)).last();
        assert_eq!(last, Some(later + Duration::from_secs(1)));
    }
}
