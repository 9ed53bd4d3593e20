//! Reads a body within its limits: size, deadline, and one memory budget for all bodies.

mod budget;

pub use budget::{Budget, Lease};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Bytes that are kept of a body that was cut off: the uid is at its start.
const START: usize = 64 * 1024;

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    TooLarge,
    TooSlow,
    /// The budget is used up.
    NoMemory,
    /// The body was slow while other clients waited for permits or memory, whatever its deadline.
    SlowUnderLoad,
    /// The client left, or broke the protocol.
    Broken,
}

/// A body in memory, or the start of one.
#[derive(Debug)]
pub struct BufferedBody {
    pub bytes: Bytes,
    /// Why this is only the start.
    pub cut: Option<Cut>,
    /// Shared with work that goes on after the answer.
    pub lease: Arc<Lease>,
}

/// How long reading a body may take.
pub struct ReadTime<'t> {
    pub deadline: Instant,
    /// After this time the body is cut off as soon as other clients wait for permits or memory.
    pub patience: Duration,
    pub is_under_load: &'t (dyn Fn() -> bool + Send + Sync),
}

impl ReadTime<'_> {
    /// Reads until the deadline, or until patience ends.
    async fn bound(&self, reading: impl Future<Output = Result<(), Cut>>) -> Result<(), Cut> {
        let mut reading = pin!(reading);
        let mut until = self.deadline.min(Instant::now() + self.patience);
        loop {
            match timeout_at(until, reading.as_mut()).await {
                Ok(read) => return read,
                Err(_) if until >= self.deadline => return Err(Cut::TooSlow),
                Err(_) if (self.is_under_load)() => return Err(Cut::SlowUnderLoad),
                Err(_) => until = self.deadline.min(until + self.patience / 4),
            }
        }
    }
}

/// Memory of a request without its body: its task, and the state of its stream.
const REQUEST: usize = 4 * 1024;

/// Reads the body, up to `most` bytes. After a cut the rest is read and thrown away until the deadline, so that the client
/// gets the answer and keeps its connection. A client that sends without end is cut off.
pub async fn read<B>(mut body: B, most: usize, budget: &Arc<Budget>, time: &ReadTime<'_>) -> BufferedBody
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut buffer = FrameBuffer::new(Lease::new(Arc::clone(budget)));
    let cut = if buffer.lease.take(REQUEST) {
        time.bound(fill(&mut body, &mut buffer, most)).await.err()
    } else {
        Some(Cut::NoMemory)
    };
    let buffered = buffer.finish(cut);
    if matches!(cut, Some(Cut::TooLarge | Cut::NoMemory)) {
        let discarding = async {
            discard(&mut body, most.saturating_mul(2)).await;
            Ok(())
        };
        let _ = Box::pin(time.bound(discarding)).await;
    }
    buffered
}

async fn fill<B>(body: &mut B, buffer: &mut FrameBuffer, most: usize) -> Result<(), Cut>
where
    B: Body<Data = Bytes> + Unpin,
{
    let declared = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
    // Of a body whose declared size is too large, only the uid is read.
    let most = if declared.is_some_and(|size| size > most) { START.min(most) } else { most };
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Cut::Broken)?.into_data() {
            buffer.add(data, most, declared)?;
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(())
}

/// Reads up to `most` bytes, and throws them away.
pub async fn discard<B>(body: &mut B, most: usize)
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > most {
            break;
        }
    }
}

/// The frames of a body. A single frame is kept without a copy.
struct FrameBuffer {
    first: Bytes,
    all: Vec<u8>,
    lease: Lease,
}

impl FrameBuffer {
    const fn new(lease: Lease) -> Self {
        Self { first: Bytes::new(), all: Vec::new(), lease }
    }

    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn add(&mut self, data: Bytes, most: usize, declared: Option<usize>) -> Result<(), Cut> {
        let total = self.len() + data.len();
        if self.len() == 0 {
            if !self.lease.cover(total + REQUEST) {
                return Err(Cut::NoMemory);
            }
            self.first = data;
        } else {
            if self.all.capacity() < total {
                // Doubles, up to the declared size. A declared size alone reserves nothing.
                let double = (total * 2).min(declared.unwrap_or(most).max(total));
                let room =
                    [double, total].into_iter().find(|room| self.lease.cover(*room + REQUEST)).ok_or(Cut::NoMemory)?;
                self.all.reserve_exact(room - self.all.len());
            }
            if self.all.is_empty() {
                self.all.extend_from_slice(&self.first);
                self.first = Bytes::new();
            }
            self.all.extend_from_slice(&data);
        }
        if total > most { Err(Cut::TooLarge) } else { Ok(()) }
    }

