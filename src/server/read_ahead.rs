//! A socket that is read a whole TLS record at a time.
//!
//! rustls asks for 4 KiB at a time. A review of 14 KB would be four calls of the system, and each of them costs more than to copy
//! the review.

use super::body::{Budget, Lease};
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The largest record of TLS: 16 KiB, its header, and what encryption adds.
const RECORD: usize = (16 << 10) + 5 + 2048;

thread_local! {
    /// What the system gives is copied from here at once, so that the threads need one buffer each, and not the connections.
    static ARRIVED: RefCell<Vec<u8>> = RefCell::new(vec![0; RECORD]);
}

/// Reads ahead of what its user asks for. The bytes that wait count as memory of requests.
pub struct ReadAhead<S> {
    stream: S,
    ahead: Vec<u8>,
    /// How many bytes of `ahead` are passed on.
    passed: usize,
    budget: Arc<Budget>,
    lease: Lease,
}

impl<S> ReadAhead<S> {
    pub fn new(stream: S, budget: Arc<Budget>) -> Self {
        let lease = Lease::new(Arc::clone(&budget));
        Self { stream, ahead: Vec::new(), passed: 0, budget, lease }
    }

    /// Passes on what was read ahead. False if there is nothing.
    fn pass(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let waiting = self.ahead.get(self.passed..).unwrap_or_default();
        let (now, later) = waiting.split_at(waiting.len().min(buffer.remaining()));
        if now.is_empty() {
            return false;
        }
        buffer.put_slice(now);
        if later.is_empty() {
            self.ahead = Vec::new();
            self.passed = 0;
            self.lease.clear();
        } else {
            self.passed += now.len();
        }
        true
    }

    fn keep(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.lease.force(bytes.len());
            self.ahead = bytes.to_vec();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.pass(buffer) {
            return Poll::Ready(Ok(()));
        }
        // Where memory is short, the system keeps what was not asked for.
        if buffer.remaining() >= RECORD || this.budget.is_tight() {
            return Pin::new(&mut this.stream).poll_read(cx, buffer);
        }
        ARRIVED.with_borrow_mut(|arrived| {
            let mut arrived = ReadBuf::new(arrived);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut arrived))?;
            let arrived = arrived.filled();
            let (now, later) = arrived.split_at(arrived.len().min(buffer.remaining()));
            buffer.put_slice(now);
            this.keep(later);
            Poll::Ready(Ok(()))
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
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
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// A stream that counts how often it is read.
    struct Counted<S>(S, usize);

    impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            self.1 += 1;
            Pin::new(&mut self.0).poll_read(cx, buffer)
        }
    }

    fn bytes(count: usize) -> Vec<u8> {
        (0_u8..251).cycle().take(count).collect()
    }

    /// Sends the bytes, and reads them in pieces of 4 KiB, as rustls does. What arrived, how often the stream was read, and the most
    /// memory that was held.
    async fn read(sent: &[u8], budget: Budget) -> (Vec<u8>, usize, usize) {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(sent).await.expect("room for all of it");
        client.shutdown().await.expect("no error");
        let budget = Arc::new(budget);
        let mut stream = ReadAhead::new(Counted(server, 0), Arc::clone(&budget));
        let (mut all, mut piece, mut held) = (Vec::new(), [0; 4096], 0);
        loop {
            let count = stream.read(&mut piece).await.expect("no error");
            held = held.max(budget.held());
            if count == 0 {
                assert_eq!(budget.held(), 0);
                return (all, stream.stream.1, held);
            }
            all.extend_from_slice(&piece[..count]);
        }
    }

    #[tokio::test]
    async fn a_record_is_read_at_once_and_passed_on_in_order() {
        for count in [0, 1, 4096, 4097, RECORD - 1, RECORD, RECORD + 1, 5 * RECORD] {
            let sent = bytes(count);
            let (arrived, reads, held) = read(&sent, Budget::new(1 << 20)).await;
            assert!(arrived == sent, "{count} bytes");
            // The last one finds the end.
            assert_eq!(reads, count.div_ceil(RECORD) + 1, "{count} bytes");
            assert_eq!(held, count.min(RECORD).saturating_sub(4096), "{count} bytes");
        }
    }

    #[tokio::test]
    async fn nothing_is_read_ahead_where_memory_is_short() {
        let sent = bytes(RECORD);
        let (arrived, reads, held) = read(&sent, Budget::new(0)).await;
        assert!(arrived == sent);
        assert_eq!((reads, held), (RECORD.div_ceil(4096) + 1, 0));
    }

    #[tokio::test]
    async fn memory_is_given_back_with_the_connection() {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(&bytes(10_000)).await.expect("room for all of it");
        let budget = Arc::new(Budget::new(1 << 20));
        let mut stream = ReadAhead::new(server, Arc::clone(&budget));
        assert_eq!(stream.read(&mut [0; 4096]).await.expect("no error"), 4096);
        assert_eq!(budget.held(), 10_000 - 4096);
        drop(stream);
        assert_eq!(budget.held(), 0);
    }
}
