//! The leader scans now and then, and tells what it finds in reports, events and metrics.

use super::events::Events;
use super::reports::{Api, Reports};
use super::{RateLimiter, ScanObserver, Scanning, Scope};
use crate::admit::Snapshot;
use crate::cluster::item::Item;
use crate::cluster::{Leadership, Lookup};
use crate::observe::metrics::scan::{NAMESPACES, Scan as Metrics};
use crate::scan::{Counts, NamespaceFindings};
use jiff::Timestamp;
use kube::Client;
use kube::core::ApiResource;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How a leader scans.
#[derive(Debug, Clone)]
pub struct Settings {
    /// From the beginning of a scan to that of the next.
    pub interval: Duration,
    /// Calls to the API server.
    pub per_second: u32,
    pub reports: Option<Api>,
}

/// What the webhook serves with.
#[derive(Clone, Copy)]
pub struct Served<'s> {
    /// What is in force now.
    pub snapshot: &'s (dyn Fn() -> Arc<Snapshot> + Sync),
    pub metrics: &'s Metrics,
}

/// Objects in a page: of each kind one page is in memory.
const PAGE: u32 = 200;
/// Results in a report.
const RESULTS: usize = 500;
/// A new leader waits as long, until it has heard of the policies of the cluster.
const START: Duration = Duration::from_secs(10);
/// New policies are scanned by no sooner after a scan began, and looked for as often.
const SOONEST: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_secs(5);

/// Scans as long as this replica leads.
pub async fn lead(
    settings: &crate::cluster::Settings,
    client: &Client,
    lookup: &Lookup,
    mut leads: Leadership,
    served: Served<'_>,
) {
    let Some(scan) = &settings.scan else { return };
    served.metrics.interval.set(scan.interval.as_secs_f64());
    let leader = Leader { settings: scan, identity: &settings.identity, client, lookup, served };
    while leads.wait_for(|leads| *leads).await.is_ok() {
        tokio::select! {
            () = leader.scans() => {}
            _ = leads.wait_for(|leads| !*leads) => {}
        }
        served.metrics.forget();
    }
}

struct Leader<'l> {
    settings: &'l Settings,
    identity: &'l str,
    client: &'l Client,
    lookup: &'l Lookup,
    served: Served<'l>,
}

impl Leader<'_> {
    async fn scans(&self) {
        sleep(START.min(self.settings.interval)).await;
        let limiter = RateLimiter::new(Some(self.settings.per_second));
        let mut events = Events::new(self.client, self.identity);
        let mut reports = self.settings.reports.map(|api| Reports::new(self.client, api));
        let mut unread = HashMap::new();
        loop {
            let (begun, generation) = (Instant::now(), (self.served.snapshot)().policies.generation);
            self.scan(&limiter, &mut events, reports.as_mut(), &mut unread).await;
            let (next, soonest) = (begun + self.settings.interval, begun + SOONEST.min(self.settings.interval));
            while Instant::now() < next {
                sleep(LOOK.min(next - Instant::now())).await;
                if (self.served.snapshot)().policies.generation != generation && Instant::now() >= soonest {
                    break;
                }
            }
        }
    }

    async fn scan(
        &self,
        limiter: &RateLimiter,
        events: &mut Events,
        mut reports: Option<&mut Reports<'_>>,
        unread: &mut HashMap<String, String>,
    ) {
        let begun = Instant::now();
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
            before: limiter.taken(),
            events,
            reports: reports.zip(resource),
            metrics: self.served.metrics,
            known: std::mem::take(unread),
            unread,
            written: 0,
            failed: 0,
            namespaces: 0,
            objects: 0,
            counts: Counts::default(),
            worst: Vec::new(),
        };
        let scanning = Scanning { client: self.client, lookup: self.lookup, limiter, snapshot: self.served.snapshot };
        scanning.run(&scope, &mut run).await;
        run.end(begun);
    }
}

/// One scan.
struct ScanRun<'t, 'r> {
    limiter: &'t RateLimiter,
    /// Calls that were made before.
    before: u64,
    events: &'t mut Events,
    reports: Option<(&'t mut Reports<'r>, ApiResource)>,
    metrics: &'t Metrics,
    /// What the scan before could not read, and what this one cannot.
    known: HashMap<String, String>,
    unread: &'t mut HashMap<String, String>,
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
        self.failed += self.events.tell(&found, self.limiter).await;
    }

    fn unread(&mut self, what: &str, why: &str) {
        self.metrics.errors.inc();
        // Once, and again when it changes: not with each scan.
        if self.known.get(what).is_none_or(|known| known != why) {
            tracing::warn!(
                what,
                error = why,
                "a scan cannot read them, and goes on without; no report is removed meanwhile. Grant podreeve's role list on them"
            );
        }
        self.unread.insert(what.to_owned(), why.to_owned());
    }
}

impl ScanRun<'_, '_> {
    fn end(self, begun: Instant) {
        self.metrics.errors.inc_by(self.failed);
        let events = self.events.done(!self.unread.is_empty());
        let calls = self.limiter.taken() - self.before;
        if let Some((reports, _)) = self.reports
            && self.failed == 0
        {
            reports.well();
        }
        let seconds = begun.elapsed().as_secs_f64();
        #[allow(clippy::cast_precision_loss, reason = "seconds since 1970")]
        let now = Timestamp::now().as_second() as f64;
        let completed = self.unread.is_empty().then_some(now);
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

    /// Has one Deployment that would be denied, refuses to list pods, and takes no Event.
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
    async fn what_cannot_be_read_and_told_is_counted() {
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
        let metrics = Metrics::new(&prometheus::Registry::new()).unwrap();
        let leader = Leader {
            settings: &Settings { interval: Duration::from_secs(60), per_second: 10, reports: None },
            identity: "a",
            client: &client,
            lookup: &Lookup::default(),
            served: Served { snapshot: &|| Arc::clone(&snapshot), metrics: &metrics },
        };
        let (mut events, mut unread) = (Events::new(&client, "a"), HashMap::new());
        for scans in 1..=2 {
            leader.scan(&RateLimiter::new(None), &mut events, None, &mut unread).await;
            // The pods each time; the Event once, for what was told or tried is not told again.
            assert_eq!((metrics.errors.get(), metrics.objects.get()), (scans + 1, 1));
        }
        assert_eq!(unread.keys().collect::<Vec<_>>(), ["Pod"]);
        assert!(metrics.completed.get() < 1.0, "a scan that could not read everything is not complete");
    }
}