    fn finish(self, cut: Option<Cut>) -> BufferedBody {
        let mut bytes = if self.all.is_empty() { self.first } else { Bytes::from(self.all) };
        if matches!(cut, Some(Cut::TooLarge | Cut::NoMemory)) && bytes.len() > START {
            bytes = Bytes::copy_from_slice(bytes.get(..START).unwrap_or_default());
            self.lease.clear();
        }
        BufferedBody { bytes, cut, lease: Arc::new(self.lease) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::body::Frame;
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Poll};

    /// A body of these frames. Then it ends, or stays silent.
    struct Frames(VecDeque<Bytes>, bool);

    impl Body for Frames {
        type Data = Bytes;
        type Error = Infallible;
        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            match self.0.pop_front() {
                Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
                None if self.1 => Poll::Ready(None),
                None => Poll::Pending,
            }
        }
    }

    fn frames(frames: Vec<Bytes>, ends: bool) -> Frames {
        Frames(frames.into(), ends)
    }

    fn budget(bytes: usize) -> Arc<Budget> {
        Arc::new(Budget::new(bytes))
    }

    fn until(deadline: Instant) -> ReadTime<'static> {
        ReadTime { deadline, patience: Duration::from_secs(3600), is_under_load: &|| true }
    }

    fn soon() -> ReadTime<'static> {
        until(Instant::now() + Duration::from_secs(3600))
    }

    #[tokio::test]
    async fn one_frame_is_not_copied() {
        let frame = Bytes::from(vec![b'x'; 3000]);
        let budget = budget(10_000);
        let held = read(frames(vec![frame.clone()], true), 5000, &budget, &soon()).await;
        assert_eq!((held.bytes.as_ptr(), held.cut), (frame.as_ptr(), None));
        assert_eq!(budget.held(), 3000 + REQUEST);
        drop(held);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn frames_are_put_together() {
        let body: Vec<Bytes> = (0..100).map(|n| Bytes::from(vec![n; 1000])).collect();
        let budget = budget(200_000);
        let held = read(frames(body.clone(), true), 100_000, &budget, &soon()).await;
        assert_eq!((held.bytes, held.cut), (Bytes::from(body.concat()), None));
    }

    #[tokio::test]
    async fn the_start_of_a_body_that_is_too_large_is_kept() {
        let body = vec![Bytes::from(vec![b'x'; 50_000]); 5];
        let budget = budget(1 << 20);
        let held = read(frames(body, true), 200_000, &budget, &soon()).await;
        assert_eq!((held.bytes.len(), held.cut), (START, Some(Cut::TooLarge)));
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn a_body_over_the_budget_is_cut_off() {
        let budget = budget(160_000);
        let body = || frames(vec![Bytes::from(vec![b'x'; 50_000]); 2], true);
        let one = read(body(), 200_000, &budget, &soon()).await;
        assert_eq!(one.cut, None);
        assert_eq!(read(body(), 200_000, &budget, &soon()).await.cut, Some(Cut::NoMemory));
        drop(one);
        assert_eq!(read(body(), 200_000, &budget, &soon()).await.cut, None);
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn bytes_that_arrive_before_the_deadline_are_kept() {
        let budget = budget(10_000);
        let body = frames(vec![Bytes::from_static(b"ab"), Bytes::from_static(b"cd")], false);
        let held = read(body, 100, &budget, &until(Instant::now())).await;
        assert_eq!((&*held.bytes, held.cut), (&b"abcd"[..], Some(Cut::TooSlow)));
    }

    #[tokio::test]
    async fn a_slow_body_is_cut_off_only_under_load() {
        let budget = budget(10_000);
        let slow = || frames(vec![Bytes::from_static(b"ab"), Bytes::from_static(b"cd")], false);
        let patience = Duration::from_millis(4);
        let time = ReadTime { patience, ..soon() };
        assert_eq!(read(slow(), 100, &budget, &time).await.cut, Some(Cut::SlowUnderLoad));
        let checks = AtomicUsize::new(0);
        let third = || checks.fetch_add(1, Ordering::Relaxed) == 2;
        let time = ReadTime { patience, is_under_load: &third, ..soon() };
        assert_eq!(read(slow(), 100, &budget, &time).await.cut, Some(Cut::SlowUnderLoad));
        assert_eq!(checks.load(Ordering::Relaxed), 3);
        let time = ReadTime { deadline: Instant::now() + 3 * patience, patience, is_under_load: &|| false };
        assert_eq!(read(slow(), 100, &budget, &time).await.cut, Some(Cut::TooSlow));
        assert_eq!(budget.held(), 0);
    }

    #[tokio::test]
    async fn a_request_needs_memory_before_it_has_a_body() {
        let budget = budget(3 * REQUEST);
        let held = Lease::new(Arc::clone(&budget));
        held.force(3 * REQUEST);
        assert_eq!(read(frames(Vec::new(), true), 100, &budget, &soon()).await.cut, Some(Cut::NoMemory));
        drop(held);
        assert_eq!(read(frames(Vec::new(), true), 100, &budget, &soon()).await.cut, None);
    }
}
