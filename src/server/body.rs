//! Reading a body within its limits: size, deadline, and one memory budget for all.

use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http_body_util::BodyExt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How much of a body that is not read to its end is kept, for the uid at its start.
const START: usize = 64 * 1024;

/// What is no larger finds memory even when large bodies have all that they can get.
const SMALL: usize = 64 * 1024;

/// Bytes of bodies that may be held at one time.
#[derive(Debug)]
pub struct Budget {
    total: usize,
    held: AtomicUsize,
    /// Somebody was refused, and has to be until others give back.
    refused: AtomicBool,
}

impl Budget {
    #[must_use]
    pub const fn new(total: usize) -> Self {
        Self { total, held: AtomicUsize::new(0), refused: AtomicBool::new(false) }
    }

    #[must_use]
    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Whether little is left, or less than somebody wanted.
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.held() >= self.total / 4 * 3 || self.refused.load(Ordering::Relaxed)
    }
}

/// A share of the budget; it is given back when the last who has it drops it.
#[derive(Debug)]
pub struct Lease {
    budget: Arc<Budget>,
    bytes: AtomicUsize,
}

impl Lease {
    pub const fn new(budget: Arc<Budget>) -> Self {
        Self { budget, bytes: AtomicUsize::new(0) }
    }

    /// Takes so much more; false when there is not so much.
    pub fn take(&self, more: usize) -> bool {
        let has = self.bytes.load(Ordering::Relaxed);
        // What is large leaves a share for what is small.
        let total = if has.saturating_add(more) > SMALL { self.budget.total / 8 * 7 } else { self.budget.total };
        if self.budget.held.fetch_add(more, Ordering::Relaxed).saturating_add(more) > total {
            self.budget.held.fetch_sub(more, Ordering::Relaxed);
            self.budget.refused.store(true, Ordering::Relaxed);
            return false;
        }
        self.bytes.fetch_add(more, Ordering::Relaxed);
        true
    }

    /// Takes so much more, whether it is there or not.
    pub fn force(&self, more: usize) {
        self.budget.held.fetch_add(more, Ordering::Relaxed);
        self.bytes.fetch_add(more, Ordering::Relaxed);
    }

    /// Takes as much as is needed for `bytes` in all; false when there is not so much.
    fn cover(&self, bytes: usize) -> bool {
        self.take((bytes + REQUEST).saturating_sub(self.bytes.load(Ordering::Relaxed)))
    }

    /// Gives everything back.
    pub fn clear(&self) {
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        let left = self.budget.held.fetch_sub(bytes, Ordering::Relaxed).saturating_sub(bytes);
        if left < self.budget.total / 2 && self.budget.refused.load(Ordering::Relaxed) {
            self.budget.refused.store(false, Ordering::Relaxed);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    TooLarge,
    TooSlow,
    /// The budget is used up.
    NoMemory,
    /// It was slow while others wait for what it holds, whatever time its sender gave it.
    Crowded,
    /// The client left, or broke the protocol.
    Broken,
}

/// A body in memory, or the start of one.
#[derive(Debug)]
pub struct BufferedBody {
    pub bytes: Bytes,
    /// Why this is only the start.
    pub cut: Option<Cut>,
    /// Whoever works on the bytes after the answer keeps it, too.
    pub lease: Arc<Lease>,
}

/// How long a body may take.
pub struct Time<'t> {
    pub deadline: Instant,
    /// After so long it is given up as soon as others wait for what it holds.
    pub patience: Duration,
    pub saturated: &'t (dyn Fn() -> bool + Send + Sync),
}

impl Time<'_> {
    /// Reads until the deadline, or until patience ends.
    async fn bound(&self, filling: impl Future<Output = Result<(), Cut>>) -> Result<(), Cut> {
        let mut filling = pin!(filling);
        let mut until = self.deadline.min(Instant::now() + self.patience);
        loop {
            match timeout_at(until, filling.as_mut()).await {
                Ok(filled) => return filled,
                Err(_) if until >= self.deadline => return Err(Cut::TooSlow),
                Err(_) if (self.saturated)() => return Err(Cut::Crowded),
                Err(_) => until = self.deadline.min(until + self.patience / 4),
            }
        }
    }
}

/// What a request holds beside its body: its task, and the state of its stream.
const REQUEST: usize = 4 * 1024;

