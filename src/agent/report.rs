//! The report of a node, as a cluster-scoped object of openreports.io.

use crate::cluster::item::Item;
use crate::cluster::report_fields::{Reference, Summary, Time};
use crate::decide::Effect;
use crate::facts::reported_nodes::{CHECKED, FACTS, INTERVAL, LABEL, NAME_PREFIX, ReportedNode};
use crate::report::node::{NodeReport, NodeResultReport};
use crate::rule::VerdictKind;
use crate::text::clean;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// The annotation with the hash of the content.
pub const CONTENT: &str = "podreeve.dev/content";

/// Longest texts, in characters.
const TEXT: usize = 300;
/// The most results.
const RESULTS: usize = 1000;
/// The most bytes of all results together: etcd takes an object of 1.5 MB.
const SIZE: usize = 1_200_000;

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

/// When the host was read, and how often that is. Neither is a part of the content.
#[derive(Debug, Clone, Copy)]
pub struct Audited {
    /// Seconds since 1970.
    pub at: i64,
    pub interval: Duration,
}

impl Audited {
    pub fn annotations(self) -> [(&'static str, String); 2] {
        [(CHECKED, self.at.to_string()), (INTERVAL, self.interval.as_secs().to_string())]
    }
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
        let mut size = 0;
        let fits = |result: &ReportResult| {
            // Serializing plain fields cannot fail.
            size += serde_json::to_string(result).map_or(0, |text| text.len());
            size <= SIZE
        };
        let results = all.iter().take(RESULTS).map(|result| one(result, &node, seen, now));
        let results: Vec<ReportResult> = results.take_while(fits).collect();
        let mut annotations = BTreeMap::from([(FACTS, serde_json::to_string(facts).unwrap_or_default())]);
        if all.len() > results.len() {
            annotations.insert("podreeve.dev/results-left-out", (all.len() - results.len()).to_string());
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
    pub fn written(mut self, content: String, version: Option<String>, audited: Audited) -> Item {
        self.metadata.annotations.insert(CONTENT, content);
        self.metadata.annotations.extend(audited.annotations());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Action;
    use crate::report::node::NodeSummary;
    use crate::rule::Severity;
    use serde_json::Value;

    fn result(verdict: VerdictKind, text: &str) -> NodeResultReport {
        NodeResultReport {
            rule: "node-files",
            verdict,
            severity: Severity::High,
            subject: text.to_owned(),
            found: text.to_owned(),
            wanted: Some(text.to_owned()),
            source: Some(text.to_owned()),
            fix: Some(text.to_owned()),
            why: "",
            policy: "owasp".to_owned(),
            action: Action::Deny,
            effect: Some(Effect::Deny),
            note: None,
            exemption: None,
            owasp: (1..=93).collect(),
            cis: vec!["D3.1".to_owned(); 20],
            fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
        }
    }

    /// A host may have names as long as a path can be, with any byte in them, and more files than a report holds.
    #[test]
    fn the_report_of_any_host_fits_and_has_no_control_characters() {
        let hostile = "\u{1b}[2J\r\n\u{202e}\u{1f4a3}".repeat(400);
        let mut results = vec![result(VerdictKind::Pass, &hostile); 4999];
        results.push(result(VerdictKind::Fail, "worst"));
        let report = NodeReport {
            api_version: "podreeve.dev/v1alpha1",
            kind: "NodeReport",
            node: "n-1".to_owned(),
            taken: String::new(),
            system: String::new(),
            results,
            summary: NodeSummary::default(),
        };
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let object = ClusterReport::new(&report, &ReportedNode::default(), "u", &FirstSeen::new(), now);
        let audited = Audited { at: 1_800_000_000, interval: Duration::from_secs(3600) };
        let item = object.written("0".repeat(32), Some("9".repeat(20)), audited);
        let text = item.raw.get();
        assert!(text.len() < 1_400_000, "{} bytes are more than etcd takes", text.len());
        let written: Value = serde_json::from_str(text).unwrap();
        let all = written["results"].as_array().unwrap();
        assert!((50..=RESULTS).contains(&all.len()), "{}", all.len());
        assert_eq!(written["summary"]["pass"], 4999);
        let annotations = &written["metadata"]["annotations"];
        assert_eq!((&annotations[CHECKED], &annotations[INTERVAL]), (&"1800000000".into(), &"3600".into()));
        let left_out = written["metadata"]["annotations"]["podreeve.dev/results-left-out"].as_str().unwrap();
        assert_eq!(left_out, (5000 - all.len()).to_string());
        assert_eq!((&all[0]["result"], &all[0]["properties"]["found"]), (&Value::from("fail"), &Value::from("worst")));
        let texts = all.iter().flat_map(|result| {
            let message = result["message"].as_str();
            message.into_iter().chain(result["properties"].as_object().unwrap().values().filter_map(Value::as_str))
        });
        for text in texts {
            assert!(!text.contains(|c: char| c.is_control() || c == '\u{202e}'), "{text:?}");
        }
    }
}
