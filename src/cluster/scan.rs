//! Judges everything that exists, namespace by namespace.
//!
//! [`scanner`] lists each kind over the whole cluster, in [`pages`]. One page of each kind is in memory, however large the
//! cluster is, and of one namespace its owners, hashes of its findings and the worst of them. [`leader`] scans at intervals,
//! and publishes what it finds in [`reports`], [`events`] and metrics.

mod events;
mod kinds;
pub mod leader;
pub mod order;
mod pages;
mod rate_limiter;
mod reports;
mod run;
mod scanner;

pub use leader::{ScanContext, ScanSettings};
pub use rate_limiter::RateLimiter;
pub use reports::{ReportApi, Writer, remove_reports};
pub use scanner::{ScanObserver, Scanner, Scope};
