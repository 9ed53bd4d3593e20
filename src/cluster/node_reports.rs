//! The reports that agents write about their nodes: a metric, an Event on a Node for what is new, and facts for admission.
//!
//! Every replica watches the reports, for the facts. The leader alone sends Events. An Event has the name of what it is about, so a leader after it
//! sends none again.

mod events;
mod report;

pub use report::NodeReport;

use super::api_error::ApiError;
use super::api_health::ApiHealth;
use super::item::{Item, resource};
use super::lease::Leadership;
use super::state::StateSender;
use super::watch::{Sink, WatchNames, watch};
use crate::facts::reported_nodes::{LABEL, ReportedNode, ReportedNodes};
use crate::observe::LogOnce;
use crate::observe::metrics::nodes::{NodeMetrics, NodeVerdicts};
use events::{NAMESPACE, Sent, news};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::api::PostParams;
use kube::runtime::watcher;
use kube::{Api, Client};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// What is kept of a report.
#[derive(Default)]
struct Kept {
    verdicts: NodeVerdicts,
    /// The time of the last audit, in seconds since 1970.
    checked: i64,
    interval: u32,
    facts: ReportedNode,
}

struct Reports<'r> {
    client: &'r Client,
    leadership: Leadership,
    metrics: &'r NodeMetrics,
    state: StateSender,
    identity: &'r str,
    kept: BTreeMap<String, Kept>,
    listed: HashSet<String>,
    /// Events to send, and those that were sent.
    news: Vec<Event>,
    sent: Sent,
    log: LogOnce,
}

/// Watches the reports, and never ends.
pub async fn run(
    client: &Client,
    identity: &str,
    api_health: &ApiHealth,
    leadership: Leadership,
    metrics: &NodeMetrics,
    state: StateSender,
) {
    let kind = resource("openreports.io", "v1alpha1", "ClusterReport", "clusterreports");
    let names = WatchNames { what: "clusterreports.openreports.io", without: "nothing is known of the nodes" };
    let mut sink = Reports {
        client,
        leadership,
        metrics,
        state,
        identity,
        kept: BTreeMap::new(),
        listed: HashSet::new(),
        news: Vec::new(),
        sent: Sent::default(),
        log: LogOnce::default(),
    };
    let config = watcher::Config::default().labels(&format!("{}={}", LABEL.0, LABEL.1)).page_size(50);
    watch(Api::all_with(client.clone(), &kind), config, api_health, names, &mut sink).await;
}

impl Sink for Reports<'_> {
    fn list_begins(&mut self) {
        self.listed.clear();
    }

    fn apply(&mut self, item: &Item) {
        let Some(report) = NodeReport::read(item) else { return };
        self.listed.insert(report.node.clone());
        self.news.extend(news(&report, self.identity, Timestamp::now()));
        self.kept.insert(report.node.clone(), Kept::of(report));
    }

    fn delete(&mut self, item: &Item) {
        if let Some(report) = NodeReport::read(item) {
            self.kept.remove(&report.node);
        }
    }

    fn list_ends(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        self.kept.retain(|node, _| listed.contains(node));
        self.sent.retain(|node| listed.contains(node));
    }

    async fn flush(&mut self) {
        let mut all = NodeVerdicts::default();
        for kept in self.kept.values() {
            all.add(&kept.verdicts);
        }
        let oldest = self.kept.values().map(|kept| kept.checked).min();
        let interval = self.kept.values().map(|kept| kept.interval).max();
        self.metrics.set(&all, self.kept.len(), oldest, interval);
        let reported: ReportedNodes = self.kept.iter().map(|(node, kept)| (node.clone(), kept.facts.clone())).collect();
        self.state.send_if_modified(|state| {
            let changed = *state.reported_nodes != reported;
            if changed {
                state.reported_nodes = Arc::new(reported);
            }
            changed
        });
        self.send().await;
    }
}

impl Reports<'_> {
    /// Sends what is new, if this replica leads.
    async fn send(&mut self) {
        let news = std::mem::take(&mut self.news);
        if !*self.leadership.borrow() {
            return;
        }
        let api: Api<Event> = Api::namespaced(self.client.clone(), NAMESPACE);
        let now = Timestamp::now().as_second();
        for event in news {
            let name = event.metadata.name.clone().unwrap_or_default();
            let node = event.involved_object.name.clone().unwrap_or_default();
            if !self.sent.may_send(&node, &name, now) {
                continue;
            }
            match api.create(&PostParams::default(), &event).await.map_err(ApiError::from) {
                Ok(_) => {
                    self.log.recovered();
                }
                // The leader before this one has sent it.
                Err(error) if error.is_conflict() => {}
                Err(error) => {
                    self.sent.failed(&node, &name);
                    if self.log.began_to_fail(&error.to_string()) {
                        tracing::warn!(%error, "events on nodes cannot be written: grant podreeve's role create on events");
                    }
                }
            }
        }
    }
}

impl Kept {
    fn of(report: NodeReport) -> Self {
        let mut verdicts = NodeVerdicts::default();
        for result in &report.results {
            let verdict = result.properties.get("verdict").map(String::as_str).unwrap_or_default();
            verdicts.count(&result.rule, verdict);
        }
        Self { verdicts, checked: report.checked, interval: report.interval, facts: report.facts }
    }
}

#[cfg(test)]
mod tests {
    use super::report::tests::{report, written};
    use super::*;

    #[test]
    fn the_verdicts_are_counted() {
        let kept = Kept::of(report(&written("podreeve-node.n-1", 0)).unwrap());
        let of = |rule, verdict| kept.verdicts.of(rule, verdict);
        assert_eq!((of("node-tls", "fail"), of("node-tls", "pass"), of("node-tls", "unknown")), (1, 1, 0));
    }
}
