//! The leader scans at intervals, and publishes what it finds in reports, events and metrics.

use super::events::Events;
use super::rate_limiter::RateLimiter;
use super::reports::{ReportApi, Reports};
use super::run::{ScanRun, Unread};
use super::scanner::{Scanner, Scope};
use crate::admit::Snapshot;
use crate::cluster::fact_client::FactClient;
use crate::cluster::lease::Leadership;
use crate::facts::FactKinds;
use crate::observe::metrics::scan::ScanMetrics;
use kube::Client;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How the leader scans.
#[derive(Debug, Clone)]
pub struct ScanSettings {
    /// From the start of a scan to the start of the next.
    pub interval: Duration,
    /// Most calls to the API server in a second.
    pub per_second: u32,
    pub reports: Option<ReportApi>,
}

/// The parts of the server that a scan uses.
#[derive(Clone, Copy)]
pub struct ScanContext<'s> {
    /// Returns the policies and facts in force now.
    pub snapshot: &'s (dyn Fn() -> Arc<Snapshot> + Sync),
    pub metrics: &'s ScanMetrics,
}

/// Objects in a page. One page of each kind is in memory.
const PAGE: u32 = 200;
/// Results in a report.
const RESULTS: usize = 500;
/// How long a new leader waits, so that the policies of the cluster are in force.
const START: Duration = Duration::from_secs(10);
/// Shortest time from the start of a scan to the next one, if the policies change.
const SOONEST: Duration = Duration::from_secs(60);
/// Between two checks whether the policies have changed.
const CHECK: Duration = Duration::from_secs(5);

/// Scans at intervals while this replica is the leader.
pub async fn scan_while_leader(
    settings: &ScanSettings,
    identity: &str,
    client: &Client,
    fact_client: &FactClient,
    mut leadership: Leadership,
    context: ScanContext<'_>,
) {
    context.metrics.interval.set(settings.interval.as_secs_f64());
    let leader = Leader { settings, identity, client, fact_client, context };
    while leadership.wait_for(|leads| *leads).await.is_ok() {
        tokio::select! {
            () = leader.scans() => {}
            _ = leadership.wait_for(|leads| !*leads) => {}
        }
        context.metrics.forget();
    }
}

struct Leader<'l> {
    settings: &'l ScanSettings,
    identity: &'l str,
    client: &'l Client,
    fact_client: &'l FactClient,
    context: ScanContext<'l>,
}

