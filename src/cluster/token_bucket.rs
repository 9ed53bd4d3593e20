//! A token bucket without a lock: a burst at once, and one more each time an interval has passed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

#[derive(Debug)]
pub struct TokenBucket {
    start: Instant,
    /// Microseconds until one token is back.
    interval: u64,
    /// Microseconds until an empty bucket is full.
    full: u64,
    /// When the bucket is full again, in microseconds since the start.
    full_at: AtomicU64,
}

impl TokenBucket {
    /// Holds `burst` tokens, and gets one back after each `interval`.
    pub fn new(interval: Duration, burst: u32) -> Self {
        let interval = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
        let full = interval.saturating_mul(u64::from(burst));
        Self { start: Instant::now(), interval, full, full_at: AtomicU64::new(0) }
    }

    /// Takes a token; false when there is none.
    pub fn take(&self, now: Instant) -> bool {
        let now = u64::try_from(now.saturating_duration_since(self.start).as_micros()).unwrap_or(u64::MAX);
        let take = |full_at: u64| {
            let after = full_at.max(now).saturating_add(self.interval);
            (after.saturating_sub(now) <= self.full).then_some(after)
        };
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_at_once_and_one_more_after_each_interval() {
        let second = Duration::from_secs(1);
        let bucket = TokenBucket::new(second, 3);
        let start = bucket.start;
        assert_eq!([0; 5].map(|_| bucket.take(start)), [true, true, true, false, false]);
        assert!(!bucket.take(start + second / 2));
        assert!(bucket.take(start + second) && !bucket.take(start + second));
        let later = start + 100 * second;
        assert_eq!([0; 5].map(|_| bucket.take(later)), [true, true, true, false, false]);
    }
}
