//! What all requests and tasks of the server share.

use super::body::Budget;
use super::handover::Handover;
use super::health::Health;
use super::limits::Limits;
use crate::admit::Snapshot;
use crate::cluster::FactClient;
use crate::observe::Observer;
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

#[derive(Debug)]
pub struct ServerState {
    pub snapshot: ArcSwap<Snapshot>,
    pub observer: Observer,
    pub health: Health,
    pub limits: Limits,
    pub budget: Arc<Budget>,
    /// A permit for each large body that is judged.
    pub large_bodies: Arc<Semaphore>,
    /// Set by the first signal.
    pub draining: AtomicBool,
    pub handover: Handover,
    /// Set while new connections wait for a permit.
    pub saturated: AtomicBool,
    /// None without a cluster.
    pub fact_client: Option<FactClient>,
}

impl ServerState {
    /// Whether new connections wait for permits, or little memory is left.
    pub fn is_under_load(&self) -> bool {
        self.is_saturated() || self.budget.is_tight()
    }

    pub fn is_saturated(&self) -> bool {
        self.saturated.load(Ordering::Relaxed)
    }

    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
