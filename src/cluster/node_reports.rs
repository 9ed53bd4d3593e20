//! The reports that agents write about their nodes: a metric, an Event on a Node for what is new, and facts for admission.
//!
//! Every replica watches the reports, for the facts. The leader alone sends Events. An Event has the name of what it is about, so a leader after it
//! sends none again.

use super::api_error::ApiError;
use super::api_health::ApiHealth;
use super::item::{Item, resource};
use super::lease::Leadership;
use super::report_fields;
use super::state::StateSender;
use super::watch::{Sink, WatchNames, watch};
use crate::facts::reported_nodes::{CHECKED, FACTS, LABEL, ReportedNode, ReportedNodes};
use crate::observe::LogOnce;
use crate::observe::metrics::nodes::{NodeMetrics, NodeVerdicts};
use crate::text::clean;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use kube::api::PostParams;
use kube::runtime::watcher;
use kube::{Api, Client};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// A failure that was found first before this many seconds is no news: its Event has gone.
const NEWS: i64 = 3600;
/// Most Events of one report.
const MOST_EVENTS: usize = 20;

/// A report, as far as it is read.
#[derive(Deserialize)]
struct Report {
    metadata: Metadata,
    scope: Scope,
    #[serde(default)]
    results: Vec<NodeResult>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    annotations: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Scope {
    name: String,
}

#[derive(Deserialize)]
struct NodeResult {
    rule: String,
    result: String,
    severity: String,
    message: String,
    /// When it was found first.
    timestamp: report_fields::Time,
    #[serde(default)]
    properties: HashMap<String, String>,
}

/// What is kept of a report.
#[derive(Default)]
struct Kept {
    verdicts: NodeVerdicts,
    /// The time of the last audit, in seconds since 1970.
    checked: i64,
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
    /// Events to send, and the names of those that were sent.
    news: Vec<Event>,
    sent: HashSet<String>,
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
        sent: HashSet::new(),
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
        let Some(report) = item.read::<Report>() else { return };
        let node = report.scope.name.clone();
        self.listed.insert(node.clone());
        self.news.extend(news(&report, self.identity, Timestamp::now()));
        self.kept.insert(node, Kept::of(&report));
    }

    fn delete(&mut self, item: &Item) {
        if let Some(report) = item.read::<Report>() {
            self.kept.remove(&report.scope.name);
        }
    }

    fn list_ends(&mut self) {
        let listed = std::mem::take(&mut self.listed);
        self.kept.retain(|node, _| listed.contains(node));
    }

    async fn flush(&mut self) {
        let mut all = NodeVerdicts::default();
        for kept in self.kept.values() {
            all.add(&kept.verdicts);
        }
        let oldest = self.kept.values().map(|kept| kept.checked).min();
        self.metrics.set(&all, self.kept.len(), oldest);
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
        let api: Api<Event> = Api::namespaced(self.client.clone(), EVENTS);
        for event in news {
            let name = event.metadata.name.clone().unwrap_or_default();
            if !self.sent.insert(name.clone()) {
                continue;
            }
            match api.create(&PostParams::default(), &event).await.map_err(ApiError::from) {
                Ok(_) => {
                    self.log.recovered();
                }
                // The leader before this one has sent it.
                Err(error) if error.is_conflict() => {}
                Err(error) => {
                    self.sent.remove(&name);
                    if self.log.began_to_fail(&error.to_string()) {
                        tracing::warn!(%error, "events on nodes cannot be written: grant podreeve's role create on events");
                    }
                }
            }
        }
    }
}

impl Kept {
    fn of(report: &Report) -> Self {
        let annotation = |key: &str| report.metadata.annotations.get(key).map(String::as_str).unwrap_or_default();
        let mut verdicts = NodeVerdicts::default();
        for result in &report.results {
            let verdict = result.properties.get("verdict").map(String::as_str).unwrap_or_default();
            verdicts.count(&result.rule, verdict);
        }
        Self {
            verdicts,
            checked: annotation(CHECKED).parse().unwrap_or_default(),
            facts: serde_json::from_str(annotation(FACTS)).unwrap_or_default(),
        }
    }
}

