//! What a connection is doing, so that silent and slow ones can be closed.
//!
//! hyper's own header time-out counts idle time too, and HTTP/2 has none. Here one timer for each connection reads three
//! atomics every few seconds, and requests only write them.

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
use tokio::sync::Notify;

/// Written when bytes or requests arrive.
#[derive(Debug)]
pub struct Activity {
    start: Instant,
    /// With HTTP/1, bytes outside of a request begin the next one. With HTTP/2 they may be a ping.
    http1: AtomicBool,
    requests: AtomicU32,
    /// A request has arrived at some time.
    used: AtomicBool,
    first_request: Notify,
    /// Requests whose body has not arrived completely.
    receiving: AtomicU32,
    /// When a body last arrived completely, in milliseconds since the start; 0 for never.
    last_body: AtomicU64,
    /// When the last request ended, in milliseconds since the start.
    idle_since: AtomicU64,
    /// When the first bytes of the next request arrived; 0 for none.
    headers: AtomicU64,
    /// The memory of those bytes.
    lease: Lease,
}

impl Activity {
    pub fn new(lease: Lease) -> Arc<Self> {
        Arc::new(Self {
            start: Instant::now(),
            http1: AtomicBool::new(false),
            requests: AtomicU32::new(0),
            used: AtomicBool::new(false),
            first_request: Notify::new(),
            receiving: AtomicU32::new(0),
            last_body: AtomicU64::new(0),
            idle_since: AtomicU64::new(0),
            headers: AtomicU64::new(0),
            lease,
        })
    }

    /// The connection uses HTTP/1.
    pub fn set_http1(&self) {
        self.http1.store(true, Ordering::Relaxed);
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Takes memory for headers that arrive in several pieces; false when there is none.
    fn bytes_arrived(&self, count: usize) -> bool {
        if !self.http1.load(Ordering::Relaxed) || self.requests.load(Ordering::Relaxed) > 0 {
            return true;
        }
        if self.headers.load(Ordering::Relaxed) == 0 {
            self.headers.store(self.now().max(1), Ordering::Relaxed);
            // Headers that arrive in one piece always get an answer, even if it is only that there is no memory.
            self.lease.force(count);
            return true;
        }
        self.lease.take(count)
    }

    /// The headers of a request have arrived. The request ends when the result is dropped.
    pub fn request(self: &Arc<Self>) -> InRequest {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !self.used.load(Ordering::Relaxed) && !self.used.swap(true, Ordering::Relaxed) {
            self.first_request.notify_one();
        }
        self.headers.store(0, Ordering::Relaxed);
        self.lease.clear();
        InRequest(Arc::clone(self))
    }

    /// Waits until a request has arrived at some time.
    pub async fn until_used(&self) {
        if !self.used.load(Ordering::Relaxed) {
            self.first_request.notified().await;
        }
    }

    /// How long the connection has existed.
    pub fn age(&self) -> Duration {
        self.start.elapsed()
    }

    /// When a body last arrived completely, on the connection's own clock; 0 for never.
    pub fn last_body(&self) -> u64 {
        self.last_body.load(Ordering::Relaxed)
    }

    /// How long no body has arrived.
    pub fn since_last_body(&self) -> Duration {
        Duration::from_millis(self.now().saturating_sub(self.last_body()))
    }

    /// Whether a complete request waits for its answer.
    pub fn is_answering(&self) -> bool {
        self.requests.load(Ordering::Relaxed) > self.receiving.load(Ordering::Relaxed)
    }

    /// How long there has been no request; none while there is one.
    pub fn idle(&self) -> Option<Duration> {
        let idle_since = self.idle_since.load(Ordering::Relaxed);
        (self.requests.load(Ordering::Relaxed) == 0)
            .then(|| Duration::from_millis(self.now().saturating_sub(idle_since)))
    }

    /// How long the headers of a request have been arriving; none if there are none.
    pub fn slow_headers(&self) -> Option<Duration> {
        match self.headers.load(Ordering::Relaxed) {
            0 => None,
            since => Some(Duration::from_millis(self.now().saturating_sub(since))),
        }
    }
}

/// A request that is being answered.
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

/// A body that records when it has arrived.
pub struct CountedBody {
    body: Incoming,
    activity: Arc<Activity>,
    open: bool,
}

impl CountedBody {
    pub fn new(body: Incoming, activity: Arc<Activity>) -> Self {
        activity.receiving.fetch_add(1, Ordering::Relaxed);
        let mut counted = Self { body, activity, open: true };
        if counted.body.is_end_stream() {
            counted.close(true);
        }
        counted
    }

    fn close(&mut self, is_complete: bool) {
        if std::mem::take(&mut self.open) {
            self.activity.receiving.fetch_sub(1, Ordering::Relaxed);
            if is_complete {
                self.activity.last_body.store(self.activity.now().max(1), Ordering::Relaxed);
            }
        }
    }
}

impl Drop for CountedBody {
    fn drop(&mut self) {
        self.close(false);
    }
}

impl Body for CountedBody {
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

/// A stream that records when bytes arrive.
pub struct CountedStream<S> {
    pub stream: S,
    pub activity: Arc<Activity>,
}

/// Other tasks may still hold the activity, but the bytes are gone.
impl<S> Drop for CountedStream<S> {
    fn drop(&mut self) {
        self.activity.lease.clear();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for CountedStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let count = buffer.filled().len() - before;
        if count > 0 && !self.activity.bytes_arrived(count) {
            return Poll::Ready(Err(io::Error::other("no memory for headers that do not end")));
        }
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for CountedStream<S> {
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
