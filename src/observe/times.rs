//! How long one request took.

use std::time::Duration;

#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// From the request's headers to the reply.
    pub total: Duration,
    /// The part of it that was spent on judging.
    pub decision: Duration,
}
