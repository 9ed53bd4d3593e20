//! One memory budget for the bodies of all requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Leases up to this size get memory even when large bodies have used up their share.
const SMALL: usize = 64 * 1024;

/// The bytes of all bodies in memory, and their limit.
#[derive(Debug)]
pub struct Budget {
    total: usize,
    held: AtomicUsize,
    /// A lease was refused, and the budget has not recovered since.
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

    /// Whether little is left, or a lease was refused.
    #[must_use]
    pub fn is_tight(&self) -> bool {
        self.held() >= self.total / 4 * 3 || self.refused.load(Ordering::Relaxed)
    }
}

/// A share of the budget. Dropping it gives the bytes back.
#[derive(Debug)]
pub struct Lease {
    budget: Arc<Budget>,
    bytes: AtomicUsize,
}

impl Lease {
    pub const fn new(budget: Arc<Budget>) -> Self {
        Self { budget, bytes: AtomicUsize::new(0) }
    }

    /// Takes `more` bytes; false when the budget does not have them.
    pub fn take(&self, more: usize) -> bool {
        let has = self.bytes.load(Ordering::Relaxed);
        // Large leases leave an eighth of the budget for small ones.
        let total = if has.saturating_add(more) > SMALL { self.budget.total / 8 * 7 } else { self.budget.total };
        if self.budget.held.fetch_add(more, Ordering::Relaxed).saturating_add(more) > total {
            self.budget.held.fetch_sub(more, Ordering::Relaxed);
            self.budget.refused.store(true, Ordering::Relaxed);
            return false;
        }
        self.bytes.fetch_add(more, Ordering::Relaxed);
        true
    }

    /// Takes `more` bytes, even if that exceeds the budget.
    pub fn force(&self, more: usize) {
        self.budget.held.fetch_add(more, Ordering::Relaxed);
        self.bytes.fetch_add(more, Ordering::Relaxed);
    }

    /// Takes what is missing to `bytes` in all; false when the budget does not have it.
    pub fn cover(&self, bytes: usize) -> bool {
        self.take(bytes.saturating_sub(self.bytes.load(Ordering::Relaxed)))
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
