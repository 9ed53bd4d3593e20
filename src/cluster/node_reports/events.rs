//! Events on Nodes about failures that are new.

use super::report::{NodeReport, NodeResult};
use crate::text::clean;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use std::collections::{HashMap, HashSet};

/// A failure that was found first before this many seconds is no news: its Event has gone.
const NEWS: i64 = 3600;
/// Most Events of one node in [`NEWS`] seconds. An intruder on a node can write ever new failures into its report.
const MOST_EVENTS: usize = 20;

/// Which Events were sent, so that none is sent twice and no node sends many.
#[derive(Default)]
pub struct Sent(HashMap<String, OfNode>);

struct OfNode {
    /// When the first of these was sent.
    since: i64,
    names: HashSet<String>,
}

impl Sent {
    /// Whether to send the Event of this name, about this node. It counts as sent from now on.
    pub fn may_send(&mut self, node: &str, event: &str, now: i64) -> bool {
        let of_node = self.0.entry(node.to_owned()).or_insert_with(|| OfNode { since: now, names: HashSet::new() });
        if now - of_node.since >= NEWS {
            *of_node = OfNode { since: now, names: HashSet::new() };
        }
        of_node.names.len() < MOST_EVENTS && of_node.names.insert(event.to_owned())
    }

    /// The Event was not taken.
    pub fn failed(&mut self, node: &str, event: &str) {
        if let Some(of_node) = self.0.get_mut(node) {
            of_node.names.remove(event);
        }
    }

    /// Forgets nodes that have gone.
    pub fn retain(&mut self, exists: impl Fn(&str) -> bool) {
        self.0.retain(|node, _| exists(node));
    }
}

/// Events about cluster-scoped objects are in this namespace, where `kubectl describe node` looks for them.
pub const NAMESPACE: &str = "default";

/// Failures that were found first a short time ago.
pub fn news(report: &NodeReport, identity: &str, now: Timestamp) -> Vec<Event> {
    let is_new = |result: &&NodeResult| {
        matches!(&*result.result, "fail" | "warn") && now.as_second() - result.timestamp.seconds < NEWS
    };
    let failed = report.results.iter().filter(is_new).take(MOST_EVENTS);
    failed.filter_map(|result| event(&report.node, result, identity, now)).collect()
}

fn event(node: &str, result: &NodeResult, identity: &str, now: Timestamp) -> Option<Event> {
    let fingerprint = result.properties.get("fingerprint")?;
    // It becomes a part of a name, and an intruder on the node can write it.
    if !result.rule.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return None;
    }
    let fix = result.properties.get("fix").map(|fix| format!("; repair: {fix}")).unwrap_or_default();
    let message = format!("{} ({}): {}{fix}", result.rule, result.severity, result.message);
    let at = Time(now);
    Some(Event {
        metadata: ObjectMeta {
            name: Some(format!("{node}.{}.{:.16}", result.rule, clean(fingerprint, 32))),
            namespace: Some(NAMESPACE.to_owned()),
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
    use super::super::report::tests::{report, written};
    use super::*;
    use serde_json::json;

    #[test]
    fn a_failure_is_news_once() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let news = |first_seen| news(&report(&written("podreeve-node.n-1", first_seen)).unwrap(), "podreeve-1", now);
        assert!(news(now.as_second() - NEWS).is_empty());
        let events = news(now.as_second() - 10);
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].metadata.name.as_deref(), Some("n-1.node-tls.0123456789abcdef"));
        let message = events[0].message.as_deref().unwrap();
        assert_eq!(message, "node-tls (high): dockerd: found tcp; repair: add --tlsverify");
        assert_eq!(events[0].involved_object.name.as_deref(), Some("n-1"));
    }

    #[test]
    fn a_forged_report_writes_few_events_without_control_characters() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let mut forged = written("podreeve-node.n-1", now.as_second());
        let one = forged["results"][0].clone();
        let many = (0..5000).map(|number| {
            let mut result = one.clone();
            result["message"] = json!(format!("\u{1b}[31m{}\r\n", "x".repeat(300)));
            result["properties"]["fingerprint"] = json!(format!("{number:032}"));
            result
        });
        forged["results"] = many.collect();
        let events = news(&report(&forged).unwrap(), "podreeve-1", now);
        assert_eq!(events.len(), MOST_EVENTS);
        for event in &events {
            let message = event.message.as_deref().unwrap();
            assert!(message.len() <= 1000 && !message.contains(|c: char| c.is_control()), "{message}");
        }
        forged["results"][0]["rule"] = json!("../../node-tls\n");
        assert_eq!(news(&report(&forged).unwrap(), "podreeve-1", now).len(), MOST_EVENTS - 1);
    }

    #[test]
    fn a_node_sends_few_events_in_an_hour_whatever_is_reported() {
        let mut sent = Sent::default();
        let mut count = |node, from: usize, now| {
            (from..from + 100).filter(|number| sent.may_send(node, &number.to_string(), now)).count()
        };
        assert_eq!(count("a", 0, 0), MOST_EVENTS);
        assert_eq!(count("a", 1000, NEWS - 1), 0);
        assert_eq!(count("b", 0, 0), MOST_EVENTS);
        assert_eq!(count("a", 2000, NEWS), MOST_EVENTS);
        assert!(!sent.may_send("a", "2000", NEWS));
        sent.failed("a", "2000");
        assert!(sent.may_send("a", "2000", NEWS));
        sent.retain(|node| node == "b");
        assert!(sent.may_send("a", "2000", NEWS));
    }
}
