//! Bounds on what clients can use of the server.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Limits {
    pub connections: usize,
    /// Largest body, in bytes. The API server sends up to 19 MB.
    pub body: usize,
    /// All bodies in memory at one time, in bytes.
    pub memory: usize,
    /// Larger bodies are judged on a thread of their own, and not on one of the runtime.
    pub inline: usize,
    pub handshake: Duration,
    /// Longest time of a connection without a request. The API server closes one after 90 s, so this is more.
    pub idle: Duration,
    /// From the first byte of a request to the end of its headers. While new connections wait for a permit, this bounds
    /// idle connections as well.
    pub headers: Duration,
    /// Time for a request without `?timeout=`.
    pub request: Duration,
    pub http2_streams: u32,
    pub http2_ping: Duration,
    /// Longest time for headers or a body while other clients wait for permits or memory, whatever `?timeout=` says.
    pub patience: Duration,
    /// How long a connection keeps its permit without a request while all permits are taken.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 4096,
            body: 32 << 20,
            memory: 128 << 20,
            inline: 256 << 10,
            handshake: Duration::from_secs(5),
            idle: Duration::from_secs(120),
            headers: Duration::from_secs(10),
            request: Duration::from_secs(10),
            http2_streams: 256,
            http2_ping: Duration::from_secs(30),
            patience: Duration::from_secs(2),
            grace: Duration::from_millis(500),
        }
    }
}
