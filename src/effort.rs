//! The cost of judging one request: steps and memory. They are counted while the request is judged, so that a limit can end
//! it.
//!
//! The counters belong to the thread, because serde passes no context to the types that it reads. They decide nothing: code
//! that reads a list or walks containers stops when the work [`is_over`], and [`crate::admit`] then denies the request.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// How many steps are between two checks of the limit.
const CHECK_EVERY: u64 = 1024;
/// The most memory that objects and findings of one request may take: nearly 200,000 bare containers.
pub const MEMORY: usize = 64 << 20;
/// The memory that a finding takes until the request is answered: the finding, the decision and the repair.
pub const FINDING: usize = 768;
/// Memory is requested from the limit in pieces of this size.
const PIECE: usize = 64 << 10;

/// A limit of the work, from outside.
pub trait Limit {
    /// Whether the answer is still of use.
    fn goes_on(&self) -> bool;

    /// Takes more memory; false when there is not enough.
    fn hold(&self, bytes: usize) -> bool;
}

/// Why the work ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The answer is no longer of use.
    Stopped,
    /// It needs more than [`MEMORY`].
    TooLarge,
    /// The limit had no more memory.
    NoMemory,
}

impl End {
    /// The reason for the denial.
    #[must_use]
    pub const fn problem(self) -> &'static str {
        match self {
            Self::Stopped => "judging it took longer than the API server waits; send a smaller object, or try again",
            Self::TooLarge => "it has more list elements than can be judged at once; send a smaller object",
            Self::NoMemory => "too many requests are being judged; try again",
        }
    }
}

#[derive(Default)]
struct Counters {
    steps: Cell<u64>,
    check_at: Cell<u64>,
    held: Cell<usize>,
    granted: Cell<usize>,
    end: Cell<Option<End>>,
    limit: RefCell<Option<Rc<dyn Limit>>>,
}

thread_local! {
    static COUNTERS: Counters = const {
        Counters {
            steps: Cell::new(0),
            check_at: Cell::new(CHECK_EVERY),
            held: Cell::new(0),
            granted: Cell::new(0),
            end: Cell::new(None),
            limit: RefCell::new(None),
        }
    };
}

/// Does the work within the limit; the counters begin at 0. A panic in the work leaves no limit behind.
pub fn within<T>(limit: Rc<dyn Limit>, work: impl FnOnce() -> T) -> T {
    struct Reset;
    impl Drop for Reset {
        fn drop(&mut self) {
            COUNTERS.with(|counters| counters.limit.replace(None));
            begin();
        }
    }
    COUNTERS.with(|counters| counters.limit.replace(Some(limit)));
    let _reset = Reset;
    work()
}

/// Sets the counters to 0, for the next request.
pub fn begin() {
    COUNTERS.with(|counters| {
        counters.steps.set(0);
        counters.check_at.set(CHECK_EVERY);
        counters.held.set(0);
        counters.granted.set(0);
        counters.end.set(None);
    });
}

/// Counts steps; false once the work is over.
#[inline]
#[must_use]
pub fn step(count: u64) -> bool {
    COUNTERS.with(|counters| {
        let steps = counters.steps.get() + count;
        counters.steps.set(steps);
        if steps >= counters.check_at.get() {
            counters.check(steps);
        }
        counters.end.get().is_none()
    })
}

/// Counts memory that is taken; false once the work is over.
#[inline]
#[must_use]
pub fn hold(bytes: usize) -> bool {
    COUNTERS.with(|counters| {
        let held = counters.held.get() + bytes;
        counters.held.set(held);
        if held > counters.granted.get() {
            counters.grant(held);
        }
        counters.end.get().is_none()
    })
}

/// Counts memory that is free again.
pub fn release(bytes: usize) {
    COUNTERS.with(|counters| counters.held.set(counters.held.get().saturating_sub(bytes)));
}

/// How much memory is taken now.
#[must_use]
pub fn held() -> usize {
    COUNTERS.with(|counters| counters.held.get())
}

/// Whether the work must end here. What was read or found so far is then incomplete, and counts for nothing.
#[must_use]
pub fn is_over() -> bool {
    end().is_some()
}

/// Why the work ended, if it did.
#[must_use]
pub fn end() -> Option<End> {
    COUNTERS.with(|counters| counters.end.get())
}

/// How many steps were counted. Builds with debug assertions count more: each element of a list, and each search in a text.
#[must_use]
pub fn steps() -> u64 {
    COUNTERS.with(|counters| counters.steps.get())
}

/// Counts steps in builds with debug assertions only: see [`steps`].
#[inline]
pub fn look(count: usize) {
    if cfg!(debug_assertions) {
        let _ = step(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

impl Counters {
    #[cold]
    fn check(&self, steps: u64) {
        self.check_at.set(steps.saturating_add(CHECK_EVERY));
        let stopped = self.limit.borrow().as_ref().is_some_and(|limit| !limit.goes_on());
        if stopped && self.end.get().is_none() {
            self.end.set(Some(End::Stopped));
        }
    }

    #[cold]
    fn grant(&self, held: usize) {
        let more = (held - self.granted.get()).next_multiple_of(PIECE);
        let end = if held > MEMORY {
            Some(End::TooLarge)
        } else if self.limit.borrow().as_ref().is_some_and(|limit| !limit.hold(more)) {
            Some(End::NoMemory)
        } else {
            self.granted.set(self.granted.get() + more);
            None
        };
        if self.end.get().is_none() {
            self.end.set(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Until(Cell<u64>, Cell<usize>);

    impl Limit for Until {
        fn goes_on(&self) -> bool {
            self.0.replace(self.0.get().saturating_sub(1)) > 0
        }
        fn hold(&self, bytes: usize) -> bool {
            self.1.get().checked_sub(bytes).map(|left| self.1.set(left)).is_some()
        }
    }

    #[test]
    fn the_limit_is_checked_now_and_then_and_ends_the_work() {
        let limit = Rc::new(Until(Cell::new(3), Cell::new(0)));
        within(limit, || {
            let mut steps = 0;
            while step(1) {
                steps += 1;
            }
            assert_eq!((steps, end()), (4 * CHECK_EVERY - 1, Some(End::Stopped)));
        });
        assert!(!is_over() && step(1));
    }

    #[test]
    fn memory_is_taken_in_pieces_and_can_be_released() {
        let limit = Rc::new(Until(Cell::new(u64::MAX), Cell::new(2 * PIECE)));
        let left = Rc::clone(&limit);
        within(limit, || {
            assert!(hold(1) && hold(PIECE - 1));
            assert_eq!(left.1.get(), PIECE);
            assert!(hold(PIECE));
            assert!(!hold(1));
            assert_eq!(end(), Some(End::NoMemory));
        });
        begin();
        assert!(hold(MEMORY));
        release(PIECE);
        assert_eq!(held(), MEMORY - PIECE);
        assert!(hold(PIECE) && !hold(1));
        assert_eq!(end(), Some(End::TooLarge));
        begin();
    }

    #[test]
    fn a_panic_leaves_no_limit_behind() {
        let limit = Rc::new(Until(Cell::new(0), Cell::new(0)));
        let work = std::panic::AssertUnwindSafe(|| within(limit, || panic!("in a rule")));
        assert!(std::panic::catch_unwind(work).is_err());
        assert!(step(2 * CHECK_EVERY));
        begin();
    }
}