impl Leader<'_> {
    async fn scans(&self) {
        sleep(START.min(self.settings.interval)).await;
        let limiter = RateLimiter::new(Some(self.settings.per_second));
        let mut events = Events::new(self.client, self.identity);
        let mut reports = self.settings.reports.map(|api| Reports::new(self.client, api));
        let mut unread = Unread::new();
        loop {
            let (start, generation) = (Instant::now(), (self.context.snapshot)().policies.generation);
            self.scan(&limiter, &mut events, reports.as_mut(), &mut unread).await;
            let (next, soonest) = (start + self.settings.interval, start + SOONEST.min(self.settings.interval));
            while Instant::now() < next {
                sleep(CHECK.min(next - Instant::now())).await;
                if (self.context.snapshot)().policies.generation != generation && Instant::now() >= soonest {
                    break;
                }
            }
        }
    }

    /// Whether `podPidsLimit` of every node is known; none where no policy needs it.
    fn pids_limit_known(&self) -> Option<bool> {
        let snapshot = (self.context.snapshot)();
        snapshot.policies.facts().contains(FactKinds::NODES).then(|| snapshot.facts.nodes.all_known())
    }

    async fn scan(
        &self,
        limiter: &RateLimiter,
        events: &mut Events,
        mut reports: Option<&mut Reports<'_>>,
        unread: &mut Unread,
    ) {
        let start = Instant::now();
        let existing_reports = match &mut reports {
            Some(reports) => reports.installed().await,
            None => None,
        };
        let scope = Scope {
            namespace: None,
            selector: None,
            page: PAGE,
            findings: RESULTS,
            images: false,
            existing_reports: existing_reports.clone(),
        };
        let resource = existing_reports.map(|(resource, _)| resource);
        let reports = reports.zip(resource);
        let mut run = ScanRun::new(limiter, events, reports, self.context.metrics, unread);
        let scanner =
            Scanner { client: self.client, fact_client: self.fact_client, limiter, snapshot: self.context.snapshot };
        scanner.run(&scope, &mut run).await;
        run.end(start, self.pids_limit_known());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Cluster, CompiledPolicy, PolicyDocument, PolicySet};
    use http::{Method, Request, Response};
    use kube::client::Body;
    use serde_json::{Value, json};
    use std::convert::Infallible;

    /// The API server has one Deployment that would be denied, refuses to list pods, and refuses Events.
    fn answer(method: &Method, path: &str) -> Value {
        let refused = json!({"kind": "Status", "status": "Failure", "code": 403, "message": "forbidden"});
        let container = json!({"name": "a", "securityContext": {"privileged": true}});
        let deployment = json!({
            "metadata": {"namespace": "shop", "name": "web"}, "spec": {"template": {"spec": {"containers": [container]}}},
        });
        match (method, path) {
            (&Method::POST, _) | (_, "/api/v1/pods") => refused,
            (_, "/apis/apps/v1/deployments") => json!({"metadata": {}, "items": [deployment]}),
            _ => json!({"metadata": {}, "items": []}),
        }
    }

    fn client() -> Client {
        let service = tower::service_fn(|request: Request<Body>| {
            let answer = answer(request.method(), request.uri().path());
            let code = answer["code"].as_u64().map_or(200, |code| u16::try_from(code).unwrap());
            let response = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
            async { Ok::<_, Infallible>(response.unwrap()) }
        });
        Client::new(service, "default")
    }

    /// Calls `test` with a leader that scans by one rule.
    async fn with_leader(rule: &str, test: impl AsyncFnOnce(Leader<'_>)) {
        let policy = json!({
            "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
            "spec": {"rules": {rule: {"action": "deny"}}},
        });
        let policy = CompiledPolicy::compile(&PolicyDocument::from_json(&policy.to_string()).unwrap(), Cluster::With);
        let snapshot = Arc::new(Snapshot::new(PolicySet::new(vec![policy.unwrap()], 1), usize::MAX));
        test(Leader {
            settings: &ScanSettings { interval: Duration::from_secs(60), per_second: 10, reports: None },
            identity: "a",
            client: &client(),
            fact_client: &FactClient::default(),
            context: ScanContext {
                snapshot: &|| Arc::clone(&snapshot),
                metrics: &ScanMetrics::new(&prometheus::Registry::new()).unwrap(),
            },
        })
        .await;
    }

    #[tokio::test]
    async fn lists_and_events_that_fail_are_counted() {
        with_leader("privileged", async |leader| {
            let metrics = leader.context.metrics;
            let (mut events, mut unread) = (Events::new(leader.client, "a"), Unread::new());
            for scans in 1..=2 {
                leader.scan(&RateLimiter::new(None), &mut events, None, &mut unread).await;
                // The pods count at each scan, and the Event once: it is not tried again.
                assert_eq!((metrics.errors.get(), metrics.objects.get()), (scans + 1, 1));
            }
            assert_eq!(unread.keys().collect::<Vec<_>>(), ["Pod"]);
            assert!(metrics.completed.get() < 1.0, "a scan that could not read everything is not complete");
        })
        .await;
    }

    #[tokio::test]
    async fn limits_of_nodes_are_reported_if_a_policy_needs_them() {
        with_leader("privileged", async |leader| assert_eq!(leader.pids_limit_known(), None)).await;
        with_leader("pids-limit", async |leader| assert_eq!(leader.pids_limit_known(), Some(false))).await;
    }
}
