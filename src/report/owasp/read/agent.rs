//! The report of an agent on a node, as it is in the cluster.

use super::{NodeResult, of_node};
use crate::decide::Effect;
use crate::facts::reported_nodes::NAME_PREFIX;
use crate::report::owasp::{Found, ItemVerdict, Place, Subject};
use crate::rule::Judges;
use crate::rules::RULES;
use crate::text::clean;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A report of an agent, as it is in the cluster. All values of its properties are texts.
#[derive(Deserialize)]
struct ClusterReport {
    metadata: Named,
    scope: Named,
    #[serde(default)]
    results: Vec<ClusterResult>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// Has how many results had no room in the report.
const LEFT_OUT: &str = "podreeve.dev/results-left-out";

#[derive(Deserialize)]
struct ClusterResult {
    rule: String,
    result: String,
    #[serde(default)]
    properties: BTreeMap<String, String>,
}

/// The node of an object `ClusterReport` that an agent wrote.
///
/// # Errors
/// It has not the form of one, or the name of another node's. A policy of the cluster lets each agent write the one with its node's name.
pub fn node_in_cluster(text: &str) -> Result<Subject, String> {
    let report: ClusterReport =
        serde_json::from_str(text).map_err(|error| format!("is no report of an agent: {error}"))?;
    if report.metadata.name.strip_prefix(NAME_PREFIX) != Some(report.scope.name.as_str()) {
        return Err(format!("is about node {}, and has not its name", clean(&report.scope.name, 253)));
    }
    let found = report.results.into_iter().map(|mut result| {
        let verdict = result.properties.remove("verdict").unwrap_or_default();
        let owasp = result.properties.remove("owasp").unwrap_or_default();
        let mut take = |key: &str| result.properties.remove(key);
        of_node(NodeResult {
            rule: result.rule,
            verdict,
            subject: take("subject").unwrap_or_default(),
            found: take("found"),
            wanted: take("wanted"),
            fix: take("fix"),
            source: take("source"),
            effect: (result.result == "skip").then_some(Effect::Exempt),
            note: None,
            exemption: None,
            owasp: owasp.split(' ').filter_map(|item| item.parse().ok()).collect(),
        })
    });
    let mut found: Vec<Found> = found.collect();
    if let Some(count) = report.metadata.annotations.get(LEFT_OUT).filter(|_| !found.is_empty()) {
        found.extend(
            RULES.iter().filter(|rule| matches!(rule.judges, Judges::Node(_))).map(|rule| left_out(rule.id, count)),
        );
    }
    Ok(Subject {
        place: Place::Node,
        name: format!("node {}", clean(&report.scope.name, 253)),
        problem: found.is_empty().then(|| "the report has no results".to_owned()),
        found,
    })
}

/// What the rule found may be among what is left out. It belongs to no item, because each item has results of its own.
fn left_out(rule: &str, count: &str) -> Found {
    Found {
        rule: rule.to_owned(),
        items: Vec::new(),
        verdict: ItemVerdict::Unknown,
        place: String::new(),
        found: format!("{} results had no room in the report; `podreeve node` there has all", clean(count, 20)),
        wanted: String::new(),
        note: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::owasp::ItemVerdict::{Exempt, Fail, NotApplicable, Unknown};

    #[test]
    fn a_report_in_the_cluster_says_the_same_as_the_file() {
        let in_cluster = r#"{"metadata": {"name": "podreeve-node.n-1"}, "scope": {"name": "n-1"}, "results": [
            {"rule": "node-tls", "result": "fail", "properties": {"verdict": "fail", "subject": "dockerd", "found": "tcp", "wanted": "TLS",
             "source": "flag", "fix": "add --tlsverify", "owasp": "33 83", "effect": "deny"}},
            {"rule": "node-files", "result": "skip", "properties": {"verdict": "fail", "subject": "/etc/docker", "owasp": "41"}},
            {"rule": "node-files", "result": "skip", "properties": {"verdict": "notApplicable", "subject": "crio", "owasp": "92"}}]}"#;
        let subject = node_in_cluster(in_cluster).unwrap();
        let said: Vec<_> = subject.found.iter().map(|found| (found.verdict, found.items.clone())).collect();
        assert_eq!(said, [(Fail, vec![33, 83]), (Exempt, vec![41]), (NotApplicable, vec![92])]);
        assert_eq!((subject.name.as_str(), subject.found[0].place.as_str()), ("node n-1", "dockerd, flag"));
        let cut = in_cluster.replace(
            r#""podreeve-node.n-1""#,
            r#""podreeve-node.n-1", "annotations": {"podreeve.dev/results-left-out": "6"}"#,
        );
        let cut = node_in_cluster(&cut).unwrap();
        assert!(
            cut.found
                .iter()
                .any(|found| found.rule == "node-files" && found.verdict == Unknown && found.items.is_empty())
        );
        assert!(node_in_cluster("{}").is_err());
        let of_another = in_cluster.replace("node.n-1", "node.n-2");
        assert_eq!(node_in_cluster(&of_another).unwrap_err(), "is about node n-1, and has not its name");
    }
}
