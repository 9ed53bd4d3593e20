//! A report of an agent, as far as it is read.

use crate::cluster::item::Item;
use crate::cluster::report_fields::Time;
use crate::facts::reported_nodes::{CHECKED, FACTS, INTERVAL, NAME_PREFIX, ReportedNode};
use serde::Deserialize;
use std::collections::HashMap;

/// What an agent says of its node.
pub struct NodeReport {
    pub node: String,
    /// The time of the last audit, in seconds since 1970.
    pub checked: i64,
    /// The seconds to the next one.
    pub interval: u32,
    pub facts: ReportedNode,
    pub results: Vec<NodeResult>,
}

#[derive(Deserialize)]
struct Written {
    metadata: Metadata,
    scope: Scope,
    #[serde(default)]
    results: Vec<NodeResult>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    name: String,
    #[serde(default)]
    annotations: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Scope {
    kind: String,
    name: String,
}

#[derive(Deserialize)]
pub struct NodeResult {
    pub rule: String,
    pub result: String,
    pub severity: String,
    pub message: String,
    /// When it was found first.
    pub timestamp: Time,
    #[serde(default)]
    pub properties: HashMap<String, String>,
}

impl NodeReport {
    /// None for an object that is no report of a node, or that claims to be that of another node: the API server holds each agent to the name
    /// of its own.
    pub fn read(item: &Item) -> Option<Self> {
        let Written { metadata, scope, results } = item.read()?;
        if scope.kind != "Node" || metadata.name.strip_prefix(NAME_PREFIX) != Some(&scope.name) {
            return None;
        }
        let annotation = |key: &str| metadata.annotations.get(key).map(String::as_str).unwrap_or_default();
        let checked = annotation(CHECKED).parse().unwrap_or_default();
        // An agent of an older version does not say it.
        let interval = annotation(INTERVAL).parse().unwrap_or(3600);
        let facts: ReportedNode = serde_json::from_str(annotation(FACTS)).unwrap_or_default();
        Some(Self { node: scope.name, checked, interval, facts: facts.audited(checked, interval), results })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub fn written(name: &str, first_seen: i64) -> Value {
        json!({
            "metadata": {"name": name, "annotations": {
                CHECKED: "1800000000",
                INTERVAL: "43200",
                FACTS: "{\"podPidsLimit\":4096,\"appArmor\":true,\"ofALaterVersion\":true}",
            }},
            "scope": {"kind": "Node", "name": "n-1"},
            "results": [
                {"rule": "node-tls", "result": "fail", "severity": "high", "message": "dockerd: found tcp", "timestamp": {"seconds": first_seen},
                 "properties": {"verdict": "fail", "fingerprint": "0123456789abcdef0123456789abcdef", "fix": "add --tlsverify"}},
                {"rule": "node-tls", "result": "pass", "severity": "high", "message": "", "timestamp": {"seconds": first_seen},
                 "properties": {"verdict": "pass", "fingerprint": "1"}},
                {"rule": "of-a-later-version", "result": "fail", "severity": "high", "message": "", "timestamp": {"seconds": 0},
                 "properties": {"verdict": "fail"}},
            ],
        })
    }

    pub fn report(written: &Value) -> Option<NodeReport> {
        NodeReport::read(&Item::of(written.to_string()))
    }

    #[test]
    fn a_report_has_the_name_of_its_node() {
        let read = report(&written("podreeve-node.n-1", 0)).unwrap();
        assert_eq!((read.node.as_str(), read.checked, read.interval), ("n-1", 1_800_000_000, 43_200));
        assert_eq!(
            (read.facts.pod_pids_limit, read.facts.app_armor, read.facts.se_linux),
            (Some(4096), Some(true), None)
        );
        for name in ["podreeve-node.n-2", "n-1", "podreeve-node.", ""] {
            assert!(report(&written(name, 0)).is_none(), "{name}");
        }
        let mut other = written("podreeve-node.n-1", 0);
        other["scope"]["kind"] = json!("Pod");
        assert!(report(&other).is_none());
    }

    #[test]
    fn an_interval_that_no_report_says() {
        for text in ["", "-1", "often"] {
            let mut of_old = written("podreeve-node.n-1", 0);
            of_old["metadata"]["annotations"][INTERVAL] = json!(text);
            assert_eq!(report(&of_old).unwrap().interval, 3600, "{text}");
        }
    }

    #[test]
    fn facts_that_cannot_be_read_are_unknown() {
        for text in ["", "[]", "{\"podPidsLimit\":\"many\"}", "\u{1b}[31m", "{\"podPidsLimit\":1e400}"] {
            let mut broken = written("podreeve-node.n-1", 0);
            broken["metadata"]["annotations"][FACTS] = json!(text);
            let unknown = ReportedNode::default().audited(1_800_000_000, 43_200);
            assert_eq!(report(&broken).unwrap().facts, unknown, "{text}");
        }
    }
}
