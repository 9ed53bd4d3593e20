//! Decisions as messages of syslog (RFC 5424), over TLS (RFC 5425).
//!
//! A request puts its message into a queue of [`Lines`] and never waits. The thread of the queue is the only one that knows the
//! connection. While the receiver cannot be reached, messages wait in the queue; what does not fit is counted and named.

mod address;
mod connection;
mod head;
mod sender;

pub use address::{Address, AddressError};
pub use connection::{ConnectError, Tls};
pub use head::{Facility, Level};

use super::lines::Lines;
use head::Head;
use jiff::Timestamp;
use sender::Sender;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Longest message, with its head. RFC 5425: receivers should take 8192 bytes, and rsyslog takes no more by default.
pub const MESSAGE_MAX: usize = 8192;

/// Where messages go, and as whose.
#[derive(Debug, Clone)]
pub struct Settings {
    pub to: Address,
    pub tls: Tls,
    pub facility: Facility,
}

/// Why messages cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Tls(#[from] ConnectError),
    #[error("the thread of syslog cannot be started: {0}")]
    Thread(#[from] io::Error),
}

/// The queue of messages.
#[derive(Debug, Clone)]
pub struct Syslog {
    lines: Lines,
    head: Arc<Head>,
    /// Set while the receiver cannot be reached.
    failing: Arc<AtomicBool>,
}

impl Syslog {
    /// Reads the certificates, so that a wrong path ends the start, and begins to send. The receiver may come later.
    ///
    /// # Errors
    /// When a certificate cannot be used, or the system starts no thread.
    pub fn start(settings: Settings) -> Result<Self, StartError> {
        settings.tls.config()?;
        let head = Arc::new(Head::new(settings.facility));
        let failing = Arc::new(AtomicBool::new(false));
        let sender = Sender::new(settings.to, settings.tls, Arc::clone(&failing));
        let of_lost = Arc::clone(&head);
        let lines = Lines::new(sender, move |lost| of_lost.lost(Timestamp::now(), lost))?;
        Ok(Self { lines, head, failing })
    }

    /// Appends the head of a message about a decision. Returns how many bytes are left for its text.
    pub fn begin(&self, out: &mut String, timestamp: Timestamp, level: Level) -> usize {
        let start = out.len();
        self.head.write(out, timestamp, level, "decision");
        MESSAGE_MAX.saturating_sub(out.len() - start)
    }

    /// Queues a message, which ends with a newline that is not a part of it.
    pub fn queue(&self, message: &str) {
        self.lines.write(message.as_bytes());
    }

    /// How many messages were lost because the receiver was away for too long, or is too slow.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lines.lost()
    }

    /// Whether messages wait because the receiver cannot be reached.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failing.load(Ordering::Relaxed)
    }

    /// Waits until the queued messages are sent, for at most `longest`.
    pub fn flush(&self, longest: Duration) {
        self.lines.flush(longest);
    }
}
