//! From the bytes of a body to an outcome: a body that was cut off, a deadline and a panic have one, too.

use super::body::{BufferedBody, Cut, Lease};
use super::state::ServerState;
use crate::admit::{Hook, Lookup, Snapshot, admit_guarded, judge_with_lookups, unjudged};
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

/// Bodies up to this size are judged without a limit on work: they take a few MiB of memory, whatever is in them.
const SMALL: usize = 16 * 1024;

/// Judges a body. Small ones are judged on this thread, large ones on a thread of their own.
pub async fn judge(state: &Arc<ServerState>, hook: Hook, body: &BufferedBody, deadline: Instant) -> Outcome {
    if let Some(cut) = body.cut {
        return cut_off(state, &body.bytes, cut);
    }
    let outcome = judge_with_lookups(PendingReview { state, hook, body, deadline }).await;
    match outcome.ended {
        Some(End::Stopped) => state.observer.metrics.shed(Shed::Deadline),
        Some(End::TooLarge) => state.observer.metrics.shed(Shed::Size),
        Some(End::NoMemory) => state.observer.metrics.shed(Shed::Memory),
        None if outcome.problem.is_some() => state.observer.metrics.shed(Shed::Unreadable),
        None => {}
    }
    outcome
}

/// A complete body, and its deadline.
struct PendingReview<'r> {
    state: &'r Arc<ServerState>,
    hook: Hook,
    body: &'r BufferedBody,
    deadline: Instant,
}

impl Lookup for PendingReview<'_> {
    type Result = Outcome;

    async fn judge(&mut self, answers: &[FactAnswer]) -> Outcome {
        let Self { state, hook, body, deadline } = *self;
        let snapshot = (!answers.is_empty()).then(|| {
            let mut snapshot = (**state.snapshot.load()).clone();
            snapshot.facts.answers = answers.to_vec();
            Arc::new(snapshot)
        });
        judge_once(state, hook, body, snapshot, deadline).await
    }

    async fn look_up(&mut self, query: FactQuery) -> FactAnswer {
        // Rare cases are boxed, here and below, because the future of every request has room for all that it may await.
        Box::pin(look_up(self.state, query, self.deadline)).await
    }
}

async fn judge_once(
    state: &Arc<ServerState>,
    hook: Hook,
    body: &BufferedBody,
    snapshot: Option<Arc<Snapshot>>,
    deadline: Instant,
) -> Outcome {
    if body.bytes.len() > state.limits.inline {
        return Box::pin(judge_blocking(state, hook, body, snapshot, deadline)).await;
    }
    // On this thread the deadline alone ends the work: `_stop` lives as long as the work. A small body needs no limit.
    let (limit, _stop) = (body.bytes.len() > SMALL).then(|| WorkLimit::new(state, deadline)).unzip();
    match snapshot {
        Some(snapshot) => guarded(state, &body.bytes, hook, &snapshot, limit),
        None => guarded(state, &body.bytes, hook, &state.snapshot.load(), limit),
    }
}

async fn look_up(state: &ServerState, query: FactQuery, deadline: Instant) -> FactAnswer {
    let Some(client) = &state.fact_client else { return FactAnswer::Nothing(query) };
    let start = Instant::now();
    let answer = client.ask(query.clone(), deadline).await;
    let found = !matches!(answer, FactAnswer::Nothing(_));
    state.observer.metrics.lookups.add(&query, start.elapsed().as_secs_f64(), found);
    answer
}

/// The answer to a body that was not read to its end, with the uid from its start.
fn cut_off(state: &ServerState, start: &[u8], cut: Cut) -> Outcome {
    let mebibytes = state.limits.body >> 20;
    let (why, problem) = match cut {
        Cut::TooLarge => (Shed::Size, format!("the AdmissionReview is larger than {mebibytes} MiB")),
        Cut::TooSlow => (Shed::Deadline, format!("only {} bytes of the AdmissionReview arrived in time", start.len())),
        Cut::Broken => (Shed::Aborted, format!("the AdmissionReview broke off after {} bytes", start.len())),
        Cut::SlowUnderLoad => (Shed::Deadline, "the AdmissionReview came too slowly while others waited".to_owned()),
        Cut::NoMemory => (Shed::Memory, "too many requests are being judged".to_owned()),
    };
    state.observer.metrics.shed(why);
    unjudged_now(state, start, problem)
}

fn unjudged_now(state: &ServerState, body: &[u8], problem: String) -> Outcome {
    unjudged(body, problem, state.snapshot.load().ceiling, today())
}

/// Judges on a thread of its own, so that small bodies do not wait for a large one. The permit and the memory belong to the
/// work, which ends soon after no client waits for it any more.
async fn judge_blocking(
    state: &Arc<ServerState>,
    hook: Hook,
    body: &BufferedBody,
    snapshot: Option<Arc<Snapshot>>,
    deadline: Instant,
) -> Outcome {
    let (limit, stop) = WorkLimit::new(state, deadline);
    let judged = {
        let (state, bytes, lease) = (Arc::clone(state), body.bytes.clone(), Arc::clone(&body.lease));
        async move {
            // Never closed: the semaphore lives as long as the server.
            let permit = Arc::clone(&state.large_bodies).acquire_owned().await.ok();
            let snapshot = snapshot.unwrap_or_else(|| state.snapshot.load_full());
            let work = move || {
                let outcome = guarded(&state, &bytes, hook, &snapshot, Some(limit));
                // The bytes are freed before the lease on their memory ends.
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
        // `guarded` catches panics, so the task was cancelled: the server shuts down.
        Ok(Err(_)) => unjudged_now(state, &body.bytes, "podreeve is shutting down; try again".to_owned()),
        Err(_) => {
            let outcome = unjudged_now(state, &body.bytes, End::Stopped.problem().to_owned());
            Outcome { ended: Some(End::Stopped), ..outcome }
        }
    }
}

/// The limit on the work for one body: its time, and the memory that it takes in addition to the body.
struct WorkLimit {
    deadline: Instant,
    /// Set when no client waits for the answer any more.
    stopped: Arc<AtomicBool>,
    lease: Lease,
}

/// Stops the work when it is dropped.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl WorkLimit {
    fn new(state: &ServerState, deadline: Instant) -> (Self, Stop) {
        let stopped = Arc::new(AtomicBool::new(false));
        let stop = Stop(Arc::clone(&stopped));
        (Self { deadline, stopped, lease: Lease::new(Arc::clone(&state.budget)) }, stop)
    }
}

impl Limit for WorkLimit {
    fn goes_on(&self) -> bool {
        !self.stopped.load(Ordering::Relaxed) && Instant::now() < self.deadline
    }

    fn hold(&self, bytes: usize) -> bool {
        self.lease.take(bytes)
    }
}

/// A panic in a rule denies this request, and the server goes on.
fn guarded(state: &ServerState, body: &[u8], hook: Hook, snapshot: &Snapshot, limit: Option<WorkLimit>) -> Outcome {
    let judge = || admit_guarded(body, hook, snapshot, today());
    let judged = match limit {
        Some(limit) => effort::within(Rc::new(limit), judge),
        None => judge(),
    };
    judged.unwrap_or_else(|denial| {
        state.observer.metrics.panics.inc();
        *denial
    })
}

/// The date in UTC.
pub(super) fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}
