//! From bytes to an outcome, whatever happens in between.

use super::Shared;
use super::body::{BufferedBody, Cut, Lease};
use crate::admit::{Hook, Lookup, Snapshot, admit_guarded, deny_unread, judge_with_lookups};
use crate::effort::{self, End, Limit};
use crate::facts::{FactAnswer, FactQuery};
use crate::observe::Shed;
use crate::outcome::Outcome;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Instant, timeout_at};

/// Not worth an account of its own: a few MiB, whatever is in it.
const SMALL: usize = 16 * 1024;

/// Judges a body; small ones here and now, large ones on a thread of their own.
pub async fn judge(shared: &Arc<Shared>, hook: Hook, held: &BufferedBody, deadline: Instant) -> Outcome {
    if let Some(cut) = held.cut {
        return refuse(shared, &held.bytes, cut);
    }
    let outcome = judge_with_lookups(&Judging { shared, hook, held, deadline }).await;
    match outcome.ended {
        Some(End::Stopped) => shared.observer.metrics.shed(Shed::Deadline),
        Some(End::TooLarge) => shared.observer.metrics.shed(Shed::Size),
        Some(End::NoMemory) => shared.observer.metrics.shed(Shed::Memory),
        None if outcome.problem.is_some() => shared.observer.metrics.shed(Shed::Unreadable),
        None => {}
    }
    outcome
}

/// A body that is there, until its deadline.
struct Judging<'j> {
    shared: &'j Arc<Shared>,
    hook: Hook,
    held: &'j BufferedBody,
    deadline: Instant,
}

impl Lookup for Judging<'_> {
    async fn judge(&self, asked: &[FactAnswer]) -> Outcome {
        let Self { shared, hook, held, deadline } = *self;
        let snapshot = (!asked.is_empty()).then(|| {
            let mut snapshot = (**shared.snapshot.load()).clone();
            snapshot.facts.answers = asked.to_vec();
            Arc::new(snapshot)
        });
        judge_once(shared, hook, held, snapshot, deadline).await
    }

    async fn look_up(&self, wanted: FactQuery) -> FactAnswer {
        // What is rare is boxed, here and below: the future of each request has room for all that it may await.
        Box::pin(look_up(self.shared, wanted, self.deadline)).await
    }
}

async fn judge_once(
    shared: &Arc<Shared>,
    hook: Hook,
    held: &BufferedBody,
    snapshot: Option<Arc<Snapshot>>,
    deadline: Instant,
) -> Outcome {
    if held.bytes.len() > shared.limits.inline {
        return Box::pin(judge_blocking(shared, hook, held, snapshot, deadline)).await;
    }
    // Nobody can stop what is judged here, as long as `_stop` is there; its deadline does. What is small ends by itself.
    let (patience, _stop) = (held.bytes.len() > SMALL).then(|| Patience::new(shared, deadline)).unzip();
    match snapshot {
        Some(snapshot) => guarded(shared, &held.bytes, hook, &snapshot, patience),
        None => guarded(shared, &held.bytes, hook, &shared.snapshot.load(), patience),
    }
}

async fn look_up(shared: &Shared, wanted: FactQuery, deadline: Instant) -> FactAnswer {
    let Some(lookup) = &shared.lookup else { return FactAnswer::Nothing(wanted) };
    let start = Instant::now();
    let asked = lookup.ask(wanted.clone(), deadline).await;
    let found = !matches!(asked, FactAnswer::Nothing(_));
    shared.observer.metrics.lookups.add(&wanted, start.elapsed().as_secs_f64(), found);
    asked
}

/// A body that was not read to its end is denied, with the uid from its start.
fn refuse(shared: &Shared, start: &[u8], cut: Cut) -> Outcome {
    let mebibytes = shared.limits.body >> 20;
    let (why, problem) = match cut {
        Cut::TooLarge => (Shed::Size, format!("the AdmissionReview is larger than {mebibytes} MiB")),
        Cut::TooSlow => (Shed::Deadline, format!("only {} bytes of the AdmissionReview arrived in time", start.len())),
        Cut::Broken => (Shed::Aborted, format!("the AdmissionReview broke off after {} bytes", start.len())),
        Cut::Crowded => (Shed::Deadline, "the AdmissionReview came too slowly while others waited".to_owned()),
        Cut::NoMemory => (Shed::Memory, "too many requests are being judged".to_owned()),
    };
    shared.observer.metrics.shed(why);
    deny_unread(start, problem)
}

/// Off the runtime's threads, so that a large object does not hold up the small ones. Its permit and its memory stay
/// with the work, which ends soon after nobody waits for it any more.
async fn judge_blocking(
    shared: &Arc<Shared>,
    hook: Hook,
    held: &BufferedBody,
    snapshot: Option<Arc<Snapshot>>,
    deadline: Instant,
) -> Outcome {
    let (patience, stop) = Patience::new(shared, deadline);
    let judged = {
        let (shared, bytes, lease) = (Arc::clone(shared), held.bytes.clone(), Arc::clone(&held.lease));
        async move {
            // Closed never: the semaphore lives as long as the server.
            let permit = Arc::clone(&shared.heavy).acquire_owned().await.ok();
            let snapshot = snapshot.unwrap_or_else(|| shared.snapshot.load_full());
            let work = move || {
                let outcome = guarded(&shared, &bytes, hook, &snapshot, Some(patience));
                // The bytes go before the claim to their memory.
                drop((bytes, snapshot));
                drop((permit, lease));
                outcome
            };
            tokio::task::spawn_blocking(work).await
        }
    };
    let judged = timeout_at(deadline, judged).await;
    drop(stop);
    match judged {
        Ok(Ok(outcome)) => outcome,
        // Guarded does not panic, so the task was cancelled: the server is ending.
        Ok(Err(_)) => deny_unread(&held.bytes, "podreeve is shutting down; try again".to_owned()),
        Err(_) => {
            let outcome = deny_unread(&held.bytes, End::Stopped.problem().to_owned());
            Outcome { ended: Some(End::Stopped), ..outcome }
        }
    }
}

/// How long the work may go on, and what memory it takes beside its body.
struct Patience {
    deadline: Instant,
    /// Set once nobody waits for the answer.
    stopped: Arc<AtomicBool>,
    lease: Lease,
}

/// Stops the work when the answer is there, or the client is gone.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Patience {
    fn new(shared: &Shared, deadline: Instant) -> (Self, Stop) {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Stop(Arc::clone(&stopped));
        (Self { deadline, stopped, lease: Lease::new(Arc::clone(&shared.budget)) }, stop)
    }
}

impl Limit for Patience {
    fn goes_on(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed) && Instant::now() < self.deadline
    }

    fn hold(&self, bytes: usize) -> bool {
        self.lease.take(bytes)
    }
}

/// A panic in a rule denies this request and ends nothing else.
fn guarded(shared: &Shared, body: &[u8], hook: Hook, snapshot: &Snapshot, patience: Option<Patience>) -> Outcome {
    let judge = || admit_guarded(body, hook, snapshot, today());
    let judged = match patience {
        Some(patience) => effort::within(Rc::new(patience), judge),
        None => judge(),
    };
    judged.unwrap_or_else(|denial| {
        shared.observer.metrics.panics.inc();
        *denial
    })
}

fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}
