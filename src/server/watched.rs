//! What a connection is doing, so that silent and dribbling ones can be ended.
//!
//! hyper's own header time-out counts idle time too, and HTTP/2 has none. Here one timer for each
//! connection looks at three atomics every few seconds; requests only write them.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Written by the connection's bytes and requests.
#[derive(Debug)]
pub struct Activity {
    start: Instant,
    /// HTTP/1 has one request at a time, so bytes outside of one begin the next. HTTP/2 has pings.
    http1: bool,
    requests: AtomicU32,
    /// When the last request ended, in milliseconds since the start.
    rested: AtomicU64,
    /// When bytes came that belong to no request yet; 0 for none.
    headers: AtomicU64,
}

impl Activity {
    pub fn new(http1: bool) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            http1,
            requests: AtomicU32::new(0),
            rested: AtomicU64::new(0),
            headers: AtomicU64::new(0),
        })
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn bytes_came(&self) {
        if self.http1 && self.requests.load(Ordering::Relaxed) == 0 && self.headers.load(Ordering::Relaxed) == 0 {
            self.headers.store(self.now().max(1), Ordering::Relaxed);
        }
    }

    /// A request has its headers; the guard ends it.
    pub fn request(self: &Arc<Self>) -> InRequest {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.headers.store(0, Ordering::Relaxed);
        InRequest(Arc::clone(self))
    }

    /// For how long there has been no request.
    pub fn idle(&self) -> Option<Duration> {
        let rested = self.rested.load(Ordering::Relaxed);
        (self.requests.load(Ordering::Relaxed) == 0).then(|| Duration::from_millis(self.now().saturating_sub(rested)))
    }

    /// For how long a request's headers have been on their way.
    pub fn dribbling(&self) -> Option<Duration> {
        match self.headers.load(Ordering::Relaxed) {
            0 => None,
            since => Some(Duration::from_millis(self.now().saturating_sub(since))),
        }
    }
}

pub struct InRequest(Arc<Activity>);

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.rested.store(self.0.now(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A stream whose incoming bytes are noticed.
pub struct Watched<S> {
    pub stream: S,
    pub activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.activity.bytes_came();
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
