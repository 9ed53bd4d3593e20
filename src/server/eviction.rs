//! Which connection is closed when all permits are taken: one on which nothing arrives.
//!
//! An address does not show whether a client is the API server. But the API server sends complete requests, and a client
//! that holds permits to keep others out sends none. So a request that arrives lets its connection keep its permit for
//! longer.

use super::activity::Activity;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

pub struct EvictionQueue {
    /// The number of permits.
    permits: usize,
    grace: Duration,
    /// Connections on which no body has arrived, the oldest first.
    unproven: VecDeque<Entry>,
    /// Connections on which a body has arrived, about in the order of the last one.
    proven: VecDeque<Entry>,
}

struct Entry {
    activity: Arc<Activity>,
    task: AbortHandle,
    /// When a body last arrived, as far as the queue knows.
    last_body: u64,
}

/// What to do with the first entry of a queue.
enum Step {
    /// The connection has ended.
    Forget,
    /// A body has arrived since.
    Prove,
    /// The connection answers a request.
    Skip,
    /// The connection is too young, and so are those behind it.
    Stop,
    Evict,
}

impl EvictionQueue {
    pub const fn new(permits: usize, grace: Duration) -> Self {
        Self { permits, grace, unproven: VecDeque::new(), proven: VecDeque::new() }
    }

    pub fn add(&mut self, activity: Arc<Activity>, task: AbortHandle) {
        // Entries of connections that have ended are removed from time to time.
        if self.unproven.len() + self.proven.len() > self.permits.saturating_mul(2) {
            self.unproven.retain(|entry| !entry.task.is_finished());
            self.proven.retain(|entry| !entry.task.is_finished());
        }
        self.unproven.push_back(Entry { activity, task, last_body: 0 });
    }

    /// Closes one connection, if there is one that may be closed: the oldest on which no body ever arrived. If the others
    /// have more than half of the permits, the one of them on which nothing has arrived for longest.
    pub fn evict(&mut self) -> bool {
        for _ in 0..self.unproven.len() {
            let Some(entry) = self.unproven.pop_front() else { break };
            match entry.step(0, entry.activity.age() < self.grace) {
                Step::Forget => {}
                Step::Prove => self.proven.push_back(Entry { last_body: entry.activity.last_body(), ..entry }),
                Step::Skip => self.unproven.push_back(entry),
                Step::Stop => {
                    self.unproven.push_front(entry);
                    break;
                }
                Step::Evict => {
                    entry.task.abort();
                    return true;
                }
            }
        }
        self.unproven.len() * 2 < self.permits && self.evict_proven()
    }

    fn evict_proven(&mut self) -> bool {
        for _ in 0..self.proven.len() {
            let Some(entry) = self.proven.pop_front() else { break };
            match entry.step(entry.last_body, entry.activity.since_last_body() < self.grace) {
                Step::Forget => {}
                Step::Prove => self.proven.push_back(Entry { last_body: entry.activity.last_body(), ..entry }),
                Step::Skip => self.proven.push_back(entry),
                Step::Stop => {
                    self.proven.push_front(entry);
                    break;
                }
                Step::Evict => {
                    entry.task.abort();
                    return true;
                }
            }
        }
        false
    }
}

impl Entry {
    fn step(&self, known: u64, is_young: bool) -> Step {
        if self.task.is_finished() {
            Step::Forget
        } else if self.activity.last_body() != known {
            Step::Prove
        } else if self.activity.is_answering() {
            Step::Skip
        } else if is_young {
            Step::Stop
        } else {
            Step::Evict
        }
    }
}
