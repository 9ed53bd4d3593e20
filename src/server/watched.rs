//! What a connection is doing, so that silent and slow_headers ones can be ended.
//!
//! hyper's own header time-out counts idle time too, and HTTP/2 has none. Here one timer for each
//! connection looks at three atomics every few seconds; requests only write them.

use super::body::Lease;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Written by the connection's bytes and requests.
#[derive(Debug)]
pub struct Activity {
    start: Instant,
    /// HTTP/1 has one request at a time, so bytes outside of one begin the next. HTTP/2 has pings.
    http1: AtomicBool,
    requests: AtomicU32,
    /// Those whose bodies are on their way.
    receiving: AtomicU32,
    /// When a body last arrived whole, in milliseconds since the start; 0 for never.
    whole: AtomicU64,
    /// When the last request ended, in milliseconds since the start.
    idle_since: AtomicU64,
    /// When bytes came that belong to no request yet; 0 for none.
    headers: AtomicU64,
    /// For those bytes.
    lease: Lease,
}

impl Activity {
    pub fn new(lease: Lease) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            http1: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            receiving: AtomicU32::new(0),
            whole: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            headers: AtomicU64::new(0),
            lease,
        })
    }

    /// It was agreed to speak HTTP/1.
    pub fn speaks_http1(&self) {
        self.http1.store(true, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes memory for headers that do not come at once; false when there is none.
    fn bytes_came(&self, count: usize) -> bool {
        if !self.http1.load(Ordering::Relaxed) || self.requests.load(Ordering::Relaxed) > 0 {
            return true;
        }
        if self.headers.load(Ordering::Relaxed) == 0 {
            self.headers.store(self.now().max(1), Ordering::Relaxed);
            // Whoever sends them whole is answered, if only that there is no memory.
            self.lease.force(count);
            return true;
        }
        self.lease.take(count)
    }

    /// A request has its headers; the guard ends it.
    pub fn request(self: &Arc<Self>) -> InRequest {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.headers.store(0, Ordering::Relaxed);
        self.lease.clear();
        InRequest(Arc::clone(self))
    }

    /// For how long there has been a connection.
    pub fn age(&self) -> Duration {
        self.start.elapsed()
    }

    /// When a body last arrived whole, on a clock of its own; 0 for never.
    pub fn whole(&self) -> u64 {
        self.whole.load(Ordering::Relaxed)
    }

    /// For how long none has arrived.
    pub fn since_whole(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.whole()))
    }

    /// Whether a request has arrived and is not answered yet.
    pub fn is_judged(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > self.receiving.load(Ordering::Relaxed)
    }

    /// For how long there has been no request.
    pub fn idle(&self) -> Option<Duration> {
        let idle_since = self.idle_since.load(Ordering::Relaxed);
        (self.requests.load(Ordering::Relaxed) == 0)
            .then(|| Duration::from_millis(self.now().saturating_sub(idle_since)))
    }

    /// For how long a request's headers have been on their way.
    pub fn slow_headers(&self) -> Option<Duration> {
        match self.headers.load(Ordering::Relaxed) {
            0 => None,
            since => Some(Duration::from_millis(self.now().saturating_sub(since))),
        }
    }
}

pub struct InRequest(Arc<Activity>);

impl InRequest {
    pub fn activity(&self) -> Arc<Activity> {
        Arc::clone(&self.0)
    }
}

impl Drop for InRequest {
    fn drop(&mut self) {
        self.0.idle_since.store(self.0.now(), Ordering::Relaxed);
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body of which it is noticed that it has arrived.
pub struct Noticed {
    body: Incoming,
    activity: Arc<Activity>,
    open: bool,
}

impl Noticed {
    pub fn new(body: Incoming, activity: Arc<Activity>) -> Self {
        activity.receiving.fetch_add(1, Ordering::Relaxed);
        let mut noticed = Self { body, activity, open: true };
        if noticed.body.is_end_stream() {
            noticed.close(true);
        }
        noticed
    }

    fn close(&mut self, whole: bool) {
        if std::mem::take(&mut self.open) {
            self.activity.receiving.fetch_sub(1, Ordering::Relaxed);
            if whole {
                self.activity.whole.store(self.activity.now().max(1), Ordering::Relaxed);
            }
        }
    }
}

impl Drop for Noticed {
    fn drop(&mut self) {
        self.close(false);
    }
}

impl Body for Noticed {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            None => self.close(true),
            Some(Ok(_)) if self.body.is_end_stream() => self.close(true),
            Some(Ok(_)) => {}
            Some(Err(_)) => self.close(false),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream whose incoming bytes are noticed.
pub struct Watched<S> {
    pub stream: S,
    pub activity: Arc<Activity>,
}

/// Others may still know of the connection.
impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        self.activity.lease.clear();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let count = buffer.filled().len() - before;
        if count > 0 && !self.activity.bytes_came(count) {
            return Poll::Ready(Err(io::Error::other("no memory for headers that do not end")));
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