/// Events about cluster-scoped objects are in this namespace, where `kubectl describe node` looks for them.
const EVENTS: &str = "default";

/// Failures that were found first a short time ago.
fn news(report: &Report, identity: &str, now: Timestamp) -> Vec<Event> {
    let is_new = |result: &&NodeResult| {
        matches!(&*result.result, "fail" | "warn") && now.as_second() - result.timestamp.seconds < NEWS
    };
    let failed = report.results.iter().filter(is_new).take(MOST_EVENTS);
    failed.filter_map(|result| event(&report.scope.name, result, identity, now)).collect()
}

fn event(node: &str, result: &NodeResult, identity: &str, now: Timestamp) -> Option<Event> {
    let fingerprint = result.properties.get("fingerprint")?;
    let fix = result.properties.get("fix").map(|fix| format!("; repair: {fix}")).unwrap_or_default();
    let message = format!("{} ({}): {}{fix}", result.rule, result.severity, result.message);
    let at = Time(now);
    Some(Event {
        metadata: ObjectMeta {
            name: Some(format!("{node}.{}.{:.16}", result.rule, clean(fingerprint, 32))),
            namespace: Some(EVENTS.to_owned()),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("Node".to_owned()),
            name: Some(node.to_owned()),
            // `kubectl describe node` looks for the name here.
            uid: Some(node.to_owned()),
            ..ObjectReference::default()
        },
        type_: Some("Warning".to_owned()),
        reason: Some("NodeViolation".to_owned()),
        message: Some(clean(&message, 1000)),
        action: Some("Audit".to_owned()),
        count: Some(1),
        first_timestamp: Some(at.clone()),
        last_timestamp: Some(at),
        source: Some(EventSource { component: Some("podreeve".to_owned()), host: Some(node.to_owned()) }),
        reporting_component: Some("podreeve.dev/node".to_owned()),
        reporting_instance: Some(clean(identity, 128)),
        ..Event::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn report(first_seen: i64) -> Report {
        serde_json::from_value(json!({
            "metadata": {"annotations": {
                CHECKED: "1800000000",
                FACTS: "{\"podPidsLimit\":4096,\"ofALaterVersion\":true}",
            }},
            "scope": {"name": "n-1"},
            "results": [
                {"rule": "node-tls", "result": "fail", "severity": "high", "message": "dockerd: found tcp", "timestamp": {"seconds": first_seen},
                 "properties": {"verdict": "fail", "fingerprint": "0123456789abcdef0123456789abcdef", "fix": "add --tlsverify"}},
                {"rule": "node-tls", "result": "pass", "severity": "high", "message": "", "timestamp": {"seconds": first_seen},
                 "properties": {"verdict": "pass", "fingerprint": "1"}},
                {"rule": "of-a-later-version", "result": "fail", "severity": "high", "message": "", "timestamp": {"seconds": 0},
                 "properties": {"verdict": "fail"}},
            ],
        }))
        .unwrap()
    }

    #[test]
    fn a_failure_is_news_once() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let news = |first_seen| news(&report(first_seen), "podreeve-1", now);
        assert!(news(now.as_second() - NEWS).is_empty());
        let events = news(now.as_second() - 10);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].metadata.name.as_deref(), Some("n-1.node-tls.0123456789abcdef"));
        let message = events[0].message.as_deref().unwrap();
        assert_eq!(message, "node-tls (high): dockerd: found tcp; repair: add --tlsverify");
        assert_eq!(events[0].involved_object.name.as_deref(), Some("n-1"));
    }

    #[test]
    fn the_facts_and_the_verdicts_are_read() {
        let kept = Kept::of(&report(0));
        assert_eq!(kept.checked, 1_800_000_000);
        assert_eq!(kept.facts.pod_pids_limit, Some(4096));
        let of = |rule, verdict| kept.verdicts.of(rule, verdict);
        assert_eq!((of("node-tls", "fail"), of("node-tls", "pass"), of("node-tls", "unknown")), (1, 1, 0));
    }
}
