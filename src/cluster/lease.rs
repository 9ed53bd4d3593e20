//! One of several replicas is the leader: the one that holds the Lease.
//!
//! As in client-go, a replica takes the Lease over when it has not changed for its whole duration on the replica's own
//! clock. So clocks that differ never make two leaders.
//!
//! A replica that cannot do all of a leader's work leads only while no other one can: it waits before it takes the Lease, and
//! says in it that it looks for a successor. One that can do all writes its name there, and the leader then gives the Lease back.

use super::api_error::ApiError;
use super::api_health::ApiHealth;
use crate::observe::LogOnce;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Whether this replica is the leader.
pub type Leadership = watch::Receiver<bool>;

/// How long a Lease counts that its holder does not renew.
const DURATION: Duration = Duration::from_secs(15);
/// Between two tries to take or renew the Lease.
const INTERVAL: Duration = Duration::from_secs(3);
/// A leader that could not renew the Lease for this long stops to lead, before another replica can begin.
const GIVE_UP: Duration = Duration::from_secs(8);
/// Longest time for one try. Together with [`INTERVAL`] and [`GIVE_UP`] it is less than [`DURATION`].
const REQUEST: Duration = Duration::from_secs(3);
/// How much longer than others a replica waits that cannot do all of a leader's work.
const PATIENCE: Duration = Duration::from_secs(15);
/// The annotation of a Lease whose holder cannot do all of a leader's work: the name of the replica that is to follow, or nothing yet.
const SUCCESSOR: &str = "podreeve.dev/successor";

/// Who tries to hold a Lease.
#[derive(Clone, Copy)]
pub struct Candidate<'c> {
    pub identity: &'c str,
    /// Whether it can do all of a leader's work now.
    pub is_able: &'c (dyn Fn() -> bool + Sync),
}

/// Tries to hold the Lease until the replica drains, and sends whether it does.
pub async fn hold(
    api: Api<Lease>,
    name: &str,
    candidate: Candidate<'_>,
    api_health: &ApiHealth,
    leader: watch::Sender<bool>,
) {
    let identity = candidate.identity;
    let mut seen = Seen { holder: None, renewed: None, since: Instant::now() };
    let mut renewed: Option<Instant> = None;
    let mut log = LogOnce::default();
    let candidacy = api_health.join_election();
    loop {
        let start = Instant::now();
        let held = timeout(REQUEST, take_or_renew(&api, name, candidate, &mut seen)).await;
        let held = held.unwrap_or(Err(ApiError::Timeout));
        let gives_back = matches!(held, Ok(Held::HasSuccessor));
        match held {
            Ok(held) => {
                api_health.up();
                renewed = (held == Held::Own).then_some(start);
                if log.recovered() {
                    tracing::info!(lease = name, "the Lease can be read and written again");
                }
            }
            Err(ApiError::Refused { message, .. }) => {
                api_health.up();
                if log.failed(&message) {
                    tracing::warn!(
                        lease = name,
                        error = message,
                        "the Lease cannot be held, so no replica writes a status or manages certificates; \
                         --namespace and --leader-election-lease name it, and podreeve's role must let it get, create and update it"
                    );
                }
            }
            Err(error @ (ApiError::Unavailable(_) | ApiError::Timeout)) => api_health.down(&error.to_string()),
        }
        let leads = renewed.is_some_and(|renewed| renewed.elapsed() < GIVE_UP);
        announce(&leader, leads, name);
        if gives_back {
            tracing::info!(lease = name, "another replica can do all of a leader's work, and this one cannot");
            give_back(&api, name, identity).await;
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = candidacy.ends() => break,
        }
    }
    leader.send_replace(false);
    if renewed.is_some() {
        give_back(&api, name, identity).await;
    }
}

/// After the replica has stopped to lead.
async fn give_back(api: &Api<Lease>, name: &str, identity: &str) {
    match timeout(REQUEST, release(api, name, identity)).await.unwrap_or(Err(ApiError::Timeout)) {
        Ok(()) => tracing::info!(lease = name, "the Lease is released"),
        Err(error) => tracing::warn!(
            lease = name,
            error = error.to_string(),
            "the Lease cannot be released; another replica leads when it has expired"
        ),
    }
}

fn announce(leader: &watch::Sender<bool>, leads: bool, lease: &str) {
    leader.send_if_modified(|leader| {
        let changed = std::mem::replace(leader, leads) != leads;
        if changed {
            tracing::info!(lease, "{}", if leads { "this replica leads" } else { "another replica leads" });
        }
        changed
    });
}

/// The last state of the Lease that this replica has seen, and since when.
struct Seen {
    holder: Option<String>,
    renewed: Option<MicroTime>,
    since: Instant,
}

impl Seen {
    fn note(&mut self, spec: &LeaseSpec) {
        if self.holder != spec.holder_identity || self.renewed != spec.renew_time {
            *self =
                Self { holder: spec.holder_identity.clone(), renewed: spec.renew_time.clone(), since: Instant::now() };
        }
    }
}

