//! A bucket of tokens without a lock: so many at once, and one more each while.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub struct Bucket {
    start: Instant,
    every: u64,
    /// How long it takes to fill.
    full: u64,
    /// When it is full again, in microseconds since the start.
    full_at: AtomicU64,
}

impl Bucket {
    /// Holds `burst` tokens, and gets one back each time `every` has passed.
    pub fn new(every: Duration, burst: u32) -> Self {
        let micros = u64::try_from(every.as_micros()).unwrap_or(u64::MAX);
        let full = micros.saturating_mul(u64::from(burst));
        Self { start: Instant::now(), every: micros, full, full_at: AtomicU64::new(0) }
    }

    /// Takes a token; false when there is none.
    pub fn take(&self, now: Instant) -> bool {
        let now = u64::try_from(now.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX);
        let take = |full_at: u64| {
            let after = full_at.max(now).saturating_add(self.every);
            (after.saturating_sub(now) <= self.full).then_some(after)
        };
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_at_once_and_one_more_each_while() {
        let second = Duration::from_secs(1);
        let bucket = Bucket::new(second, 3);
        let start = bucket.start;
        assert_eq!([0; 5].map(|_| bucket.take(start)), [true, true, true, false, false]);
        assert!(!bucket.take(start + second / 2));
        assert!(bucket.take(start + second) && !bucket.take(start + second));
        let later = start + 100 * second;
        assert_eq!([0; 5].map(|_| bucket.take(later)), [true, true, true, false, false]);
    }
}
