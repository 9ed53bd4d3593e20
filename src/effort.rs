//! What judging one request has cost so far: steps and memory, counted as it goes, so that it can be ended from outside.
//!
//! It is kept for the thread that judges, because serde hands nothing down to the types that it reads. It decides
//! nothing: whoever reads a list or walks containers stops when it [`is_over`], and [`crate::admit`] then says why.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// Steps between two questions whether the work may go on.
const EVERY: u64 = 1024;
/// As much may be held of what was read and found, where no [`Limit`] says otherwise: nearly 200,000 bare containers.
pub const MEMORY: usize = 64 << 20;
/// Memory is asked for in pieces of this size.
const PIECE: usize = 64 << 10;

/// Bounds the work from outside.
pub trait Limit {
    /// Whether anybody still waits for the answer.
    fn goes_on(&self) -> bool;

    /// Takes so much more memory; false when there is not so much.
    fn hold(&self, bytes: usize) -> bool;
}

/// Why the work ended before it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nobody waits for the answer any more.
    Stopped,
    /// It would need more than [`MEMORY`].
    TooLarge,
    /// The limit had no more memory.
    NoMemory,
}

impl End {
    /// What a denial says of it.
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
struct Now {
    steps: Cell<u64>,
    ask_at: Cell<u64>,
    held: Cell<usize>,
    granted: Cell<usize>,
    end: Cell<Option<End>>,
    limit: RefCell<Option<Rc<dyn Limit>>>,
}

thread_local! {
    static NOW: Now = const {
        Now {
            steps: Cell::new(0),
            ask_at: Cell::new(EVERY),
            held: Cell::new(0),
            granted: Cell::new(0),
            end: Cell::new(None),
            limit: RefCell::new(None),
        }
    };
}

/// Does the work within the limit, from no cost on. A panic in it leaves nothing behind.
pub fn within<T>(limit: Rc<dyn Limit>, work: impl FnOnce() -> T) -> T {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            NOW.with(|now| now.limit.replace(None));
            begin();
        }
    }
    NOW.with(|now| now.limit.replace(Some(limit)));
    let _leave = Leave;
    work()
}

/// Another request is judged from here on.
pub fn begin() {
    NOW.with(|now| {
        now.steps.set(0);
        now.ask_at.set(EVERY);
        now.held.set(0);
        now.granted.set(0);
        now.end.set(None);
    });
}

/// Counts steps; false once the work is over.
#[inline]
#[must_use]
pub fn step(count: u64) -> bool {
    NOW.with(|now| {
        let steps = now.steps.get() + count;
        now.steps.set(steps);
        if steps >= now.ask_at.get() {
            now.ask(steps);
        }
        now.end.get().is_none()
    })
}

/// Counts memory that is held until the answer is there; false once the work is over.
#[inline]
#[must_use]
pub fn hold(bytes: usize) -> bool {
    NOW.with(|now| {
        let held = now.held.get() + bytes;
        now.held.set(held);
        if held > now.granted.get() {
            now.grant(held);
        }
        now.end.get().is_none()
    })
}

/// Whether it is to end here; whatever was read or found is then worth nothing.
#[must_use]
pub fn is_over() -> bool {
    end().is_some()
}

/// Why it ended, if it did.
#[must_use]
pub fn end() -> Option<End> {
    NOW.with(|now| now.end.get())
}

/// How many steps were counted since it began. Builds with debug assertions count more of them: each element of a list,
/// and each look at a text.
#[must_use]
pub fn steps() -> u64 {
    NOW.with(|now| now.steps.get())
}

/// A step that is counted only where tests look: see [`steps`].
#[inline]
pub fn look(count: usize) {
    if cfg!(debug_assertions) {
        let _ = step(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

impl Now {
    #[cold]
    fn ask(&self, steps: u64) {
        self.ask_at.set(steps.saturating_add(EVERY));
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
    fn the_limit_is_asked_now_and_then_and_ends_it() {
        let limit = Rc::new(Until(Cell::new(3), Cell::new(0)));
        within(limit, || {
            let mut steps = 0;
            while step(1) {
                steps += 1;
            }
            assert_eq!((steps, end()), (4 * EVERY - 1, Some(End::Stopped)));
        });
        assert!(!is_over() && step(1));
    }

    #[test]
    fn memory_is_asked_for_in_pieces() {
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
        assert!(hold(MEMORY) && !hold(1));
        assert_eq!(end(), Some(End::TooLarge));
        begin();
    }

    #[test]
    fn a_panic_leaves_no_limit_behind() {
        let limit = Rc::new(Until(Cell::new(0), Cell::new(0)));
        let work = std::panic::AssertUnwindSafe(|| within(limit, || panic!("in a rule")));
        assert!(std::panic::catch_unwind(work).is_err());
        assert!(step(2 * EVERY));
        begin();
    }
}
