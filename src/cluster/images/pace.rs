//! How fast a replica writes facts of images. Who may create pods may name any number of large images, and etcd keeps each version of
//! an object until it is compacted, which kube-apiserver asks for every five minutes.

use std::time::{Duration, Instant};

/// What may be written at once: the first round over the images of a large cluster.
const AT_ONCE: usize = 16 << 20;
/// Bytes in a second after that.
const PER_SECOND: usize = 64 << 10;

#[derive(Debug)]
pub struct Pace {
    left: usize,
    /// Until when what is earned was counted.
    at: Instant,
}

impl Pace {
    pub const fn new(now: Instant) -> Self {
        Self { left: AT_ONCE, at: now }
    }

    /// How long to wait before so many bytes are written.
    pub fn wait_before(&mut self, bytes: usize, now: Instant) -> Duration {
        let passed = usize::try_from(now.saturating_duration_since(self.at).as_millis()).unwrap_or(usize::MAX);
        let earned = passed.saturating_mul(PER_SECOND) / 1000;
        let left = self.left.saturating_add(earned).min(AT_ONCE);
        let missing = bytes.saturating_sub(left);
        let wait = Duration::from_millis(u64::try_from(missing.saturating_mul(1000) / PER_SECOND).unwrap_or(u64::MAX));
        self.left = left.saturating_sub(bytes);
        self.at = now.max(self.at) + wait;
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_writes_much_waits_and_who_waited_writes() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.wait_before(AT_ONCE, start), Duration::ZERO);
        assert_eq!(pace.wait_before(PER_SECOND * 2, start), Duration::from_secs(2));
        // What was waited for does not count twice.
        let later = start + Duration::from_secs(2);
        assert_eq!(pace.wait_before(PER_SECOND, later), Duration::from_secs(1));
        // A clock that does not go on earns nothing.
        assert_eq!(pace.wait_before(PER_SECOND, later), Duration::from_secs(1));
        let much_later = later + Duration::from_secs(3600);
        assert_eq!(pace.wait_before(AT_ONCE, much_later), Duration::ZERO);
        assert_eq!(pace.wait_before(PER_SECOND, much_later), Duration::from_secs(1));
    }
}
