use super::*;
use kube::client::Body;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

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
    let (soon, late, later) = (Duration::from_secs(14), Duration::from_secs(16), Duration::from_secs(31));
    for (spec, unchanged, able, unable) in [
        (LeaseSpec::default(), Duration::ZERO, true, false),
        (LeaseSpec::default(), late, true, true),
        (held("a"), Duration::ZERO, true, true),
        (held("b"), soon, false, false),
        (held("b"), late, true, false),
        (held("b"), later, true, true),
        (held(""), Duration::ZERO, true, false),
    ] {
        let may = [Duration::ZERO, PATIENCE].map(|patience| may_hold(&spec, "a", unchanged, patience));
        assert_eq!(may, [able, unable], "{spec:?} {unchanged:?}");
    }
}

#[test]
fn another_holder_counts_as_a_transition() {
    assert_eq!(held_by("a", None).lease_transitions, Some(0));
    assert_eq!(held_by("a", Some(&held("a"))).lease_transitions, Some(4));
    assert_eq!(held_by("a", Some(&held("b"))).lease_transitions, Some(5));
}

/// An API server with one Lease, which it keeps as a real one does: who writes an older version has a conflict.
fn api(lease: &Arc<Mutex<Option<Value>>>) -> Api<Lease> {
    let lease = Arc::clone(lease);
    let answer = tower::service_fn(move |request: http::Request<Body>| {
        let lease = Arc::clone(&lease);
        async move {
            let method = request.method().clone();
            let body = request.into_body().collect_bytes().await.unwrap();
            let mut kept = lease.lock().unwrap();
            let version = |lease: &Value| lease["metadata"]["resourceVersion"].as_str().map(str::to_owned);
            let status = |code: u16| {
                let reason = if code == 404 { "NotFound" } else { "Conflict" };
                json!({"kind": "Status", "status": "Failure", "code": code, "reason": reason, "message": ""})
            };
            let (code, body) = match (method.as_str(), &*kept) {
                ("GET", Some(lease)) => (200, lease.clone()),
                ("GET", None) => (404, status(404)),
                ("POST", Some(_)) => (409, status(409)),
                (_, before) => {
                    let mut new: Value = serde_json::from_slice(&body).unwrap();
                    let before = before.as_ref().and_then(version);
                    if before == version(&new) {
                        let next = before.and_then(|before| before.parse::<u64>().ok()).unwrap_or(0) + 1;
                        new["metadata"]["resourceVersion"] = json!(next.to_string());
                        *kept = Some(new.clone());
                        (200, new)
                    } else {
                        (409, status(409))
                    }
                }
            };
            Ok::<_, Infallible>(
                http::Response::builder().status(code).body(Body::from(body.to_string().into_bytes())).unwrap(),
            )
        }
    });
    Api::namespaced(kube::Client::new(answer, "podreeve"), "podreeve")
}

/// A replica, which has seen the Lease as it is for this long when it looks again.
struct Replica {
    identity: &'static str,
    is_able: bool,
    seen: Seen,
}

impl Replica {
    fn new(identity: &'static str, is_able: bool) -> Self {
        Self { identity, is_able, seen: Seen { holder: None, renewed: None, since: Instant::now() } }
    }

    async fn look(&mut self, api: &Api<Lease>) -> Held {
        let is_able = || self.is_able;
        let candidate = Candidate { identity: self.identity, is_able: &is_able };
        take_or_renew(api, "podreeve", candidate, &mut self.seen).await.unwrap()
    }

    async fn look_after(&mut self, api: &Api<Lease>, time: Duration) -> Held {
        self.seen.since = Instant::now().checked_sub(time).unwrap();
        self.look(api).await
    }
}

#[tokio::test]
async fn a_replica_that_cannot_do_all_leads_until_one_can() {
    let lease = Arc::default();
    let api = api(&lease);
    let (mut unable, mut able) = (Replica::new("unable", false), Replica::new("able", true));
    // It leads where it is alone.
    assert_eq!(unable.look(&api).await, Held::NotOwn);
    assert_eq!(unable.look_after(&api, PATIENCE).await, Held::Own);
    assert_eq!(unable.look(&api).await, Held::Own, "nobody else is there");
    // One that can do all is not a second leader, and the next look of the first one ends its time.
    assert_eq!(able.look(&api).await, Held::NotOwn);
    assert_eq!(unable.look(&api).await, Held::HasSuccessor);
    release(&api, "podreeve", "unable").await.unwrap();
    assert_eq!(unable.look(&api).await, Held::NotOwn, "it leaves time to the other one");
    assert_eq!(able.look(&api).await, Held::Own);
    assert_eq!(unable.look_after(&api, DURATION + Duration::from_secs(1)).await, Held::NotOwn);
    // The successor keeps it.
    assert_eq!(able.look(&api).await, Held::Own);
    assert!(!lease.lock().unwrap().as_ref().unwrap().to_string().contains(SUCCESSOR));
}

#[tokio::test]
async fn a_successor_that_does_not_come_is_forgotten_and_a_leader_that_has_become_able_stays() {
    let lease = Arc::default();
    let api = api(&lease);
    let (mut unable, mut able) = (Replica::new("unable", false), Replica::new("able", true));
    assert_eq!(unable.look_after(&api, PATIENCE).await, Held::Own);
    assert_eq!(able.look(&api).await, Held::NotOwn);
    assert_eq!(unable.look(&api).await, Held::HasSuccessor);
    release(&api, "podreeve", "unable").await.unwrap();
    assert_eq!(unable.look(&api).await, Held::NotOwn);
    assert_eq!(unable.look_after(&api, PATIENCE).await, Held::Own);
    assert_eq!(unable.look(&api).await, Held::Own);
    assert_eq!(able.look(&api).await, Held::NotOwn);
    unable.is_able = true;
    assert_eq!(unable.look(&api).await, Held::Own);
    assert_eq!(able.look(&api).await, Held::NotOwn);
    assert_eq!(unable.look(&api).await, Held::Own);
}