/// Who holds the Lease now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Held {
    Own,
    /// Another replica, or none.
    NotOwn,
    /// This replica, which cannot do all of a leader's work. One that can waits for it to go.
    HasSuccessor,
}

impl Held {
    const fn own_if(own: bool) -> Self {
        if own { Self::Own } else { Self::NotOwn }
    }
}

async fn take_or_renew(
    api: &Api<Lease>,
    name: &str,
    candidate: Candidate<'_>,
    seen: &mut Seen,
) -> Result<Held, ApiError> {
    let (identity, is_able) = (candidate.identity, (candidate.is_able)());
    let patience = if is_able { Duration::ZERO } else { PATIENCE };
    let Some(mut lease) = api.get_opt(name).await? else {
        if seen.since.elapsed() < patience {
            return Ok(Held::NotOwn);
        }
        let mut metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        look_for_successor(&mut metadata, is_able);
        let lease = Lease { metadata, spec: Some(held_by(identity, None)) };
        return unless_conflict(api.create(&PostParams::default(), &lease).await.map(|_| ())).map(Held::own_if);
    };
    let spec = lease.spec.take().unwrap_or_default();
    seen.note(&spec);
    let is_own = spec.holder_identity.as_deref() == Some(identity);
    let successor = lease.metadata.annotations.as_ref().and_then(|annotations| annotations.get(SUCCESSOR));
    if is_own && !is_able && successor.is_some_and(|successor| !successor.is_empty() && successor != identity) {
        return Ok(Held::HasSuccessor);
    }
    // The Lease keeps the version that was read, so of two replicas that try, one wins.
    if may_hold(&spec, identity, seen.since.elapsed(), patience) {
        look_for_successor(&mut lease.metadata, is_able);
        lease.spec = Some(held_by(identity, Some(&spec)));
        return unless_conflict(api.replace(name, &PostParams::default(), &lease).await.map(|_| ())).map(Held::own_if);
    }
    if is_able && successor.is_some_and(String::is_empty) {
        lease.metadata.annotations.get_or_insert_default().insert(SUCCESSOR.to_owned(), identity.to_owned());
        lease.spec = Some(spec);
        unless_conflict(api.replace(name, &PostParams::default(), &lease).await.map(|_| ()))?;
    }
    Ok(Held::NotOwn)
}

/// What the Lease of a replica says of a successor, as long as none has answered.
fn look_for_successor(metadata: &mut ObjectMeta, is_able: bool) {
    let annotations = metadata.annotations.get_or_insert_default();
    if is_able {
        annotations.remove(SUCCESSOR);
    } else {
        annotations.insert(SUCCESSOR.to_owned(), String::new());
    }
}

/// Leaves the Lease without a holder, as client-go can do, so that the next leader need not wait.
async fn release(api: &Api<Lease>, name: &str, identity: &str) -> Result<(), ApiError> {
    let Some(mut lease) = api.get_opt(name).await? else { return Ok(()) };
    let Some(spec) = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_deref() == Some(identity)) else {
        return Ok(());
    };
    spec.holder_identity = Some(String::new());
    spec.renew_time = Some(MicroTime(Timestamp::now()));
    spec.lease_duration_seconds = Some(1);
    lease.metadata.annotations.get_or_insert_default().remove(SUCCESSOR);
    api.replace(name, &PostParams::default(), &lease).await?;
    Ok(())
}

/// False after a conflict: another replica was faster.
fn unless_conflict(result: kube::Result<()>) -> Result<bool, ApiError> {
    match result.map_err(ApiError::from) {
        Ok(()) => Ok(true),
        Err(error) if error.is_conflict() => Ok(false),
        Err(error) => Err(error),
    }
}

fn may_hold(spec: &LeaseSpec, identity: &str, unchanged: Duration, patience: Duration) -> bool {
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let duration = seconds.map_or(DURATION, Duration::from_secs);
    match spec.holder_identity.as_deref() {
        None | Some("") => unchanged >= patience,
        Some(holder) => holder == identity || unchanged > duration + patience,
    }
}

fn held_by(identity: &str, before: Option<&LeaseSpec>) -> LeaseSpec {
    let now = MicroTime(Timestamp::now());
    let ours = before.filter(|spec| spec.holder_identity.as_deref() == Some(identity));
    let transitions = before.and_then(|spec| spec.lease_transitions).unwrap_or_default();
    LeaseSpec {
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: i32::try_from(DURATION.as_secs()).ok(),
        acquire_time: ours.and_then(|spec| spec.acquire_time.clone()).or_else(|| Some(now.clone())),
        renew_time: Some(now),
        lease_transitions: Some(if ours.is_some() || before.is_none() { transitions } else { transitions + 1 }),
        ..LeaseSpec::default()
    }
}

#[cfg(test)]
mod tests;
