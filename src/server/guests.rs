//! Who is connected, and who has to go when all permits are taken: those on whose connection nothing arrives.
//!
//! Nobody knows the API server from a stranger by the address alone. But it sends whole requests, and who holds permits to
//! keep others out sends none: a request that arrives earns its connection a permit for longer.

use super::watched::Activity;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

pub struct Guests {
    /// As many permits there are.
    permits: usize,
    grace: Duration,
    /// Nothing has arrived from them yet; the oldest first.
    newcomers: VecDeque<Guest>,
    /// A body has arrived from them; about in the order in which the last one did.
    regulars: VecDeque<Guest>,
}

struct Guest {
    activity: Arc<Activity>,
    task: AbortHandle,
    /// When a body last arrived, as far as is known here.
    whole: u64,
}

/// What becomes of one that is looked at.
enum Look {
    /// It has ended.
    Gone,
    Regular,
    /// It is not its turn.
    Later,
    /// It is too young, and so are those behind it.
    Young,
    Evict,
}

impl Guests {
    pub const fn new(permits: usize, grace: Duration) -> Self {
        Self { permits, grace, newcomers: VecDeque::new(), regulars: VecDeque::new() }
    }

    pub fn add(&mut self, activity: Arc<Activity>, task: AbortHandle) {
        // Those that have ended are forgotten now and then.
        if self.newcomers.len() + self.regulars.len() > self.permits.saturating_mul(2) {
            self.newcomers.retain(|guest| !guest.task.is_finished());
            self.regulars.retain(|guest| !guest.task.is_finished());
        }
        self.newcomers.push_back(Guest { activity, task, whole: 0 });
    }

    /// Ends one connection, if there is one that may be ended: of those from which nothing ever arrived the oldest; of
    /// the others, where they have more than half of the permits, the one from which nothing has arrived for longest.
    pub fn evict(&mut self) -> bool {
        for _ in 0..self.newcomers.len() {
            let Some(guest) = self.newcomers.pop_front() else { break };
            match guest.look(0, guest.activity.age() < self.grace) {
                Look::Gone => {}
                Look::Regular => self.regulars.push_back(Guest { whole: guest.activity.whole(), ..guest }),
                Look::Later => self.newcomers.push_back(guest),
                Look::Young => {
                    self.newcomers.push_front(guest);
                    break;
                }
                Look::Evict => {
                    guest.task.abort();
                    return true;
                }
            }
        }
        self.newcomers.len() * 2 < self.permits && self.evict_regular()
    }

    fn evict_regular(&mut self) -> bool {
        for _ in 0..self.regulars.len() {
            let Some(guest) = self.regulars.pop_front() else { break };
            match guest.look(guest.whole, guest.activity.since_whole() < self.grace) {
                Look::Gone => {}
                Look::Regular => self.regulars.push_back(Guest { whole: guest.activity.whole(), ..guest }),
                Look::Later => self.regulars.push_back(guest),
                Look::Young => {
                    self.regulars.push_front(guest);
                    break;
                }
                Look::Evict => {
                    guest.task.abort();
                    return true;
                }
            }
        }
        false
    }
}

impl Guest {
    fn look(&self, known: u64, is_young: bool) -> Look {
        if self.task.is_finished() {
            Look::Gone
        } else if self.activity.whole() != known {
            Look::Regular
        } else if self.activity.is_judged() {
            Look::Later
        } else if is_young {
            Look::Young
        } else {
            Look::Evict
        }
    }
}
