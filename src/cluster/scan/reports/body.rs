//! The content of a report. Both APIs have the same fields, except for the `source` of the whole report.

use super::api::{CONTENT, MANAGED, NAME, ReportApi};
use crate::cluster::item::Item;
use crate::cluster::report_fields::{Reference, Summary, Time};
use crate::scan::{FindingKind, NamespaceFindings, ScanFinding, ScanResult};
use crate::text::{clean, dotted};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Longest texts, in characters. With these the largest report stays below the 1.5 MB of etcd.
const VALUE: usize = 200;
const FIELD: usize = 300;

/// A report without the time of its results.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    api_version: String,
    kind: &'static str,
    metadata: Metadata,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'static str>,
    scope: Reference,
    summary: Summary,
    results: Vec<ReportResult>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: &'static str,
    namespace: String,
    labels: BTreeMap<&'static str, &'static str>,
    annotations: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_version: Option<String>,
}

#[derive(Serialize)]
struct ReportResult {
    source: &'static str,
    policy: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    rule: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    severity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
    result: &'static str,
    scored: bool,
    resources: Vec<Reference>,
    message: String,
    properties: BTreeMap<&'static str, String>,
}

impl Body {
    pub fn new(api: ReportApi, found: &NamespaceFindings) -> Self {
        let (group, version, kind) = api.names();
        let counts = found.counts;
        let mut body = Self {
            api_version: format!("{group}/{version}"),
            kind,
            metadata: Metadata {
                name: NAME,
                namespace: found.namespace.clone(),
                labels: BTreeMap::from([MANAGED]),
                annotations: BTreeMap::new(),
                resource_version: None,
            },
            source: (api == ReportApi::OpenReports).then_some("podreeve"),
            scope: Reference {
                api_version: "v1".to_owned(),
                kind: "Namespace".to_owned(),
                namespace: String::new(),
                name: found.namespace.clone(),
                uid: String::new(),
            },
            summary: Summary { pass: 0, fail: counts.fail, warn: counts.warn, error: counts.error, skip: counts.skip },
            results: found.findings.iter().map(|finding| ReportResult::new(finding, &found.namespace)).collect(),
        };
        let left_out = counts.all().saturating_sub(found.findings.len());
        if left_out > 0 {
            body.metadata.annotations.insert("podreeve.dev/results-left-out", left_out.to_string());
        }
        // A release that hashes in another way writes every report again, once.
        let mut hasher = DefaultHasher::new();
        body.text().hash(&mut hasher);
        body.metadata.annotations.insert(CONTENT, format!("{:016x}", hasher.finish()));
        body
    }

    /// The hash of the content. Times do not change it.
    pub fn content(&self) -> Option<&str> {
        self.metadata.annotations.get(CONTENT).map(String::as_str)
    }

    /// The object to write, which replaces that version.
    pub fn written(mut self, version: Option<String>, now: Timestamp) -> Item {
        self.metadata.resource_version = version;
        for result in &mut self.results {
            result.timestamp = Some(Time { seconds: now.as_second(), nanos: 0 });
        }
        Item::of(self.text())
    }

    fn text(&self) -> String {
        // Serializing plain fields cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl ReportResult {
    fn new(finding: &ScanFinding, namespace: &str) -> Self {
        let owner = &finding.owner;
        let subject = Reference {
            api_version: owner.api_version.clone(),
            kind: owner.kind.clone(),
            namespace: namespace.to_owned(),
            name: owner.name.clone(),
            uid: owner.uid.clone(),
        };
        let mut result = Self {
            source: "podreeve",
            policy: "podreeve".to_owned(),
            rule: finding.rule(),
            category: None,
            severity: finding.severity().as_str(),
            timestamp: None,
            result: finding.result().as_str(),
            scored: matches!(finding.result(), ScanResult::Fail | ScanResult::Error),
            resources: vec![subject],
            message: String::new(),
            properties: BTreeMap::from([("object", finding.kind.clone())]),
        };
        match &finding.what {
            FindingKind::Problem(problem) => {
                result.message = format!("it could not be judged: {}", clean(problem, 2 * VALUE));
            }
            FindingKind::Violation(violation) => {
                let field = clean(&dotted(&violation.field), FIELD);
                let (found, wanted) = (clean(&violation.found, VALUE), clean(&violation.wanted, VALUE));
                let why = clean(&violation.why, 2 * VALUE);
                result.message = format!("{field}: found {found}, wanted {wanted}: {why}");
                result.policy = violation.policy.to_string();
                result.category = violation.rule.owasp.first().map(|item| format!("OWASP item {item}"));
                result.properties.insert("effect", violation.effect.as_str().to_owned());
                result.properties.insert("field", field);
                if let Some((kind, name)) = violation.subject.container() {
                    result.properties.insert("container", clean(name, 63));
                    result.properties.insert("containerKind", kind.field().to_owned());
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Counts, Owner};
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn found(problem: &str, all: usize) -> NamespaceFindings {
        let owner =
            Owner { api_version: "apps/v1".into(), kind: "Deployment".into(), name: "web".into(), uid: "u".into() };
        let what = FindingKind::Problem(problem.to_owned());
        let findings = vec![ScanFinding { owner: Arc::new(owner), kind: "Deployment".to_owned(), what }];
        let counts = Counts { error: all, ..Counts::default() };
        NamespaceFindings { namespace: "shop".to_owned(), objects: 1, owners: Vec::new(), counts, findings }
    }

    #[test]
    fn the_content_counts_and_not_the_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let body = || Body::new(ReportApi::OpenReports, &found("odd", 1));
        assert_eq!(body().content(), body().content());
        assert_ne!(body().content(), Body::new(ReportApi::OpenReports, &found("even", 1)).content());
        // One more finding, which the report leaves out.
        assert_ne!(body().content(), Body::new(ReportApi::OpenReports, &found("odd", 2)).content());
        let value = |item: Item| serde_json::from_str::<Value>(item.raw.get()).unwrap();
        let (first, later) = (value(body().written(None, at(1))), value(body().written(Some("7".into()), at(2))));
        assert_eq!(first["results"][0]["timestamp"], json!({"seconds": 1, "nanos": 0}));
        assert_eq!(first["metadata"]["annotations"], later["metadata"]["annotations"]);
        assert_eq!(
            (&first["metadata"]["resourceVersion"], &later["metadata"]["resourceVersion"]),
            (&Value::Null, &json!("7"))
        );
    }

    #[test]
    fn the_number_of_results_left_out_is_in_the_report() {
        let body = Body::new(ReportApi::WgPolicy, &found("odd", 7));
        assert_eq!(body.metadata.annotations["podreeve.dev/results-left-out"], "6");
        assert_eq!((body.summary.error, body.source), (7, None));
    }
}
