//! The report of a node, as a cluster-scoped object of openreports.io.

use crate::cluster::item::Item;
use crate::cluster::report_fields::{Reference, Summary, Time};
use crate::decide::Effect;
use crate::facts::reported_nodes::{CHECKED, FACTS, LABEL, NAME_PREFIX, ReportedNode};
use crate::report::node::{NodeReport, NodeResultReport};
use crate::rule::VerdictKind;
use crate::text::clean;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The annotation with the hash of the content.
pub const CONTENT: &str = "podreeve.dev/content";

/// Longest texts, in characters.
const TEXT: usize = 300;
/// The most results. With these the largest report stays below the 1.5 MB of etcd.
const RESULTS: usize = 1000;

/// The object, as it is written.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterReport {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    source: &'static str,
    scope: Reference,
    summary: Summary,
    results: Vec<ReportResult>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    labels: BTreeMap<&'static str, &'static str>,
    annotations: BTreeMap<&'static str, String>,
    /// The report goes with its node.
    owner_references: Vec<Reference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReportResult {
    source: &'static str,
    policy: String,
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    severity: &'static str,
    /// When it was found first.
    timestamp: Time,
    result: &'static str,
    scored: bool,
    resources: Vec<Reference>,
    message: String,
    properties: BTreeMap<&'static str, String>,
}

/// When each result of the last report was found first, by its fingerprint.
pub type FirstSeen = HashMap<String, Time>;

impl ClusterReport {
    pub fn new(report: &NodeReport, facts: &ReportedNode, uid: &str, seen: &FirstSeen, now: Timestamp) -> Self {
        let node = Reference {
            api_version: "v1".to_owned(),
            kind: "Node".to_owned(),
            namespace: String::new(),
            name: report.node.clone(),
            uid: uid.to_owned(),
        };
        let now = Time { seconds: now.as_second(), nanos: 0 };
        let mut all: Vec<&NodeResultReport> = report.results.iter().collect();
        // The worst stay, where not all do.
        all.sort_by_key(|result| std::cmp::Reverse(result.rank()));
        let mut summary = Summary::default();
        for result in &all {
            match word(result) {
                "pass" => summary.pass += 1,
                "fail" => summary.fail += 1,
                "warn" => summary.warn += 1,
                "error" => summary.error += 1,
                _ => summary.skip += 1,
            }
        }
        let results = all.iter().take(RESULTS).map(|result| one(result, &node, seen, now)).collect();
        let mut annotations = BTreeMap::from([(FACTS, serde_json::to_string(facts).unwrap_or_default())]);
        if all.len() > RESULTS {
            annotations.insert("podreeve.dev/results-left-out", (all.len() - RESULTS).to_string());
        }
        Self {
            api_version: "openreports.io/v1alpha1",
            kind: "ClusterReport",
            metadata: Metadata {
                name: format!("{NAME_PREFIX}{}", report.node),
                labels: BTreeMap::from([LABEL]),
                annotations,
                owner_references: vec![node.clone()],
                resource_version: None,
            },
            source: "podreeve",
            scope: node,
            summary,
            results,
        }
    }

    /// The text whose hash shows whether the report has changed. The time of an audit is not in it.
    pub fn content(&self) -> String {
        // Serializing plain fields cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The object to write, in place of that version.
    pub fn written(mut self, content: String, version: Option<String>, now: Timestamp) -> Item {
        self.metadata.annotations.insert(CONTENT, content);
        self.metadata.annotations.insert(CHECKED, now.as_second().to_string());
        self.metadata.resource_version = version;
        Item::of(self.content())
    }
}

/// The result in the words of the API.
fn word(result: &NodeResultReport) -> &'static str {
    match (result.verdict, result.effect) {
        (VerdictKind::Pass, _) => "pass",
        (VerdictKind::NotApplicable, _) | (VerdictKind::Fail, Some(Effect::Exempt)) => "skip",
        (VerdictKind::Unknown, _) => "error",
        (VerdictKind::Fail, Some(Effect::Deny) | None) => "fail",
        (VerdictKind::Fail, Some(_)) => "warn",
    }
}

fn one(result: &NodeResultReport, node: &Reference, seen: &FirstSeen, now: Time) -> ReportResult {
    let short = |text: &str| clean(text, TEXT);
    let mut properties = BTreeMap::from([
        ("verdict", result.verdict.to_string()),
        ("subject", short(&result.subject)),
        ("found", short(&result.found)),
        ("fingerprint", result.fingerprint.clone()),
    ]);
    for (key, value) in [("wanted", &result.wanted), ("source", &result.source), ("fix", &result.fix)] {
        if let Some(value) = value {
            properties.insert(key, short(value));
        }
    }
    let numbers: Vec<String> = result.owasp.iter().map(ToString::to_string).collect();
    if !numbers.is_empty() {
        properties.insert("owasp", numbers.join(" "));
    }
    if !result.cis.is_empty() {
        properties.insert("cis", result.cis.join(" "));
    }
    if let Some(effect) = result.effect {
        properties.insert("effect", effect.as_str().to_owned());
    }
    let message = match &result.wanted {
        Some(wanted) => format!("{}: found {}, wanted {}", short(&result.subject), short(&result.found), short(wanted)),
        None => format!("{}: {}", short(&result.subject), short(&result.found)),
    };
    ReportResult {
        source: "podreeve",
        policy: result.policy.clone(),
        rule: result.rule,
        category: result.owasp.first().map(|item| format!("OWASP item {item}")),
        severity: result.severity.as_str(),
        timestamp: seen.get(&key(result)).copied().unwrap_or(now),
        result: word(result),
        scored: matches!(word(result), "fail" | "error"),
        resources: vec![node.clone()],
        message,
        properties,
    }
}

/// A result that passes, and fails later, is found first when it fails.
fn key(result: &NodeResultReport) -> String {
    seen_key(result.verdict.as_str(), &result.fingerprint)
}

pub fn seen_key(verdict: &str, fingerprint: &str) -> String {
    format!("{verdict} {fingerprint}")
}
