//! One of several replicas is the leader: the one that holds the Lease.
//!
//! As client-go does, a holder is given up when its Lease has not changed for its whole duration on this
//! replica's own clock, so that clocks which differ elect nobody.

use super::api_health::ApiHealth;
use crate::text::with_causes;
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, PostParams};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// How long a Lease holds that is not renewed.
const DURATION: Duration = Duration::from_secs(15);
/// Between two looks at it.
const EVERY: Duration = Duration::from_secs(3);
/// A leader that cannot renew for this long ceases to be one, before another can begin.
const GIVE_UP: Duration = Duration::from_secs(8);
/// Longest time for one look: with [`EVERY`] and [`GIVE_UP`] less than [`DURATION`].
const REQUEST: Duration = Duration::from_secs(3);

/// Tries to hold the Lease until the replica drains, and tells whether it does.
pub async fn hold(api: Api<Lease>, name: &str, identity: &str, link: &ApiHealth, leads: watch::Sender<bool>) {
    let mut seen = Seen { holder: None, renewed: None, since: Instant::now() };
    let mut held: Option<Instant> = None;
    let mut refused: Option<String> = None;
    let standing = link.join_election();
    loop {
        let asked = Instant::now();
        let looked = tokio::time::timeout(REQUEST, step(&api, name, identity, &mut seen)).await;
        match looked
            .unwrap_or_else(|_| Err(LeaseError::Unreachable("the API server does not answer in time".to_owned())))
        {
            Ok(holds) => {
                link.up();
                held = holds.then_some(asked);
                if refused.take().is_some() {
                    tracing::info!(lease = name, "the Lease can be read and written again");
                }
            }
            Err(LeaseError::Unreachable(error)) => link.down(&error),
            Err(LeaseError::Refused(error)) => {
                link.up();
                if refused.as_ref() != Some(&error) {
                    tracing::warn!(
                        lease = name,
                        error,
                        "the Lease cannot be held, so no replica writes a status or keeps certificates; \
                         --namespace and --leader-election-lease name it, and podreeve's role must let it get, create and update it"
                    );
                    refused = Some(error);
                }
            }
        }
        let leading = held.is_some_and(|renewed| renewed.elapsed() < GIVE_UP);
        leads.send_if_modified(|leads| {
            let changed = *leads != leading;
            if changed {
                tracing::info!(
                    lease = name,
                    "{}",
                    if leading { "this replica leads" } else { "another replica leads" }
                );
            }
            *leads = leading;
            changed
        });
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = standing.leaving() => break,
        }
    }
    leads.send_replace(false);
    if held.is_some() {
        match tokio::time::timeout(REQUEST, release(&api, name, identity)).await {
            Ok(Ok(())) => tracing::info!(lease = name, "the Lease is given back"),
            Ok(Err(LeaseError::Refused(error) | LeaseError::Unreachable(error))) => {
                tracing::warn!(
                    lease = name,
                    error,
                    "the Lease cannot be given back; another replica leads when it has run out"
                );
            }
            Err(_) => {}
        }
    }
}

/// What was last seen of the Lease, and since when it is so.
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

enum LeaseError {
    /// The API server answered, and the answer was no.
    Refused(String),
    Unreachable(String),
}

impl From<kube::Error> for LeaseError {
    fn from(error: kube::Error) -> Self {
        match &error {
            kube::Error::Api(status) if matches!(status.code, 400..=499) && !matches!(status.code, 401 | 429) => {
                Self::Refused(crate::text::clean(&status.message, 300))
            }
            _ => Self::Unreachable(with_causes(&error)),
        }
    }
}

/// Whether this replica holds it now.
async fn step(api: &Api<Lease>, name: &str, identity: &str, seen: &mut Seen) -> Result<bool, LeaseError> {
    let Some(mut lease) = api.get_opt(name).await? else {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        let lease = Lease { metadata, spec: Some(taken(None, identity)) };
        return answered(api.create(&PostParams::default(), &lease).await.map(|_| ()));
    };
    let spec = lease.spec.take().unwrap_or_default();
    seen.note(&spec);
    if !may_hold(&spec, identity, seen.since.elapsed()) {
        return Ok(false);
    }
    lease.spec = Some(taken(Some(&spec), identity));
    // With the version that was read: of two that try, one wins.
    answered(api.replace(name, &PostParams::default(), &lease).await.map(|_| ()))
}

/// As client-go does when it is told to: held by nobody, so that the next one need not wait.
async fn release(api: &Api<Lease>, name: &str, identity: &str) -> Result<(), LeaseError> {
    let Some(mut lease) = api.get_opt(name).await? else { return Ok(()) };
    let Some(spec) = lease.spec.as_mut().filter(|spec| spec.holder_identity.as_deref() == Some(identity)) else {
        return Ok(());
    };
    spec.holder_identity = Some(String::new());
    spec.renew_time = Some(MicroTime(Timestamp::now()));
    spec.lease_duration_seconds = Some(1);
    api.replace(name, &PostParams::default(), &lease).await?;
    Ok(())
}

fn answered(result: Result<(), kube::Error>) -> Result<bool, LeaseError> {
    match result {
        Ok(()) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn may_hold(spec: &LeaseSpec, identity: &str, unchanged: Duration) -> bool {
    let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let duration = seconds.map_or(DURATION, Duration::from_secs);
    match spec.holder_identity.as_deref() {
        None | Some("") => true,
        Some(holder) => holder == identity || unchanged > duration,
    }
}

fn taken(before: Option<&LeaseSpec>, identity: &str) -> LeaseSpec {
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
mod tests {
    use super::*;

    fn held(by: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(by.to_owned()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(4),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn a_lease_is_taken_when_it_is_free_or_was_not_renewed() {
        let (soon, late) = (Duration::from_secs(14), Duration::from_secs(16));
        assert!(may_hold(&LeaseSpec::default(), "a", Duration::ZERO));
        assert!(may_hold(&held("a"), "a", Duration::ZERO));
        assert!(!may_hold(&held("b"), "a", soon));
        assert!(may_hold(&held("b"), "a", late));
        assert!(may_hold(&held(""), "a", Duration::ZERO));
    }

    #[test]
    fn another_holder_counts_as_a_transition() {
        assert_eq!(taken(None, "a").lease_transitions, Some(0));
        assert_eq!(taken(Some(&held("a")), "a").lease_transitions, Some(4));
        assert_eq!(taken(Some(&held("b")), "a").lease_transitions, Some(5));
    }
}
