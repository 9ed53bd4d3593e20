//! How long and how much.

use std::time::Duration;

/// How long a registry may take, and how much it may send. [`Limits::default`] is for the server and the command line.
#[derive(Debug, Clone)]
pub struct Limits {
    /// For DNS, TCP and TLS.
    pub connect: Duration,
    /// Until the head of an answer is there.
    pub answer: Duration,
    /// Between two parts of a body. A body as a whole has no limit of time, but one of size.
    pub idle: Duration,
    /// A body must bring [`Limits::least`] bytes in this time of waiting. Else who sends a byte now and then holds a reader for days.
    pub window: Duration,
    /// Bytes in a window.
    pub least: u64,
    /// Bytes of a manifest, an index or a config.
    pub manifest: u64,
    /// Bytes of a signature or an attestation.
    pub attachment: u64,
    /// Referrers of one digest that are read.
    pub referrers: usize,
    /// Redirects that are followed for one request.
    pub redirects: usize,
    /// Tries of one request: failures that may pass, and answers that say to come again.
    pub tries: u32,
    /// The first wait between two tries. Each later one is twice as long.
    pub backoff: Duration,
    /// The longest wait that a registry can ask for with `Retry-After`. If it wants more, the request fails with that time.
    pub longest_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(20),
            idle: Duration::from_secs(20),
            window: Duration::from_secs(30),
            least: 20 << 10,
            manifest: 4 << 20,
            attachment: 16 << 20,
            referrers: 64,
            redirects: 5,
            tries: 3,
            backoff: Duration::from_millis(200),
            longest_wait: Duration::from_secs(10),
        }
    }
}
