//! What stands in a report. Both APIs have the same fields, but for the `source` of the whole.

use super::{Api, MANAGED, NAME};
use crate::cluster::item::Item;
use crate::scan::{Finding, Found, Outcome, Said};
use crate::text::{clean, dotted};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Longest texts, in characters: with these, as many results as a namespace has stay below etcd's 1.5 MB.
const VALUE: usize = 200;
const FIELD: usize = 300;

/// A report before it has a time.
pub struct Body {
    object: Map<String, Value>,
    content: String,
}

impl Body {
    pub fn new(api: Api, found: &Found) -> Self {
        let (group, version, kind) = api.names();
        let results: Vec<Value> = found.findings.iter().map(|finding| result(finding, &found.namespace)).collect();
        let counts = found.counts;
        let mut object = Map::new();
        object.insert("apiVersion".to_owned(), json!(format!("{group}/{version}")));
        object.insert("kind".to_owned(), json!(kind));
        if api == Api::OpenReports {
            object.insert("source".to_owned(), json!("podreeve"));
        }
        object.insert("scope".to_owned(), json!({"apiVersion": "v1", "kind": "Namespace", "name": found.namespace}));
        let summary =
            json!({"pass": 0, "fail": counts.fail, "warn": counts.warn, "error": counts.error, "skip": counts.skip});
        object.insert("summary".to_owned(), summary);
        object.insert("results".to_owned(), Value::Array(results));
        // Another release may hash otherwise, and then writes every report anew, once.
        let mut hasher = DefaultHasher::new();
        Value::Object(object.clone()).to_string().hash(&mut hasher);
        let content = format!("{:016x}", hasher.finish());
        let mut annotations = json!({"podreeve.dev/content": content});
        let left_out = counts.all().saturating_sub(found.findings.len());
        if left_out > 0 {
            annotations["podreeve.dev/results-left-out"] = json!(left_out.to_string());
        }
        let labels = json!({MANAGED.0: MANAGED.1});
        let metadata =
            json!({"name": NAME, "namespace": found.namespace, "labels": labels, "annotations": annotations});
        object.insert("metadata".to_owned(), metadata);
        Self { object, content }
    }

    /// The hash of what it says, which does not count when it was said.
    pub fn content(&self) -> &str {
        &self.content
    }

    /// The object to write, in place of that version.
    pub fn written(mut self, version: Option<String>, now: Timestamp) -> Item {
        if let (Some(version), Some(metadata)) = (version, self.object.get_mut("metadata")) {
            metadata["resourceVersion"] = json!(version);
        }
        for result in self.object.get_mut("results").and_then(Value::as_array_mut).into_iter().flatten() {
            result["timestamp"] = json!({"seconds": now.as_second(), "nanos": 0});
        }
        Item::of(&Value::Object(self.object))
    }
}

fn result(finding: &Finding, namespace: &str) -> Value {
    let owner = &finding.owner;
    let subject = json!({
        "apiVersion": owner.api_version, "kind": owner.kind, "namespace": namespace,
        "name": owner.name, "uid": owner.uid,
    });
    let mut result = json!({
        "source": "podreeve",
        "policy": "podreeve",
        "severity": finding.severity().as_str(),
        "result": finding.outcome().as_str(),
        "scored": matches!(finding.outcome(), Outcome::Fail | Outcome::Error),
        "resources": [subject],
    });
    match &finding.said {
        Said::Problem(problem) => {
            result["message"] = json!(format!("it could not be judged: {}", clean(problem, 2 * VALUE)));
        }
        Said::Violation(violation) => {
            let field = clean(&dotted(&violation.field), FIELD);
            let (found, wanted) = (clean(&violation.found, VALUE), clean(&violation.wanted, VALUE));
            result["policy"] = json!(violation.policy);
            result["rule"] = json!(violation.rule.id);
            if let Some(item) = violation.rule.owasp.first() {
                result["category"] = json!(format!("OWASP item {item}"));
            }
            let why = clean(&violation.why, 2 * VALUE);
            result["message"] = json!(format!("{field}: found {found}, wanted {wanted}: {why}"));
            // Values must be text.
            let mut properties = json!({"effect": violation.effect.as_str(), "object": finding.kind, "field": field});
            if let Some((kind, name)) = &violation.container {
                properties["container"] = json!(clean(name, 63));
                properties["containerKind"] = json!(kind.field());
            }
            result["properties"] = properties;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::{Counts, Owner};
    use std::sync::Arc;

    fn found(problem: &str, all: usize) -> Found {
        let owner =
            Owner { api_version: "apps/v1".into(), kind: "Deployment".into(), name: "web".into(), uid: "u".into() };
        let said = Said::Problem(problem.to_owned());
        let findings = vec![Finding { owner: Arc::new(owner), kind: "Deployment".to_owned(), said }];
        let counts = Counts { error: all, ..Counts::default() };
        Found { namespace: "shop".to_owned(), objects: 1, owners: Vec::new(), counts, findings }
    }

    #[test]
    fn what_is_said_counts_and_not_when() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let body = || Body::new(Api::OpenReports, &found("odd", 1));
        assert_eq!(body().content(), body().content());
        assert_ne!(body().content(), Body::new(Api::OpenReports, &found("even", 1)).content());
        // One more that is not told.
        assert_ne!(body().content(), Body::new(Api::OpenReports, &found("odd", 2)).content());
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
    fn what_is_left_out_is_told() {
        let body = Body::new(Api::WgPolicy, &found("odd", 7));
        assert_eq!(body.object["metadata"]["annotations"]["podreeve.dev/results-left-out"], "6");
        assert_eq!(body.object["summary"]["error"], 7);
        assert!(!body.object.contains_key("source"));
    }
}
