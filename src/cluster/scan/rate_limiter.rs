//! Bounds the calls of a scan to the API server. A scan has time, and other clients need the API server as well.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// Spreads calls at even intervals. Intervals without a call are not saved up.
#[derive(Debug)]
pub struct RateLimiter {
    /// None for no bound.
    schedule: Option<Mutex<Schedule>>,
    calls: AtomicU64,
}

#[derive(Debug)]
struct Schedule {
    interval: Duration,
    /// The earliest time of the next call; none before the first.
    next: Option<Instant>,
}

impl Schedule {
    /// The time of the call that is requested now.
    fn reserve(&mut self, now: Instant) -> Instant {
        let at = self.next.map_or(now, |next| next.max(now));
        self.next = Some(at + self.interval);
        at
    }
}

impl RateLimiter {
    /// None for no bound.
    #[must_use]
    pub fn new(per_second: Option<u32>) -> Self {
        let schedule = per_second.map(|rate| Schedule { interval: Duration::from_secs(1) / rate.max(1), next: None });
        Self { schedule: schedule.map(Mutex::new), calls: AtomicU64::new(0) }
    }

    /// How many calls there were so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Waits until the next call is allowed.
    pub async fn wait(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(schedule) = &self.schedule {
            let at = schedule.lock().unwrap_or_else(PoisonError::into_inner).reserve(Instant::now());
            sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_holds_for_all_calls_together() {
        let mut schedule = Schedule { interval: Duration::from_millis(100), next: None };
        let begun = Instant::now();
        // The first call is at once.
        let last = (0..31).map(|_| schedule.reserve(begun)).last();
        assert_eq!(last, Some(begun + Duration::from_secs(3)));
        // A minute without calls saves up nothing.
        let later = begun + Duration::from_secs(63);
        assert_eq!(schedule.reserve(later), later);
        let last = (0..10).map(|_| schedule.reserve(later)).last();
        assert_eq!(last, Some(later + Duration::from_secs(1)));
    }
}
