//! From bytes to an outcome, whatever happens in between.

use super::Shared;
use super::body::{Cut, Held};
use crate::admit::{Hook, Lookup, Snapshot, admit_guarded, deny_unread, judge_with_lookups};
use crate::facts::{Asked, Wanted};
use crate::observe::Shed;
use crate::outcome::Outcome;
use bytes::Bytes;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};

const TOO_SLOW_TO_JUDGE: &str = "judging it took longer than the API server waits; send a smaller object, or try again";

/// Judges a body; small ones here and now, large ones on a thread of their own.
pub async fn judge(shared: &Arc<Shared>, hook: Hook, held: &Held<'_>, deadline: Instant) -> Outcome {
    if let Some(cut) = held.cut {
        return refuse(shared, &held.bytes, cut);
    }
    let outcome = judge_with_lookups(&Judging { shared, hook, held, deadline }).await;
    if outcome.problem.is_some() {
        shared.observer.metrics.shed(Shed::Unreadable);
    }
    outcome
}

/// A body that is there, until its deadline.
struct Judging<'j, 'h> {
    shared: &'j Arc<Shared>,
    hook: Hook,
    held: &'j Held<'h>,
    deadline: Instant,
}

impl Lookup for Judging<'_, '_> {
    async fn judge(&self, asked: &[Asked]) -> Outcome {
        let Self { shared, hook, held, deadline } = *self;
        let snapshot = (!asked.is_empty()).then(|| {
            let mut snapshot = (**shared.snapshot.load()).clone();
            snapshot.facts.asked = asked.to_vec();
            Arc::new(snapshot)
        });
        once(shared, hook, held, snapshot, deadline).await
    }

    async fn ask(&self, wanted: Wanted) -> Asked {
        // What is rare is boxed, here and below: the future of each request has room for all that it may await.
        Box::pin(look_up(self.shared, wanted, self.deadline)).await
    }
}

async fn once(
    shared: &Arc<Shared>,
    hook: Hook,
    held: &Held<'_>,
    snapshot: Option<Arc<Snapshot>>,
    deadline: Instant,
) -> Outcome {
    if held.bytes.len() > shared.limits.inline {
        return Box::pin(apart(shared, hook, held.bytes.clone(), snapshot, deadline)).await;
    }
    match snapshot {
        Some(snapshot) => guarded(shared, &held.bytes, hook, &snapshot),
        None => guarded(shared, &held.bytes, hook, &shared.snapshot.load()),
    }
}

async fn look_up(shared: &Shared, wanted: Wanted, deadline: Instant) -> Asked {
    let Some(lookup) = &shared.lookup else { return Asked::Nothing(wanted) };
    let start = Instant::now();
    let asked = lookup.ask(wanted.clone(), deadline).await;
    let found = !matches!(asked, Asked::Nothing(_));
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
        Cut::NoMemory => (Shed::Memory, "too many requests are being judged".to_owned()),
    };
    shared.observer.metrics.shed(why);
    deny_unread(start, problem)
}

/// Off the runtime's threads, so that a large object does not hold up the small ones.
async fn apart(
    shared: &Arc<Shared>,
    hook: Hook,
    bytes: Bytes,
    snapshot: Option<Arc<Snapshot>>,
    deadline: Instant,
) -> Outcome {
    let judged = {
        let (shared, bytes) = (Arc::clone(shared), bytes.clone());
        async move {
            // Closed never: the semaphore lives as long as the server.
            let _turn = shared.heavy.acquire().await.ok();
            let snapshot = snapshot.unwrap_or_else(|| shared.snapshot.load_full());
            let judging = Arc::clone(&shared);
            tokio::task::spawn_blocking(move || guarded(&judging, &bytes, hook, &snapshot)).await
        }
    };
    match timeout_at(deadline, judged).await {
        Ok(Ok(outcome)) => outcome,
        // Guarded does not panic, so the task was cancelled: the server is ending.
        Ok(Err(_)) => deny_unread(&bytes, "podreeve is shutting down; try again".to_owned()),
        Err(_) => {
            shared.observer.metrics.shed(Shed::Deadline);
            deny_unread(&bytes, TOO_SLOW_TO_JUDGE.to_owned())
        }
    }
}

/// A panic in a rule denies this request and ends nothing else.
fn guarded(shared: &Shared, body: &[u8], hook: Hook, snapshot: &Snapshot) -> Outcome {
    admit_guarded(body, hook, snapshot, today()).unwrap_or_else(|denial| {
        shared.observer.metrics.panics.inc();
        *denial
    })
}

fn today() -> Date {
    Offset::UTC.to_datetime(Timestamp::now()).date()
}
