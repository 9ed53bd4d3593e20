//! How fast a replica writes facts of images. Who may create pods may name any number of large images, and etcd keeps each version of
//! an object until it is compacted, which kube-apiserver asks for every five minutes.

use crate::cluster::token_bucket::TokenBucket;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The bytes of one token.
const PIECE: usize = 4 << 10;
/// Tokens at once, which is 16 MiB: the first round over the images of a large cluster.
const AT_ONCE: u32 = 4 << 10;
/// After that 64 KiB in a second.
const INTERVAL: Duration = Duration::from_micros(62_500);

#[derive(Debug)]
pub struct Pace(TokenBucket);

impl Pace {
    pub fn new() -> Self {
        Self(TokenBucket::new(INTERVAL, AT_ONCE))
    }

    /// Waits until so many bytes may be written.
    pub async fn wait_for(&self, bytes: usize) {
        for _ in 0..bytes.div_ceil(PIECE) {
            while !self.0.take(Instant::now()) {
                sleep(INTERVAL).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn much_at_once_and_then_slowly() {
        let pace = Pace::new();
        assert!(pace.wait_for(16 << 20).now_or_never().is_some());
        // These would take 16 seconds.
        assert!(pace.wait_for(1 << 20).now_or_never().is_none());
    }
}