/// Reads the body. What comes after a cut is read and thrown away until the deadline, so that the
/// client hears the answer and keeps its connection; a client that sends without end is left.
pub async fn read(mut body: Body, most: usize, budget: &Arc<Budget>, time: &Time<'_>) -> BufferedBody {
    let mut pile = Pile::new(Lease::new(Arc::clone(budget)));
    let cut = if pile.lease.take(REQUEST) {
        time.bound(fill(&mut body, &mut pile, most)).await.err()
    } else {
        Some(Cut::NoMemory)
    };
    let held = pile.finish(cut);
    if matches!(cut, Some(Cut::TooLarge | Cut::NoMemory)) {
        let discarding = async {
            discard(&mut body, most.saturating_mul(2)).await;
            Ok(())
        };
        let _ = Box::pin(time.bound(discarding)).await;
    }
    held
}

async fn fill(body: &mut Body, pile: &mut Pile, most: usize) -> Result<(), Cut> {
    let declared = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
    // Of a body that says that it is too large only the uid is wanted.
    let most = if declared.is_some_and(|size| size > most) { START.min(most) } else { most };
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(|_| Cut::Broken)?.into_data() {
            pile.add(data, most, declared)?;
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(())
}

/// Reads on without keeping anything; at most `most` bytes.
pub async fn discard(body: &mut Body, most: usize) {
    let mut seen = 0;
    while let Some(Ok(frame)) = body.frame().await {
        seen += frame.data_ref().map_or(0, Bytes::len);
        if seen > most {
            break;
        }
    }
}

/// One frame is kept as it came. Only a body of several is put together.
struct Pile {
    first: Bytes,
    all: Vec<u8>,
    lease: Lease,
}

impl Pile {
    const fn new(lease: Lease) -> Self {
        Self { first: Bytes::new(), all: Vec::new(), lease }
    }

    fn len(&self) -> usize {
        self.first.len().max(self.all.len())
    }

    fn add(&mut self, data: Bytes, most: usize, declared: Option<usize>) -> Result<(), Cut> {
        let total = self.len() + data.len();
        if self.len() == 0 {
            if !self.lease.cover(total) {
                return Err(Cut::NoMemory);
            }
            self.first = data;
        } else {
            if self.all.capacity() < total {
                // Doubles, up to what the client said: its word alone reserves nothing.
                let double = (total * 2).min(declared.unwrap_or(most).max(total));
                let room = [double, total].into_iter().find(|room| self.lease.cover(*room)).ok_or(Cut::NoMemory)?;
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
    use std::task::{Context, Poll};

    /// A body of these frames, which then ends or stays silent.
    struct Frames(VecDeque<Bytes>, bool);

    impl HttpBody for Frames {
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

    fn frames(frames: Vec<Bytes>, ends: bool) -> Body {
        Body::new(Frames(frames.into(), ends))
    }

    fn budget(bytes: usize) -> Arc<Budget> {
        Arc::new(Budget::new(bytes))
    }

    fn until(deadline: Instant) -> Time<'static> {
        Time { deadline, patience: Duration::from_secs(3600), saturated: &|| true }
    }

    fn soon() -> Time<'static> {
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
    async fn a_body_over_the_budget_is_given_up() {
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
    async fn what_came_before_the_deadline_is_kept() {
        let budget = budget(10_000);
        let body = frames(vec![Bytes::from_static(b"ab"), Bytes::from_static(b"cd")], false);
        let held = read(body, 100, &budget, &until(Instant::now())).await;
        assert_eq!((&*held.bytes, held.cut), (&b"abcd"[..], Some(Cut::TooSlow)));
    }

    #[tokio::test]
    async fn a_slow_body_goes_when_others_wait_and_not_before() {
        let budget = budget(10_000);
        let slow = || frames(vec![Bytes::from_static(b"ab"), Bytes::from_static(b"cd")], false);
        let patience = Duration::from_millis(4);
        let time = Time { patience, ..soon() };
        assert_eq!(read(slow(), 100, &budget, &time).await.cut, Some(Cut::Crowded));
        let asked = AtomicUsize::new(0);
        let third = || asked.fetch_add(1, Ordering::Relaxed) == 2;
        let time = Time { patience, saturated: &third, ..soon() };
        assert_eq!(read(slow(), 100, &budget, &time).await.cut, Some(Cut::Crowded));
        assert_eq!(asked.load(Ordering::Relaxed), 3);
        let time = Time { deadline: Instant::now() + 3 * patience, patience, saturated: &|| false };
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
