//! The leader scans at intervals, and publishes what it finds in reports, events and metrics.

use super::events::Events;
use super::rate_limiter::RateLimiter;
use super::reports::{ReportApi, Reports};
use super::scanner::{ScanObserver, Scanner, Scope};
use crate::admit::Snapshot;
use crate::cluster::fact_client::FactClient;
use crate::cluster::item::Item;
use crate::cluster::lease::Leadership;
use crate::facts::FactKinds;
use crate::observe::LogOnce;
use crate::observe::metrics::scan::{NAMESPACES, ScanMetrics};
use crate::scan::{Counts, NamespaceFindings};
use jiff::Timestamp;
use kube::Client;
use kube::core::ApiResource;
use std::collections::HashMap;
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
            existing_reports: existing_reports.clone(),
        };
        let resource = existing_reports.map(|(resource, _)| resource);
        let mut run = ScanRun {
            limiter,
            calls_before: limiter.calls(),
            events,
            reports: reports.zip(resource),
            metrics: self.context.metrics,
            unread_before: std::mem::take(unread),
            unread,
            written: 0,
            failed: 0,
            namespaces: 0,
            objects: 0,
            counts: Counts::default(),
            worst: Vec::new(),
        };
        let scanner =
            Scanner { client: self.client, fact_client: self.fact_client, limiter, snapshot: self.context.snapshot };
        scanner.run(&scope, &mut run).await;
        run.end(start, self.pids_limit_known());
    }
}

/// The kinds that a scan could not read, each with the error in the log.
type Unread = HashMap<String, LogOnce>;

/// One scan.
struct ScanRun<'t, 'r> {
    limiter: &'t RateLimiter,
    /// Calls of the scans before.
    calls_before: u64,
    events: &'t mut Events,
    reports: Option<(&'t mut Reports<'r>, ApiResource)>,
    metrics: &'t ScanMetrics,
    /// What the last scan could not read.
    unread_before: Unread,
    /// What this scan cannot read.
    unread: &'t mut Unread,
    /// Reports that were written or deleted.
    written: usize,
    /// Reports and events that could not be written.
    failed: u64,
    namespaces: usize,
    objects: usize,
    counts: Counts,
    /// Violations by namespace, the worst first.
    worst: Vec<(usize, String)>,
}

impl ScanObserver for ScanRun<'_, '_> {
    async fn found(&mut self, found: NamespaceFindings, existing_reports: &[Item]) {
        self.namespaces += 1;
        self.objects += found.objects;
        self.counts.fail += found.counts.fail;
        self.counts.error += found.counts.error;
        self.counts.warn += found.counts.warn;
        self.counts.skip += found.counts.skip;
        let denied = found.counts.fail + found.counts.error;
        if denied > 0 {
            self.worst.push((denied, found.namespace.clone()));
            self.worst.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            self.worst.truncate(NAMESPACES);
        }
        if let Some((reports, resource)) = &mut self.reports {
            match reports.write(resource, &found, existing_reports, !self.unread.is_empty(), self.limiter).await {
                Ok(written) => self.written += usize::from(written),
                Err(()) => self.failed += 1,
            }
        }
        self.failed += self.events.record(&found, self.limiter).await;
    }

    fn unread(&mut self, what: &str, why: &str) {
        self.metrics.errors.inc();
        let mut log = self.unread_before.remove(what).unwrap_or_default();
        if log.failed(why) {
            tracing::warn!(
                what,
                error = why,
                "a scan cannot read these objects and leaves them out, and no report is removed meanwhile; grant podreeve's role list on them"
            );
        }
        self.unread.insert(what.to_owned(), log);
    }
}

impl ScanRun<'_, '_> {
    fn end(self, start: Instant, pids_limit_known: Option<bool>) {
        self.metrics.errors.inc_by(self.failed);
        let events = self.events.done(!self.unread.is_empty());
        let calls = self.limiter.calls() - self.calls_before;
        if let Some((reports, _)) = self.reports
            && self.failed == 0
        {
            reports.recovered();
        }
        let seconds = start.elapsed().as_secs_f64();
        let completed = self.unread.is_empty().then(Timestamp::now);
        self.metrics.done(completed, seconds, self.objects, self.counts, &self.worst);
        tracing::info!(
            namespaces = self.namespaces,
            objects = self.objects,
            denied = self.counts.fail,
            not_judged = self.counts.error,
            not_read = self.unread.len(),
            calls,
            events,
            reports = self.written,
            pids_limit_known,
            seconds,
            "a scan is done"
        );
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

    #[tokio::test]
    async fn lists_and_events_that_fail_are_counted() {
        let service = tower::service_fn(|request: Request<Body>| {
            let answer = answer(request.method(), request.uri().path());
            let code = answer["code"].as_u64().map_or(200, |code| u16::try_from(code).unwrap());
            let response = Response::builder().status(code).body(Body::from(answer.to_string().into_bytes()));
            async { Ok::<_, Infallible>(response.unwrap()) }
        });
        let client = Client::new(service, "default");
        let policy = json!({
            "apiVersion": "podreeve.dev/v1alpha1", "kind": "Policy", "metadata": {"name": "p"},
            "spec": {"rules": {"privileged": {"action": "deny"}}},
        });
        let policy = CompiledPolicy::compile(&PolicyDocument::from_json(&policy.to_string()).unwrap(), Cluster::With);
        let snapshot = Arc::new(Snapshot::new(PolicySet::new(vec![policy.unwrap()], 1), usize::MAX));
        let metrics = ScanMetrics::new(&prometheus::Registry::new()).unwrap();
        let leader = Leader {
            settings: &ScanSettings { interval: Duration::from_secs(60), per_second: 10, reports: None },
            identity: "a",
            client: &client,
            fact_client: &FactClient::default(),
            context: ScanContext { snapshot: &|| Arc::clone(&snapshot), metrics: &metrics },
        };
        let (mut events, mut unread) = (Events::new(&client, "a"), Unread::new());
        for scans in 1..=2 {
            leader.scan(&RateLimiter::new(None), &mut events, None, &mut unread).await;
            // The pods count at each scan, and the Event once: it is not tried again.
            assert_eq!((metrics.errors.get(), metrics.objects.get()), (scans + 1, 1));
        }
        assert_eq!(unread.keys().collect::<Vec<_>>(), ["Pod"]);
        assert!(metrics.completed.get() < 1.0, "a scan that could not read everything is not complete");
    }
}
